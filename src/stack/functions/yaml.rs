//! YAML: read and written as Terraform does. So `yes` and `on` are bools; a date stays the text that it is.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::limits::Contents;
use super::write_yaml;
use super::{Answer, CallError};
use crate::value::{Number, Type, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "yamldecode",
        &[Parameter::new("string", Shape::String)],
        Shape::Any,
        Body::Known(yamldecode),
        "The value that the YAML document writes.",
    ),
    Function::new(
        "yamlencode",
        &[Parameter::new("value", Shape::Any).or_null()],
        Shape::String,
        Body::Known(|it| write_yaml::document(it.value(0)).map(Value::from).map_err(CallError::new)),
        "The value as a YAML document in block style.",
    ),
];

/// The reader bounds depth, size and aliases by itself.
fn yamldecode(it: &Arguments) -> Answer {
    if it.text(0).trim().is_empty() {
        return Ok(Value::Null);
    }
    let node: Node = serde_saphyr::from_str(it.text(0)).map_err(|e| {
        let problem = e.to_string();
        CallError::at(0, format!("not valid YAML: {}", problem.lines().next().unwrap_or_default().trim_start_matches("error: ")))
    })?;
    Contents::of([&node.0])?;
    Ok(node.0)
}

struct Node(Value);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node(Value::Null))
    }
    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node(Value::Null))
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }
    fn visit_bool<E: Error>(self, it: bool) -> Result<Node, E> {
        Ok(Node(it.into()))
    }
    fn visit_i64<E: Error>(self, it: i64) -> Result<Node, E> {
        Ok(Node(it.into()))
    }
    fn visit_u64<E: Error>(self, it: u64) -> Result<Node, E> {
        number(&it.to_string())
    }
    fn visit_i128<E: Error>(self, it: i128) -> Result<Node, E> {
        number(&it.to_string())
    }
    fn visit_u128<E: Error>(self, it: u128) -> Result<Node, E> {
        number(&it.to_string())
    }
    /// The reader knows whole numbers of 64 bits; larger ones arrive rounded.
    fn visit_f64<E: Error>(self, it: f64) -> Result<Node, E> {
        if it.is_finite() && it.abs() >= 9.2e18 {
            return Err(E::custom("a number of more than 64 bits would lose digits; quote it"));
        }
        let number = Number::from_f64(it).ok_or_else(|| E::custom("infinity and NaN are no numbers here"))?;
        Ok(Node(Value::Number(number)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node(text.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut out = Vec::new();
        while let Some(Node(item)) = items.next_element()? {
            out.push(item);
        }
        Ok(Node(Value::tuple(out)))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut out: Vec<(Arc<str>, Value)> = Vec::new();
        while let Some(Node(key)) = members.next_key()? {
            let Ok(Value::String(name)) = key.convert(&Type::String) else {
                return Err(A::Error::custom("a mapping's key must be a string, number or bool"));
            };
            let Node(member) = members.next_value()?;
            out.push((name, member));
        }
        Ok(Node(Value::object(out)))
    }
}

fn number<E: Error>(text: &str) -> Result<Node, E> {
    text.parse().map(|it| Node(Value::Number(it))).map_err(E::custom)
}
