//! The harshest that can be done to `infra` from outside: it is killed at a call, run again once, or started many times at once,
//! and everything in the account is then compared with what an undisturbed run leaves, and all that it wrote searched for secrets.
//!
//! Nothing here looks into infra: a program, a folder of stacks, the local cloud, and a client of its own.

mod kills;
mod listing;
mod race;
mod secret;
mod site;

pub use kills::{Counts, Kill, Life, Moment, Phase, Reference, Tally, lives, sample};
pub use listing::{Listing, list};
pub use race::{RACERS, race};
pub use site::{Backend, Site};

use crate::client::CallError;

/// What did not go as it must, with all that is needed to see why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

impl Broken {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl From<CallError> for Broken {
    fn from(error: CallError) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}
