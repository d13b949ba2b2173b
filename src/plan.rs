//! From what is desired, recorded and live to a finished program of steps. Pure: no I/O, no clock.
//!
//! `change` is for people (what, and why), `step` is for the machine (what, and after what).

pub mod answers;
mod books;
pub mod change;
pub mod codec;
mod contents;
mod decide;
pub mod diff;
mod former;
mod forms;
mod guard;
mod make;
mod moves;
mod order;
mod previews;
mod purge;
pub mod read;
mod request;
mod select;
mod sight;
pub mod step;
pub mod verify;
mod waves;

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

pub use books::unfit_objects;
pub use change::{Action, AttributeChange, Change, Reason, Summary};
pub use former::Former;
pub use forms::Forms;
pub use make::plan;
pub use order::doing;
pub use request::{DataKey, DataRead, ImportKey, Observed, Options, Outcome, Planned, PreviewRead, Previewed, Request};
pub use step::{Act, Need, Step, StepId, Until};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::{Address, StackName};
use crate::state::Lineage;
use crate::value::{Provenance, Value};

/// What will be done, all of it and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub stack: StackName,
    pub account: String,
    pub region: String,
    pub lineage: Lineage,
    /// Of the state that it was made from.
    pub serial: u64,
    /// SHA-256 over the stack files, variables and files read: a saved plan is void when it changes.
    pub configuration: String,
    /// In the order in which they are shown.
    pub changes: Vec<Change>,
    /// In an order that satisfies every need.
    pub steps: Vec<Step>,
    pub deferred: Vec<Deferred>,
    /// Before and after, by name; only those that change.
    pub outputs: BTreeMap<String, OutputChange>,
    /// Digest of what was read of each resource that a step touches: a saved plan is checked against it thing by thing.
    pub read: BTreeMap<Address, String>,
}

/// A block that cannot be planned before something else is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// Without key: the block.
    pub address: Address,
    pub waits_for: Vec<Provenance>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputChange {
    pub before: Value,
    pub after: Value,
    pub sensitive: bool,
}
