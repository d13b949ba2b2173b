//! Values against a schema: shape, presence, and what an attribute's limits say.

mod format;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::diag::{Diagnostic, nearest};
use crate::schema::{Attribute, Attributes, Equality, Limits, Presence, Shape};
use crate::value::{Members, Type, Value};

/// One thing that is wrong with a value.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: &'static str,
    /// `tags["x"]`, `rule[0].port`
    pub path: String,
    pub message: String,
    pub did_you_mean: Option<String>,
}

impl Problem {
    pub fn to_diagnostic(&self, owner: &str) -> Diagnostic {
        let summary = match self.code {
            "unknown-attribute" => format!("{owner}: {}", self.message),
            _ => format!("`{}`: {}", self.path, self.message),
        };
        Diagnostic::error(self.code, summary).did_you_mean(self.did_you_mean.clone()).help(format!("infra schema {owner}"))
    }
}

pub struct Checker<'a> {
    /// Compiled once each; nothing for one that the engine of patterns refuses.
    pub patterns: &'a mut HashMap<Arc<str>, Option<regex::Regex>>,
    pub problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn problem(&mut self, code: &'static str, path: &str, message: impl Into<String>) {
        self.problems.push(Problem { code, path: path.into(), message: message.into(), did_you_mean: None });
    }
}

/// An attribute of which nothing but the shape matters.
pub fn plain_attribute(shape: Shape) -> Attribute {
    Attribute::new(shape, Presence::Optional)
}

/// The value in the attribute's shape; what does not fit is told to the checker.
pub fn conform(value: &Value, attribute: &Attribute, path: &str, checker: &mut Checker<'_>) -> Value {
    let (bare, marked) = value.unmark();
    let marked = marked || attribute.secret;
    let value = match bare {
        Value::Null => {
            if attribute.presence == Presence::Required {
                checker.problem("missing-attribute", path, "it is required, and null here");
            }
            attribute.default.clone()
        }
        bare => {
            let value = shaped(bare, attribute, path, checker);
            limited(&value, &attribute.limits, marked, path, checker);
            value
        }
    };
    if value.is_null() { value } else { value.mark(marked) }
}

fn wrong(value: &Value, wanted: &str, path: &str, checker: &mut Checker<'_>) -> Value {
    let is = value.kind();
    checker.problem("wrong-type", path, format!("{wanted} is required, this is {is}"));
    Value::Null
}

fn shaped(value: &Value, attribute: &Attribute, path: &str, checker: &mut Checker<'_>) -> Value {
    let json = attribute.shape == Shape::String
        && (matches!(attribute.equality, Equality::Json | Equality::Policy | Equality::EcrLifecycle)
            || attribute.limits.format.as_deref() == Some("json"));
    if json && matches!(value, Value::Object(_) | Value::Map(_) | Value::Tuple(_) | Value::List(_)) {
        return encoded(value, path, checker);
    }
    if let (true, Shape::Object(attributes), Some(all)) = (attribute.picks, &attribute.shape, value.members()) {
        let picked = all.iter().filter(|(name, _)| attributes.contains_key(*name));
        let picked = Value::object(picked.map(|(name, it)| (name.clone(), it.clone())));
        return shape(&picked, &attribute.shape, path, checker);
    }
    shape(value, &attribute.shape, path, checker)
}

/// A document written as an object.
fn encoded(value: &Value, path: &str, checker: &mut Checker<'_>) -> Value {
    let (bare, marked) = value.unmark_deep();
    if !bare.is_wholly_known() {
        return Value::unknown_from(Type::String, [&bare]).mark(marked);
    }
    match bare.to_json() {
        Some(json) => Value::string(json.to_string()).mark(marked),
        None => wrong(value, "a JSON document", path, checker),
    }
}

fn shape(value: &Value, shape: &Shape, path: &str, checker: &mut Checker<'_>) -> Value {
    let (bare, marked) = value.unmark();
    if bare.is_unknown() || matches!(bare, Value::Digest(_)) {
        return bare.convert(&shape.ty()).unwrap_or_else(|_| bare.clone()).mark(marked);
    }
    let shaped = match shape {
        Shape::Any => bare.clone(),
        Shape::Bool | Shape::Number | Shape::String => match bare.convert(&shape.ty()) {
            Ok(value) => value,
            Err(error) => {
                checker.problem("wrong-type", path, error.problem);
                Value::Null
            }
        },
        Shape::List(of) => match members(bare, of) {
            Some(items) => Value::list(each(&items, of, path, checker)),
            None => wrong(bare, &shape.ty().friendly(), path, checker),
        },
        Shape::Set(of) => match members(bare, of) {
            Some(items) => Value::set(each(&items, of, path, checker)),
            None => wrong(bare, &shape.ty().friendly(), path, checker),
        },
        Shape::Map(of) => match bare {
            Value::Map(items) | Value::Object(items) => Value::map(items.iter().map(|(key, it)| {
                let path = format!("{path}[{}]", serde_json::Value::from(key.as_ref()));
                (key.clone(), self::shape(it, of, &path, checker))
            })),
            other => wrong(other, &shape.ty().friendly(), path, checker),
        },
        Shape::Object(attributes) => match bare {
            Value::Map(items) | Value::Object(items) => object(items, attributes, path, checker),
            // One block is a list of one in Terraform.
            Value::List(items) | Value::Tuple(items) => match items.as_slice() {
                [] => Value::Null,
                [one] => self::shape(one, shape, path, checker),
                _ => {
                    checker.problem("duplicate-block", path, "at most one is possible");
                    Value::Null
                }
            },
            other => wrong(other, "an object", path, checker),
        },
    };
    shaped.mark(marked)
}

/// The members of a sequence. A single object stands for a list of one where objects are wanted.
fn members(value: &Value, of: &Shape) -> Option<Vec<Value>> {
    match (value, of) {
        (Value::Object(_) | Value::Map(_), Shape::Object(_)) => Some(vec![value.clone()]),
        _ => value.items().map(|it| it.into_iter().cloned().collect()),
    }
}

fn each(items: &[Value], of: &Shape, path: &str, checker: &mut Checker<'_>) -> Vec<Value> {
    items
        .iter()
        .enumerate()
        .map(|(at, it)| {
            let path = format!("{path}[{at}]");
            if it.is_null() && matches!(of, Shape::String | Shape::Object(_)) {
                checker.problem("null-value", &path, "it is null");
            }
            shape(it, of, &path, checker)
        })
        .collect()
}

fn object(items: &Members, attributes: &Attributes, path: &str, checker: &mut Checker<'_>) -> Value {
    for (name, _) in items.iter().filter(|(_, it)| !it.is_null()) {
        let known = attributes.get(name);
        if known.is_none() {
            let near = nearest(name, attributes.keys().map(AsRef::as_ref)).map(str::to_owned);
            let message = format!("`{path}` has no attribute \"{name}\"");
            checker.problems.push(Problem { code: "unknown-attribute", path: path.into(), message, did_you_mean: near });
        } else if known.is_some_and(|it| it.presence == Presence::Computed) {
            checker.problem("computed-attribute", &format!("{path}.{name}"), "the cloud sets it; it cannot be set here");
        }
    }
    Value::object(attributes.iter().filter(|(_, it)| it.presence != Presence::Computed).map(|(name, attribute)| {
        let member = items.get(name).unwrap_or(&Value::Null);
        (name.clone(), conform(member, attribute, &format!("{path}.{name}"), checker))
    }))
}

/// What the limits say about a value of its shape.
fn limited(value: &Value, limits: &Limits, secret: bool, path: &str, checker: &mut Checker<'_>) {
    let (bare, marked) = value.unmark();
    let secret = secret || marked;
    let show = |text: &str| if secret { "(sensitive)".to_owned() } else { format!("{text:?}") };
    match bare {
        Value::String(text) => {
            let text = text.as_ref();
            if !limits.one_of.is_empty() && !limits.one_of.iter().any(|it| it.as_ref() == text) {
                let all = limits.one_of.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ");
                let near = nearest(text, limits.one_of.iter().map(AsRef::as_ref)).map(str::to_owned);
                let same = limits.one_of.iter().find(|it| it.eq_ignore_ascii_case(text)).map(|it| it.as_ref().to_owned());
                let message = format!("{} is not one of {all}", show(text));
                checker.problems.push(Problem { code: "bad-value", path: path.into(), message, did_you_mean: same.or(near) });
            }
            if let Some(pattern) = &limits.pattern
                && !matches(pattern, text, checker)
            {
                checker.problem("bad-value", path, format!("{} does not match the pattern {pattern}", show(text)));
            }
            length(text.chars().count(), "characters", limits, path, checker);
            if let Some(name) = &limits.format
                && let Err(wrong) = format::check(name, text)
            {
                let message = format!("{} {}", show(text), wrong.message);
                let near = wrong.did_you_mean.filter(|_| !secret);
                checker.problems.push(Problem { code: wrong.code, path: path.into(), message, did_you_mean: near });
            }
        }
        Value::Number(number) => {
            let below = limits.minimum.is_some_and(|it| *number < it.into());
            let above = limits.maximum.is_some_and(|it| *number > it.into());
            if below || above {
                let range = match (limits.minimum, limits.maximum) {
                    (Some(low), Some(high)) => format!("between {low} and {high}"),
                    (Some(low), None) => format!("at least {low}"),
                    (None, high) => format!("at most {}", high.unwrap_or(i64::MAX)),
                };
                let shown = show(&number.to_string()).replace('"', "");
                checker.problem("bad-value", path, format!("{shown} is not {range}"));
            }
        }
        Value::List(items) => members_limited(items.iter(), items.len(), limits, secret, path, checker),
        Value::Set(items) => members_limited(items.iter(), items.len(), limits, secret, path, checker),
        _ => {}
    }
}

fn members_limited<'a>(
    items: impl Iterator<Item = &'a Value>,
    count: usize,
    limits: &Limits,
    secret: bool,
    path: &str,
    checker: &mut Checker<'_>,
) {
    length(count, "members", limits, path, checker);
    if limits.one_of.is_empty() && limits.pattern.is_none() && limits.format.is_none() && limits.minimum.is_none() {
        return;
    }
    let of_members = Limits { min_length: None, max_length: None, ..limits.clone() };
    for (at, item) in items.enumerate() {
        limited(item, &of_members, secret, &format!("{path}[{at}]"), checker);
    }
}

fn length(length: usize, unit: &str, limits: &Limits, path: &str, checker: &mut Checker<'_>) {
    if let Some(least) = limits.min_length.filter(|it| length < *it) {
        checker.problem("bad-value", path, format!("{length} {unit}, at least {least} are required"));
    }
    if let Some(most) = limits.max_length.filter(|it| length > *it) {
        checker.problem("bad-value", path, format!("{length} {unit}, at most {most} are allowed"));
    }
}

fn matches(pattern: &Arc<str>, text: &str, checker: &mut Checker<'_>) -> bool {
    let compiled = checker.patterns.entry(pattern.clone()).or_insert_with(|| regex::Regex::new(pattern).ok());
    compiled.as_ref().is_none_or(|it| it.is_match(text))
}

/// `90s`, `30m`, `1h30m`; a bare number is seconds.
pub fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let (mut total, mut rest) = (0u64, text);
    while !rest.is_empty() {
        let digits = rest.find(|it: char| !it.is_ascii_digit())?;
        let number: u32 = rest.get(..digits)?.parse().ok()?;
        let unit = rest.get(digits..)?.chars().next()?;
        let seconds = match unit {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total += u64::from(number) * seconds;
        rest = rest.get(digits + unit.len_utf8()..)?;
    }
    (!text.is_empty()).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(duration("400d"), Some(Duration::from_secs(34_560_000)));
        assert_eq!(duration("45"), Some(Duration::from_secs(45)));
        for text in ["", "m", "1x", "1h 30m", "-1s", "99999999999s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
