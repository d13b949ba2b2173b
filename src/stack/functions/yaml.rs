//! YAML: read and written as Terraform does.

use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::limits::Contents;
use super::write_yaml;
use super::{Answer, CallError};
use crate::stack::yaml;
use crate::value::Value;

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

fn yamldecode(it: &Arguments) -> Answer {
    if it.text(0).trim().is_empty() {
        return Ok(Value::Null);
    }
    let node = yaml::document(it.text(0))
        .map_err(|wrong| CallError::at(0, format!("not valid YAML: line {}: {}", wrong.line, wrong.message)))?;
    let value = node.value();
    Contents::of([&value])?;
    Ok(value)
}
