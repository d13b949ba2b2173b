//! Intents: what is about to be done is stored first, and closed where it is not done.

use super::compare;
use super::machine::Machine;
use super::millis;
use super::schedule::Room;
use super::work::{Call, Phase, Work};
use crate::plan::Act;
use crate::state::{Entry, Intent, IntentAct};

impl Machine<'_> {
    /// The intent, before anything else. It takes room ahead until its first call is made.
    pub(super) fn announce(&mut self, at: usize, mut work: Work, act: IntentAct) {
        let op = self.mint.op();
        let step = &self.steps[at];
        let intent = Intent {
            op: op.clone(),
            address: step.address.clone(),
            config: step.config.clone(),
            act,
            at: self.began.saturating_add(millis(self.now)),
            watched_until: None,
        };
        work.op = Some(op);
        self.works.insert(at, work);
        self.schedule.occupy(at, Room::Ahead);
        self.phases[at] = Phase::Storing;
        self.journal.push(Entry::Intent(intent), Some(at));
    }

    /// Of steps that wait for nothing but what is looked at, or called for and gone with the answer: their intents are stored
    /// meanwhile, one wait instead of two. Where there is no room for all, those whose turn comes first.
    pub(super) fn announce_ahead(&mut self, steps: Vec<usize>) {
        let mut left = self.schedule.in_turn(steps);
        for share in [true, false] {
            left.retain(|at| !self.announce_if_next(*at, share));
        }
    }

    /// Whether the step is announced now. A deletion takes no room, because the wait may be a long one.
    fn announce_if_next(&mut self, at: usize, share: bool) -> bool {
        let is_next =
            matches!(self.phases[at], Phase::Waiting) && self.schedule.needs(at).iter().all(|it| self.is_soon_met(at, *it));
        if !is_next || self.is_halted() {
            return false;
        }
        let step = self.steps[at].clone();
        match &step.act {
            Act::Delete { id, deposed, settings, goes_along: false, .. } => {
                self.start_delete(at, id, *deposed, settings);
                self.schedule.vacate(at);
            }
            Act::Create { .. } => {
                // Whatever else keeps it from being started is told when its turn comes; a former run's token is taken up then.
                if self.kept.contains_key(&step.address)
                    || !self.schedule.may_announce(at, self.pace.concurrency, share)
                    || self.start(at).is_err()
                {
                    return false;
                }
                self.schedule.occupy(at, Room::Announced);
            }
            _ => return false,
        }
        self.phases[at] = Phase::Announced { stored: false };
        self.journal.hurry();
        true
    }

    /// Whether what the step needs is done, or may be with the look or the answer that is awaited. A creation waits so for creations
    /// alone, whose ids it may need; and former instances are gone before anything is said of what took their place.
    fn is_soon_met(&self, at: usize, need: usize) -> bool {
        let apart = self.steps[need].address != self.steps[at].address;
        match (&self.phases[need], self.goes(at)) {
            (Phase::Done, _) => true,
            (Phase::Looking, true) => apart,
            (Phase::Looking, false) => apart && matches!(self.steps[need].act, Act::Create { .. }),
            (Phase::Calling(Call::Delete), true) => apart && self.ends_with_its_answer(need),
            _ => false,
        }
    }

    /// Whether what the files say now that all is known is what was announced.
    pub(super) fn is_as_announced(&mut self, at: usize) -> bool {
        let Act::Create { .. } = self.steps[at].act else { return true };
        let address = self.steps[at].address.clone();
        let Ok(schema) = self.schema(&address) else { return false };
        let Ok(wanted) = self.wanted(at, schema) else { return false };
        self.works.get(&at).is_some_and(|work| work.settings == compare::mark_secrets(schema, &wanted))
    }

    /// What was announced is not done.
    pub(super) fn take_back(&mut self, at: usize) {
        self.close(at, "it is not to be made as it was announced");
        self.journal.forget(at);
        self.schedule.vacate(at);
        self.works.remove(&at);
    }

    /// Its turn has come.
    pub(super) fn begin_announced(&mut self, at: usize, stored: bool) {
        if let Some(work) = self.works.get_mut(&at) {
            work.begin(self.now);
        }
        self.schedule.occupy(at, Room::Ahead);
        self.phases[at] = Phase::Storing;
        if stored {
            self.go_on(at);
        }
    }

    /// The intent is stored: whatever it announced may be called. Or the id is, and it may be changed.
    pub(super) fn go_on(&mut self, at: usize) {
        match (&self.phases[at], self.first_call(at)) {
            (Phase::Storing, Some(_)) if self.is_halted() => self.hold_unsent(at),
            (Phase::Storing, Some(call)) => {
                self.schedule.occupy(at, Room::Ready);
                self.call_now(at, call);
            }
            (Phase::Storing, None) => {
                self.schedule.vacate(at);
                self.look_at(at, self.now);
            }
            (Phase::Announced { .. }, _) => self.phases[at] = Phase::Announced { stored: true },
            _ => {
                if let Some(work) = self.works.get_mut(&at) {
                    work.on_record = true;
                }
                if let Phase::Recording = self.phases[at] {
                    self.call_now(at, Call::Update);
                }
            }
        }
    }

    /// Its intent, if it has one, is closed.
    pub(super) fn hold_unsent(&mut self, at: usize) {
        self.schedule.vacate(at);
        self.close_undoubted(at, "interrupted before it was made");
        self.hold(at);
    }

    /// For what was not called; but what a former run may have made stays on record, to be looked for.
    pub(super) fn close_undoubted(&mut self, at: usize, message: &str) {
        if self.works.get(&at).is_some_and(|it| !it.doubt) {
            self.close(at, message);
        }
    }

    /// What is called when the intent is stored; nothing where the loop begins by looking.
    fn first_call(&self, at: usize) -> Option<Call> {
        match &self.steps[at].act {
            Act::Create { .. } if self.works.get(&at).is_some_and(|it| it.doubt) => Some(Call::Find),
            Act::Create { .. } => Some(Call::Create),
            Act::Delete { purge: true, .. } => Some(Call::Empty),
            Act::Delete { .. } | Act::DeleteReplaced { .. } => Some(Call::Delete),
            Act::Read => Some(Call::Data),
            Act::Configure { .. } | Act::Update { .. } | Act::Import { .. } => None,
            Act::Forget | Act::Move { .. } | Act::Protect { .. } | Act::Refresh { .. } => None,
        }
    }

    /// Those with an intent that were not called.
    pub(super) fn unsent(&self) -> Vec<usize> {
        let is_unsent = |at: &usize| self.schedule.is_ahead(*at) || matches!(self.phases[*at], Phase::Announced { .. });
        self.works.keys().copied().filter(is_unsent).collect()
    }
}
