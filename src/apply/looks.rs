//! Reads of waiting things, joined: one a resource type, configuration and tick, whatever number of things wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Time;
use crate::remote::Target;

/// How much rarer the reads of one type become the longer it is worked on: a tick lasts this part of the time since the
/// first one. So a long run of creations makes a number of reads that grows with the logarithm of its length.
const RARER: u32 = 32;

#[derive(Debug)]
pub(super) struct Looks {
    targets: BTreeMap<Target, Line>,
    batch: usize,
}

/// What waits to be looked at through one target.
#[derive(Debug, Default)]
struct Line {
    due: BTreeSet<(Time, usize)>,
    /// Nothing depends on these: they join any read, and have one of their own when they are many or nothing else is to be done.
    patient: BTreeSet<(Time, usize)>,
    first: Option<Time>,
    not_before: Time,
    in_flight: bool,
    tick: Duration,
}

impl Looks {
    /// So many that nothing depends on are worth a read, because what is to be done after it would fill the room that there is.
    pub fn new(batch: usize) -> Self {
        Self { targets: BTreeMap::new(), batch }
    }

    /// `tick` is the shortest time between two reads through this target.
    pub fn add(&mut self, target: Target, at: usize, due: Time, patient: bool, tick: Duration) {
        let line = self.targets.entry(target).or_default();
        line.tick = tick;
        let queue = if patient { &mut line.patient } else { &mut line.due };
        queue.insert((due, at));
    }

    /// What is to be looked at now. `idle`: nothing else can go on.
    pub fn due(&mut self, now: Time, idle: bool) -> Vec<(Target, Vec<usize>)> {
        let mut out = Vec::new();
        for (target, line) in &mut self.targets {
            if line.ready_at(idle, self.batch).is_none_or(|it| it > now) {
                continue;
            }
            let later = line.due.split_off(&(now + line.tick + Duration::from_nanos(1), 0));
            let mut steps: Vec<usize> = std::mem::replace(&mut line.due, later).into_iter().map(|(_, at)| at).collect();
            steps.extend(std::mem::take(&mut line.patient).into_iter().map(|(_, at)| at));
            steps.sort_unstable();
            line.in_flight = true;
            let since = now - *line.first.get_or_insert(now);
            line.not_before = now + line.tick.max(since / RARER);
            out.push((target.clone(), steps));
        }
        out
    }

    pub fn answered(&mut self, target: &Target) {
        if let Some(line) = self.targets.get_mut(target) {
            line.in_flight = false;
        }
    }

    pub fn wake_at(&self, idle: bool) -> Option<Time> {
        self.targets.values().filter_map(|line| line.ready_at(idle, self.batch)).min()
    }
}

impl Line {
    fn ready_at(&self, idle: bool, batch: usize) -> Option<Time> {
        if self.in_flight {
            return None;
        }
        let due = self.due.first().map(|(due, _)| *due);
        let now = idle || self.patient.len() >= batch;
        let patient = self.patient.first().map(|(due, _)| if now { Time::ZERO } else { *due });
        let first = due.into_iter().chain(patient).min()?;
        Some(first.max(self.not_before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Time {
        Time::from_secs(n)
    }

    fn target() -> Target {
        Target { type_name: "t".into(), config: Default::default() }
    }

    #[test]
    fn what_is_due_about_now_is_read_together_and_once_at_a_time() {
        let mut looks = Looks::new(64);
        for (at, due) in [(1, 5), (2, 5), (3, 6), (4, 9)] {
            looks.add(target(), at, seconds(due), false, seconds(1));
        }
        assert_eq!(looks.due(seconds(4), false), []);
        assert_eq!(looks.due(seconds(5), false), [(target(), vec![1, 2, 3])]);
        assert_eq!(looks.due(seconds(9), false), []);
        looks.answered(&target());
        assert_eq!(looks.due(seconds(9), false), [(target(), vec![4])]);
        looks.answered(&target());
        assert_eq!(looks.wake_at(true), None);
    }

    #[test]
    fn what_nobody_needs_waits_until_nothing_else_is_to_be_done() {
        let mut looks = Looks::new(64);
        looks.add(target(), 1, seconds(30), true, seconds(1));
        assert_eq!(looks.due(seconds(1), false), []);
        assert_eq!(looks.due(seconds(1), true), [(target(), vec![1])]);
    }

    #[test]
    fn many_that_nobody_needs_are_worth_a_read() {
        let mut looks = Looks::new(3);
        for at in 0..3 {
            assert_eq!(looks.due(seconds(1), false), []);
            looks.add(target(), at, seconds(30), true, seconds(1));
        }
        assert_eq!(looks.due(seconds(1), false), [(target(), vec![0, 1, 2])]);
    }

    #[test]
    fn reads_become_rarer_in_a_long_run() {
        let mut looks = Looks::new(64);
        let mut reads = 0;
        for tick in 0..100_000u64 {
            let now = Time::from_millis(tick);
            looks.add(target(), tick as usize, now, false, Duration::from_millis(1));
            reads += looks.due(now, false).len();
            looks.answered(&target());
        }
        assert!(reads < 350, "{reads}");
    }
}
