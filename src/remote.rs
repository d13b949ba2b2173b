//! What is said to a cloud and heard from it, as plain data. The planner and the machine know a cloud only by these words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::value::Value;

/// The cloud's own name for one thing: `vpc-0a1b2c`, a bucket's name, a zone id. What `import` takes. Things that have no
/// name of their own use their natural key in the form that Terraform's import takes (`rtb-1_0.0.0.0/0`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub Arc<str>);

impl Id {
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes a repeated creation the same creation: 128 random bits in hexadecimal, minted with the intent and kept for as long
/// as this creation is tried. The API's client token where it has one, and always the tag `infra:id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub Arc<str>);

impl Token {
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}").into())
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which of the stack's `aws` configurations a resource belongs to; `default` for the stack's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigName(pub Arc<str>);

impl Default for ConfigName {
    fn default() -> Self {
        Self("default".into())
    }
}

/// A resource type and the configuration (account, region, credentials) to reach it with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub type_name: String,
    pub config: ConfigName,
}

impl Target {
    /// What is at an address, reached through a configuration.
    pub fn of(address: &Address, config: &ConfigName) -> Self {
        Self { type_name: address.type_name().to_owned(), config: config.clone() }
    }
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
    pub parts: BTreeSet<Arc<str>>,
    /// Only whether they are there, and in which state: of what is to go. Their outputs, and what the cloud chose, are told as
    /// well, since what stays may refer to them; what costs a call more and tells neither need not be asked.
    pub presence: bool,
    /// They were made by this run and not seen since: nobody can have put anything of their own into them yet.
    pub fresh: bool,
    /// An answer that another type's read in this run already got may be used. Never while waiting for something.
    pub shared: bool,
}

impl Query {
    /// Whether a part that costs a call of its own is to be read.
    pub fn wants(&self, part: &str) -> bool {
        self.whole || self.parts.contains(part)
    }
}

/// How far a thing is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Ready,
    /// The cloud's own word for it (`pending`, `CREATING`), shown while waiting.
    Pending(String),
    /// It will not become ready any more; why, in the cloud's words.
    Failed(String),
}

/// What the cloud says about one thing right now. `settings` and `outputs` have the shapes of the type's schema; settings
/// carry every tag that the thing has, ours included.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    pub settings: Value,
    pub outputs: Value,
    pub status: Status,
}

/// What stands in the way of a deletion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Blocker {
    /// What it is, with its id where it has one: `the network interface eni-0a1b2c (interface of app/main)`.
    pub what: String,
    /// A command that takes it away, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Blocker {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None }
    }

    pub fn help(self, command: impl Into<String>) -> Self {
        Self { help: Some(command.into()), ..self }
    }
}

/// Things of one sort that lie in another thing, and that it cannot be deleted with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// In the singular: `object version`.
    pub what: String,
    pub count: u64,
    /// There are more than were counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Those that a stack may have on record under an id of their own; not counted in `count`.
    #[serde(skip)]
    pub parts: BTreeSet<Id>,
}

impl Content {
    pub fn new(what: &str, count: u64) -> Self {
        Self { what: what.to_owned(), count, more: false, parts: BTreeSet::new() }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = if self.more { "over " } else { "" };
        write!(f, "{over}{} {}{}", self.count, self.what, if self.count == 1 { "" } else { "s" })
    }
}

/// What one round of emptying a thing took out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emptied {
    pub removed: u64,
    /// There was more in it than one round takes.
    pub more: bool,
}

/// What the cloud would make of something, were it applied now: asked without changing anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// The settings as it would have them afterwards, in the form in which a read says them; none where it could not be asked.
    pub settings: Option<Value>,
    /// Paths of settings that it would not change in place.
    pub fixed: BTreeSet<String>,
    pub complaints: Vec<Complaint>,
}

/// Something that is wrong with what is desired.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    /// The setting that it is about: `manifest.spec.replicas`.
    pub path: String,
    /// A sentence without its full stop.
    pub message: String,
    /// What else may have been meant.
    pub did_you_mean: Option<String>,
    /// Nothing that this plan does can mend it. What only the cloud says may be true no longer once the rest is applied.
    pub certain: bool,
}

/// How patient the machine is with one resource type. All are scaled by one factor in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// The first pause before looking again; it doubles up to `every_max`.
    pub every: Duration,
    pub every_max: Duration,
    /// How long after a creation that was answered, or may have been, the cloud may still deny that the thing exists.
    pub hidden: Duration,
    pub create: Duration,
    pub update: Duration,
    pub delete: Duration,
    /// What a step of this type usually takes, for the critical path, until this stack's own runs say better.
    pub typical: Duration,
}

impl Settle {
    /// Things that are there as soon as the call returns.
    pub const INSTANT: Self = Self {
        every: Duration::from_millis(500),
        every_max: Duration::from_secs(5),
        hidden: Duration::from_secs(60),
        create: Duration::from_secs(300),
        update: Duration::from_secs(300),
        delete: Duration::from_secs(300),
        typical: Duration::from_secs(1),
    };
}

/// What the machine shall do with a failure. One table for all services; see `cloud::fault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// There is no such thing.
    Missing,
    /// Slow down and try again: throttling, 5xx answers that say that nothing was done.
    Busy,
    /// Something that was just made or changed has not spread yet: try again for a while.
    Settling,
    /// Something still uses it: try again once its users are gone.
    InUse,
    /// It may or may not have happened: look before trying again.
    Unknown,
    /// The name or natural key is taken already. Ours after a lost answer, or somebody else's: `find` tells.
    Exists,
    /// Trying again cannot help.
    Refused,
    /// The caller may not do this.
    Denied,
    /// The credentials are missing, wrong or expired.
    Credentials,
    /// A service quota is used up.
    Quota,
    /// The endpoint cannot be reached; nothing was sent.
    Unreachable,
    /// The lease does not cover the call any more; nothing was sent.
    Fenced,
    /// infra itself is wrong.
    Bug,
}

/// The cloud said no, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Fault {
    pub class: Class,
    /// `ec2:CreateVpc`
    pub call: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How long it may pass by itself, where that is shorter than what the thing may take: after it, the answer counts.
    #[serde(skip)]
    pub passes_within: Option<Duration>,
}

impl Fault {
    pub fn new(class: Class, call: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class, call: call.into(), code: None, message: message.into(), request_id: None, passes_within: None }
    }

    /// An answer that cannot be: infra or the cloud is wrong.
    pub fn bug(call: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Class::Bug, call, message)
    }

    /// For an id that is not of the form which its type has.
    pub fn malformed_id(type_name: &str, id: &Id, form: &str) -> Self {
        Self::new(Class::Refused, type_name, format!("{id} is no id of this type: it has the form {form}"))
    }

    fn sentence(&self) -> String {
        let mut out = self.call.clone();
        if let Some(code) = &self.code {
            out.push_str(&format!(": {code}"));
        }
        out.push_str(&format!(": {}", self.message));
        if let Some(id) = &self.request_id {
            out.push_str(&format!(" (request id {id})"));
        }
        out
    }
}

/// What speaks against settings before anything is made: the cloud would take them for wrong later, or let them do harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// `configuration_values.env.MODE`
    pub path: String,
    pub message: String,
    pub help: Option<String>,
    /// Whether the plan ends here; else it is for people to weigh.
    pub stops: bool,
}

/// What `read` found, by id. An id that is not in it does not exist (or cannot be seen yet).
pub type Found = BTreeMap<Id, Live>;

/// Tags that mark a thing as ours, put on it in the call that creates it.
pub mod tags {
    pub const PREFIX: &str = "infra:";
    pub const STACK: &str = "infra:stack";
    pub const LINEAGE: &str = "infra:lineage";
    pub const ID: &str = "infra:id";
    pub const ADDRESS: &str = "infra:address";

    /// Tags of others that never count as drift unless the stack declares them: AWS's own, the cluster's, its controllers'.
    pub const FOREIGN: &[&str] =
        &["aws:", "kubernetes.io/", "k8s.io/", "eks:", "elbv2.k8s.aws/", "ebs.csi.aws.com/", "AmazonECSManaged"];
}
