//! The edge to the clouds: [`Cloud`] is all that the driver knows of them.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::remote::{ConfigName, Fault, Found, Id, Token};
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
    /// Looks for what a creation with this token and these settings may have made.
    fn find<'a>(&'a self, what: &'a Target, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Option<Id>, Fault>>;
    /// Looks something up: the outputs of a data source.
    fn data<'a>(&'a self, what: &'a Target, arguments: &'a Value) -> BoxFuture<'a, Result<Value, Fault>>;
}

/// A resource type and the configuration (account, region, credentials) to reach it with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub type_name: String,
    pub config: ConfigName,
}

/// What a bulk read is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub ids: Vec<Id>,
    /// Whose things: types that can ask by tag do so.
    pub lineage: Option<String>,
    /// All parts, declared or not (`drift`, `import`); else `parts` only.
    pub whole: bool,
    /// Attributes that are declared or recorded for any of the ids: parts that cost a call of their own are read only if named.
    pub parts: std::collections::BTreeSet<String>,
    /// An answer that another type's read in this run already got may be used. Never while waiting for something.
    pub shared: bool,
}

impl Query {
    /// Whether a part that costs a call of its own is to be read.
    pub fn wants(&self, part: &str) -> bool {
        self.whole || self.parts.contains(part)
    }
}

/// Says whether a mutation that may take `attempt` may still be sent: while the lease surely covers it.
pub trait Gate: Send + Sync {
    fn allows(&self, attempt: Duration) -> bool;
}

pub mod aws;
pub mod clouds;
pub mod fault;

pub use clouds::Clouds;
