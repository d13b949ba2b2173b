//! JSON: written as Terraform writes it, with numbers to their last digit.

use super::function::{Body, Function, Parameter, Shape};
use super::{CallError, decode_json};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "jsondecode",
        &[Parameter::new("string", Shape::String)],
        Shape::Any,
        Body::Known(|it| decode_json::read(it.text(0)).map_err(|e| CallError::at(0, format!("not valid JSON: {e}")))),
        "The value that the JSON text writes.",
    ),
    Function::new(
        "jsonencode",
        &[Parameter::new("value", Shape::Any).or_null()],
        Shape::String,
        Body::Known(|it| encode(it.value(0)).map(Value::from).map_err(CallError::new)),
        "The value as JSON text without line breaks.",
    ),
];

/// The JSON text of a value that is known and clear.
pub(super) fn encode(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), String> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(it) => out.push_str(if *it { "true" } else { "false" }),
        Value::Number(it) => out.push_str(&it.to_string()),
        Value::String(text) => quote(text, out),
        Value::List(items) | Value::Tuple(items) => write_items(items.iter(), out)?,
        Value::Set(items) => write_items(items.iter(), out)?,
        Value::Map(items) | Value::Object(items) => {
            out.push('{');
            for (at, (key, item)) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
        Value::Unknown(_) | Value::Sensitive(_) | Value::Digest(_) => return Err("a part of the value is not known".into()),
    }
    Ok(())
}

fn write_items<'a>(items: impl Iterator<Item = &'a Value>, out: &mut String) -> Result<(), String> {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(']');
    Ok(())
}

/// `<`, `>`, `&` and two line separators are escaped too, as Go does, so that digests of the text agree with Terraform's.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
