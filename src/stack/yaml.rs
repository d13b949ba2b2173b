//! YAML with the place of each part. Scalars are what Terraform, and the YAML 1.1 of Kubernetes' own tools, take them for: `yes`
//! and `on` are bools; a date stays the text that it is.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Options, Spanned};

use crate::value::size::NESTING_MAX;
use crate::value::{Number, Type, Value};

/// Bytes of the text that was read.
pub type At = (u32, u32);

/// One part of a document.
#[derive(Debug)]
pub struct Node {
    pub at: At,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    Leaf(Value),
    List(Vec<Node>),
    /// With the place of each name.
    Map(Vec<(Arc<str>, At, Node)>),
}

/// What is wrong with a text, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub message: String,
    /// From one.
    pub line: u64,
    pub at: At,
}

impl Node {
    pub fn value(&self) -> Value {
        match &self.content {
            Content::Leaf(value) => value.clone(),
            Content::List(items) => Value::tuple(items.iter().map(Self::value)),
            Content::Map(members) => Value::object(members.iter().map(|(name, _, it)| (name.clone(), it.value()))),
        }
    }
}

/// One document. The reader bounds depth, size and aliases by itself.
pub fn document(text: &str) -> Result<Node, Wrong> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| wrong(text, &error))
}

/// All documents, without empty ones; a number with a leading zero is octal, as file modes in manifests are.
pub fn documents(text: &str) -> Result<Vec<Node>, Wrong> {
    let mut options = options();
    options.legacy_octal_numbers = true;
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| wrong(text, &error))
}

fn options() -> Options {
    let mut options = Options::default();
    if let Some(budget) = &mut options.budget {
        budget.max_depth = budget.max_depth.min(NESTING_MAX);
    }
    options
}

fn wrong(text: &str, error: &serde_saphyr::Error) -> Wrong {
    let said = error.to_string();
    let first = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
    // The place is told apart, and nobody who reads this has options to set.
    let message = first.strip_prefix("line ").and_then(|it| it.split_once(": ")).map_or(first, |(_, rest)| rest);
    let message = message.split_once(", set DuplicateKeyPolicy").map_or(message, |(it, _)| it);
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let known = location.span().byte_offset().map(|_| at(&location));
    Wrong { message: message.to_owned(), line: location.line(), at: known.unwrap_or_else(|| counted(text, &location)) }
}

/// Where a line and column, in characters, are.
fn counted(text: &str, location: &Location) -> At {
    let index = |it: u64| usize::try_from(it.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text.split_inclusive('\n').take(index(location.line())).map(str::len).sum::<usize>();
    let rest = text.get(line..).unwrap_or_default();
    let column = rest.chars().take_while(|it| *it != '\n').take(index(location.column())).map(char::len_utf8).sum::<usize>();
    let at = u32::try_from(line + column).unwrap_or(u32::MAX);
    (at, at.saturating_add(1))
}

fn at(location: &Location) -> At {
    let fit = |it: u64| u32::try_from(it).unwrap_or(u32::MAX);
    let span = location.span();
    let start = fit(span.byte_offset().unwrap_or_default());
    (start, start.saturating_add(fit(span.byte_len().unwrap_or_default())))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: Bare(content), referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(Self { at: at(&referenced), content })
    }
}

/// A part without its place.
struct Bare(Content);

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BareVisitor)
    }
}

struct BareVisitor;

fn leaf<E>(value: impl Into<Value>) -> Result<Bare, E> {
    Ok(Bare(Content::Leaf(value.into())))
}

fn number<E: serde::de::Error>(text: &str) -> Result<Bare, E> {
    text.parse().map(Value::Number).map_err(E::custom).and_then(leaf)
}

impl<'de> Visitor<'de> for BareVisitor {
    type Value = Bare;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<Bare, E> {
        leaf(Value::Null)
    }
    fn visit_none<E: serde::de::Error>(self) -> Result<Bare, E> {
        leaf(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Bare, D::Error> {
        Bare::deserialize(deserializer)
    }
    fn visit_bool<E: serde::de::Error>(self, it: bool) -> Result<Bare, E> {
        leaf(it)
    }
    fn visit_i64<E: serde::de::Error>(self, it: i64) -> Result<Bare, E> {
        leaf(it)
    }
    fn visit_u64<E: serde::de::Error>(self, it: u64) -> Result<Bare, E> {
        number(&it.to_string())
    }
    fn visit_i128<E: serde::de::Error>(self, it: i128) -> Result<Bare, E> {
        number(&it.to_string())
    }
    fn visit_u128<E: serde::de::Error>(self, it: u128) -> Result<Bare, E> {
        number(&it.to_string())
    }
    /// The reader knows whole numbers of 64 bits; larger ones arrive rounded.
    fn visit_f64<E: serde::de::Error>(self, it: f64) -> Result<Bare, E> {
        if it.is_finite() && it.abs() >= 9.2e18 {
            return Err(E::custom("a number of more than 64 bits would lose digits; quote it"));
        }
        let number = Number::from_f64(it).ok_or_else(|| E::custom("infinity and NaN are no numbers here"))?;
        leaf(Value::Number(number))
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bare, E> {
        leaf(text)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Bare, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = items.next_element()? {
            out.push(item);
        }
        Ok(Bare(Content::List(out)))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Bare, A::Error> {
        let mut out = Vec::new();
        while let Some(Node { at, content }) = members.next_key()? {
            let name = match content {
                Content::Leaf(it) => it.convert(&Type::String).ok(),
                Content::List(_) | Content::Map(_) => None,
            };
            let Some(Value::String(name)) = name else {
                return Err(A::Error::custom("a mapping's key must be a string, number or bool"));
            };
            out.push((name, at, members.next_value()?));
        }
        Ok(Bare(Content::Map(out)))
    }
}
