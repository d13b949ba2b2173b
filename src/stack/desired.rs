//! What the language hands to the planner and the driver: [`Instance`]s, and [`Configuration`], the lazy evaluation behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use super::documents::Places;

use crate::address::Address;
use crate::diag::{Diagnostic, Span};
use crate::object::Key;
use crate::remote::{ConfigName, Id};
use crate::value::{Provenance, Value, path};

/// A stack's files, parsed and checked. Evaluation is lazy, per instance and attribute; what is wholly known once is never
/// evaluated again, what was unknown is when it is asked for again.
pub trait Configuration: Send {
    /// Evaluates everything. Each reference to a resource's outputs asks the host, after the settings that its creation needs
    /// (all but the `later` ones) are evaluated.
    fn evaluate(&mut self, host: &mut dyn Host) -> Evaluation;

    /// Forgets every value that was evaluated with the host's help, because the planner found out that what it said of some
    /// outputs does not hold (a replacement that a lifecycle rule triggers): the next evaluation asks again. Those that
    /// remember nothing have nothing to do.
    fn reset(&mut self) {}

    /// The settings of one instance as they are now, `later` ones included. For the driver, when more is known.
    fn settings(&mut self, address: &Address, host: &mut dyn Host) -> Result<Value, Vec<Diagnostic>>;

    /// The stack's outputs as they are now.
    fn outputs(&mut self, host: &mut dyn Host) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>>;

    /// Conditions of one instance that hold only after it is made, with `self` at hand.
    fn postconditions(&mut self, address: &Address, live: &Value, host: &mut dyn Host) -> Vec<Diagnostic>;
}

/// Who knows what exists.
pub trait Host {
    /// All outputs of a managed instance, and the settings that the cloud may choose, as an object: known where it exists and
    /// stays, unknown where it is yet to be made.
    /// `shell` are its settings without the `later` ones.
    fn outputs(&mut self, address: &Address, config: &ConfigName, shell: &Value) -> Value;
    /// The outputs of a data source: known when it was read with these arguments, else unknown.
    fn data(&mut self, address: &Address, config: &ConfigName, arguments: &Value) -> Value;
}

#[derive(Debug, Default)]
pub struct Evaluation {
    /// By address, managed ones and data sources.
    pub instances: BTreeMap<Address, Instance>,
    pub deferred: Vec<DeferredBlock>,
    /// Blocks, modules and instances of them whose `enabled` is false, as addresses are written: `module.m`, `aws_vpc.a["x"]`.
    pub disabled: BTreeSet<String>,
    pub outputs: BTreeMap<String, OutputValue>,
    pub moved: Vec<Moved>,
    pub removed: Vec<Removed>,
    pub imports: Vec<Import>,
    /// Errors, warnings, failed checks and conditions.
    pub diagnostics: Vec<Diagnostic>,
}

/// One resource instance, as desired.
#[derive(Clone, Debug)]
pub struct Instance {
    pub address: Address,
    pub span: Option<Span>,
    pub config: ConfigName,
    /// Of the schema's shape, defaults filled in, the stack's default tags merged; null where nothing is set.
    pub settings: Value,
    /// Where each top-level attribute is written.
    pub spans: BTreeMap<Arc<str>, Span>,
    pub references: Vec<Reference>,
    pub lifecycle: Lifecycle,
    pub timeouts: Timeouts,
    pub object: Option<Object>,
}

/// What an instance is that was made of an object of a cluster.
#[derive(Clone, Debug)]
pub struct Object {
    pub key: Key,
    /// The attribute that holds it.
    pub attribute: Arc<str>,
    /// The settings that say in which cluster it is: those that cannot change.
    pub home: Value,
    /// Where its parts are written, when that is a file of its own.
    pub places: Option<Arc<Places>>,
}

impl Instance {
    /// Where what lies at a path of the settings is written.
    pub fn span_of(&self, at: &str) -> Option<Span> {
        let within = |it: &Object| {
            let rest = at.strip_prefix(&*it.attribute)?;
            Some(it.places.as_ref()?.span(rest.strip_prefix('.').unwrap_or(rest)))
        };
        self.object.as_ref().and_then(within).or_else(|| self.spans.get(path::root(at)).cloned()).or_else(|| self.span.clone())
    }
}

/// An edge that an attribute of one instance makes to another instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub to: Address,
    /// The top-level attribute that refers, or `(depends_on)`, `(lifecycle)`, `(for_each)`.
    pub from: Arc<str>,
    /// From a `later` attribute: orders only the step that configures.
    pub later: bool,
    /// What is referred to, as written: `aws_vpc.main.id`.
    pub expression: Arc<str>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lifecycle {
    /// `None` when the files do not say; see `language.md` for what is on by default.
    pub prevent_destroy: Option<bool>,
    pub prevent_replace: Option<bool>,
    pub create_before_destroy: bool,
    pub retain_on_delete: bool,
    /// Attribute paths whose changes are not made: `tags["x"]`, `scaling_config.desired_size`.
    pub ignore_changes: BTreeSet<String>,
    pub ignore_all_changes: bool,
    /// Paths that somebody else may change: reported as information, never repaired.
    pub owned_elsewhere: BTreeSet<String>,
    /// Replaced when one of these changes or is replaced; the current values, compared with the recorded ones.
    pub replace_triggered_by: Vec<Trigger>,
}

impl Lifecycle {
    /// Whether anything of it is left to others.
    pub fn leaves_something(&self) -> bool {
        self.ignore_all_changes || !self.ignore_changes.is_empty() || !self.owned_elsewhere.is_empty()
    }
}

/// The lifecycles of those that leave something to others.
pub fn lifecycles(instances: &BTreeMap<Address, Instance>) -> BTreeMap<Address, Lifecycle> {
    let all = instances.iter().filter(|(_, it)| it.lifecycle.leaves_something());
    all.map(|(address, it)| (address.clone(), it.lifecycle.clone())).collect()
}

/// The time-outs of those that have any of their own.
pub fn timeouts(instances: &BTreeMap<Address, Instance>) -> BTreeMap<Address, Timeouts> {
    let all = instances.iter().filter(|(_, it)| it.timeouts != Timeouts::default());
    all.map(|(address, it)| (address.clone(), it.timeouts)).collect()
}

#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    pub address: Address,
    /// Empty for the whole resource.
    pub path: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    pub create: Option<Duration>,
    pub update: Option<Duration>,
    pub delete: Option<Duration>,
}

/// A block whose instances are not known yet: `for_each` or `enabled` waits for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeferredBlock {
    pub address: Address,
    pub waits_for: BTreeSet<Provenance>,
    pub span: Option<Span>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OutputValue {
    pub value: Value,
    pub sensitive: bool,
}

/// `moved { from, to }`: a block, an instance or a module, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub from: String,
    pub to: String,
    pub span: Option<Span>,
}

/// `removed { from, lifecycle { destroy } }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    pub from: String,
    pub destroy: bool,
    pub span: Option<Span>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    pub to: Address,
    pub id: Id,
    pub span: Option<Span>,
}
