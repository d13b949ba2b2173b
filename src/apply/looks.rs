//! Reads of waiting things, joined: one a resource type, configuration and tick, whatever number of things wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Time;
use crate::remote::Target;

/// How much rarer the reads of one type become the longer it is worked on without a pause: a tick lasts this part of the time
/// since the first one. So a long run of creations makes a number of reads that grows with the logarithm of its length.
const RARER: u32 = 32;

#[derive(Debug)]
pub(super) struct Looks {
    lines: Vec<Line>,
    /// Of each step.
    line_of: Vec<usize>,
    /// Steps that have neither come to be looked at nor ended.
    to_come: Vec<bool>,
    batch: usize,
}

/// Why a step is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    First,
    /// For the first time, and nobody waits for it yet.
    Unneeded,
    Again,
}

/// What waits to be looked at through one target.
#[derive(Debug)]
struct Line {
    target: Target,
    due: BTreeSet<(Time, usize)>,
    /// Nothing depends on these: they join any read, and have one of their own when they are many, or nothing else is to be done,
    /// or nobody else can join them.
    patient: BTreeSet<(Time, usize)>,
    /// How many steps may still join.
    to_come: usize,
    first: Option<Time>,
    not_before: Time,
    /// The last that can join have, and were not looked at yet: nothing is gained by waiting.
    complete: bool,
    /// Somebody waits for one of the patient by now.
    hurried: bool,
    in_flight: bool,
    tick: Duration,
}

impl Looks {
    /// For steps at these targets. So many as `batch` that nothing depends on are worth a read.
    pub fn new(batch: usize, steps: impl Iterator<Item = Target>) -> Self {
        let mut known = BTreeMap::new();
        let mut lines: Vec<Line> = Vec::new();
        let line_of = steps.map(|target| {
            let line = *known.entry(target).or_insert_with_key(|target| {
                lines.push(Line::new(target.clone()));
                lines.len() - 1
            });
            lines[line].to_come += 1;
            line
        });
        let line_of: Vec<usize> = line_of.collect();
        let to_come = vec![true; line_of.len()];
        Self { lines, line_of, to_come, batch }
    }

    pub fn target(&self, line: usize) -> &Target {
        &self.lines[line].target
    }

    /// A step waits to be looked at. `tick` is the shortest time between two reads through its target.
    pub fn add(&mut self, at: usize, now: Time, due: Time, look: Look, tick: Duration) {
        self.comes(at);
        let line = &mut self.lines[self.line_of[at]];
        line.tick = tick;
        if line.is_at_rest(now) {
            line.first = None;
        }
        line.complete |= look != Look::Again && line.to_come == 0;
        let queue = if look == Look::Unneeded { &mut line.patient } else { &mut line.due };
        queue.insert((due, at));
    }

    /// Somebody waits for a step that nobody waited for when it came.
    pub fn hurry(&mut self, at: usize) {
        let line = &mut self.lines[self.line_of[at]];
        line.hurried |= !line.patient.is_empty();
    }

    /// A step comes to be looked at, or to its end: nobody need wait for it. Whether that is new.
    pub fn comes(&mut self, at: usize) -> bool {
        let counts = std::mem::take(&mut self.to_come[at]);
        self.lines[self.line_of[at]].to_come -= usize::from(counts);
        counts
    }

    /// What is to be looked at now: lines, and steps in them. `idle`: nothing else can go on.
    pub fn due(&mut self, now: Time, idle: bool) -> Vec<(usize, Vec<usize>)> {
        let mut out = Vec::new();
        for (at, line) in self.lines.iter_mut().enumerate() {
            if line.ready_at(idle, self.batch).is_none_or(|it| it > now) {
                continue;
            }
            let later = line.due.split_off(&(now + line.tick + Duration::from_nanos(1), 0));
            let mut steps: Vec<usize> = std::mem::replace(&mut line.due, later).into_iter().map(|(_, at)| at).collect();
            steps.extend(std::mem::take(&mut line.patient).into_iter().map(|(_, at)| at));
            steps.sort_unstable();
            (line.in_flight, line.complete, line.hurried) = (true, false, false);
            let since = now - *line.first.get_or_insert(now);
            line.not_before = now + line.tick.max(since / RARER);
            out.push((at, steps));
        }
        out
    }

    pub fn answered(&mut self, line: usize) {
        self.lines[line].in_flight = false;
    }

    pub fn wake_at(&self, idle: bool) -> Option<Time> {
        self.lines.iter().filter_map(|line| line.ready_at(idle, self.batch)).min()
    }
}

impl Line {
    fn new(target: Target) -> Self {
        Self {
            target,
            due: BTreeSet::new(),
            patient: BTreeSet::new(),
            to_come: 0,
            first: None,
            not_before: Time::ZERO,
            complete: false,
            hurried: false,
            in_flight: false,
            tick: Duration::ZERO,
        }
    }

    /// Nobody was waiting any more: who comes now begins anew.
    fn is_at_rest(&self, now: Time) -> bool {
        self.due.is_empty() && self.patient.is_empty() && !self.in_flight && now > self.not_before
    }

    fn ready_at(&self, idle: bool, batch: usize) -> Option<Time> {
        if self.in_flight {
            return None;
        }
        let due = self.due.first().map(|(due, _)| *due);
        let now = idle || self.hurried || self.to_come == 0 || self.patient.len() >= batch;
        let patient = self.patient.first().map(|(due, _)| if now { Time::ZERO } else { *due });
        let first = due.into_iter().chain(patient).min()?;
        Some(if self.complete { first } else { first.max(self.not_before) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Time {
        Time::from_secs(n)
    }

    /// For so many steps, and one of the same type that never comes.
    fn looks(batch: usize, steps: usize) -> Looks {
        let target = Target { type_name: "t".into(), config: Default::default() };
        Looks::new(batch, std::iter::repeat_n(target, steps + 1))
    }

    #[test]
    fn what_is_due_about_now_is_read_together_and_once_at_a_time() {
        let mut looks = looks(64, 5);
        for (at, due) in [(1, 5), (2, 5), (3, 6), (4, 9)] {
            looks.add(at, seconds(4), seconds(due), Look::First, seconds(1));
        }
        assert_eq!(looks.due(seconds(4), false), []);
        assert_eq!(looks.due(seconds(5), false), [(0, vec![1, 2, 3])]);
        assert_eq!(looks.due(seconds(9), false), []);
        looks.answered(0);
        assert_eq!(looks.due(seconds(9), false), [(0, vec![4])]);
        looks.answered(0);
        assert_eq!(looks.wake_at(true), None);
    }

    #[test]
    fn what_nobody_needs_waits_until_nothing_else_is_to_be_done() {
        let mut looks = looks(64, 1);
        looks.add(0, Time::ZERO, seconds(30), Look::Unneeded, seconds(1));
        assert_eq!(looks.due(seconds(1), false), []);
        assert_eq!(looks.due(seconds(1), true), [(0, vec![0])]);
    }

    #[test]
    fn what_nobody_needs_waits_for_no_company_that_cannot_come() {
        let mut looks = looks(64, 2);
        looks.add(0, Time::ZERO, seconds(30), Look::Unneeded, seconds(1));
        looks.add(1, Time::ZERO, seconds(30), Look::Unneeded, seconds(1));
        assert_eq!(looks.due(seconds(1), false), []);
        assert!(looks.comes(2));
        assert!(!looks.comes(2), "it came before");
        assert_eq!(looks.due(seconds(1), false), [(0, vec![0, 1])]);
    }

    #[test]
    fn what_somebody_waits_for_by_now_waits_no_longer() {
        let mut looks = looks(64, 1);
        looks.add(0, Time::ZERO, seconds(30), Look::Unneeded, seconds(1));
        assert_eq!(looks.due(seconds(1), false), []);
        looks.hurry(0);
        assert_eq!(looks.due(seconds(1), false), [(0, vec![0])]);
    }

    #[test]
    fn many_that_nobody_needs_are_worth_a_read() {
        let mut looks = looks(3, 3);
        for at in 0..3 {
            assert_eq!(looks.due(seconds(1), false), []);
            looks.add(at, Time::ZERO, seconds(30), Look::Unneeded, seconds(1));
        }
        assert_eq!(looks.due(seconds(1), false), [(0, vec![0, 1, 2])]);
    }

    #[test]
    fn the_last_that_come_are_looked_at_at_once() {
        let mut looks = looks(64, 2);
        looks.comes(2);
        looks.add(0, seconds(1), seconds(1), Look::First, seconds(10));
        assert_eq!(looks.due(seconds(1), false), [(0, vec![0])]);
        looks.add(1, seconds(2), seconds(2), Look::First, seconds(10));
        looks.answered(0);
        assert_eq!(looks.due(seconds(3), false), [(0, vec![1])]);
        looks.answered(0);
        looks.add(1, seconds(4), seconds(4), Look::Again, seconds(10));
        assert_eq!(looks.due(seconds(4), false), []);
        assert_eq!(looks.wake_at(false), Some(seconds(13)));
    }

    #[test]
    fn reads_become_rarer_in_a_long_run() {
        let mut looks = looks(64, 100_000);
        let mut reads = 0;
        for tick in 0..100_000u64 {
            let now = Time::from_millis(tick);
            looks.add(tick as usize, now, now, Look::First, Duration::from_millis(1));
            reads += looks.due(now, false).len();
            looks.answered(0);
        }
        assert!(reads < 350, "{reads}");
    }

    #[test]
    fn who_comes_after_a_pause_waits_no_longer_than_who_came_first() {
        let mut looks = looks(64, 2);
        looks.add(0, seconds(1), seconds(1), Look::First, seconds(1));
        assert_eq!(looks.due(seconds(1), false), [(0, vec![0])]);
        looks.answered(0);
        for again in [601, 602] {
            looks.add(1, seconds(again), seconds(again), Look::Again, seconds(1));
            assert_eq!(looks.due(seconds(again), false), [(0, vec![1])], "ten minutes later, and a second after that");
            looks.answered(0);
        }
    }
}
