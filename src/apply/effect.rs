//! What the machine asks for, and what it hears back.

use std::time::Duration;

use crate::remote::{Blocker, Emptied, Fault, Found, Id, Query, Target, Token};
use crate::state::{Entry, Position};
use crate::value::Value;

/// Time since the run began. The machine never asks what time it is.
pub type Time = Duration;

/// In whole milliseconds, as records have it.
pub fn millis(time: Time) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Pairs an answer with its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(pub u64);

/// One piece of I/O. At most one `Append` is on its way at any time; everything else may be answered in any order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// One commit of the journal.
    Append(Vec<Entry>),
    Create {
        target: Target,
        settings: Value,
        token: Token,
    },
    Find {
        target: Target,
        settings: Value,
        token: Token,
    },
    Read {
        target: Target,
        query: Query,
    },
    Update {
        target: Target,
        id: Id,
        was: Value,
        settings: Value,
    },
    Delete {
        target: Target,
        id: Id,
        settings: Value,
    },
    /// Takes some of its contents out of a thing that is to be deleted.
    Empty {
        target: Target,
        id: Id,
    },
    /// Asks what stands in the way of a deletion.
    Blockers {
        target: Target,
        id: Id,
    },
    Data {
        target: Target,
        arguments: Value,
    },
}

impl Effect {
    /// Whether it changes the cloud.
    pub fn mutates(&self) -> bool {
        match self {
            Self::Create { .. } | Self::Update { .. } | Self::Delete { .. } | Self::Empty { .. } => true,
            Self::Append(_) | Self::Find { .. } | Self::Read { .. } | Self::Blockers { .. } | Self::Data { .. } => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Appended(Result<Position, NotStored>),
    Created(Result<Id, Fault>),
    Found(Result<Vec<Id>, Fault>),
    Read(Result<Found, Fault>),
    Updated(Result<(), Fault>),
    Deleted(Result<(), Fault>),
    Emptied(Result<Emptied, Fault>),
    Blockers(Result<Vec<Blocker>, Fault>),
    Data(Result<Value, Fault>),
}

/// Why a commit is not, or not surely, in the journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStored {
    /// Somebody else holds the lock now: nothing may be written any more.
    #[error("{0}")]
    LockLost(String),
    /// Storing the same commit again may help.
    #[error("{0}")]
    Failed(String),
}
