//! The numbered laws of state. A document that breaks one is never written, and reported when it is read: it would make a
//! later plan lose a resource or make it twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{FORMAT, Intent, IntentAct, OpId, State};
use crate::address::{Address, Mode};
use crate::remote::{ConfigName, Id};
use crate::value::Value;

/// What holds of every state that is kept. The numbers are part of the messages and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// 1. It says what it is: this format, a lineage, the run that wrote it, a serial of one or more.
    Named,
    /// 2. It contains no journal entry of an epoch that is yet to come.
    WatermarkNotAhead,
    /// 3. Only things that are made are recorded, not those that are looked up.
    OnlyManaged,
    /// 4. One thing has one place: no two records or deposed instances of one type and configuration share an id.
    OneHome,
    /// 5. What is live is not also deposed.
    DeposedIsGone,
    /// 6. Nothing depends on itself.
    NoSelfDependency,
    /// 7. Intents lie under their own operation id, of an epoch that has been.
    IntentsNamed,
    /// 8. One address has at most one open creation.
    OneCreation,
    /// 9. An open update or deletion is of something that is recorded under its address.
    IntentsHaveTargets,
    /// 10. While a thing is being deleted, nothing deposed is left under its address that would be forgotten with it.
    DeposedFirst,
    /// 11. No secret is in clear: a sensitive output is a digest.
    Sealed,
    /// 12. What is finished is known: no unknown value in it.
    Known,
    /// 13. Values are at most 100 levels deep, so that every JSON reader can read them.
    Shallow,
}

/// The deepest nesting of a value; readers stop at 128 levels of a whole document.
const DEPTH_MAX: usize = 100;

/// A broken law, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub law: Law,
    pub problem: String,
}

impl Law {
    pub fn number(self) -> u8 {
        self as u8 + 1
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "law {} of state: {}", self.law.number(), self.problem)
    }
}

/// Every law that a written state breaks; empty for a good one.
pub fn verify(state: &State) -> Vec<Violation> {
    let mut found = Found(Vec::new());
    found.names(state);
    found.records(state);
    found.homes(state);
    found.intents(state);
    found.outputs(state);
    found.0
}

struct Found(Vec<Violation>);

impl Found {
    fn check(&mut self, holds: bool, law: Law, problem: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Violation { law, problem: problem() });
        }
    }

    fn names(&mut self, state: &State) {
        self.check(state.format == FORMAT, Law::Named, || format!("it has format {}, not {FORMAT}", state.format));
        self.check(!state.lineage.0.is_empty(), Law::Named, || "it has no lineage".into());
        self.check(!state.run.is_empty(), Law::Named, || "it does not say which run wrote it".into());
        self.check(state.serial > 0, Law::Named, || "its serial is 0".into());
        if let Some(mark) = state.watermark {
            self.check(mark.epoch <= state.epoch, Law::WatermarkNotAhead, || {
                format!("it is of epoch {} and contains journal entries of epoch {}", state.epoch, mark.epoch)
            });
        }
    }

    fn records(&mut self, state: &State) {
        for (address, record) in &state.resources {
            self.check(address.mode() == Mode::Managed, Law::OnlyManaged, || format!("{address} is only looked up"));
            for dependency in &record.dependencies {
                self.check(dependency != address, Law::NoSelfDependency, || format!("{address} depends on itself"));
            }
            let deposed = record.deposed.iter().flat_map(|it| [&it.applied, &it.outputs]);
            for value in [&record.applied, &record.outputs].into_iter().chain(deposed) {
                self.check(record.unfinished || value.is_wholly_known(), Law::Known, || {
                    format!("{address} is finished and has a value that is not known")
                });
                self.check(!is_deeper(value, DEPTH_MAX), Law::Shallow, || format!("{address} has a value that is too deep"));
                self.check(!in_clear(value), Law::Sealed, || format!("{address} has a secret in clear"));
            }
        }
    }

    fn homes(&mut self, state: &State) {
        let mut homes: BTreeMap<(&str, &ConfigName, &Id), &Address> = BTreeMap::new();
        for (address, config, id) in state.things() {
            let Some(other) = homes.insert((address.type_name(), config, id), address) else { continue };
            if other != address {
                self.check(false, Law::OneHome, || format!("{id} is recorded as {other} and as {address}"));
            } else {
                self.check(false, Law::DeposedIsGone, || {
                    format!("{id} is both live and deposed, or deposed twice, as {address}")
                });
            }
        }
    }

    fn intents(&mut self, state: &State) {
        let mut creations: BTreeSet<&Address> = BTreeSet::new();
        for (op, intent) in &state.intents {
            self.check(*op == intent.op, Law::IntentsNamed, || format!("the intent {} lies under {}", intent.op.0, op.0));
            self.check(epoch_of(op).is_some_and(|it| it <= state.epoch), Law::IntentsNamed, || {
                format!("the intent {} is not of an epoch up to {}", op.0, state.epoch)
            });
            if intent.watched_until.is_none() {
                self.open_intent(state, intent, &mut creations);
            }
        }
    }

    fn open_intent<'s>(&mut self, state: &State, intent: &'s Intent, creations: &mut BTreeSet<&'s Address>) {
        let record = state.resources.get(&intent.address);
        let address = &intent.address;
        match &intent.act {
            IntentAct::Create { inputs, .. } => {
                // One that is only watched was given up, and may be tried again.
                let open = intent.watched_until.is_none();
                self.check(!open || creations.insert(address), Law::OneCreation, || format!("{address} has two open creations"));
                self.check(!is_deeper(inputs, DEPTH_MAX), Law::Shallow, || format!("{address} has a value that is too deep"));
                self.check(!in_clear(inputs), Law::Sealed, || format!("the creation of {address} has a secret in clear"));
            }
            IntentAct::Update { id, inputs, .. } => {
                self.check(record.is_some_and(|it| it.id == *id), Law::IntentsHaveTargets, || {
                    format!("{id} is being updated as {address}, which is not recorded so")
                });
                self.check(!is_deeper(inputs, DEPTH_MAX), Law::Shallow, || format!("{address} has a value that is too deep"));
                self.check(!in_clear(inputs), Law::Sealed, || format!("the update of {address} has a secret in clear"));
            }
            IntentAct::Delete { id, deposed: false } => {
                self.check(record.is_some_and(|it| it.id == *id), Law::IntentsHaveTargets, || {
                    format!("{id} is being deleted as {address}, which is not recorded so")
                });
                self.check(record.is_none_or(|it| it.deposed.is_empty()), Law::DeposedFirst, || {
                    format!("{address} is being deleted before its former instances")
                });
            }
            IntentAct::Delete { id, deposed: true } => {
                self.check(record.is_some_and(|it| it.deposed.iter().any(|it| it.id == *id)), Law::IntentsHaveTargets, || {
                    format!("{id} is being deleted as a former {address}, which is not recorded so")
                });
            }
        }
    }

    fn outputs(&mut self, state: &State) {
        for (name, output) in &state.outputs {
            let hidden = matches!(output.value, Value::Digest(_) | Value::Null | Value::Unknown(_));
            self.check((!output.sensitive || hidden) && !in_clear(&output.value), Law::Sealed, || {
                format!("the output `{name}` is sensitive and in clear")
            });
            self.check(!is_deeper(&output.value, DEPTH_MAX), Law::Shallow, || format!("the output `{name}` is too deep"));
        }
    }
}

/// The epoch in an operation id, `<epoch>.<number>`.
fn epoch_of(op: &OpId) -> Option<u64> {
    op.0.split_once('.')?.0.parse().ok()
}

fn in_clear(value: &Value) -> bool {
    value.any(&mut |it| matches!(it, Value::Sensitive(_)))
}

/// Whether the value has more than `levels` levels; never looks deeper than that.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let inside = |it: &Value| levels.checked_sub(1).is_none_or(|rest| is_deeper(it, rest));
    match value {
        Value::Map(items) | Value::Object(items) => items.values().any(inside),
        Value::List(items) | Value::Tuple(items) => items.iter().any(inside),
        Value::Set(items) => items.iter().any(inside),
        Value::Sensitive(secret) => is_deeper(secret, levels),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown(_) | Value::Digest(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::remote::Id;
    use crate::state::{Deposed, Output, Position, sample};
    use crate::value::Type;

    fn broken(change: impl FnOnce(&mut State)) -> Vec<u8> {
        let mut state = sample::state(3);
        change(&mut state);
        verify(&state).into_iter().map(|it| it.law.number()).collect()
    }

    fn first(state: &mut State) -> &mut crate::state::Record {
        state.record_mut(&sample::address(0)).unwrap()
    }

    fn former(id: &str) -> Deposed {
        Deposed { id: Id::new(id), config: ConfigName::default(), applied: Value::Null, outputs: Value::Null }
    }

    fn intent(state: &mut State, op: &str, number: usize, act: Option<IntentAct>) {
        let mut intent = sample::creation(op, number, Value::Null);
        if let Some(act) = act {
            intent.act = act;
        }
        state.intents.insert(OpId(op.into()), intent);
    }

    #[test]
    fn each_law_is_found_broken() {
        let none: [u8; 0] = [];
        assert_eq!(broken(|_| {}), none);
        assert_eq!(broken(|it| it.run.clear()), [1]);
        assert_eq!(broken(|it| it.serial = 0), [1]);
        assert_eq!(broken(|it| it.watermark = Some(Position { epoch: 4, seq: 1 })), [2]);
        assert_eq!(
            broken(|it| {
                it.resources.insert("data.aws_region.here".parse().unwrap(), Arc::new(sample::record(0)));
            }),
            [3]
        );
        assert_eq!(broken(|it| first(it).id = Id::new("vpc-00000001")), [4]);
        assert_eq!(broken(|it| first(it).deposed.push(former("vpc-00000000"))), [5]);
        assert_eq!(
            broken(|it| {
                first(it).dependencies.insert(sample::address(0));
            }),
            [6]
        );
        assert_eq!(broken(|it| intent(it, "4.1", 9, None)), [7]);
        assert_eq!(broken(|it| intent(it, "nonsense", 9, None)), [7]);
        assert_eq!(
            broken(|it| {
                intent(it, "3.1", 9, None);
                intent(it, "3.2", 9, None);
            }),
            [8]
        );
        let delete = |id: &str, deposed| Some(IntentAct::Delete { id: Id::new(id), deposed });
        assert_eq!(broken(|it| intent(it, "3.1", 9, delete("vpc-9", false))), [9]);
        assert_eq!(broken(|it| intent(it, "3.1", 0, delete("vpc-9", true))), [9]);
        assert_eq!(
            broken(|it| {
                first(it).deposed.push(former("vpc-old"));
                intent(it, "3.1", 0, delete("vpc-00000000", false));
            }),
            [10]
        );
        let clear = Output { value: Value::from("hunter2"), sensitive: true };
        assert_eq!(broken(|it| drop(it.outputs.insert("password".into(), clear))), [11]);
        assert_eq!(broken(|it| first(it).applied = Value::from("hunter2").sensitive()), [11]);
        let unknown = Value::unknown(Type::String, sample::address(1), "id");
        assert_eq!(broken(|it| first(it).applied = unknown.clone()), [12]);
        assert_eq!(
            broken(|it| {
                first(it).applied = unknown.clone();
                first(it).unfinished = true;
            }),
            none
        );
        let deep = (0..=DEPTH_MAX).fold(Value::Null, |inner, _| Value::tuple([inner]));
        assert_eq!(broken(|it| first(it).applied = deep), [13]);
    }

    #[test]
    fn what_is_only_watched_needs_no_target() {
        let watched = |state: &mut State| {
            intent(state, "1.1", 9, Some(IntentAct::Delete { id: Id::new("vpc-9"), deposed: false }));
            state.intents.values_mut().for_each(|it| it.watched_until = Some(1));
        };
        assert!(broken(watched).is_empty());
    }

    #[test]
    fn the_deepest_lawful_value_can_be_read_back() {
        let mut state = sample::state(1);
        first(&mut state).applied = (1..DEPTH_MAX).fold(Value::from(1), |inner, _| Value::object([("a", inner)]));
        assert_eq!(verify(&state), Vec::new());
        let bytes = crate::state::codec::encode(&state).unwrap();
        assert_eq!(crate::state::codec::decode(&bytes, &state.stack).unwrap(), state);
    }

    proptest! {
        #[test]
        fn sampled_states_keep_the_laws(state in sample::states()) {
            prop_assert_eq!(verify(&state), Vec::new());
        }
    }
}
