//! Terraform's functions, by name.

use super::files::Files;
use crate::value::{Type, Value};

/// What a function says of its arguments.
#[derive(Debug)]
pub struct CallError {
    pub argument: Option<usize>,
    pub message: String,
}

pub fn names() -> impl Iterator<Item = &'static str> {
    ["length", "upper", "toset", "jsonencode", "file", "one", "values", "range", "sensitive", "nonsensitive"].into_iter()
}

pub fn call(name: &str, arguments: &[Value], host: &dyn Files) -> Result<Value, CallError> {
    let fail = |message: &str| CallError { argument: Some(0), message: message.into() };
    let [first] = arguments else { return Err(fail("one argument")) };
    let (bare, marked) = first.unmark();
    if bare.is_unknown() {
        return Ok(Value::unknown_from(Type::Any, [bare]).mark(marked));
    }
    Ok(match name {
        "length" => match bare.members() {
            Some(members) => Value::from(members.len() as i64),
            None => Value::from(bare.items().map_or(0, |it| it.len()) as i64),
        },
        "upper" => Value::from(bare.as_str().ok_or_else(|| fail("a string"))?.to_uppercase()).mark(marked),
        "toset" => bare.convert(&Type::set(Type::Any)).map_err(|error| fail(&error.problem))?,
        "jsonencode" => Value::from(bare.to_json().ok_or_else(|| fail("known"))?.to_string()),
        "file" => {
            let bytes = host.read(bare.as_str().unwrap_or_default()).map_err(|it| fail(&it))?;
            Value::from(String::from_utf8_lossy(&bytes).into_owned())
        }
        "one" => bare.items().and_then(|it| it.first().map(|it| (*it).clone())).unwrap_or(Value::Null),
        "values" => Value::tuple(bare.members().into_iter().flat_map(|it| it.values().cloned())),
        "range" => Value::tuple((0..bare.to_json().and_then(|it| it.as_i64()).unwrap_or(0)).map(Value::from)),
        "sensitive" => bare.clone().sensitive(),
        _ => bare.clone(),
    })
}
