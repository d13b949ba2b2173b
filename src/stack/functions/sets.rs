//! Sets. What is not one is converted, and all to one type.

use std::collections::BTreeSet;

use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::limits::elements;
use super::unify::{to_list, unify};
use super::{Answer, CallError};
use crate::value::{Type, Value};

const SET: Parameter = Parameter::new("set", Shape::Set);
const SETS: Parameter = Parameter::new("sets", Shape::Set);

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "setintersection",
        &[SET],
        |it| fold(it, |a, b| a.intersection(&b).cloned().collect()),
        "The elements that all sets have.",
    )
    .variadic(SETS),
    Function::new(
        "setproduct",
        &[Parameter::new("set", Shape::Sequence)],
        Shape::Sequence,
        Body::Known(product),
        "All combinations of an element of each.",
    )
    .variadic(Parameter::new("sets", Shape::Sequence)),
    function(
        "setsubtract",
        &[SET, Parameter::new("other", Shape::Set)],
        |it| fold(it, |a, b| a.difference(&b).cloned().collect()),
        "The elements of the first set that the second does not have.",
    ),
    function("setunion", &[SET], |it| fold(it, |a, b| a.union(&b).cloned().collect()), "The elements that any set has.")
        .variadic(SETS),
];

const fn function(
    name: &'static str,
    parameters: &'static [Parameter],
    body: fn(&Arguments) -> Answer,
    doc: &'static str,
) -> Function {
    Function::new(name, parameters, Shape::Set, Body::Known(body), doc)
}

fn fold(it: &Arguments, join: fn(&BTreeSet<Value>, BTreeSet<Value>) -> BTreeSet<Value>) -> Answer {
    let types: Vec<Type> = it.all().iter().map(Value::type_of).collect();
    let Some(ty) = unify(&types) else {
        return Err(CallError::new("the sets' elements have no type in common"));
    };
    let mut result: Option<BTreeSet<Value>> = None;
    for (at, set) in it.all().iter().enumerate() {
        let set = set.convert(&ty).map_err(|e| CallError::at(at, e.to_string()))?;
        let set: BTreeSet<Value> = set.items().unwrap_or_default().into_iter().cloned().collect();
        result = Some(match result {
            None => set,
            Some(before) => join(&before, set),
        });
    }
    Ok(Value::set(result.unwrap_or_default()))
}

/// A list of tuples, or a set when one of the arguments is a set.
fn product(it: &Arguments) -> Answer {
    if it.count() < 2 {
        return Err(CallError::new("at least two sets are required"));
    }
    let mut factors = Vec::new();
    for (at, value) in it.all().iter().enumerate() {
        factors.push(to_list(value).map_err(|e| CallError::at(at, e))?);
    }
    let factors: Vec<Vec<&Value>> = factors.iter().map(|it| it.items().unwrap_or_default()).collect();
    let rows = factors.iter().try_fold(1_usize, |rows, it| rows.checked_mul(it.len()));
    elements(rows.and_then(|rows| rows.checked_mul(factors.len())))?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for factor in factors {
        let longer = |row: &Vec<Value>, item: &Value| row.iter().chain([item]).cloned().collect::<Vec<_>>();
        rows = rows.iter().flat_map(|row| factor.iter().map(move |item| longer(row, item))).collect();
    }
    let tuples = rows.into_iter().map(Value::tuple);
    let set = it.all().iter().any(|it| matches!(it, Value::Set(_)));
    Ok(if set { Value::set(tuples) } else { Value::list(tuples) })
}
