//! [`Value`]: what an expression yields, an attribute holds, a state records. Known, or unknown with its provenance; with a
//! mark when sensitive.

mod arithmetic;
mod convert;
mod number;
pub mod path;
mod read;
mod seal;
mod secrets;
pub mod size;
mod text;
mod types;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use litemap::LiteMap;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

pub use arithmetic::ArithmeticError;
pub use convert::ConvertError;
pub use number::{NotANumber, Number};
pub use seal::Sealer;
pub use secrets::Secrets;
pub use size::{Size, TooLarge};
pub use types::{Field, Type};

use crate::address::Address;

/// The members of an object or a map: sorted, in one piece of memory. There are few in most, and a node of a B-tree has room
/// for eleven. What may be large is collected, never inserted one by one.
pub type Members = LiteMap<Arc<str>, Value>;

/// Cheap to clone: what is large is shared.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    /// Members of one type.
    List(Arc<Vec<Value>>),
    Set(Arc<BTreeSet<Value>>),
    Map(Arc<Members>),
    /// Members of types of their own: what `[…]` yields.
    Tuple(Arc<Vec<Value>>),
    /// What `{…}` yields, and every resource.
    Object(Arc<Members>),
    Unknown(Arc<Unknown>),
    /// Never printed, never stored in clear. Never nested within another mark directly.
    Sensitive(Arc<Value>),
    /// Stands for a secret whose clear text is not at hand: a keyed digest, as state and saved plans hold it.
    Digest(Arc<str>),
}

/// Why a value is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unknown {
    /// What will be known, when it is known by type already.
    pub ty: Type,
    /// The attributes that it waits for. Never empty in what the language yields; what a function makes of a secret of which
    /// only the digest is at hand gets them from the references that the secret came by.
    pub waits_for: BTreeSet<Provenance>,
}

/// An attribute of a resource that a later step makes known. `path` is empty for the whole resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Provenance {
    pub address: Address,
    pub path: Arc<str>,
}

impl Value {
    /// Texts are in Unicode's normalisation form C from here on, wherever they come from: so two that look alike are equal.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text::normalised(text.into()))
    }
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }
    pub fn tuple(items: impl IntoIterator<Item = Value>) -> Self {
        Self::Tuple(Arc::new(items.into_iter().collect()))
    }
    pub fn set(items: impl IntoIterator<Item = Value>) -> Self {
        Self::Set(Arc::new(items.into_iter().collect()))
    }
    pub fn map<K: Into<Arc<str>>>(items: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(Arc::new(gathered(items.into_iter().map(|(k, v)| (text::normalised(k.into()), v)))))
    }
    pub fn object<K: Into<Arc<str>>>(items: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(Arc::new(gathered(items.into_iter().map(|(k, v)| (text::normalised(k.into()), v)))))
    }
    pub fn unknown(ty: Type, address: Address, path: impl Into<Arc<str>>) -> Self {
        let waits_for = BTreeSet::from([Provenance { address, path: path.into() }]);
        Self::Unknown(Arc::new(Unknown { ty, waits_for }))
    }
    /// Unknown because any of `causes` is: their provenances together.
    pub fn unknown_from<'a>(ty: Type, causes: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut waits_for = BTreeSet::new();
        for cause in causes {
            cause.collect_waits(&mut waits_for);
        }
        Self::Unknown(Arc::new(Unknown { ty, waits_for }))
    }
    pub fn sensitive(self) -> Self {
        match self {
            Self::Sensitive(_) | Self::Digest(_) => self,
            it => Self::Sensitive(Arc::new(it)),
        }
    }

    /// The value without its own mark (marks of members stay), and whether it had one.
    pub fn unmark(&self) -> (&Value, bool) {
        match self {
            Self::Sensitive(inner) => (inner, true),
            it => (it, false),
        }
    }

    /// The value without any mark at any depth, and whether there was one.
    pub fn unmark_deep(&self) -> (Value, bool) {
        if !self.any(&mut |it| matches!(it, Self::Sensitive(_))) {
            return (self.clone(), false);
        }
        (
            self.map_leaves(&mut |it| match it {
                Self::Sensitive(inner) => inner.unmark_deep().0,
                it => it.clone(),
            }),
            true,
        )
    }

    /// Sensitive again when `marked`: the pair of [`unmark`](Self::unmark).
    pub fn mark(self, marked: bool) -> Self {
        if marked { self.sensitive() } else { self }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.unmark().0, Self::Null)
    }
    /// Whether this value itself is unknown; members may be unknown in a value that is not.
    pub fn is_unknown(&self) -> bool {
        matches!(self.unmark().0, Self::Unknown(_))
    }
    pub fn is_wholly_known(&self) -> bool {
        !self.any(&mut |it| matches!(it, Self::Unknown(_)))
    }
    pub fn has_secret(&self) -> bool {
        self.any(&mut |it| matches!(it, Self::Sensitive(_) | Self::Digest(_)))
    }

    /// Everything that this value or its members wait for.
    pub fn waits_for(&self) -> BTreeSet<Provenance> {
        let mut out = BTreeSet::new();
        self.collect_waits(&mut out);
        out
    }

    fn collect_waits(&self, out: &mut BTreeSet<Provenance>) {
        self.any(&mut |it| {
            if let Self::Unknown(unknown) = it {
                out.extend(unknown.waits_for.iter().cloned());
            }
            false
        });
    }

    /// Whether `test` holds for the value or any member; stops at the first.
    pub fn any(&self, test: &mut impl FnMut(&Value) -> bool) -> bool {
        if test(self) {
            return true;
        }
        match self {
            Self::List(items) | Self::Tuple(items) => items.iter().any(|it| it.any(test)),
            Self::Set(items) => items.iter().any(|it| it.any(test)),
            Self::Map(items) | Self::Object(items) => items.values().any(|it| it.any(test)),
            Self::Sensitive(inner) => inner.any(test),
            _ => false,
        }
    }

    /// The value with every leaf replaced; a mark counts as a leaf. What stays the same is shared with this one.
    pub fn map_leaves(&self, with: &mut impl FnMut(&Value) -> Value) -> Value {
        self.changed(with).unwrap_or_else(|| self.clone())
    }

    /// Nothing when no leaf was replaced by another.
    fn changed(&self, with: &mut impl FnMut(&Value) -> Value) -> Option<Value> {
        match self {
            Self::List(items) => changed_items(items.iter(), with).map(Self::list),
            Self::Tuple(items) => changed_items(items.iter(), with).map(Self::tuple),
            Self::Set(items) => changed_items(items.iter(), with).map(Self::set),
            Self::Map(items) => changed_members(items, with).map(|it| Self::Map(Arc::new(it))),
            Self::Object(items) => changed_members(items, with).map(|it| Self::Object(Arc::new(it))),
            leaf => Some(with(leaf)).filter(|it| !leaf.is_same(it)),
        }
    }

    /// Whether both are one leaf, without a look at what they hold.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) | (Self::Digest(a), Self::Digest(b)) => Arc::ptr_eq(a, b),
            (Self::Unknown(a), Self::Unknown(b)) => Arc::ptr_eq(a, b),
            (Self::Sensitive(a), Self::Sensitive(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self.unmark().0 {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
    pub fn as_bool(&self) -> Option<bool> {
        match self.unmark().0 {
            Self::Bool(it) => Some(*it),
            _ => None,
        }
    }
    /// Members by name, of an object or a map.
    pub fn members(&self) -> Option<&Members> {
        match self.unmark().0 {
            Self::Map(items) | Self::Object(items) => Some(items),
            _ => None,
        }
    }
    /// Members in order, of a list, tuple or set.
    pub fn items(&self) -> Option<Vec<&Value>> {
        match self.unmark().0 {
            Self::List(items) | Self::Tuple(items) => Some(items.iter().collect()),
            Self::Set(items) => Some(items.iter().collect()),
            _ => None,
        }
    }
    /// A member of an object or a map; null when it has none of that name.
    pub fn get(&self, name: &str) -> Value {
        self.member(name).clone()
    }
    /// The same, not copied.
    pub fn member(&self, name: &str) -> &Value {
        self.members().and_then(|it| found(it, name)).unwrap_or(&NULL)
    }
    /// The object or map with one member replaced; a value that is neither becomes an object.
    pub fn with(&self, name: &str, member: Value) -> Value {
        self.with_all([(name, member)])
    }
    /// The same with several; itself when there are none.
    pub fn with_all<K: AsRef<str> + Into<Arc<str>>>(&self, more: impl IntoIterator<Item = (K, Value)>) -> Value {
        let mut more = more.into_iter().peekable();
        if more.peek().is_none() {
            return self.clone();
        }
        let mut members = self.members().cloned().unwrap_or_default();
        let mut new = Vec::new();
        for (name, member) in more {
            match members.get_mut(name.as_ref()) {
                Some(it) => *it = member,
                None => new.push((name.into(), member)),
            }
        }
        if !new.is_empty() {
            members.extend(new);
        }
        self.holding(members)
    }

    /// A map of these members if it is one, else an object.
    fn holding(&self, members: Members) -> Value {
        match self {
            Self::Map(_) => Self::Map(Arc::new(members)),
            _ => Self::Object(Arc::new(members)),
        }
    }

    /// The type, members included: for values that were measured, see [`size`](Self::size).
    pub fn type_of(&self) -> Type {
        types::of(self)
    }

    /// The word for what it is in a sentence, without a look at its members: `a string`, `a list`.
    pub fn kind(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(_) => "a bool".into(),
            Self::Number(_) => "a number".into(),
            Self::String(_) | Self::Digest(_) => "a string".into(),
            Self::List(_) | Self::Tuple(_) => "a list".into(),
            Self::Set(_) => "a set".into(),
            Self::Map(_) => "a map".into(),
            Self::Object(_) => "an object".into(),
            Self::Unknown(unknown) => unknown.ty.friendly(),
            Self::Sensitive(inner) => inner.kind(),
        }
    }

    /// Plain JSON, or nothing when a part is unknown or only a digest. Marks are dropped: the caller must not store it.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        use serde_json::Value as Json;
        Some(match self {
            Self::Null => Json::Null,
            Self::Bool(it) => (*it).into(),
            Self::Number(it) => it.to_json(),
            Self::String(it) => it.as_ref().into(),
            Self::List(items) | Self::Tuple(items) => items.iter().map(Self::to_json).collect::<Option<Vec<_>>>()?.into(),
            Self::Set(items) => items.iter().map(Self::to_json).collect::<Option<Vec<_>>>()?.into(),
            Self::Map(items) | Self::Object(items) => {
                let members = items.iter().map(|(k, v)| Some((k.as_ref().to_owned(), v.to_json()?)));
                Json::Object(members.collect::<Option<_>>()?)
            }
            Self::Sensitive(inner) => inner.to_json()?,
            Self::Unknown(_) | Self::Digest(_) => return None,
        })
    }

    /// From plain JSON: arrays become tuples, objects objects. [`convert`](Self::convert) gives them their declared types.
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(it) => Self::Bool(*it),
            Json::Number(it) => Self::Number(it.into()),
            Json::String(it) => Self::string(it.as_str()),
            Json::Array(items) => Self::tuple(items.iter().map(Self::from_json)),
            Json::Object(members) => Self::object(members.iter().map(|(k, v)| (k.as_str(), Self::from_json(v)))),
        }
    }
}

/// What is not there.
pub static NULL: Value = Value::Null;

/// Where there are few, names of another length are passed over without a look at their letters, which lie elsewhere in memory.
const FEW: usize = 16;

fn found<'m>(members: &'m Members, name: &str) -> Option<&'m Value> {
    match members.len() {
        ..=FEW => members.iter().find(|(key, _)| ***key == *name).map(|(_, it)| it),
        _ => members.get(name),
    }
}

/// Members with no room left over: there are very many, and nothing is added to most.
fn gathered(items: impl Iterator<Item = (Arc<str>, Value)>) -> Members {
    let mut items: Vec<_> = items.collect();
    if items.is_sorted_by(|(a, _), (b, _)| a < b) {
        items.shrink_to_fit();
        return Members::from_sorted_store_unchecked(items);
    }
    let mut members = Members::with_capacity(items.len());
    members.extend(items);
    members
}

fn changed_items<'a>(
    items: impl Iterator<Item = &'a Value> + Clone,
    with: &mut impl FnMut(&Value) -> Value,
) -> Option<Vec<Value>> {
    let mut out: Option<Vec<Value>> = None;
    for (at, item) in items.clone().enumerate() {
        match (item.changed(with), &mut out) {
            (Some(new), Some(out)) => out.push(new),
            (None, Some(out)) => out.push(item.clone()),
            (Some(new), None) => out = Some(items.clone().take(at).cloned().chain([new]).collect()),
            (None, None) => {}
        }
    }
    out
}

fn changed_members(items: &Members, with: &mut impl FnMut(&Value) -> Value) -> Option<Members> {
    let values = changed_items(items.values(), with)?;
    Some(gathered(items.keys().cloned().zip(values)))
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}
impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}
impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Self::Number(it.into())
    }
}

/// For people and logs: secrets are never shown.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(it) => write!(f, "{it}"),
            Self::Number(it) => write!(f, "{it}"),
            Self::String(it) => write!(f, "{it:?}"),
            Self::List(items) | Self::Tuple(items) => f.debug_list().entries(items.iter()).finish(),
            Self::Set(items) => f.debug_set().entries(items.iter()).finish(),
            Self::Map(items) | Self::Object(items) => f.debug_map().entries(items.iter()).finish(),
            Self::Unknown(unknown) => {
                let names: Vec<_> = unknown.waits_for.iter().map(|it| it.address.to_string()).collect();
                write!(f, "(known after {})", names.join(", "))
            }
            Self::Sensitive(_) | Self::Digest(_) => f.write_str("(sensitive)"),
        }
    }
}

/// The key of the one-member wrappers that say what plain JSON cannot. A user's object with this key is escaped.
const TAG: &str = "$infra";

/// As stored in state, journal and plan files: plain JSON, except that unknown values and digests are wrapped. A secret in
/// clear is refused: whoever stores a value seals it first.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wrapped<T: Serialize> {
            #[serde(rename = "$infra")]
            inner: T,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "lowercase")]
        enum Inner<'a> {
            Unknown { ty: String, after: &'a BTreeSet<Provenance> },
            Digest(&'a str),
            Object(Vec<(&'a str, &'a Value)>),
        }
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(it) => serializer.serialize_bool(*it),
            Self::Number(it) => it.to_json().serialize(serializer),
            Self::String(it) => serializer.serialize_str(it),
            Self::List(items) | Self::Tuple(items) => serializer.collect_seq(items.iter()),
            Self::Set(items) => serializer.collect_seq(items.iter()),
            Self::Map(items) | Self::Object(items) if items.contains_key(TAG) => {
                let members = items.iter().map(|(k, v)| (k.as_ref(), v)).collect();
                Wrapped { inner: Inner::Object(members) }.serialize(serializer)
            }
            Self::Map(items) | Self::Object(items) => serializer.collect_map(items.iter()),
            Self::Unknown(it) => {
                Wrapped { inner: Inner::Unknown { ty: it.ty.to_string(), after: &it.waits_for } }.serialize(serializer)
            }
            Self::Digest(it) => Wrapped { inner: Inner::Digest(it) }.serialize(serializer),
            Self::Sensitive(_) => Err(S::Error::custom("a secret in clear must be sealed before it is stored")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        "aws_vpc.main".parse().unwrap()
    }

    #[test]
    fn what_json_cannot_say_survives_storage() {
        let value = Value::object([
            ("id", Value::unknown(Type::String, address(), "id")),
            ("secret", Value::Digest("abc".into())),
            ("odd", Value::object([("$infra", Value::from("mine"))])),
            ("n", Value::Number("0.1".parse().unwrap())),
        ]);
        let text = serde_json::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn members_are_sorted_and_the_last_of_a_name_counts() {
        let number = |it: i64| Value::from(it);
        let few = Value::object([("b", number(1)), ("a", number(2)), ("b", number(3))]);
        assert_eq!(format!("{few:?}"), r#"{"a": 2, "b": 3}"#);
        let many = Value::object((0..40).rev().map(|it| (format!("k{it}"), number(it))));
        assert!((0..40).all(|it| many.get(&format!("k{it}")) == number(it)));
        assert!(few.get("c").is_null() && many.get("c").is_null());
        let more = few.with_all([("c", number(4)), ("a", number(5)), ("aa", number(6))]);
        assert_eq!(format!("{more:?}"), r#"{"a": 5, "aa": 6, "b": 3, "c": 4}"#);
        assert_eq!(few.with_all::<&str>([]), few);
        assert_eq!(Value::Null.with("a", number(1)), Value::object([("a", number(1))]));
    }

    #[test]
    fn a_secret_is_neither_stored_nor_shown() {
        let value = Value::object([("password", Value::from("hunter2").sensitive())]);
        assert!(serde_json::to_string(&value).is_err());
        assert!(!format!("{value:?}").contains("hunter2"));
    }

    #[test]
    fn an_unknown_remembers_what_it_waits_for() {
        let a = Value::unknown(Type::String, address(), "id");
        let b = Value::unknown(Type::String, "aws_eip.nat".parse().unwrap(), "id");
        let both = Value::unknown_from(Type::String, [&a, &b]);
        assert_eq!(format!("{both:?}"), "(known after aws_eip.nat, aws_vpc.main)");
    }
}
