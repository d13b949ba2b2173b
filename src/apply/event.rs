//! [`Event`]: what a run tells while it goes on. For the live view, plain lines and JSON lines alike.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::address::Address;
use crate::plan::Act;
use crate::remote::{Blocker, Fault, Id};

/// What a step does, in the word that progress shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    Settle,
    Create,
    Configure,
    Update,
    Delete,
    Import,
    Read,
    Record,
}

impl Doing {
    pub fn of(act: &Act) -> Self {
        match act {
            Act::Create { .. } => Self::Create,
            Act::Configure { .. } => Self::Configure,
            Act::Update { .. } => Self::Update,
            Act::Delete { .. } | Act::DeleteReplaced { .. } => Self::Delete,
            Act::Import { .. } => Self::Import,
            Act::Read => Self::Read,
            Act::Forget | Act::Move { .. } | Act::Protect { .. } | Act::Refresh { .. } => Self::Record,
        }
    }
}

/// `at` is the time since the run began.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    Started {
        #[serde(serialize_with = "seconds")]
        at: Duration,
        address: Address,
        doing: Doing,
        remaining: usize,
    },
    /// It is there, and not ready: the cloud's word for its state.
    Waiting {
        #[serde(serialize_with = "seconds")]
        at: Duration,
        address: Address,
        doing: Doing,
        status: String,
    },
    /// A call failed in a way that passes.
    Retrying {
        #[serde(serialize_with = "seconds")]
        at: Duration,
        address: Address,
        doing: Doing,
        fault: Fault,
        #[serde(serialize_with = "seconds")]
        wait: Duration,
    },
    Done {
        #[serde(serialize_with = "seconds")]
        at: Duration,
        address: Address,
        doing: Doing,
        id: Option<Id>,
        #[serde(serialize_with = "seconds")]
        took: Duration,
    },
    Failed {
        #[serde(serialize_with = "seconds")]
        at: Duration,
        address: Address,
        doing: Doing,
        failure: Failure,
    },
    Skipped {
        #[serde(serialize_with = "seconds")]
        at: Duration,
        address: Address,
        because: Address,
    },
    /// Ctrl-C was heard: nothing more is started.
    Stopping {
        #[serde(serialize_with = "seconds")]
        at: Duration,
        in_flight: usize,
    },
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Failure {
    #[error("{fault}")]
    Fault { fault: Fault },
    /// What has its name was not made by this stack, as far as anybody knows: never taken over in silence.
    #[error(
        "{fault}; what is there is not this stack's; to take it in, write: import {{ to = {address}, id = \"{}\" }}",
        id.as_ref().map_or("…", Id::as_str)
    )]
    Taken { fault: Box<Fault>, address: Address, id: Option<Id> },
    /// Its deletion was refused, and what is in the way is none of this stack's; `purge` is the command that allows to lose
    /// what lies in it.
    #[error("{fault}; in the way: {}", Self::listed(blockers))]
    Blocked {
        fault: Box<Fault>,
        blockers: Vec<Blocker>,
        #[serde(skip_serializing_if = "Option::is_none")]
        purge: Option<String>,
    },
    /// It became what it cannot leave; the cloud's words.
    #[error("{status}")]
    BecameFailed { status: String },
    #[error("not ready after {} s; last seen {status}", waited.as_secs())]
    NotReady {
        #[serde(serialize_with = "seconds")]
        waited: Duration,
        status: String,
    },
    /// It was there, and then it was not: somebody else removed it.
    #[error("it disappeared while it was worked on")]
    Vanished,
    /// Two updates, and the cloud still says something else. Values are shown as the plan shows them.
    #[error("the change did not take effect: {path} is {live}, not {desired}")]
    DidNotTake { path: String, live: String, desired: String },
    /// What the plan could not know came out as something that an update cannot bring about.
    #[error("{path} is {live} and came out as {desired}, which it cannot become in place: plan again, to see it replaced")]
    MustBeReplaced { path: String, live: String, desired: String },
    /// The value that the plan showed is not what came out.
    #[error("{path} came out as {now}, the plan showed {planned}")]
    NotAsPlanned { path: String, planned: String, now: String },
    /// A creation that a former run had sent arrived late.
    #[error("a creation that a former run had sent arrived late and made {id}, which is on record now: plan again")]
    Twin { id: Id },
    /// Ctrl-C came before its end.
    #[error("interrupted before its end")]
    Interrupted,
    /// A condition of the user's.
    #[error("{message}")]
    Condition { message: String },
    #[error("{message}")]
    Evaluation { message: String },
    #[error("{message}")]
    Store { message: String },
}

/// What is in the way beyond this many is only counted.
const BLOCKERS_SHOWN: usize = 10;

impl Failure {
    /// What the cloud said, where it is that.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault { fault } => Some(fault),
            Self::Taken { fault, .. } | Self::Blocked { fault, .. } => Some(fault),
            Self::BecameFailed { .. } | Self::NotReady { .. } | Self::Vanished | Self::DidNotTake { .. } => None,
            Self::MustBeReplaced { .. } | Self::NotAsPlanned { .. } | Self::Twin { .. } | Self::Interrupted => None,
            Self::Condition { .. } | Self::Evaluation { .. } | Self::Store { .. } => None,
        }
    }

    /// In one line.
    pub(super) fn listed(blockers: &[Blocker]) -> String {
        let mut words: Vec<String> = blockers.iter().take(BLOCKERS_SHOWN).map(|it| it.what.clone()).collect();
        if blockers.len() > BLOCKERS_SHOWN {
            words.push(format!("and {} more", blockers.len() - BLOCKERS_SHOWN));
        }
        words.join(", ")
    }
}

/// The end of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    pub done: usize,
    pub failed: Vec<(Address, Failure)>,
    /// What was not done, and the failed step that it needed.
    pub skipped: Vec<(Address, Address)>,
    /// Interrupted before everything was started.
    pub stopped: bool,
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
}

/// As scripts read it: seconds, with a fraction.
fn seconds<S: Serializer>(it: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(it.as_secs_f64())
}
