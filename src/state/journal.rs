//! The journal: what was about to be done, and what came of it. [`State::fold`] is the only way in which a run changes a
//! state, so a state and the journal behind it always tell the same story.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Deposed, Output, Record, Recorded, State};
use crate::address::Address;
use crate::remote::{ConfigName, Id, Token};
use crate::value::Value;

/// One mutation of the cloud, unique within a lineage: `<epoch>.<number>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpId(pub Arc<str>);

/// The place of one commit in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    pub epoch: u64,
    pub seq: u64,
}

/// What was stored together, at one position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    pub position: Position,
    pub entries: Vec<Entry>,
}

/// The journal does not continue the state: a commit is missing between them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal goes on at {found}, the state of epoch {epoch} ends at {}", after.map_or("its start".to_owned(), |it| it.to_string()))]
pub struct Gap {
    pub epoch: u64,
    pub after: Option<Position>,
    pub found: Position,
}

impl Position {
    /// The place of the commit that follows `last` in this epoch; every epoch counts from 1.
    pub fn next(last: Option<Position>, epoch: u64) -> Self {
        Self { epoch, seq: last.filter(|it| it.epoch == epoch).map_or(1, |it| it.seq.saturating_add(1)) }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

/// Written before the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub op: OpId,
    pub address: Address,
    pub config: ConfigName,
    pub act: IntentAct,
    /// When the intent was minted, in milliseconds since 1970 on the writer's clock; for people, and for the watch window.
    pub at: u64,
    /// The run is over and its outcome unknown: still looked for until then (milliseconds since 1970).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched_until: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentAct {
    Create {
        token: Token,
        /// The settings handed to the call, sealed.
        inputs: Value,
        dependencies: BTreeSet<Address>,
        lifecycle: Recorded,
        /// The live instance that this one replaces, create-first: becomes deposed when this one exists.
        replaces: Option<Id>,
    },
    Update {
        id: Id,
        inputs: Value,
        dependencies: BTreeSet<Address>,
        lifecycle: Recorded,
    },
    /// Of the live instance, or of a deposed one.
    Delete {
        id: Id,
        deposed: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    Intent(Intent),
    Outcome {
        op: OpId,
        outcome: Outcome,
    },
    /// Changes of the record alone; no call is made for them.
    Adopt {
        address: Address,
        record: Arc<Record>,
    },
    Forget {
        address: Address,
    },
    Move {
        from: Address,
        to: Address,
    },
    Protect {
        address: Address,
        lifecycle: Recorded,
        dependencies: BTreeSet<Address>,
    },
    /// Live values became known or changed without us: outputs only.
    Refresh {
        address: Address,
        outputs: Value,
    },
    Outputs {
        outputs: std::collections::BTreeMap<String, Output>,
    },
    Timing {
        key: Arc<str>,
        millis: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It has an id; not yet known to be ready and as wanted. The intent stays open until `Done`.
    Created {
        id: Id,
    },
    /// Ready, and equal to what was wanted.
    Done {
        applied: Value,
        outputs: Value,
    },
    Deleted,
    /// Nothing was done, or what was done is on record: the intent is closed and the record stays as it is.
    Failed {
        message: String,
    },
    /// Looked for and not found while nobody could still be executing the call.
    NeverHappened,
}

impl State {
    /// Takes in what the state does not contain yet, and moves the watermark. `commits` are in the order of their positions.
    ///
    /// A state is rewritten under a new epoch before that epoch's first commit, so what is not contained yet is of the state's
    /// own epoch and has no gaps.
    pub fn replay(&mut self, commits: &[Commit]) -> Result<(), Gap> {
        for commit in commits {
            if self.watermark.is_some_and(|mark| commit.position <= mark) {
                continue;
            }
            if commit.position != Position::next(self.watermark, self.epoch) {
                return Err(Gap { epoch: self.epoch, after: self.watermark, found: commit.position });
            }
            self.fold_all(&commit.entries);
            self.watermark = Some(commit.position);
        }
        Ok(())
    }

    /// Takes one entry in. Entries are facts: none is refused, and folding one twice is folding it once.
    pub fn fold(&mut self, entry: &Entry) {
        match entry {
            Entry::Intent(intent) => {
                self.intents.insert(intent.op.clone(), intent.clone());
            }
            Entry::Outcome { op, outcome } => self.fold_outcome(op, outcome),
            Entry::Adopt { address, record } => {
                self.resources.insert(address.clone(), record.clone());
            }
            Entry::Forget { address } => {
                self.resources.remove(address);
            }
            Entry::Move { .. } => self.fold_all([entry]),
            Entry::Protect { address, lifecycle, dependencies } => {
                if let Some(record) = self.record_mut(address) {
                    record.lifecycle = lifecycle.clone();
                    record.dependencies = dependencies.clone();
                }
            }
            Entry::Refresh { address, outputs } => {
                if let Some(record) = self.record_mut(address) {
                    record.outputs = outputs.clone();
                }
            }
            Entry::Outputs { outputs } => self.outputs = outputs.clone(),
            Entry::Timing { key, millis } => {
                let mean = self.timings.entry(key.clone()).or_insert(*millis);
                *mean = (*mean * 3 + *millis) / 4;
            }
        }
    }

    fn fold_outcome(&mut self, op: &OpId, outcome: &Outcome) {
        let Some(intent) = self.intents.get(op) else { return };
        match (outcome, &intent.act) {
            (Outcome::Created { id }, IntentAct::Create { token, inputs, dependencies, lifecycle, replaces }) => {
                let former = self.resources.remove(&intent.address);
                let deposed = match former {
                    Some(former) if former.id != *id => Arc::unwrap_or_clone(former).depose(replaces.as_ref()),
                    Some(former) => Arc::unwrap_or_clone(former).deposed,
                    None => Vec::new(),
                };
                let record = Record {
                    config: intent.config.clone(),
                    id: id.clone(),
                    token: Some(token.clone()),
                    applied: inputs.clone(),
                    outputs: Value::Null,
                    dependencies: dependencies.clone(),
                    lifecycle: lifecycle.clone(),
                    unfinished: true,
                    deposed,
                };
                self.resources.insert(intent.address.clone(), Arc::new(record));
            }
            (Outcome::Done { applied, outputs }, act) => {
                if let Some(record) = self.resources.get_mut(&intent.address).map(Arc::make_mut) {
                    record.applied = applied.clone();
                    record.outputs = outputs.clone();
                    record.unfinished = false;
                    if let IntentAct::Update { dependencies, lifecycle, .. } = act {
                        record.dependencies = dependencies.clone();
                        record.lifecycle = lifecycle.clone();
                    }
                }
                self.intents.remove(op);
            }
            (Outcome::Deleted, IntentAct::Delete { id, deposed: true }) => {
                if let Some(record) = self.resources.get_mut(&intent.address).map(Arc::make_mut) {
                    record.deposed.retain(|it| it.id != *id);
                }
                self.intents.remove(op);
            }
            (Outcome::Deleted, _) => {
                self.resources.remove(&intent.address);
                self.intents.remove(op);
            }
            (Outcome::Created { .. }, _) => {}
            (Outcome::Failed { .. } | Outcome::NeverHappened, _) => {
                self.intents.remove(op);
            }
        }
    }
}

impl Record {
    /// The former instances that a new one leaves behind: this one, when it is the one replaced, and its own.
    fn depose(self, replaced: Option<&Id>) -> Vec<Deposed> {
        let mut all = self.deposed;
        if replaced == Some(&self.id) {
            all.push(Deposed { id: self.id, config: self.config, applied: self.applied, outputs: self.outputs });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;

    fn commit(epoch: u64, seq: u64) -> Commit {
        let entries = vec![Entry::Intent(sample::creation(&format!("{epoch}.{seq}"), 9, Value::Null))];
        Commit { position: Position { epoch, seq }, entries }
    }

    #[test]
    fn what_the_state_contains_is_skipped_and_the_rest_taken_in_order() {
        let mut state = sample::state(1);
        assert_eq!((state.epoch, state.watermark), (3, Some(Position { epoch: 2, seq: 9 })));
        state.replay(&[commit(2, 8), commit(2, 9), commit(3, 1), commit(3, 2)]).unwrap();
        assert_eq!(state.watermark, Some(Position { epoch: 3, seq: 2 }));
        let ops: Vec<_> = state.intents.keys().map(|it| it.0.to_string()).collect();
        assert_eq!(ops, ["3.1", "3.2"]);
        state.replay(&[commit(3, 1), commit(3, 2), commit(3, 3)]).unwrap();
        assert_eq!(state.watermark, Some(Position { epoch: 3, seq: 3 }));
    }

    #[test]
    fn what_is_still_watched_moves_with_its_address() {
        let mut state = sample::state(1);
        let mut watched = sample::creation("3.1", 0, Value::Null);
        watched.watched_until = Some(9);
        let open = Intent { op: OpId("3.2".into()), watched_until: None, ..watched.clone() };
        let (from, to) = (watched.address.clone(), sample::address(7));
        state.intents.extend([(watched.op.clone(), watched), (open.op.clone(), open)]);
        state.fold(&Entry::Move { from: from.clone(), to: to.clone() });
        let at: Vec<_> = state.intents.values().map(|it| it.address.clone()).collect();
        assert_eq!(at, [to, from]);
    }

    #[test]
    fn a_gap_is_never_jumped_over() {
        for strange in [commit(3, 2), commit(2, 10), commit(4, 1)] {
            let gap = sample::state(1).replay(std::slice::from_ref(&strange)).unwrap_err();
            assert_eq!(gap.found, strange.position);
        }
    }
}
