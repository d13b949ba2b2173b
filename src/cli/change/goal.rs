//! [`Goal`]: what a change is for.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::address::Address;
use crate::cli::look::Depth;
use crate::state::State;

pub enum Goal {
    /// What the files say.
    Files,
    /// Nothing is left; what lies in these is lost with them.
    Nothing { purge: BTreeSet<Address> },
    /// What a kept plan showed.
    Saved(PathBuf),
    /// What was found in the account is taken in.
    Found,
    /// One thing that a person named is taken in.
    Taken,
    /// What a former version of the state had applied.
    Former(Box<State>),
}

impl Goal {
    /// The word for it on the command line.
    pub(super) fn command(&self) -> &'static str {
        match self {
            Self::Files | Self::Saved(_) => "apply",
            Self::Nothing { .. } => "destroy",
            Self::Found => "state rebuild",
            Self::Taken => "import",
            Self::Former(_) => "rollback",
        }
    }

    /// Whether what is looked at first is known before the lock is there.
    pub(super) fn looks_ahead(&self) -> bool {
        match self {
            Self::Files | Self::Nothing { .. } => true,
            Self::Saved(_) | Self::Found | Self::Taken | Self::Former(_) => false,
        }
    }

    /// How closely what is on record is looked at.
    pub(super) fn depth(&self) -> Depth {
        if self.is_destruction() { Depth::Presence } else { Depth::Parts }
    }

    /// The word for it in a summary.
    pub(super) fn done(&self) -> &'static str {
        match self {
            Self::Files | Self::Saved(_) => "Applied",
            Self::Found => "Rebuilt",
            Self::Taken => "Imported",
            Self::Former(_) => "Rolled back",
            Self::Nothing { .. } => "Destroyed",
        }
    }

    pub(super) fn is_destruction(&self) -> bool {
        matches!(self, Self::Nothing { .. })
    }
}
