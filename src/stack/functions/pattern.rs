//! Regular expressions, in RE2's syntax, which is linear in the text whatever the pattern.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};

use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::limits::{bytes, elements};
use super::{Answer, CallError};
use crate::value::Value;

const PATTERN: Parameter = Parameter::new("pattern", Shape::String);
const TEXT: Parameter = Parameter::new("string", Shape::String);

/// Bytes that a compiled pattern may take.
const PATTERN_SIZE_MAX: usize = 2 << 20;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "regex",
        &[PATTERN, TEXT],
        Shape::Any,
        Body::Known(regex),
        "The first match: a string, or the groups as a tuple, or the named groups as an object.",
    ),
    Function::new("regexall", &[PATTERN, TEXT], Shape::List, Body::Known(regexall), "All matches, each as `regex` gives it."),
    Function::new(
        "replace",
        &[TEXT, Parameter::new("substring", Shape::String), Parameter::new("replacement", Shape::String)],
        Shape::String,
        Body::Known(replace),
        "The text with every occurrence replaced; a `/pattern/` is a regular expression.",
    ),
];

thread_local! {
    /// A pattern in a block with `for_each` is asked for again and again; compiling it takes longer than matching.
    static RECENT: RefCell<VecDeque<Regex>> = const { RefCell::new(VecDeque::new()) };
}
const RECENT_MAX: usize = 16;

fn compile(pattern: &str, argument: usize) -> Result<Regex, CallError> {
    RECENT.with_borrow_mut(|recent| {
        if let Some(at) = recent.iter().position(|it| it.as_str() == pattern) {
            return Ok(recent[at].clone());
        }
        let compiled = build(pattern, argument)?;
        recent.truncate(RECENT_MAX - 1);
        recent.push_front(compiled.clone());
        Ok(compiled)
    })
}

fn build(pattern: &str, argument: usize) -> Result<Regex, CallError> {
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_MAX).dfa_size_limit(PATTERN_SIZE_MAX).build();
    built.map_err(|e| {
        let problem = match e {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // The last line says what is wrong; those before it draw the pattern.
            e => e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        };
        CallError::at(argument, format!("not a valid regular expression: {problem}"))
    })
}

fn regex(it: &Arguments) -> Answer {
    let pattern = compile(it.text(0), 0)?;
    same_kind_of_groups(&pattern)?;
    let missing = || CallError::at(1, "the pattern does not match any part of the string");
    pattern.captures(it.text(1)).map(|found| groups(&pattern, &found)).ok_or_else(missing)
}

fn regexall(it: &Arguments) -> Answer {
    let pattern = compile(it.text(0), 0)?;
    same_kind_of_groups(&pattern)?;
    let mut found = Vec::new();
    for captures in pattern.captures_iter(it.text(1)) {
        found.push(groups(&pattern, &captures));
        elements(found.len().checked_mul(pattern.captures_len()))?;
    }
    Ok(Value::list(found))
}

fn same_kind_of_groups(pattern: &Regex) -> Result<(), CallError> {
    let named = pattern.capture_names().flatten().count();
    match named == 0 || named == pattern.captures_len() - 1 {
        true => Ok(()),
        false => Err(CallError::at(0, "either all groups have a name or none has")),
    }
}

fn groups(pattern: &Regex, found: &Captures<'_>) -> Value {
    let text = |at: usize| found.get(at).map_or(Value::Null, |it| Value::from(it.as_str()));
    let mut named = pattern.capture_names().enumerate().filter_map(|(at, name)| Some((Arc::from(name?), text(at)))).peekable();
    match (pattern.captures_len(), named.peek()) {
        (1, _) => text(0),
        (_, Some(_)) => Value::object(named.collect::<Vec<(Arc<str>, _)>>()),
        (count, None) => Value::tuple((1..count).map(text)),
    }
}

fn replace(it: &Arguments) -> Answer {
    let (text, wanted, replacement) = (it.text(0), it.text(1), it.text(2));
    let Some(pattern) = wanted.strip_prefix('/').and_then(|it| it.strip_suffix('/')) else {
        let more = text.matches(wanted).count().checked_mul(replacement.len());
        bytes(more.and_then(|it| it.checked_add(text.len())))?;
        return Ok(Value::from(text.replace(wanted, replacement)));
    };
    let pattern = compile(pattern, 1)?;
    let mut out = String::new();
    let mut end = 0;
    for found in pattern.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&text[end..whole.start()]);
        found.expand(replacement, &mut out);
        bytes(Some(out.len()))?;
        end = whole.end();
    }
    out.push_str(&text[end..]);
    bytes(Some(out.len()))?;
    Ok(Value::from(out))
}
