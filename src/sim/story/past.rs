//! Stories that do not begin from nothing: a stack that was made once, and of which since then the record and the world say
//! different things. What is open in it no run of ours has left: it is invented, within the laws of state.

use std::sync::Arc;

use super::{Command, Story};
use crate::address::Address;
use crate::remote::{Id, tags};
use crate::sim::rng::Rng;
use crate::sim::run::Nobody;
use crate::sim::types::habit;
use crate::sim::world::names;
use crate::state::{Deposed, Intent, IntentAct, OpId, Record, State};
use crate::value::Value;

impl Story {
    /// Makes a stack in calm weather, and lets time pass over it.
    pub(super) fn remember(&mut self) -> Result<(), Vec<String>> {
        self.rewrite();
        self.rewrite();
        self.converge(Command::Apply, &mut Nobody)?;
        let mut rng = self.rng.split();
        let mut state = self.scene.vault.folded.clone();
        let all: Vec<Address> = state.resources.keys().cloned().collect();
        for address in all {
            if rng.one_in(2) {
                self.age(&mut rng, &mut state, &address);
            }
        }
        let now = self.scene.now;
        self.scene.vault.leave(&state, now);
        Ok(())
    }

    /// Something happened to it that nobody told the other side.
    fn age(&mut self, rng: &mut Rng, state: &mut State, address: &Address) {
        let Some(record) = state.resources.get(address).cloned() else { return };
        let is_used = state.resources.values().any(|it| it.dependencies.contains(address)) || self.is_parent(&record.id);
        let number = 1_000 + state.intents.len();
        let mut open = |act: IntentAct, at: u64| {
            let op = OpId(format!("{}.{number}", state.epoch).into());
            let intent =
                Intent { op: op.clone(), address: address.clone(), config: record.config.clone(), act, at, watched_until: None };
            state.intents.insert(op, intent);
        };
        let at = self.scene.clock();
        let done = rng.one_in(2);
        match rng.below(6) {
            0 if !is_used => self.remove(&record.id, "somebody deleted it"),
            1 => self.resize(rng, &record.id),
            2 => {
                self.scene.tell(|| format!("{address} was never seen ready"));
                let unfinished = Record { unfinished: true, outputs: Value::Null, ..(*record).clone() };
                state.resources.insert(address.clone(), Arc::new(unfinished));
            }
            3 if !habit(address.type_name()).by_name => self.depose(state, address, &record, done),
            4 if !is_used => {
                self.scene.tell(|| format!("{address} was about to be deleted"));
                open(IntentAct::Delete { id: record.id.clone(), deposed: false }, at);
                if done {
                    self.remove(&record.id, "it was");
                }
            }
            5 if !is_used && let Some(token) = record.token.clone() => {
                self.scene.tell(|| format!("{address} was about to be made"));
                let (inputs, dependencies) = (record.applied.clone(), record.dependencies.clone());
                open(IntentAct::Create { token, inputs, dependencies, lifecycle: record.lifecycle.clone(), replaces: None }, at);
                state.resources.remove(address);
                if !done {
                    self.remove(&record.id, "it was not");
                }
            }
            _ => {
                self.scene.tell(|| format!("{address} was about to be changed"));
                let (inputs, dependencies) = (record.applied.clone(), record.dependencies.clone());
                let lifecycle = record.lifecycle.clone();
                open(IntentAct::Update { id: record.id.clone(), inputs, dependencies, lifecycle }, at);
                if done {
                    self.resize(rng, &record.id);
                }
            }
        }
    }

    fn is_parent(&self, id: &Id) -> bool {
        self.scene.world.things.values().any(|it| names(&it.settings.get("parents")).contains(id))
    }

    fn remove(&mut self, id: &Id, why: &str) {
        self.scene.world.things.remove(id);
        self.scene.tell(|| format!("{id} is gone: {why}"));
    }

    fn resize(&mut self, rng: &mut Rng, id: &Id) {
        let size = Value::from(70 + rng.below(9) as i64);
        if let Some(thing) = self.scene.world.things.get_mut(id) {
            thing.settings = thing.settings.with("size", size);
            self.scene.tell(|| format!("{id} has another size"));
        }
    }

    /// A former instance that was replaced by this one and not deleted yet, or was, and nobody wrote it down.
    fn depose(&mut self, state: &mut State, address: &Address, record: &Record, is_there: bool) {
        let id = Id::new(format!("{}-former", record.id));
        self.scene.tell(|| format!("{id} is what {address} was before"));
        if is_there && let Some(mut former) = self.scene.world.things.get(&record.id).cloned() {
            former.token = None;
            if habit(address.type_name()).tagged {
                let tags = former.settings.get("tags").with(tags::ID, "former".into());
                former.settings = former.settings.with("tags", tags);
            }
            self.scene.world.things.insert(id.clone(), former);
        }
        if let Some(record) = state.record_mut(address) {
            let Record { config, applied, outputs, .. } = record.clone();
            record.deposed.push(Deposed { id, config, applied, outputs });
        }
    }
}
