//! Values as they are read back from state, journal and plan files: the other half of their `Serialize`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Provenance, TAG, Type, Unknown, Value, gathered};

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

/// What plain JSON cannot say, by the name within its wrapper.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Inner {
    Unknown { ty: String, after: BTreeSet<Provenance> },
    Digest(String),
    Object(Vec<(Name, Value)>),
}

impl From<Inner> for Value {
    fn from(inner: Inner) -> Self {
        match inner {
            Inner::Unknown { ty, after } => {
                let ty = ty.parse().unwrap_or(Type::Any);
                Self::Unknown(Arc::new(Unknown { ty, waits_for: after }))
            }
            Inner::Digest(digest) => Self::Digest(digest.into()),
            Inner::Object(members) => Self::Object(Arc::new(members.into_iter().map(|(Name(name), it)| (name, it)).collect())),
        }
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, it: bool) -> Result<Value, E> {
        Ok(Value::Bool(it))
    }

    fn visit_i64<E: Error>(self, it: i64) -> Result<Value, E> {
        Ok(Value::from(it))
    }

    fn visit_u64<E: Error>(self, it: u64) -> Result<Value, E> {
        Ok(Value::from_json(&it.into()))
    }

    fn visit_f64<E: Error>(self, it: f64) -> Result<Value, E> {
        Ok(Value::from_json(&it.into()))
    }

    fn visit_str<E: Error>(self, it: &str) -> Result<Value, E> {
        Ok(Value::string(it))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::with_capacity(items.size_hint().unwrap_or_default().min(1_024));
        while let Some(item) = items.next_element()? {
            out.push(item);
        }
        Ok(Value::tuple(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            if *name == *TAG {
                let inner: Inner = members.next_value()?;
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(inner.into());
            }
            out.push((name, members.next_value()?));
        }
        Ok(Value::Object(Arc::new(gathered(out.into_iter()))))
    }
}

/// The name of a member, in one piece of memory.
struct Name(Arc<str>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AnyName)
    }
}

struct AnyName;

impl Visitor<'_> for AnyName {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        Ok(Name(name.into()))
    }
}
