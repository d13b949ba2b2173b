//! What a look at a thing means: not there, not ready, not as desired, or done.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::compare;
use super::event::{Event, Failure};
use super::machine::{Machine, passes};
use super::ownership::strip;
use super::work::{Call, Phase};
use crate::address::Address;
use crate::plan::Act;
use crate::plan::diff::settled;
use crate::remote::{Fault, Found, Live, Status};
use crate::state::{Entry, Outcome, Record, Recorded};
use crate::value::Value;

/// After so many updates that the cloud took and that left the same attributes different, it is said so. An update that makes
/// progress is not among them: some APIs take one kind of change a call (DynamoDB's `UpdateTable`).
const UPDATES_MAX: u32 = 2;

impl Machine<'_> {
    pub(super) fn read(&mut self, steps: &[usize], result: &Result<Found, Fault>) {
        for at in steps.iter().copied() {
            if !matches!(self.phases[at], Phase::Looking) {
                continue;
            }
            match result {
                Ok(found) => {
                    let id = self.works.get(&at).and_then(|it| it.id.clone());
                    self.looked(at, id.and_then(|id| found.get(&id)));
                }
                Err(fault) => self.not_read(at, fault),
            }
        }
    }

    fn not_read(&mut self, at: usize, fault: &Fault) {
        if passes(fault.class) {
            return self.look_again(at);
        }
        self.close_if_known(at, &fault.to_string());
        self.fail_or_fence(at, fault.clone());
    }

    fn looked(&mut self, at: usize, live: Option<&Live>) {
        match (&self.steps[at].clone().act, live) {
            (Act::Delete { .. } | Act::DeleteReplaced { .. }, live) => self.looked_at_deletion(at, live),
            (Act::Import { lifecycle, dependencies, .. }, Some(live)) => self.imported(at, live, lifecycle, dependencies),
            (_, Some(live)) => self.looked_at_thing(at, live),
            (_, None) => self.looked_at_nothing(at),
        }
    }

    fn looked_at_nothing(&mut self, at: usize) {
        let Some(work) = self.works.get(&at) else { return };
        if work.seen {
            self.close(at, "it disappeared");
            self.fail(at, Failure::Vanished);
        } else if self.now >= work.hidden_until {
            self.close(at, "it was made and cannot be seen");
            self.fail(at, Failure::Vanished);
        } else {
            self.look_again(at);
        }
    }

    fn looked_at_thing(&mut self, at: usize, live: &Live) {
        if let Some(work) = self.works.get_mut(&at) {
            work.seen = true;
            work.was = live.settings.clone();
        }
        match &live.status {
            Status::Pending(status) => self.waiting(at, status),
            Status::Failed(status) => {
                self.close(at, status);
                self.fail(at, Failure::BecameFailed { status: status.clone() });
            }
            Status::Ready => {
                if let Err(failure) = self.compare(at, live) {
                    self.close(at, &failure.to_string());
                    self.fail(at, failure);
                }
            }
        }
    }

    fn waiting(&mut self, at: usize, status: &str) {
        let (address, doing) = (self.steps[at].address.clone(), self.doing(at));
        if let Some(work) = self.works.get_mut(&at)
            && work.status != status
        {
            work.status = status.to_owned();
            self.tell(Event::Waiting { at: self.now, address, doing, status: status.to_owned() });
        }
        self.look_again(at);
    }

    fn compare(&mut self, at: usize, live: &Live) -> Result<(), Failure> {
        let address = self.steps[at].address.clone();
        let schema = self.schema(&address)?;
        let Some(work) = self.works.get(&at) else { return Ok(()) };
        let mut desired = work.settings.clone();
        if let Some(lifecycle) = self.lifecycles.get(&address)
            && let Act::Update { planned, .. } | Act::Configure { planned, .. } = &self.steps[at].act
        {
            desired = settled(&desired, &live.settings, lifecycle);
            // What is left to others may have moved since the plan: it is no part of what was shown to happen.
            let planned = settled(planned, &live.settings, lifecycle);
            self.check_planned(schema, &planned, &desired, self.steps[at].act.is_shell())?;
        }
        let shell = self.steps[at].act.is_shell();
        let applied = self.applied(at).unwrap_or(&desired);
        let taken = work.updates > 0 || matches!(self.steps[at].act, Act::Create { .. });
        let mut differences = compare::differences(schema, self.sealer, &desired, applied, &live.settings, taken, shell);
        if !shell {
            differences.extend(self.owner.unmarked(schema, &live.settings, &address, work.token.as_ref()));
        }
        let Some(first) = differences.first() else { return self.as_desired(at, &desired, live) };
        let paths: Vec<String> = differences.iter().map(|it| it.path.clone()).collect();
        let tried = work.tried.get(&paths).copied().unwrap_or(0);
        let stuck = differences.iter().find(|it| it.fixed).or((tried >= UPDATES_MAX).then_some(first));
        match stuck {
            _ if tried > 0 && self.now < work.spread_until && self.now < work.give_up => self.look_again(at),
            Some(it) => {
                let (path, live, desired) = (it.path.clone(), format!("{:?}", it.before), format!("{:?}", it.after));
                let changes = matches!(self.steps[at].act, Act::Update { .. } | Act::Configure { .. });
                if it.fixed && changes && work.updates == 0 {
                    return Err(Failure::MustBeReplaced { path, live, desired });
                }
                return Err(Failure::DidNotTake { path, live, desired });
            }
            None if self.now >= work.give_up => return Err(self.late(at, work.last.clone())),
            None => {
                let on_record = work.on_record;
                if let Some(work) = self.works.get_mut(&at) {
                    work.settings = desired;
                    work.changing = paths;
                }
                if on_record {
                    self.call_now(at, Call::Update);
                } else {
                    self.phases[at] = Phase::Recording;
                    self.journal.hurry();
                }
            }
        }
        Ok(())
    }

    /// What the cloud was given before this step; nothing when it was given what is desired.
    fn applied(&self, at: usize) -> Option<&Value> {
        let (step, work) = (&self.steps[at], self.works.get(&at)?);
        if work.updates > 0 || matches!(step.act, Act::Create { .. }) {
            return None;
        }
        let record = self.state.resources.get(&step.address)?;
        (work.id.as_ref() == Some(&record.id)).then_some(&record.applied)
    }

    /// Ready, and equal to what was wanted.
    fn as_desired(&mut self, at: usize, desired: &Value, live: &Live) -> Result<(), Failure> {
        let address = self.steps[at].address.clone();
        let schema = self.schema(&address)?;
        let applied = self.sealer.seal(&compare::mark_secrets(schema, desired));
        let clear = compare::mark_secrets(schema, &live.outputs);
        let outputs = self.sealer.seal(&clear);
        if let Some(op) = self.works.get(&at).and_then(|it| it.op.clone()) {
            self.record(Entry::Outcome { op, outcome: Outcome::Done { applied, outputs } });
        }
        self.time(at);
        self.desired.learn(&address, &live.settings, &clear);
        match self.desired.check(&address, live) {
            Ok(()) => self.done(at),
            Err(failure) => self.fail(at, failure),
        }
        Ok(())
    }

    fn imported(&mut self, at: usize, live: &Live, lifecycle: &Recorded, dependencies: &BTreeSet<Address>) {
        let step = self.steps[at].clone();
        let (Some(schema), Some(id)) =
            (self.types.resource(step.address.type_name()), self.works.get(&at).and_then(|it| it.id.clone()))
        else {
            return;
        };
        let clear = compare::mark_secrets(schema, &live.outputs);
        self.has.insert(step.address.clone(), id.clone());
        let told = strip(schema, &live.settings);
        let settings = match self.desired.settings(&step.address) {
            Ok(desired) => compare::with_untold(schema, &told, &desired),
            // As it is, then: the next plan compares.
            Err(_) => told,
        };
        let record = Record {
            config: step.config.clone(),
            id,
            token: None,
            applied: self.sealer.seal(&compare::mark_secrets(schema, &settings)),
            outputs: self.sealer.seal(&clear),
            dependencies: dependencies.clone(),
            lifecycle: lifecycle.clone(),
            unfinished: false,
            deposed: Vec::new(),
        };
        self.record(Entry::Adopt { address: step.address.clone(), record: Arc::new(record) });
        self.desired.learn(&step.address, &live.settings, &clear);
        self.done(at);
    }

    fn looked_at_deletion(&mut self, at: usize, live: Option<&Live>) {
        let Some(work) = self.works.get(&at) else { return };
        match live.map(|it| &it.status) {
            None if work.acknowledged || self.now >= work.hidden_until => self.deleted(at),
            None => self.look_again(at),
            Some(Status::Failed(status)) if work.acknowledged => {
                let status = status.clone();
                self.close(at, &status);
                self.fail(at, Failure::BecameFailed { status });
            }
            Some(Status::Pending(status)) => {
                let status = status.clone();
                self.waiting(at, &status);
            }
            Some(Status::Ready | Status::Failed(_)) if work.acknowledged => self.look_again(at),
            // The call was lost, and nothing came of it.
            Some(Status::Ready | Status::Failed(_)) => {
                if self.now >= work.give_up {
                    return self.look_again(at);
                }
                self.call_now(at, Call::Delete);
            }
        }
    }

    /// Later, and each time a little later; unless its time is over.
    fn look_again(&mut self, at: usize) {
        let settle = self.patience.of(self.steps[at].address.type_name());
        let Some(work) = self.works.get_mut(&at) else { return };
        if self.now >= work.give_up {
            let failure = self.late(at, None);
            self.close_if_known(at, &failure.to_string());
            return self.fail(at, failure);
        }
        let pause = self.jitter.pause(settle.every, settle.every_max, work.looks);
        work.looks += 1;
        self.look_at(at, self.now + pause);
    }

    /// What was made and never seen keeps its intent, because "missing" could be "not visible yet" for the next run; so does
    /// what is being deleted, because the next run must not plan with it.
    fn close_if_known(&mut self, at: usize, message: &str) {
        if self.works.get(&at).is_some_and(|it| it.seen && !it.acknowledged) {
            self.close(at, message);
        }
    }
}
