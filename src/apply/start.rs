//! How each kind of step enters the loop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::compare;
use super::event::Failure;
use super::machine::Machine;
use super::work::{Call, Work};
use super::{Effect, Time};
use crate::address::Address;
use crate::plan::Act;
use crate::remote::{Fault, Id};
use crate::schema::Schema;
use crate::schema::equal::alike;
use crate::state::{Entry, IntentAct, Record, Recorded};
use crate::value::Value;

impl<'a> Machine<'a> {
    /// Begins a step; those that only change the record are done at once.
    pub(super) fn start(&mut self, at: usize) -> Result<(), Failure> {
        let step = self.steps[at].clone();
        let address = step.address.clone();
        match &step.act {
            Act::Create { planned, dependencies, lifecycle, replaces, shell } => {
                self.start_create(at, planned, dependencies, lifecycle, replaces.as_ref(), *shell)?;
            }
            Act::Configure { planned, dependencies, lifecycle } => {
                let id = self.has.get(&address).or(self.state.resources.get(&address).map(|it| &it.id)).cloned();
                let id = id.ok_or_else(|| bug("a step configures what is not there"))?;
                self.start_update(at, id, planned, dependencies, lifecycle)?;
            }
            Act::Update { id, planned, dependencies, lifecycle, .. } => {
                self.start_update(at, id.clone(), planned, dependencies, lifecycle)?;
            }
            Act::Delete { id, goes_along: true, .. } => {
                self.take_up(at, id.clone());
                self.recorded(at, Entry::Forget { address });
            }
            Act::Delete { id, deposed, settings, .. } => self.start_delete(at, id, *deposed, settings),
            Act::DeleteReplaced { id, settings } => self.start_delete(at, id, true, settings),
            Act::Import { id, .. } => {
                self.take_up(at, id.clone());
                self.look_at(at, self.now);
            }
            Act::Read => {
                let arguments = self.desired.settings(&address)?;
                self.works.insert(at, Work::new(self.now, self.give_up(at), arguments));
                self.call_now(at, Call::Data);
            }
            Act::Forget => self.recorded(at, Entry::Forget { address }),
            Act::Move { from } => self.recorded(at, Entry::Move { from: from.clone(), to: address }),
            Act::Protect { lifecycle, dependencies } => {
                let (lifecycle, dependencies) = (lifecycle.clone(), dependencies.clone());
                self.recorded(at, Entry::Protect { address, lifecycle, dependencies });
            }
            Act::Refresh { record } => {
                self.has.insert(address.clone(), record.id.clone());
                let entry = self.refresh(address, record);
                self.recorded(at, entry);
            }
        }
        Ok(())
    }

    /// Something that is there, or was, and to which nothing is done.
    fn take_up(&mut self, at: usize, id: Id) {
        let mut work = Work::new(self.now, self.give_up(at), Value::Null);
        work.id = Some(id);
        self.works.insert(at, work);
    }

    fn recorded(&mut self, at: usize, entry: Entry) {
        self.record(entry);
        self.done(at);
    }

    /// Where only outputs moved, only they are recorded.
    fn refresh(&self, address: Address, record: &Arc<Record>) -> Entry {
        let outputs = record.outputs.clone();
        match self.state.resources.get(&address) {
            Some(known) if Record { outputs: outputs.clone(), ..(**known).clone() } == **record => {
                Entry::Refresh { address, outputs }
            }
            Some(_) | None => Entry::Adopt { address, record: record.clone() },
        }
    }

    fn start_create(
        &mut self,
        at: usize,
        planned: &Value,
        dependencies: &BTreeSet<Address>,
        lifecycle: &Recorded,
        replaces: Option<&Id>,
        shell: bool,
    ) -> Result<(), Failure> {
        let address = self.steps[at].address.clone();
        let schema = self.schema(&address)?;
        let settings = self.wanted(at, schema)?;
        self.check_planned(schema, planned, &settings, shell)?;
        let settings = compare::mark_secrets(schema, &settings);
        let inputs = self.sealer.seal(&settings);
        let mut work = Work::new(self.now, self.give_up(at), settings);
        let kept = self.kept.remove(&address);
        work.may_be_ours = kept.is_some();
        let token = match kept {
            Some((token, former)) if alike(&former, &inputs) => {
                // The former run's call may have been carried out since it was looked for.
                work.doubt = true;
                token
            }
            other => {
                work.former = other;
                self.mint.token()
            }
        };
        work.token = Some(token.clone());
        let act = IntentAct::Create {
            token,
            inputs,
            dependencies: self.there(dependencies, shell),
            lifecycle: lifecycle.clone(),
            replaces: replaces.cloned(),
        };
        self.announce(at, work, act);
        Ok(())
    }

    /// The settings as the files say now; of a shell, without what is not known yet.
    pub(super) fn wanted(&mut self, at: usize, schema: &Schema) -> Result<Value, Failure> {
        let step = self.steps[at].clone();
        let settings = self.desired.settings(&step.address)?;
        Ok(if step.act.is_shell() { compare::without_unknown_later(schema, &settings) } else { settings })
    }

    /// What only a later step than that of a shell refers to may not exist yet: that step records it.
    fn there(&self, dependencies: &BTreeSet<Address>, shell: bool) -> BTreeSet<Address> {
        let is_there = |it: &&Address| !shell || self.has.contains_key(*it) || self.state.resources.contains_key(*it);
        dependencies.iter().filter(is_there).cloned().collect()
    }

    fn start_update(
        &mut self,
        at: usize,
        id: Id,
        planned: &Value,
        dependencies: &BTreeSet<Address>,
        lifecycle: &Recorded,
    ) -> Result<(), Failure> {
        let address = self.steps[at].address.clone();
        let schema = self.schema(&address)?;
        let shell = self.steps[at].act.is_shell();
        let settings = compare::mark_secrets(schema, &self.wanted(at, schema)?);
        // What is left to others is compared with the plan when it was read.
        if !self.lifecycles.contains_key(&address) {
            self.check_planned(schema, planned, &settings, shell)?;
        }
        let inputs = self.sealer.seal(&settings);
        let mut work = Work::new(self.now, self.give_up(at), settings);
        work.id = Some(id.clone());
        work.token = self.state.resources.get(&address).and_then(|it| it.token.clone());
        work.seen = true;
        work.on_record = true;
        let dependencies = self.there(dependencies, shell);
        let act = IntentAct::Update { id, inputs, dependencies, lifecycle: lifecycle.clone() };
        self.announce(at, work, act);
        Ok(())
    }

    pub(super) fn start_delete(&mut self, at: usize, id: &Id, deposed: bool, settings: &Value) {
        let settings = match self.types.resource(self.steps[at].address.type_name()) {
            Some(schema) => compare::without_digests(schema, settings),
            None => settings.clone(),
        };
        let mut work = Work::new(self.now, self.give_up(at), settings);
        work.id = Some(id.clone());
        // Nobody has seen it yet, so "missing" may mean "not visible yet".
        let record = self.state.resources.get(&self.steps[at].address);
        if record.is_some_and(|it| it.unfinished && it.id == *id) {
            work.hidden_until = self.now + self.patience.of(self.steps[at].address.type_name()).hidden;
        }
        self.announce(at, work, IntentAct::Delete { id: id.clone(), deposed });
    }

    /// The call as an effect; nothing when the step lacks what the call is for.
    pub(super) fn effect(&self, at: usize, call: Call) -> Option<Effect> {
        let (target, work) = (self.target(at), self.works.get(&at)?);
        let address = &self.steps[at].address;
        if call == Call::Data {
            return Some(Effect::Data { target, arguments: work.settings.clone() });
        }
        let schema = self.types.resource(address.type_name())?;
        let token = work.token.as_ref();
        Some(match call {
            Call::Create => {
                let settings = self.owner.mark(schema, &work.settings, address, token);
                Effect::Create { target, settings, token: token?.clone() }
            }
            Call::Find => {
                let settings = self.owner.mark(schema, &work.settings, address, token);
                Effect::Find { target, settings, token: token?.clone() }
            }
            Call::FindFormer => {
                let (token, inputs) = work.former.as_ref()?;
                let settings = compare::without_digests(schema, inputs);
                Effect::Find { target, settings: self.owner.mark(schema, &settings, address, Some(token)), token: token.clone() }
            }
            Call::Update => {
                let settings = self.owner.mark_over(schema, &work.settings, &work.was, address, token);
                Effect::Update { target, id: work.id.clone()?, was: work.was.clone(), settings }
            }
            Call::Empty => Effect::Empty { target, id: work.id.clone()? },
            Call::Delete => Effect::Delete { target, id: work.id.clone()?, settings: work.settings.clone() },
            Call::Blockers => Effect::Blockers { target, id: work.id.clone()? },
            Call::Data => return None,
        })
    }

    pub(super) fn schema(&self, address: &Address) -> Result<&'a Schema, Failure> {
        self.types.resource(address.type_name()).ok_or_else(|| bug("a step of a type that does not exist"))
    }

    /// What the plan showed as known must have come out so.
    pub(super) fn check_planned(&self, schema: &Schema, planned: &Value, now: &Value, shell: bool) -> Result<(), Failure> {
        if let Some(open) = now.waits_for().first() {
            let message = format!("a value is still not known: it waits for {}", open.address);
            return Err(Failure::Evaluation { message });
        }
        match compare::unlike_planned(schema, self.sealer, planned, now, shell) {
            Some((path, planned, now)) => {
                Err(Failure::NotAsPlanned { path, planned: format!("{planned:?}"), now: format!("{now:?}") })
            }
            None => Ok(()),
        }
    }

    /// When a step that begins now has taken too long.
    pub(super) fn give_up(&self, at: usize) -> Time {
        let step = &self.steps[at];
        let settle = self.patience.of(step.address.type_name());
        let user = self.timeouts.get(&step.address).copied().unwrap_or_default();
        let scaled = |it: Option<Duration>| it.map(|it| it.mul_f64(self.pace.scale));
        let limit = match &step.act {
            Act::Create { .. } => scaled(user.create).unwrap_or(settle.create),
            Act::Configure { .. } | Act::Update { .. } => scaled(user.update).unwrap_or(settle.update),
            Act::Delete { .. } | Act::DeleteReplaced { .. } => scaled(user.delete).unwrap_or(settle.delete),
            Act::Import { .. } | Act::Read | Act::Forget => settle.update,
            Act::Move { .. } | Act::Protect { .. } | Act::Refresh { .. } => settle.update,
        };
        self.now + limit
    }
}

fn bug(message: &str) -> Failure {
    Failure::Fault { fault: Fault::bug("apply", message) }
}
