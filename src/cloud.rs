//! The edge to the clouds: [`Cloud`] is all that the driver knows of them.

use std::time::Duration;

use futures::future::BoxFuture;

pub use crate::remote::{Query, Target};

use crate::remote::{Blocker, Emptied, Fault, Found, Id, Token};
use crate::value::Value;

/// Carries out single calls. Never waits for readiness, never tries a mutation again: that is the machine's.
pub trait Cloud: Send + Sync {
    /// Asks for a new thing and returns as soon as it has a name.
    fn create<'a>(&'a self, what: &'a Target, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Id, Fault>>;
    /// Looks at all of them at once.
    fn read<'a>(&'a self, what: &'a Target, query: &'a Query) -> BoxFuture<'a, Result<Found, Fault>>;
    /// Changes what differs between `was` (live) and `settings`, in place.
    fn update<'a>(
        &'a self,
        what: &'a Target,
        id: &'a Id,
        was: &'a Value,
        settings: &'a Value,
    ) -> BoxFuture<'a, Result<(), Fault>>;
    /// Asks to remove it. `settings` are what it was last known to have.
    fn delete<'a>(&'a self, what: &'a Target, id: &'a Id, settings: &'a Value) -> BoxFuture<'a, Result<(), Fault>>;
    /// What stands in the way of a deletion that was refused.
    fn blockers<'a>(&'a self, what: &'a Target, id: &'a Id) -> BoxFuture<'a, Result<Vec<Blocker>, Fault>>;
    /// Takes out some of what lies in it.
    fn empty<'a>(&'a self, what: &'a Target, id: &'a Id) -> BoxFuture<'a, Result<Emptied, Fault>>;
    /// Looks for all that creations with this token and these settings may have made.
    fn find<'a>(&'a self, what: &'a Target, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Vec<Id>, Fault>>;
    /// Looks something up: the outputs of a data source.
    fn data<'a>(&'a self, what: &'a Target, arguments: &'a Value) -> BoxFuture<'a, Result<Value, Fault>>;
}

/// Says whether a mutation that may take `attempt` may still be sent: while the lease surely covers it.
pub trait Gate: Send + Sync {
    fn allows(&self, attempt: Duration) -> bool;
}

pub mod aws;
pub mod clouds;
pub mod fault;
pub mod kube;
pub mod owned;
mod patience;
pub mod sops;

pub use clouds::Clouds;
