//! What a creation finds when it asks whether it was carried out already, or when its name is taken: its own, a former run's
//! attempt at the same address, or somebody else's.

use super::effect::millis;
use super::event::Failure;
use super::machine::{Machine, passes};
use super::work::Call;
use crate::remote::{Class, Fault, Id};
use crate::schema::Schema;
use crate::state::{Entry, Intent, IntentAct};

impl Machine<'_> {
    /// What has no marks is known by its name alone: it is ours only if a creation of ours may have made it.
    pub(super) fn found(&mut self, at: usize, id: Id, twins: &[Id]) {
        if !twins.is_empty() {
            self.watch(at);
        }
        let marked = self.types.resource(self.steps[at].address.type_name()).is_some_and(Schema::has_marks);
        let Some(work) = self.works.get_mut(&at) else { return };
        match work.taken.take() {
            Some(fault) if !marked && !work.may_be_ours => self.fail_taken(at, fault, Some(id)),
            Some(_) | None => self.created(at, id),
        }
    }

    /// More than one attempt was carried out: the next run puts the others on record and deletes them as a step that it shows.
    fn watch(&mut self, at: usize) {
        let Some(intent) = self.intent(at) else { return };
        let (op, now) = (self.mint.op(), self.began.saturating_add(millis(self.now)));
        self.record(Entry::Intent(Intent { op, watched_until: Some(now), ..intent }));
    }

    fn intent(&self, at: usize) -> Option<Intent> {
        let op = self.works.get(&at)?.op.as_ref()?;
        self.state.intents.get(op).cloned()
    }

    /// It is not what this run asked for. A former run that asked for something else under this address may have made it.
    pub(super) fn taken(&mut self, at: usize, fault: Fault) {
        let Some(work) = self.works.get_mut(&at) else { return };
        if work.former.is_none() {
            return self.fail_taken(at, fault, None);
        }
        work.taken = Some(fault);
        self.call_now(at, Call::FindFormer);
    }

    pub(super) fn found_former(&mut self, at: usize, found: &[Id]) {
        let Some(work) = self.works.get_mut(&at) else { return };
        let (former, taken) = (work.former.take(), work.taken.take());
        match (found.first(), former, taken) {
            (Some(id), Some((token, _)), _) => {
                work.token = Some(token.clone());
                // The creation goes on as that one: with the token that the thing carries, and what is desired now.
                if let Some(mut intent) = self.intent(at)
                    && let IntentAct::Create { token: announced, .. } = &mut intent.act
                {
                    *announced = token;
                    self.record(Entry::Intent(intent));
                }
                self.created(at, id.clone());
            }
            (_, _, Some(fault)) => self.fail_taken(at, fault, None),
            (_, _, None) => {
                self.fail(at, Failure::Fault { fault: Fault::bug("apply", "a name was asked for that is not taken") })
            }
        }
    }

    pub(super) fn not_found_former(&mut self, at: usize, fault: Fault) {
        match fault.class {
            Class::Exists | Class::Missing => self.found_former(at, &[]),
            class if passes(class) && self.works.get(&at).is_some_and(|it| self.now < it.give_up) => {
                self.again(at, Call::FindFormer, fault);
            }
            _ => self.fail_or_fence(at, fault),
        }
    }

    fn fail_taken(&mut self, at: usize, fault: Fault, id: Option<Id>) {
        self.close(at, "the name is taken");
        let address = self.steps[at].address.clone();
        self.fail(at, Failure::Taken { fault: Box::new(fault), address, id });
    }
}
