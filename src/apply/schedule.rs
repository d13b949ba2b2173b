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
    needs: Vec<Vec<usize>>,
    /// Needs that a look may still show to be met.
    to_come: Vec<usize>,
    users: Vec<Vec<(usize, Until)>>,
    /// Expected time until everything behind this step is done, in milliseconds.
    path: Vec<u64>,
    /// Of each step, which bucket its calls draw from, as far as a machine can know: its type, configuration and action.
    kind: Vec<usize>,
    kinds: Vec<Kind>,
    room: Vec<Option<Room>>,
    taken: Taken,
    timers: BinaryHeap<Reverse<(Time, usize)>>,
}

/// A share of what takes up room is every kind's own: where the cloud lets only so many calls of one action through, those
/// that wait for it must not keep out the calls of others. A kind that is alone has all the room.
const SHARE: usize = 4;

/// What a step takes up. There is as much of each: while calls are in flight, the intents of those that come next are stored, so
/// that no call waits for the journal; and those of what can be told from the ids of what was just made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Its intent is being stored.
    Ahead,
    /// Its intent is stored, and its first call waits. There is as much of both together as of calls.
    Ready,
    /// Its call is in flight.
    Calling,
    /// It creates something, and its intent is stored while what it needs is looked at. That may take long, so it keeps out nothing
    /// but its like.
    Announced,
}

#[derive(Debug, Default)]
struct Taken {
    ahead: usize,
    ready: usize,
    calling: usize,
    announced: usize,
}

impl Taken {
    fn of(&mut self, room: Room) -> &mut usize {
        match room {
            Room::Ahead => &mut self.ahead,
            Room::Ready => &mut self.ready,
            Room::Calling => &mut self.calling,
            Room::Announced => &mut self.announced,
        }
    }

    /// How many there are where one more is to be let in.
    fn before(&self, room: Room) -> usize {
        match room {
            Room::Ahead | Room::Ready => self.ahead + self.ready,
            Room::Calling => self.calling,
            Room::Announced => self.announced,
        }
    }

    /// Whether one more is let in where `limit` are.
    fn has(&self, room: Room, limit: usize) -> bool {
        self.before(room) < limit.max(1)
    }
}

/// Those that wait, by path, then in plan order.
type Turn = BinaryHeap<(u64, Reverse<usize>)>;

#[derive(Debug, Default)]
struct Kind {
    starts: Turn,
    calls: Turn,
    taken: Taken,
}

impl Kind {
    /// Whether it has less than the share that is its own where `limit` have room.
    fn is_below(&self, room: Room, limit: usize) -> bool {
        self.taken.before(room) < limit.div_ceil(SHARE)
    }
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
        let (mut missing, mut users, mut needs) = (vec![0; count], vec![Vec::new(); count], vec![Vec::new(); count]);
        let mut to_come = vec![0; count];
        for (at, step) in steps.clone().enumerate() {
            for need in &step.needs {
                let (on, until) = (need.step.0 as usize, need.until);
                if on >= at {
                    return Err(BadOrder { step: at, need: on });
                }
                users[on].push((at, until));
                needs[at].push(on);
                missing[at] += 1;
                to_come[at] += usize::from(until != Until::Called);
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
        let mut schedule = Self {
            missing,
            needs,
            to_come,
            users,
            path,
            kind,
            kinds,
            room: vec![None; count],
            taken: Taken::default(),
            timers: BinaryHeap::new(),
        };
        for at in 0..count {
            if schedule.missing[at] == 0 {
                schedule.queue(at);
            }
        }
        Ok(schedule)
    }

    /// The greatest comes first.
    fn rank(&self, at: usize) -> (u64, Reverse<usize>) {
        (self.path[at], Reverse(at))
    }

    /// It may begin as soon as there is room ahead.
    fn queue(&mut self, at: usize) {
        let rank = self.rank(at);
        self.kinds[self.kind[at]].starts.push(rank);
    }

    /// Its next call may be made as soon as there is room for calls.
    pub fn queue_call(&mut self, at: usize) {
        let rank = self.rank(at);
        self.kinds[self.kind[at]].calls.push(rank);
    }

    /// The next step that may begin while `limit` are ahead; a kind that has its share of that waits for the others.
    pub fn next_start(&mut self, limit: usize) -> Option<usize> {
        self.next(limit, Room::Ahead, |kind| &mut kind.starts)
    }

    /// The next call that may be made while `limit` are in flight; a kind that has its share of them waits for the others.
    pub fn next_call(&mut self, limit: usize) -> Option<usize> {
        self.next(limit, Room::Calling, |kind| &mut kind.calls)
    }

    fn next(&mut self, limit: usize, room: Room, turn: impl Fn(&mut Kind) -> &mut Turn) -> Option<usize> {
        if !self.taken.has(room, limit) {
            return None;
        }
        let rank = |kind: &mut Kind| {
            let is_below = kind.is_below(room, limit);
            turn(kind).peek().map(|first| (is_below, *first))
        };
        let ranked = self.kinds.iter_mut().enumerate().filter_map(|(at, kind)| rank(kind).map(|rank| (rank, at)));
        let (_, first) = ranked.max()?;
        turn(&mut self.kinds[first]).pop().map(|(_, Reverse(at))| at)
    }

    pub fn nobody_waits(&self) -> bool {
        self.kinds.iter().all(|it| it.starts.is_empty() && it.calls.is_empty())
    }

    /// The step takes up this, and nothing else any more.
    pub fn occupy(&mut self, at: usize, room: Room) {
        self.vacate(at);
        self.room[at] = Some(room);
        *self.taken.of(room) += 1;
        *self.kinds[self.kind[at]].taken.of(room) += 1;
    }

    pub fn vacate(&mut self, at: usize) {
        if let Some(room) = self.room[at].take() {
            *self.taken.of(room) -= 1;
            *self.kinds[self.kind[at]].taken.of(room) -= 1;
        }
    }

    /// Steps in the order of their turns.
    pub fn in_turn(&self, mut steps: Vec<usize>) -> Vec<usize> {
        steps.sort_unstable_by_key(|at| Reverse(self.rank(*at)));
        steps
    }

    /// Whether one more may be announced while `limit` are; within its kind's `share` of that, if it must be.
    pub fn may_announce(&self, at: usize, limit: usize, share: bool) -> bool {
        let is_below = self.kinds[self.kind[at]].is_below(Room::Announced, limit);
        self.taken.has(Room::Announced, limit) && (is_below || !share)
    }

    /// Whether the step has begun and no call of it was made yet.
    pub fn is_ahead(&self, at: usize) -> bool {
        matches!(self.room[at], Some(Room::Ahead | Room::Ready))
    }

    /// Whether calls of some kind will soon wait for intents that are not stored. What is ready waits for room: as long as it is more
    /// than what is not, nothing is gained by storing that.
    pub fn wants_intents(&self) -> bool {
        self.kinds.iter().any(|it| it.taken.ahead > 0 && it.taken.ahead >= it.taken.ready)
    }

    pub fn is_idle(&self) -> bool {
        self.taken.ahead + self.taken.ready + self.taken.calling == 0 && self.nobody_waits()
    }

    pub fn has_users(&self, at: usize) -> bool {
        !self.users[at].is_empty()
    }

    /// Those that wait for it.
    pub fn users(&self, at: usize) -> impl Iterator<Item = usize> {
        self.users[at].iter().map(|(user, _)| *user)
    }

    pub fn needs(&self, at: usize) -> &[usize] {
        &self.needs[at]
    }

    /// A step comes to be looked at, or to its end: those that wait for nothing else to come. To be told once.
    pub fn comes(&mut self, at: usize) -> Vec<usize> {
        let users = self.users[at].iter().filter(|(_, until)| *until != Until::Called).map(|(user, _)| *user);
        users
            .filter(|user| {
                self.to_come[*user] -= 1;
                self.to_come[*user] == 0
            })
            .collect()
    }

    /// Whether somebody waits for it, and for nothing that is still to come.
    pub fn is_waited_for(&self, at: usize) -> bool {
        self.users[at].iter().any(|(user, _)| self.to_come[*user] == 0)
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
        assert_eq!((schedule.next_start(9), schedule.next_start(9), schedule.next_start(9)), (Some(1), Some(0), None));
        assert_eq!(schedule.complete(1), [2]);
        assert!(schedule.complete(2).is_empty());
        assert_eq!(schedule.complete(0), [3]);
    }

    #[test]
    fn who_waits_for_several_waits_for_the_last_that_comes() {
        let steps = [step(&[], 1), step(&[], 1), step(&[0, 1], 1), step(&[], 1)];
        let mut schedule = Schedule::new(steps.iter()).unwrap();
        assert!(schedule.comes(0).is_empty() && !schedule.is_waited_for(0));
        assert_eq!((schedule.comes(1), schedule.needs(2)), (vec![2], &[0, 1][..]));
        assert!(schedule.is_waited_for(0) && schedule.is_waited_for(1) && !schedule.is_waited_for(3));
    }

    #[test]
    fn calls_leave_room_for_the_intents_of_the_next() {
        let steps: Vec<Step> = (0..4).map(|_| step(&[], 1)).collect();
        let mut schedule = Schedule::new(steps.iter()).unwrap();
        for _ in 0..2 {
            let at = schedule.next_start(2).unwrap();
            schedule.occupy(at, Room::Ahead);
            schedule.queue_call(at);
        }
        assert_eq!(schedule.next_start(2), None);
        assert_eq!(schedule.next_call(2), Some(0));
        schedule.occupy(0, Room::Calling);
        assert_eq!(schedule.next_start(2), Some(2));
        assert!(schedule.is_ahead(1) && !schedule.is_ahead(0));
        schedule.vacate(0);
        schedule.vacate(0);
        schedule.vacate(1);
        assert!(!schedule.is_idle(), "a step waits");
    }

    #[test]
    fn intents_are_wanted_while_they_are_half_of_what_is_ahead() {
        let steps: Vec<Step> = (0..3).map(|_| step(&[], 1)).collect();
        let mut schedule = Schedule::new(steps.iter()).unwrap();
        assert!(!schedule.wants_intents(), "nothing has begun");
        schedule.occupy(0, Room::Ahead);
        assert!(schedule.wants_intents(), "nothing is ready");
        schedule.occupy(1, Room::Ready);
        assert!(schedule.wants_intents());
        schedule.occupy(2, Room::Ready);
        assert!(!schedule.wants_intents(), "more is ready, and waits for room");
        schedule.occupy(2, Room::Calling);
        assert!(schedule.wants_intents());
    }

    #[test]
    fn announced_creations_keep_out_nothing_but_their_like() {
        let other = Step { address: "c.d".parse().unwrap(), ..step(&[], 1) };
        let steps: Vec<Step> = (0..5).map(|_| step(&[], 1)).chain([other]).collect();
        let mut schedule = Schedule::new(steps.iter()).unwrap();
        schedule.occupy(0, Room::Announced);
        assert!(!schedule.may_announce(1, 4, true) && schedule.may_announce(5, 4, true), "a share of four is one");
        (1..4).for_each(|at| schedule.occupy(at, Room::Announced));
        assert!(!schedule.may_announce(4, 4, false) && !schedule.may_announce(5, 4, false));
        assert_eq!(schedule.next_start(1), Some(0), "there is room ahead");
    }

    #[test]
    fn a_kind_with_its_share_waits_for_the_others_and_has_the_rest_when_alone() {
        let other = Step { address: "c.d".parse().unwrap(), ..step(&[], 1) };
        let steps: Vec<Step> = (0..5).map(|_| step(&[], 9)).chain([other]).collect();
        let mut schedule = Schedule::new(steps.iter()).unwrap();
        let mut turns = Vec::new();
        while let Some(at) = schedule.next_start(4) {
            schedule.occupy(at, Room::Ahead);
            turns.push(at);
        }
        assert_eq!(turns, [0, 5, 1, 2]);
        schedule.vacate(5);
        assert_eq!(schedule.next_start(4), Some(3));
    }

    #[test]
    fn what_only_comes_after_another_does_not_depend_on_it() {
        let after = |until| Step { needs: vec![Need { step: StepId(0), why: "x".into(), until }], ..step(&[], 1) };
        let steps = [step(&[], 1), after(Until::Called), after(Until::Ended), after(Until::Done)];
        let schedule = || Schedule::new(steps.iter()).unwrap();
        let mut it = schedule();
        assert_eq!(it.comes(0), [2, 3], "what is only to be called need not be looked at");
        assert_eq!(it.called(0), [1]);
        assert_eq!(it.complete(0), [2, 3]);
        let mut it = schedule();
        assert_eq!(it.abandon(0), [3]);
        it.next_start(9);
        assert_eq!((it.next_start(9), it.next_start(9), it.next_start(9)), (Some(1), Some(2), None));
    }

    #[test]
    fn a_plan_that_needs_what_comes_later_is_refused() {
        assert_eq!(Schedule::new([step(&[0], 1)].iter()).unwrap_err(), BadOrder { step: 0, need: 0 });
        assert!(Schedule::new([step(&[7], 1)].iter()).is_err());
    }
}
