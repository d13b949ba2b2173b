//! The writer of the journal: first in, first out, one commit in flight, everything that waits joined into the next one. So a
//! stored intent implies that everything said before it is stored.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use super::pace::Jitter;
use super::{NotStored, Time};
use crate::state::{Entry, Position, State};

/// A commit is one item of a DynamoDB table, at most 400 KB with what is around it; the first entry may be larger alone.
const COMMIT_BYTES: usize = 256 * 1024;
const COMMIT_ENTRIES: usize = 500;
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// After so many failures in a row nothing new is started; after the second number nothing is tried any more.
const TRIES_UNTIL_STOP: u32 = 4;
const TRIES_MAX: u32 = 10;

/// How long what nobody wants yet is kept back, so that it does not stand in the way of what somebody does: one commit is under way
/// at a time, fewer are enough for all, and at the end of a run the document that is saved holds what is left.
const LINGER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Entries, and for an intent or an id the number of whoever may go on when it is stored.
    queue: VecDeque<(Entry, Option<usize>)>,
    in_flight: usize,
    tries: u32,
    retry_at: Time,
    /// Why nothing can be stored any more.
    closed_by: Option<NotStored>,
    lingers: bool,
    /// Since when there is something, and nothing that anybody wants stored.
    unhurried: Option<Time>,
    /// Somebody cannot go on before it is stored.
    hurried: bool,
}

/// What a failure to store means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Passing,
    /// Nothing new may be started.
    Lasting,
    /// Nothing can be stored any more.
    Final,
}

impl Journal {
    /// One that keeps back for a moment what nobody wants yet.
    pub fn lingering() -> Self {
        Self { lingers: true, ..Self::default() }
    }

    pub fn push(&mut self, entry: Entry, waiter: Option<usize>) {
        self.queue.push_back((entry, waiter));
    }

    /// This one waits for nothing that it said.
    pub fn forget(&mut self, waiter: usize) {
        self.queue.iter_mut().filter(|(_, it)| *it == Some(waiter)).for_each(|(_, it)| *it = None);
    }

    /// Nothing of what was said is kept back.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// The next commit, if one may be written now. `wanted`: somebody will soon have nothing to do but to wait for it.
    pub fn next(&mut self, now: Time, wanted: bool) -> Option<Vec<Entry>> {
        if self.in_flight > 0 || self.closed_by.is_some() || self.queue.is_empty() || now < self.retry_at {
            return None;
        }
        if self.lingers && !wanted && !self.hurried {
            let since = *self.unhurried.get_or_insert(now);
            if now < since + LINGER {
                return None;
            }
        }
        self.unhurried = None;
        let commit = match self.queue.len() {
            // What is alone fits, however long it is.
            1 => self.queue.iter().map(|(it, _)| it.clone()).collect(),
            _ => self.first_that_fit(),
        };
        self.in_flight = commit.len();
        self.hurried &= commit.len() < self.queue.len();
        Some(commit)
    }

    fn first_that_fit(&self) -> Vec<Entry> {
        let mut size = 0;
        let fits = |(entry, _): &&(Entry, Option<usize>)| {
            let first = size == 0;
            size += bytes(entry);
            first || size <= COMMIT_BYTES
        };
        self.queue.iter().take(COMMIT_ENTRIES).take_while(fits).map(|(it, _)| it.clone()).collect()
    }

    /// The commit is stored: takes it into the state, and names those who waited for it.
    pub fn stored(&mut self, position: Position, state: &mut State) -> Vec<usize> {
        self.tries = 0;
        state.watermark = Some(position);
        let done: Vec<_> = self.queue.drain(..self.in_flight.min(self.queue.len())).collect();
        self.in_flight = 0;
        state.fold_all(done.iter().map(|(entry, _)| entry));
        done.into_iter().filter_map(|(_, waiter)| waiter).collect()
    }

    /// The commit is not stored, or nobody knows: it is written again as it was.
    pub fn failed(&mut self, now: Time, why: &NotStored, scale: f64, jitter: &mut Jitter) -> Trouble {
        self.in_flight = 0;
        self.hurried = true;
        self.tries += 1;
        self.retry_at = now + jitter.pause(PAUSE, PAUSE_MAX, self.tries).mul_f64(scale);
        let is_final = matches!(why, NotStored::LockLost(_)) || self.tries >= TRIES_MAX;
        self.closed_by = is_final.then(|| why.clone());
        match (is_final, self.tries >= TRIES_UNTIL_STOP) {
            (true, _) => Trouble::Final,
            (false, true) => Trouble::Lasting,
            (false, false) => Trouble::Passing,
        }
    }

    /// Everything is stored, or nothing can be any more.
    pub fn is_settled(&self) -> bool {
        self.closed_by.is_some() || self.queue.is_empty()
    }

    /// Why nothing can be stored any more.
    pub fn closed_by(&self) -> Option<&NotStored> {
        self.closed_by.as_ref()
    }

    pub fn wake_at(&self) -> Option<Time> {
        let lingers_until = self.unhurried.map_or(Time::ZERO, |it| it + LINGER);
        (self.in_flight == 0 && !self.is_settled()).then_some(self.retry_at.max(lingers_until))
    }

    /// What was said and is not known to be stored.
    pub fn unstored(&self) -> impl Iterator<Item = &Entry> {
        self.queue.iter().map(|(entry, _)| entry)
    }
}

/// The length of an entry as it is stored.
fn bytes(entry: &Entry) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            self.0 += part.len();
            Ok(part.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // An entry that cannot be written counts as one that fills a commit alone: the store says what is wrong with it.
    if serde_json::to_writer(&mut count, entry).is_ok() { count.0 } else { COMMIT_BYTES }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry {
        Entry::Forget { address: format!("a.{name}").parse().unwrap() }
    }

    fn state() -> State {
        State::new("dev".parse().unwrap(), crate::state::Lineage("l".into()))
    }

    #[test]
    fn what_waits_is_joined_and_nothing_overtakes() {
        let mut journal = Journal::default();
        journal.push(entry("a"), Some(1));
        assert_eq!(journal.next(Time::ZERO, false).unwrap(), [entry("a")]);
        journal.push(entry("b"), None);
        journal.push(entry("c"), Some(3));
        assert_eq!(journal.next(Time::ZERO, false), None);
        let mut state = state();
        assert_eq!(journal.stored(Position { epoch: 1, seq: 1 }, &mut state), [1]);
        assert_eq!(journal.next(Time::ZERO, false).unwrap(), [entry("b"), entry("c")]);
        let trouble = journal.failed(Time::ZERO, &NotStored::Failed("x".into()), 1.0, &mut Jitter::new(1));
        assert_eq!(trouble, Trouble::Passing);
        assert_eq!(journal.next(Time::ZERO, false), None);
        let again = journal.wake_at().unwrap();
        assert_eq!(journal.next(again, false).unwrap(), [entry("b"), entry("c")]);
        assert_eq!(journal.stored(Position { epoch: 1, seq: 2 }, &mut state), [3]);
        assert!(journal.is_settled());
    }

    #[test]
    fn what_nobody_wants_yet_is_kept_back_for_a_moment_and_goes_with_what_somebody_does() {
        let mut journal = Journal::lingering();
        journal.push(entry("a"), Some(1));
        assert_eq!((journal.next(Time::ZERO, false), journal.wake_at()), (None, Some(LINGER)));
        journal.push(entry("b"), Some(1));
        assert_eq!(journal.next(Time::ZERO, true).unwrap(), [entry("a"), entry("b")]);
        journal.stored(Position { epoch: 1, seq: 1 }, &mut state());
        journal.push(entry("c"), None);
        assert_eq!(journal.next(LINGER, false), None);
        assert_eq!(journal.next(2 * LINGER, false).unwrap(), [entry("c")]);
    }

    #[test]
    fn what_is_hurried_goes_at_once_and_whole() {
        let mut journal = Journal::lingering();
        (0..=COMMIT_ENTRIES).for_each(|it| journal.push(entry("a"), Some(it)));
        journal.hurry();
        assert_eq!(journal.next(Time::ZERO, false).unwrap().len(), COMMIT_ENTRIES);
        journal.stored(Position { epoch: 1, seq: 1 }, &mut state());
        assert_eq!(journal.next(Time::ZERO, false).unwrap().len(), 1);
        journal.stored(Position { epoch: 1, seq: 2 }, &mut state());
        journal.push(entry("b"), Some(1));
        assert_eq!(journal.next(Time::ZERO, false), None, "it was hurried once");
    }

    #[test]
    fn a_store_that_stays_away_is_given_up() {
        let mut journal = Journal::default();
        journal.push(entry("a"), None);
        let mut jitter = Jitter::new(1);
        let mut seen = Vec::new();
        while let Some(at) = journal.wake_at() {
            journal.next(at, false).unwrap();
            seen.push(journal.failed(at, &NotStored::Failed("x".into()), 1.0, &mut jitter));
        }
        assert_eq!(seen.len(), TRIES_MAX as usize);
        assert_eq!((seen[0], seen[4], seen[9]), (Trouble::Passing, Trouble::Lasting, Trouble::Final));
        assert_eq!(journal.unstored().count(), 1);
    }

    #[test]
    fn commits_stay_below_what_an_item_may_hold() {
        let mut journal = Journal::default();
        let large = crate::value::Value::from("x".repeat(100_000));
        for _ in 0..5 {
            journal.push(Entry::Refresh { address: "a.b".parse().unwrap(), outputs: large.clone() }, None);
        }
        assert_eq!(journal.next(Time::ZERO, false).unwrap().len(), 2);
    }
}
