//! [`Hint`]: what a run had made when its store did not take anything any more. Kept where the run was, for the next one there.
//!
//! It decides nothing: of what is still open as the dead run had left it, it says the ids, which are then looked at. Whatever
//! somebody has settled meanwhile, under whichever epoch, stays as it was settled.

use serde::{Deserialize, Serialize};

use super::{Entry, IntentAct, Lineage, OpId, Outcome, State};
use crate::address::{Address, StackName};
use crate::remote::Id;

/// The format that this version writes. Others are not read: a hint is only a hint.
const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    format: u32,
    pub stack: StackName,
    lineage: Lineage,
    pub made: Vec<Made>,
}

/// A creation whose id is not on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    op: OpId,
    pub address: Address,
    pub id: Id,
}

impl Hint {
    /// Of what was said and could not be stored, the ids of what was made. `state` holds all that was said. Nothing where there
    /// are none.
    pub fn new(state: &State, unwritten: &[Entry]) -> Option<Self> {
        let made = |entry: &Entry| match entry {
            Entry::Outcome { op, outcome: Outcome::Created { id } } => {
                let holds = |(_, record): &(&Address, &std::sync::Arc<super::Record>)| record.id == *id;
                let address = state.intents.get(op).map(|it| it.address.clone());
                let address = address.or_else(|| state.resources.iter().find(holds).map(|(it, _)| it.clone()))?;
                Some(Made { op: op.clone(), address, id: id.clone() })
            }
            _ => None,
        };
        let made: Vec<Made> = unwritten.iter().filter_map(made).collect();
        let (stack, lineage) = (state.stack.clone(), state.lineage.clone());
        (!made.is_empty()).then_some(Self { format: FORMAT, stack, lineage, made })
    }

    /// What it says of a state as it is now: of creations that are open, and that nobody has looked for in vain.
    pub fn of(&self, state: &State) -> Vec<Entry> {
        if self.format != FORMAT || self.stack != state.stack || self.lineage != state.lineage {
            return Vec::new();
        }
        let is_open = |it: &&Made| {
            let intent = state.intents.get(&it.op).filter(|open| open.address == it.address && open.watched_until.is_none());
            let Some(IntentAct::Create { replaces, .. }) = intent.map(|it| &it.act) else { return false };
            // What is on record in its place by now is not to be lost for it.
            let record = state.resources.get(&it.address);
            record.is_none_or(|record| record.id == it.id || Some(&record.id) == replaces.as_ref())
        };
        let created = |it: &Made| Entry::Outcome { op: it.op.clone(), outcome: Outcome::Created { id: it.id.clone() } };
        self.made.iter().filter(is_open).map(created).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::state::{Intent, sample};
    use crate::value::Value;

    /// A state with one open creation, and what its run could not store.
    fn open() -> (State, Hint) {
        let mut state = sample::state(2);
        let intent = sample::creation("3.1", 7, Value::Null);
        state.fold(&Entry::Intent(intent.clone()));
        let unwritten = Entry::Outcome { op: intent.op, outcome: Outcome::Created { id: Id::new("vpc-7") } };
        let mut said = state.clone();
        said.fold(&unwritten);
        let hint = Hint::new(&said, &[Entry::Forget { address: sample::address(0) }, unwritten]).unwrap();
        (state, hint)
    }

    #[test]
    fn it_says_the_ids_of_what_is_open() {
        let (mut state, hint) = open();
        let said = hint.of(&state);
        assert_eq!(said.len(), 1);
        said.iter().for_each(|it| state.fold(it));
        assert_eq!(state.resources[&sample::address(7)].id, Id::new("vpc-7"));
        let text = serde_json::to_string(&hint).unwrap();
        assert_eq!(serde_json::from_str::<Hint>(&text).unwrap(), hint);
    }

    #[test]
    fn what_was_settled_meanwhile_stays_settled() {
        let (open_state, hint) = open();
        let settled = |change: &dyn Fn(&mut State, Intent)| {
            let mut state = open_state.clone();
            let intent = state.intents.values().next().unwrap().clone();
            change(&mut state, intent);
            assert_eq!(hint.of(&state), []);
        };
        settled(&|it, intent| it.fold(&Entry::Outcome { op: intent.op, outcome: Outcome::NeverHappened }));
        settled(&|it, intent| it.fold(&Entry::Intent(Intent { watched_until: Some(5), ..intent })));
        settled(&|it, intent| drop(it.resources.insert(intent.address, Arc::new(sample::record(9)))));
        settled(&|it, _| it.lineage = Lineage("another".into()));
        settled(&|it, _| it.stack = "prod".parse().unwrap());
    }

    #[test]
    fn without_anything_made_there_is_none() {
        assert_eq!(Hint::new(&sample::state(1), &[Entry::Forget { address: sample::address(0) }]), None);
    }
}
