//! Types and marks.

use super::Answer;
use super::CallError;
use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::limits::Contents;
use super::unify::to_map;
use crate::value::{Type, Value};

const fn function(name: &'static str, takes: &'static [Parameter], gives: Shape, body: Body, doc: &'static str) -> Function {
    Function::new(name, takes, gives, body, doc)
}

const ANY: &[Parameter] = &[Parameter::new("value", Shape::Any).or_null()];

pub(super) const FUNCTIONS: &[Function] = &[
    function("issensitive", ANY, Shape::Bool, Body::Raw(issensitive), "Whether the value is marked as sensitive."),
    function("nonsensitive", ANY, Shape::Any, Body::Raw(|it| Ok(it.value(0).unmark().0.clone())), "The value without its mark."),
    function("sensitive", ANY, Shape::Any, Body::Raw(|it| Ok(it.value(0).clone().sensitive())), "The value, never to be shown."),
    conversion("tobool", &[Parameter::new("value", Shape::Bool).or_null()], Shape::Bool, "The value as a bool."),
    conversion("tolist", &[Parameter::new("value", Shape::List).or_null()], Shape::List, "The value as a list of one type."),
    function(
        "tomap",
        &[Parameter::new("value", Shape::Map).or_null()],
        Shape::Map,
        Body::Members(tomap),
        "The value as a map of one type.",
    ),
    conversion("tonumber", &[Parameter::new("value", Shape::Number).or_null()], Shape::Number, "The value as a number."),
    conversion("toset", &[Parameter::new("value", Shape::Set).or_null()], Shape::Set, "The value as a set of one type."),
    conversion("tostring", &[Parameter::new("value", Shape::String).or_null()], Shape::String, "The value as a string."),
    function("type", ANY, Shape::String, Body::Raw(type_name), "The name of the value's type."),
];

/// Its parameter's shape does the work.
const fn conversion(name: &'static str, takes: &'static [Parameter], gives: Shape, doc: &'static str) -> Function {
    Function::new(name, takes, gives, Body::Members(|it| Ok(it.value(0).clone())), doc)
}

/// What is unknown now may become sensitive.
fn issensitive(it: &Arguments) -> Answer {
    Ok(match it.value(0) {
        Value::Sensitive(_) | Value::Digest(_) => Value::Bool(true),
        unknown @ Value::Unknown(_) => Value::unknown_from(Type::Bool, [unknown]),
        _ => Value::Bool(false),
    })
}

fn tomap(it: &Arguments) -> Answer {
    match it.value(0) {
        Value::Null => Ok(Value::Null),
        map => to_map(map).map_err(|e| CallError::at(0, e)),
    }
}

fn type_name(it: &Arguments) -> Answer {
    Contents::of(it.all())?;
    Ok(Value::from(it.value(0).type_of().to_string()))
}
