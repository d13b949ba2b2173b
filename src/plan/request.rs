//! What a plan is made from, and what comes of asking for one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{Change, Plan};
use crate::address::Address;
use crate::diag::Diagnostic;
use crate::remote::{ConfigName, Content, Id, Live, Preview};
use crate::schema::Types;
use crate::stack::desired::{Configuration, Import, Instance};
use crate::state::State;
use crate::value::{Sealer, Value};

/// All that a plan depends on.
pub struct Request<'a> {
    pub configuration: &'a mut dyn Configuration,
    pub types: &'a dyn Types,
    pub state: &'a State,
    pub observed: &'a Observed,
    pub options: &'a Options,
    pub sealer: &'a Sealer,
    pub account: &'a str,
    pub region: &'a str,
    /// SHA-256 over the stack files, variables and files read.
    pub digest: &'a str,
}

/// What was read of the world.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Of recorded things, by the address under which they are recorded. None: it is gone. Without a key: it was not looked
    /// at, and the record stands for it.
    pub live: BTreeMap<Address, Option<Live>>,
    /// What data sources answered.
    pub data: BTreeMap<DataKey, Value>,
    /// What `import` blocks name. None: there is no such thing.
    pub imports: BTreeMap<ImportKey, Option<Live>>,
    /// What lies in things that are to be emptied.
    pub contents: BTreeMap<Address, Vec<Content>>,
    /// What the cloud would make of objects.
    pub previews: BTreeMap<Address, Previewed>,
}

/// A preview, and of which settings it is one: those of a later round may know more.
#[derive(Clone, Debug, PartialEq)]
pub struct Previewed {
    pub settings: Value,
    pub preview: Preview,
}

/// An object that the cloud shall be asked about: what would come of these settings, which are wholly known.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviewRead {
    pub address: Address,
    pub config: ConfigName,
    /// Of the live object; none for a new one.
    pub id: Option<Id>,
    pub settings: Value,
}

/// A question to a data source; the same question has one answer within a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataKey {
    pub type_name: String,
    pub config: ConfigName,
    pub arguments: Value,
}

/// A data source that can be asked now; any address that asks, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataRead {
    pub key: DataKey,
    pub address: Address,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImportKey {
    pub type_name: String,
    pub config: ConfigName,
    pub id: Id,
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Addresses, blocks or modules: only these, and what they depend on. Empty for all.
    pub targets: Vec<String>,
    /// Replaced whatever the files say.
    pub replace: Vec<Address>,
    /// Everything goes.
    pub destroy: bool,
    /// Of what goes, these are emptied before.
    pub purge: BTreeSet<Address>,
    /// The stack asks before it is changed (`confirm = true`): precious types are protected by default, and what would only
    /// undo somebody's hand-made change is withheld unless `repair_drift`.
    pub confirm_stack: bool,
    pub repair_drift: bool,
    /// Types whose things cannot be made again.
    pub precious: BTreeSet<String>,
    /// A plan that deletes or replaces more is refused.
    pub max_deletes: Option<usize>,
    /// What a step of a type usually takes, until this stack's own runs say better.
    pub typical: BTreeMap<Arc<str>, Duration>,
}

/// What came of it.
pub enum Outcome {
    Planned(Box<Planned>),
    /// These can be read now and were not yet: read them, and plan again.
    NeedsData(Vec<DataRead>),
    /// So can these.
    NeedsImports(Vec<(Import, ImportKey)>),
    /// And these.
    NeedsPreviews(Vec<PreviewRead>),
    Refused(Vec<Diagnostic>),
}

/// A plan, and what is needed besides it to show it and carry it out.
#[derive(Debug)]
pub struct Planned {
    pub plan: Plan,
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// What the plan desires, by address; not sealed, so never stored.
    pub instances: BTreeMap<Address, Instance>,
    /// Changes that would only undo what somebody did by hand, on a guarded stack: shown, not part of the plan.
    pub withheld: Vec<Change>,
}
