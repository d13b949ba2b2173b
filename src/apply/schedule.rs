//! Which steps may run, and in which order they get their turn: longest remaining path first, and no kind of call keeps
//! the others out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::Time;
use crate::plan::{Step, Until, doing};

/// The graph of the steps, indexed by readiness. Each step and each edge is touched once in a run.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Needs that are not done yet.
    missing: Vec<usize>,
    users: Vec<Vec<(usize, Until)>>,
    /// Expected time until everything behind this step is done, in milliseconds.
    path: Vec<u64>,
    /// Of each step, which bucket its calls draw from, as far as a machine can know: its type, configuration and action.
    kind: Vec<usize>,
    kinds: Vec<Kind>,
    busy: usize,
    timers: BinaryHeap<Reverse<(Time, usize)>>,
}

/// A share of what takes up room is every kind's own: where the cloud lets only so many calls of one action through, those
/// that wait for it must not keep out the calls of others. A kind that is alone has all the room.
const SHARE: usize = 4;

#[derive(Debug, Default)]
struct Kind {
    /// By path, then in plan order.
    turn: BinaryHeap<(u64, Reverse<usize>)>,
    busy: usize,
}

/// A step that needs itself or a later one: no plan of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {step} of the plan needs step {need}, which does not come before it")]
pub struct BadOrder {
    pub step: usize,
    pub need: usize,
}

impl Schedule {
    pub fn new<'s>(steps: impl ExactSizeIterator<Item = &'s Step> + DoubleEndedIterator + Clone) -> Result<Self, BadOrder> {
        let count = steps.len();
        let (mut missing, mut users) = (vec![0; count], vec![Vec::new(); count]);
        for (at, step) in steps.clone().enumerate() {
            for need in &step.needs {
                let (on, until) = (need.step.0 as usize, need.until);
                if on >= at {
                    return Err(BadOrder { step: at, need: on });
                }
                users[on].push((at, until));
                missing[at] += 1;
            }
        }
        let mut names = BTreeMap::new();
        let kind = steps.clone().map(|it| {
            let next = names.len();
            *names.entry((it.address.type_name(), &it.config, doing(&it.act))).or_insert(next)
        });
        let kind: Vec<usize> = kind.collect();
        let kinds = std::iter::repeat_with(Kind::default).take(names.len()).collect();
        let mut path = vec![0; count];
        for (at, step) in steps.enumerate().rev() {
            let behind = users[at].iter().map(|(user, _)| path[*user]).max().unwrap_or(0);
            path[at] = step.expected_millis + behind;
        }
        let mut schedule = Self { missing, users, path, kind, kinds, busy: 0, timers: BinaryHeap::new() };
        for at in 0..count {
            if schedule.missing[at] == 0 {
                schedule.queue(at);
            }
        }
        Ok(schedule)
    }

    /// It may run as soon as there is room.
    pub fn queue(&mut self, at: usize) {
        self.kinds[self.kind[at]].turn.push((self.path[at], Reverse(at)));
    }

    /// The next one for which there is room within `limit`; a kind that has its share of it waits for the others.
    pub fn next(&mut self, limit: usize) -> Option<usize> {
        if self.busy >= limit.max(1) {
            return None;
        }
        let share = limit.div_ceil(SHARE);
        let waiting = self.kinds.iter_mut().filter(|it| !it.turn.is_empty());
        let first = waiting.max_by_key(|it| (it.busy < share, it.turn.peek().copied()))?;
        first.turn.pop().map(|(_, Reverse(at))| at)
    }

    pub fn nobody_waits(&self) -> bool {
        self.kinds.iter().all(|it| it.turn.is_empty())
    }

    /// The step takes up room: its intent is being stored, or its call is in flight.
    pub fn occupy(&mut self, at: usize) {
        self.busy += 1;
        self.kinds[self.kind[at]].busy += 1;
    }

    pub fn vacate(&mut self, at: usize) {
        self.busy -= 1;
        self.kinds[self.kind[at]].busy -= 1;
    }

    pub fn is_idle(&self) -> bool {
        self.busy == 0 && self.nobody_waits()
    }

    pub fn has_users(&self, at: usize) -> bool {
        !self.users[at].is_empty()
    }

    /// Takes a finished step out of the way of those that need it; the ones that it freed may run.
    pub fn complete(&mut self, at: usize) -> Vec<usize> {
        let users = std::mem::take(&mut self.users[at]);
        self.free(users.into_iter().map(|(user, _)| user))
    }

    /// The cloud took the step's call: those that need no more of it may run.
    pub fn called(&mut self, at: usize) -> Vec<usize> {
        let (met, left) = std::mem::take(&mut self.users[at]).into_iter().partition(|(_, until)| *until == Until::Called);
        self.users[at] = left;
        let met: Vec<(usize, Until)> = met;
        self.free(met.into_iter().map(|(user, _)| user))
    }

    /// The direct users of a step that will not be done; asked once. Those that only came after it may run.
    pub fn abandon(&mut self, at: usize) -> Vec<usize> {
        let (lost, met): (Vec<_>, Vec<_>) = std::mem::take(&mut self.users[at]).into_iter().partition(|(_, it)| it.is_done());
        self.free(met.into_iter().map(|(user, _)| user));
        lost.into_iter().map(|(user, _)| user).collect()
    }

    fn free(&mut self, users: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut freed = Vec::new();
        for user in users {
            self.missing[user] -= 1;
            if self.missing[user] == 0 {
                freed.push(user);
                self.queue(user);
            }
        }
        freed
    }

    pub fn wake(&mut self, at: usize, due: Time) {
        self.timers.push(Reverse((due, at)));
    }

    pub fn due(&mut self, now: Time) -> Option<(Time, usize)> {
        match self.timers.peek() {
            Some(Reverse((due, _))) if *due <= now => self.timers.pop().map(|Reverse(it)| it),
            _ => None,
        }
    }

    pub fn wake_at(&self) -> Option<Time> {
        self.timers.peek().map(|Reverse((due, _))| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Act, Need, StepId};

    fn step(needs: &[u32], expected_millis: u64) -> Step {
        let needs = needs.iter().map(|it| Need { step: StepId(*it), why: "x".into(), until: Until::Done }).collect();
        Step { address: "a.b".parse().unwrap(), config: Default::default(), act: Act::Forget, needs, expected_millis }
    }

    #[test]
    fn the_longest_path_goes_first() {
        let steps = [step(&[], 5), step(&[], 1), step(&[1], 9), step(&[0, 2], 1)];
        let mut schedule = Schedule::new(steps.iter()).unwrap();
        assert_eq!((schedule.next(9), schedule.next(9), schedule.next(9)), (Some(1), Some(0), None));
        assert_eq!(schedule.complete(1), [2]);
        assert!(schedule.complete(2).is_empty());
        assert_eq!(schedule.complete(0), [3]);
    }

    #[test]
    fn a_kind_with_its_share_waits_for_the_others_and_has_the_rest_when_alone() {
        let other = Step { address: "c.d".parse().unwrap(), ..step(&[], 1) };
        let steps: Vec<Step> = (0..5).map(|_| step(&[], 9)).chain([other]).collect();
        let mut schedule = Schedule::new(steps.iter()).unwrap();
        let mut turns = Vec::new();
        while let Some(at) = schedule.next(4) {
            schedule.occupy(at);
            turns.push(at);
        }
        assert_eq!(turns, [0, 5, 1, 2]);
        schedule.vacate(5);
        assert_eq!(schedule.next(4), Some(3));
    }

    #[test]
    fn what_only_comes_after_another_does_not_depend_on_it() {
        let after = |until| Step { needs: vec![Need { step: StepId(0), why: "x".into(), until }], ..step(&[], 1) };
        let steps = [step(&[], 1), after(Until::Called), after(Until::Ended), after(Until::Done)];
        let schedule = || Schedule::new(steps.iter()).unwrap();
        let mut it = schedule();
        assert_eq!(it.called(0), [1]);
        assert_eq!(it.complete(0), [2, 3]);
        let mut it = schedule();
        assert_eq!(it.abandon(0), [3]);
        it.next(9);
        assert_eq!((it.next(9), it.next(9), it.next(9)), (Some(1), Some(2), None));
    }

    #[test]
    fn a_plan_that_needs_what_comes_later_is_refused() {
        assert_eq!(Schedule::new([step(&[0], 1)].iter()).unwrap_err(), BadOrder { step: 0, need: 0 });
        assert!(Schedule::new([step(&[7], 1)].iter()).is_err());
    }
}
