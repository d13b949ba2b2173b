//! What a resource type looks like: its attributes, and how each behaves when it changes.
//!
//! Behaviour is part of the field's *type*: [`Fixed`], [`Auto`], [`Later`], [`Local`], [`Moving`], [`Secret`] and the wrappers of [`mod@field`] say
//! in the struct what would else live in a table beside it. The schema is read off the struct by `schemars`, so names, types,
//! docs and behaviour have one home.

pub mod equal;
pub mod field;
pub mod normal;
mod read;
pub mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use field::{Applied, Auto, Fixed, Imprint, Json, Later, Local, Moving, Secret};

use crate::value::{self, Type, Value};

/// A resource type or data source.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// `aws_vpc`
    pub type_name: Arc<str>,
    /// The struct's doc comment, Markdown.
    pub doc: String,
    /// Settings and outputs together; an output is [`Presence::Computed`].
    pub attributes: Attributes,
    /// Attributes of which at most one may be set, and at least one when `required`. Of parts (`wait_for.path`) where there is
    /// what they are parts of.
    pub exclusive: Vec<Exclusive>,
    /// The attribute that names what this is a part of: the cloud deletes it with that.
    pub part_of: Option<Arc<str>>,
    /// A replacement makes the new one first, unless this attribute is declared.
    pub create_first_unless: Option<Arc<str>>,
    /// It may hold what others put there, without which alone the cloud deletes it: `destroy --purge` empties it.
    pub holds: bool,
    /// It is deleted when its deletion is answered, though it may be listed for a moment.
    pub deleted_at_once: bool,
}

pub type Attributes = BTreeMap<Arc<str>, Attribute>;

#[derive(Clone, Debug, PartialEq)]
pub struct Exclusive {
    pub attributes: Vec<Arc<str>>,
    pub required: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub doc: String,
    pub shape: Shape,
    pub presence: Presence,
    /// Cannot change in place: a new value means a new resource.
    pub fixed: bool,
    /// Not needed to create the thing: its references order only the step that configures it.
    pub later: bool,
    /// The cloud never tells it: compared with what was last applied, never with what is live.
    pub local: bool,
    /// Sensitive whatever the user writes.
    pub secret: bool,
    /// The cloud takes it as a whole and may answer in another form: what it took is as it was written.
    pub applied: bool,
    /// Of an output: a digest of what the cloud made of what is `applied`; as long as it stays, nothing of that has changed.
    pub imprint: bool,
    /// Says where the block's objects are found: evaluated once a block. Only `Objects` is a setting of what comes of it.
    pub source: Option<Source>,
    /// Of an object: takes its members out of one that may have more, such as a whole resource.
    pub picks: bool,
    /// Of an object that may be left out: whether there is one cannot change in place.
    pub lasting: bool,
    /// An output that a change of the thing may change.
    pub moving: bool,
    /// Of a list, set or map, its members'.
    pub equality: Equality,
    /// What the type takes when the user writes nothing; null when it has no default.
    pub default: Value,
    pub limits: Limits,
}

/// A block of a type with sources makes an instance of each object that they lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An object or a list of them, written out; in an instance, its object.
    Objects,
    /// A YAML or JSON file of objects.
    File,
    /// Such files in one folder.
    Folder,
    /// Such files by a pattern.
    Glob,
    /// What the files, as templates, may name.
    Variables,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Any,
    Bool,
    Number,
    String,
    List(Box<Shape>),
    Set(Box<Shape>),
    Map(Box<Shape>),
    /// May be written as a block or as an attribute; so may lists and sets of objects.
    Object(Attributes),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Required,
    /// Absent is a value: taking it away from the file takes it away from the thing.
    Optional,
    /// May be left out, and then the cloud chooses; what it chose is not drift.
    Auto,
    /// Only ever an answer of the cloud's.
    Computed,
}

/// When two values mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equality {
    Exact,
    /// Letters' case does not count.
    CaseFold,
    /// JSON documents: white space and the order of keys do not count.
    Json,
    /// IAM policy documents: also one text against a list of one, order of lists, account id against root ARN.
    Policy,
    /// Domain names: case, the trailing dot and `\052` for `*` do not count.
    DnsName,
    /// ECR lifecycle policies: JSON, rules by priority, tag lists as sets.
    EcrLifecycle,
    /// A set of security group rules: what they let through counts, not how it is put into blocks.
    SecurityGroupRules,
}

/// What a value must satisfy before any call is made. Of a list or set, the lengths are its own and the rest its members'.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    pub one_of: Vec<Arc<str>>,
    pub pattern: Option<Arc<str>>,
    pub minimum: Option<i64>,
    pub maximum: Option<i64>,
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    /// `cidr`, `arn`, `ipv4`, `json`, …: see `stack::check`.
    pub format: Option<Arc<str>>,
}

impl Schema {
    /// A type that is no more than its attributes.
    pub fn new(type_name: &str, attributes: Attributes) -> Self {
        Self {
            type_name: type_name.into(),
            doc: String::new(),
            attributes,
            exclusive: Vec::new(),
            part_of: None,
            create_first_unless: None,
            holds: false,
            deleted_at_once: false,
        }
    }

    pub fn is_setting(&self, name: &str) -> bool {
        self.attributes.get(name).is_some_and(|it| it.presence != Presence::Computed)
    }

    pub fn settings(&self) -> impl Iterator<Item = (&Arc<str>, &Attribute)> {
        self.attributes.iter().filter(|(_, it)| it.presence != Presence::Computed)
    }

    pub fn outputs(&self) -> impl Iterator<Item = (&Arc<str>, &Attribute)> {
        self.attributes.iter().filter(|(_, it)| it.presence == Presence::Computed)
    }

    /// The attribute that holds the object of an instance, where a block makes one of each object that it leads to.
    pub fn objects(&self) -> Option<&Arc<str>> {
        self.attributes.iter().find(|(_, it)| it.source == Some(Source::Objects)).map(|(name, _)| name)
    }

    /// Of an object's settings those that say where it is: what cannot change, at any depth.
    pub fn home(&self, settings: &Value) -> Value {
        fixed(&self.attributes, settings)
    }

    /// Whether the type takes tags, and so the stack's default tags and our ownership tags.
    pub fn has_tags(&self) -> bool {
        self.is_setting("tags")
    }

    /// Whether what is made says whose it is: by tags, or in an object's own metadata.
    pub fn has_marks(&self) -> bool {
        self.has_tags() || self.objects().is_some()
    }

    /// Gives plain values (out of JSON: tuples and objects) the types that the schema declares. Members that the schema does
    /// not know are dropped, missing ones are null.
    pub fn conform(&self, settings: &Value) -> Result<Value, value::ConvertError> {
        settings.convert(&Shape::Object(self.attributes.clone()).ty())
    }
}

fn fixed(attributes: &Attributes, value: &Value) -> Value {
    let part = |(name, it): (&Arc<str>, &Attribute)| match (&it.shape, it.fixed) {
        (_, true) => Some((name.clone(), value.get(name))),
        (Shape::Object(inner), false) => Some((name.clone(), fixed(inner, &value.get(name)))),
        (_, false) => None,
    };
    Value::object(attributes.iter().filter_map(part))
}

impl Attribute {
    /// Whether the cloud says nothing of it: it never hears of it, or keeps it to itself.
    pub fn is_untold(&self, live: &Value) -> bool {
        self.local || self.secret && live.is_null()
    }

    /// An attribute of which nothing else is to be said.
    pub fn new(shape: Shape, presence: Presence) -> Self {
        Self {
            doc: String::new(),
            shape,
            presence,
            fixed: false,
            later: false,
            local: false,
            secret: false,
            moving: false,
            applied: false,
            imprint: false,
            source: None,
            picks: false,
            lasting: false,
            equality: Equality::Exact,
            default: Value::Null,
            limits: Limits::default(),
        }
    }
}

impl Shape {
    pub fn ty(&self) -> Type {
        match self {
            Self::Any => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List(of) => Type::list(of.ty()),
            Self::Set(of) => Type::set(of.ty()),
            Self::Map(of) => Type::map(of.ty()),
            Self::Object(attributes) => {
                let field = |it: &Attribute| {
                    let default = Some(it.default.clone()).filter(|it| !it.is_null());
                    value::Field { ty: it.shape.ty(), optional: it.presence != Presence::Required, default }
                };
                Type::Object(Arc::new(attributes.iter().map(|(name, it)| (name.clone(), field(it))).collect()))
            }
        }
    }

    /// The attributes of an object, or of the objects in a list or set: what a block of this name may contain.
    pub fn block(&self) -> Option<&Attributes> {
        match self {
            Self::Object(attributes) => Some(attributes),
            Self::List(of) | Self::Set(of) => match &**of {
                Self::Object(attributes) => Some(attributes),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The resource types and data sources that exist, looked up by name. The catalogue is one; tests have small ones.
pub trait Types: Send + Sync {
    fn resource(&self, type_name: &str) -> Option<&Schema>;
    fn data(&self, type_name: &str) -> Option<&Schema>;
    fn names(&self) -> Vec<&str>;
}
