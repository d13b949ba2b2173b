//! `format` and `formatlist`.

use super::function::{Arguments, Body, Function, Parameter, Shape, strings};
use super::limits::bytes;
use super::verbs;
use super::{Answer, CallError};
use crate::value::Value;

const SPEC: Parameter = Parameter::new("spec", Shape::String);
const VALUES: Parameter = Parameter::new("values", Shape::Any).or_null();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "format",
        &[SPEC],
        Shape::String,
        Body::Known(|it| verbs::print(it.text(0), &it.all().iter().skip(1).collect::<Vec<_>>()).map(Value::from)),
        "The text with each %-verb replaced by a value: %s string, %d whole number, %f decimal, %q quoted, %v any, %#v JSON.",
    )
    .variadic(VALUES),
    Function::new(
        "formatlist",
        &[SPEC],
        Shape::Strings,
        Body::Known(formatlist),
        "As `format`, once for every element of the lists among the values.",
    )
    .variadic(VALUES),
];

fn formatlist(it: &Arguments) -> Answer {
    let columns: Vec<Option<Vec<&Value>>> = it.rest(1).iter().map(Value::items).collect();
    let mut rows = None;
    for (at, column) in columns.iter().enumerate() {
        match (column, rows) {
            (Some(column), None) => rows = Some(column.len()),
            (Some(column), Some(rows)) if column.len() != rows => {
                let problem = format!("all lists have the same length; this one has {}, those before it {rows}", column.len());
                return Err(CallError::at(at + 1, problem));
            }
            (Some(_) | None, _) => {}
        }
    }
    let mut texts: Vec<String> = Vec::new();
    let mut total = 0;
    for row in 0..rows.unwrap_or(1) {
        let cells: Vec<&Value> = columns
            .iter()
            .zip(it.rest(1))
            .map(|(column, whole)| column.as_ref().map_or(whole, |it| it.get(row).copied().unwrap_or(&Value::Null)))
            .collect();
        let text = verbs::print(it.text(0), &cells)?;
        total += text.len();
        bytes(Some(total))?;
        texts.push(text);
    }
    Ok(strings(texts))
}
