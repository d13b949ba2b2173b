//! What the machine does, one step at a time: the plan as a program.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::remote::{ConfigName, Id};
use crate::state::{Record, Recorded};
use crate::value::Value;

/// The place of a step in [`Plan::steps`](super::Plan::steps).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub address: Address,
    #[serde(default)]
    pub config: ConfigName,
    pub act: Act,
    pub needs: Vec<Need>,
    /// What it usually takes, in milliseconds: the machine starts the longest remaining path first.
    pub expected_millis: u64,
}

/// An edge, with the reason that a person would give for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    pub step: StepId,
    /// The attribute that refers to it (`vpc_id`), or words in parentheses: `(depends_on)`, `(deleted before)`.
    pub why: String,
    /// How far the other has to be.
    #[serde(default, skip_serializing_if = "Until::is_done")]
    pub until: Until,
}

/// How far a step has to be for what needs it to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// The cloud took its call, or it has ended: an order without a dependency.
    Called,
    /// It has ended, in whatever way.
    Ended,
    /// It has ended well. What needs it is skipped when it has not.
    #[default]
    Done,
}

impl Until {
    pub fn is_done(&self) -> bool {
        *self == Self::Done
    }
}

/// Where a step enters the one loop: *intent stored → create → id known → read until ready → compare → (update → read)* →
/// outputs*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Makes it.
    Create {
        /// The settings as planned, sealed; what was known must come out the same.
        planned: Value,
        dependencies: BTreeSet<Address>,
        lifecycle: Recorded,
        /// Create-first replacement: the instance that becomes deposed.
        replaces: Option<Id>,
        /// `later` attributes that are not known yet are left to a `Configure` step, which finishes it.
        shell: bool,
    },
    /// Finishes what a `Create` or `Update` of the same address left: enters at the comparison.
    Configure {
        planned: Value,
        dependencies: BTreeSet<Address>,
        lifecycle: Recorded,
    },
    /// Changes it in place; also repairs drift, and finishes what a former run left unfinished.
    Update {
        id: Id,
        planned: Value,
        dependencies: BTreeSet<Address>,
        lifecycle: Recorded,
        /// Of what a former run left unfinished: as with `Create`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shell: bool,
    },
    /// The live instance, or a deposed one. `settings` are what it was last known to have.
    Delete {
        id: Id,
        deposed: bool,
        settings: Value,
        /// What it is a part of is deleted before, and took it along: nothing is called for, and it goes off the record.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        goes_along: bool,
        /// What lies in it is taken out before, as the user allowed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        purge: bool,
    },
    /// The deposed instance of this address that a `Create` with `replaces` left.
    DeleteReplaced {
        id: Id,
        settings: Value,
    },
    /// Takes a thing that exists into the state as it is; an `Update` follows when it is not as desired.
    Import {
        id: Id,
        lifecycle: Recorded,
        dependencies: BTreeSet<Address>,
    },
    /// The record alone.
    Forget,
    Move {
        from: Address,
    },
    Protect {
        lifecycle: Recorded,
        dependencies: BTreeSet<Address>,
    },
    /// A data source whose arguments become known only now.
    Read,
    /// Record what was read, where outputs changed without us.
    Refresh {
        record: Arc<Record>,
    },
}

impl Act {
    /// Whether a `Configure` step follows that finishes what this one begins.
    pub fn is_shell(&self) -> bool {
        matches!(self, Self::Create { shell: true, .. } | Self::Update { shell: true, .. })
    }
}
