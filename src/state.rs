//! What is recorded of a stack: [`State`], and the journal's [`Entry`] from which it grows.
//!
//! Everything here is plain data and pure functions. Where it is kept, `store` knows.

pub mod codec;
pub mod hint;
pub mod journal;
pub mod ledger;
mod moves;
#[cfg(test)]
pub(crate) mod sample;
pub mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use journal::{Commit, Entry, Gap, Intent, IntentAct, OpId, Outcome, Position};

use crate::address::{Address, StackName};
use crate::remote::{ConfigName, Id, Token};
use crate::value::Value;

/// The format that this version writes. Older ones are upgraded on reading, newer ones refused.
pub const FORMAT: u32 = 1;

/// The identity of a state for all its life, 128 random bits in hexadecimal: two stacks of one name are told apart by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lineage(pub Arc<str>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub format: u32,
    pub stack: StackName,
    pub lineage: Lineage,
    /// Grows by one with every write of the document.
    pub serial: u64,
    /// The lock epoch of the writer.
    pub epoch: u64,
    /// The run that wrote it; settles a conditional write whose answer was lost.
    pub run: String,
    /// The newest journal entry that this document contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The endpoint override through which everything was made, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The commit of the stack files that were applied last, with `-dirty` behind it where they were changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Shared: a run holds the state more than once.
    pub resources: BTreeMap<Address, Arc<Record>>,
    pub outputs: BTreeMap<String, Output>,
    /// Open intents, and those of former epochs that are still watched for late twins.
    #[serde(default)]
    pub intents: BTreeMap<OpId, Intent>,
    /// How long steps took, by `type/action`, in milliseconds: an exponential mean.
    #[serde(default)]
    pub timings: BTreeMap<Arc<str>, u64>,
}

/// One thing that the stack owns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    #[serde(default)]
    pub config: ConfigName,
    pub id: Id,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// The settings as last applied: the user's, with the stack's default tags merged in, without our ownership tags. Sealed.
    pub applied: Value,
    /// The outputs as last read. Sealed.
    pub outputs: Value,
    /// What had to exist before it, and so goes after it.
    #[serde(default)]
    pub dependencies: BTreeSet<Address>,
    #[serde(default)]
    pub lifecycle: Recorded,
    /// Created, but not yet known to be as applied: the next plan mends it, or replaces it when it failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    /// Former instances of a create-first replacement that are still to be deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deposed: Vec<Deposed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deposed {
    pub id: Id,
    #[serde(default)]
    pub config: ConfigName,
    pub applied: Value,
    #[serde(default)]
    pub outputs: Value,
}

/// The lifecycle rules that count when the block is gone from the files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prevent_destroy: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prevent_replace: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retain_on_delete: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_before_destroy: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Sealed where sensitive.
    pub value: Value,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}

impl State {
    /// Every thing on record, former instances too: its address, the configuration that reaches it, its id.
    pub fn things(&self) -> impl Iterator<Item = (&Address, &ConfigName, &Id)> {
        self.resources.iter().flat_map(|(address, record)| {
            let deposed = record.deposed.iter().map(|it| (&it.config, &it.id));
            deposed.chain([(&record.config, &record.id)]).map(move |(config, id)| (address, config, id))
        })
    }

    pub fn new(stack: StackName, lineage: Lineage) -> Self {
        Self {
            format: FORMAT,
            stack,
            lineage,
            serial: 0,
            epoch: 0,
            run: String::new(),
            watermark: None,
            account: None,
            region: None,
            endpoint: None,
            commit: None,
            resources: BTreeMap::new(),
            outputs: BTreeMap::new(),
            intents: BTreeMap::new(),
            timings: BTreeMap::new(),
        }
    }

    /// What is recorded under the address.
    pub fn record(&self, address: &Address) -> Option<&Record> {
        self.resources.get(address).map(Arc::as_ref)
    }

    /// The same, to be changed.
    pub fn record_mut(&mut self, address: &Address) -> Option<&mut Record> {
        self.resources.get_mut(address).map(Arc::make_mut)
    }

    /// Drops dependencies on what is not recorded any more: they order nothing, and would be broken references. Done once
    /// before a document is written, not with every entry that removes something.
    pub fn tidy(&mut self) {
        let recorded: BTreeSet<Address> = self.resources.keys().cloned().collect();
        let lacks = |it: &Arc<Record>| !it.dependencies.is_subset(&recorded);
        for record in self.resources.values_mut().filter(|it| lacks(it)) {
            Arc::make_mut(record).dependencies.retain(|it| recorded.contains(it));
        }
    }
}
