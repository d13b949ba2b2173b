//! Deletions that the cloud refuses: what stands in the way is found and named; what the user allows to be lost is taken out
//! before.

use super::event::{Event, Failure};
use super::machine::{Machine, passes};
use super::work::Call;
use crate::plan::Act;
use crate::remote::{Blocker, Class, Emptied, Fault};

/// After so many refusals of a thing in use it is asked by what, and told while it is waited for.
const ASKS_AFTER: u32 = 3;

impl Machine<'_> {
    /// A round of emptying is done: on with the next, or with the deletion.
    pub(super) fn emptied(&mut self, at: usize, round: Emptied) {
        let anew = self.give_up(at);
        let Some(work) = self.works.get_mut(&at) else { return };
        work.emptied += round.removed;
        work.tries = 0;
        if round.removed > 0 {
            work.give_up = anew;
        }
        let status = format!("{} taken out", work.emptied);
        let (address, doing) = (self.steps[at].address.clone(), self.doing(at));
        self.tell(Event::Waiting { at: self.now, address, doing, status });
        self.schedule.called(at);
        match round.more {
            true if self.is_halted() => {
                self.close(at, "interrupted while it was emptied");
                self.hold(at);
            }
            true => self.call_now(at, Call::Empty),
            false => self.call_now(at, Call::Delete),
        }
    }

    pub(super) fn not_emptied(&mut self, at: usize, fault: Fault) {
        match fault.class {
            // The deletion finds out whether it is gone.
            Class::Missing => self.call_now(at, Call::Delete),
            _ => self.again_or_fail(at, Call::Empty, fault),
        }
    }

    /// A deletion was refused and may be tried again, or not: see whether it is known what is in the way.
    pub(super) fn deletion_refused(&mut self, at: usize, fault: Fault) {
        let (now, scale, halted) = (self.now, self.pace.scale, self.is_halted());
        let Some(work) = self.works.get_mut(&at) else { return };
        let is_final = !passes(fault.class) || work.is_late(now, &fault, scale);
        let asks = match fault.class {
            Class::InUse => is_final || work.tries + 1 == ASKS_AFTER,
            Class::Settling | Class::Refused => is_final,
            _ => false,
        };
        if !asks || halted {
            return self.again_or_fail(at, Call::Delete, fault);
        }
        work.last = Some(fault.clone());
        if is_final {
            self.close(at, &fault.to_string());
        }
        self.call_now(at, Call::Blockers);
    }

    /// The cloud said what is in the way, or that it does not know.
    pub(super) fn blocked(&mut self, at: usize, blockers: Vec<Blocker>) {
        let Some(work) = self.works.get(&at) else { return };
        let Some(fault) = work.last.clone() else { return };
        // The intent is closed once the deletion is given up.
        let goes_on = work.op.is_some();
        let (address, doing) = (self.steps[at].address.clone(), self.doing(at));
        if goes_on {
            if !blockers.is_empty() {
                let status = format!("in the way: {}", Failure::listed(&blockers));
                self.tell(Event::Waiting { at: self.now, address, doing, status });
            }
            return self.again_or_fail(at, Call::Delete, fault);
        }
        if blockers.is_empty() {
            return self.fail(at, Failure::Fault { fault });
        }
        let purged = matches!(self.steps[at].act, Act::Delete { purge: true, .. });
        let holds = self.types.resource(address.type_name()).is_some_and(|it| it.holds);
        let purge = (holds && !purged).then(|| format!("infra destroy {} --purge '{address}'", self.owner.stack));
        self.fail(at, Failure::Blocked { fault: Box::new(fault), blockers, purge });
    }
}
