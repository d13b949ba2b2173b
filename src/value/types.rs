//! [`Type`]: Terraform's type constraints.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::Value;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    Any,
    Bool,
    Number,
    String,
    List(Arc<Type>),
    Set(Arc<Type>),
    Map(Arc<Type>),
    Tuple(Arc<Vec<Type>>),
    Object(Arc<BTreeMap<Arc<str>, Field>>),
}

/// A member of an object type; `optional(type, default)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field {
    pub ty: Type,
    pub optional: bool,
    pub default: Option<Value>,
}

impl Field {
    pub fn required(ty: Type) -> Self {
        Self { ty, optional: false, default: None }
    }
}

impl Type {
    pub fn list(of: Type) -> Self {
        Self::List(Arc::new(of))
    }
    pub fn set(of: Type) -> Self {
        Self::Set(Arc::new(of))
    }
    pub fn map(of: Type) -> Self {
        Self::Map(Arc::new(of))
    }

    /// The word in a sentence: "a list of strings" reads better than `list(string)`.
    pub fn friendly(&self) -> String {
        match self {
            Self::Any => "any value".into(),
            Self::Bool => "a bool".into(),
            Self::Number => "a number".into(),
            Self::String => "a string".into(),
            Self::List(of) => format!("a list of {}", of.plural()),
            Self::Set(of) => format!("a set of {}", of.plural()),
            Self::Map(of) => format!("a map of {}", of.plural()),
            Self::Tuple(_) => "a tuple".into(),
            Self::Object(_) => "an object".into(),
        }
    }

    fn plural(&self) -> String {
        match self {
            Self::Any => "values".into(),
            Self::Bool => "bools".into(),
            Self::Number => "numbers".into(),
            Self::String => "strings".into(),
            Self::List(_) => "lists".into(),
            Self::Set(_) => "sets".into(),
            Self::Map(_) => "maps".into(),
            Self::Tuple(_) => "tuples".into(),
            Self::Object(_) => "objects".into(),
        }
    }
}

/// As written in a stack file: `list(string)`, `object({ a = number })`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Set(of) => write!(f, "set({of})"),
            Self::Map(of) => write!(f, "map({of})"),
            Self::Tuple(items) => {
                let items: Vec<_> = items.iter().map(Type::to_string).collect();
                write!(f, "tuple([{}])", items.join(", "))
            }
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, field)| match field.optional {
                    true => format!("{name} = optional({})", field.ty),
                    false => format!("{name} = {}", field.ty),
                });
                write!(f, "object({{ {} }})", fields.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Only the simple ones: what a stored unknown needs. The language reads whole type expressions.
impl FromStr for Type {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let inner = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix(')')?.parse::<Type>().ok();
        Ok(match text {
            "any" => Self::Any,
            "bool" => Self::Bool,
            "number" => Self::Number,
            "string" => Self::String,
            _ => match (inner("list("), inner("set("), inner("map(")) {
                (Some(of), ..) => Self::list(of),
                (_, Some(of), _) => Self::set(of),
                (.., Some(of)) => Self::map(of),
                _ => return Err(()),
            },
        })
    }
}

pub(super) fn of(value: &Value) -> Type {
    let common = |mut types: Box<dyn Iterator<Item = Type> + '_>| {
        let first = types.next().unwrap_or(Type::Any);
        if types.all(|it| it == first) { first } else { Type::Any }
    };
    match value {
        Value::Null => Type::Any,
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::String(_) | Value::Digest(_) => Type::String,
        Value::List(items) => Type::list(common(Box::new(items.iter().map(of)))),
        Value::Set(items) => Type::set(common(Box::new(items.iter().map(of)))),
        Value::Map(items) => Type::map(common(Box::new(items.values().map(of)))),
        Value::Tuple(items) => Type::Tuple(Arc::new(items.iter().map(of).collect())),
        Value::Object(items) => Type::Object(Arc::new(items.iter().map(|(k, v)| (k.clone(), Field::required(of(v)))).collect())),
        Value::Unknown(unknown) => unknown.ty.clone(),
        Value::Sensitive(inner) => of(inner),
    }
}
