//! Bounds on what a call may make. They are far beyond any real stack; within them every function ends in time and memory.

use super::CallError;
use crate::value::Value;

/// Members of one result.
pub(super) const ELEMENTS_MAX: usize = 1_048_576;

/// Bytes of one text.
pub(super) const TEXT_MAX: usize = 64 << 20;

pub(super) fn elements(count: Option<usize>) -> Result<usize, CallError> {
    let problem = || CallError::new(format!("the result would have more than {ELEMENTS_MAX} elements"));
    count.filter(|it| *it <= ELEMENTS_MAX).ok_or_else(problem)
}

pub(super) fn bytes(count: Option<usize>) -> Result<usize, CallError> {
    let problem = || CallError::new(format!("the result would be longer than {} MiB", TEXT_MAX >> 20));
    count.filter(|it| *it <= TEXT_MAX).ok_or_else(problem)
}

/// What a value holds at any depth.
#[derive(Default)]
pub(super) struct Contents {
    pub unknown: bool,
    pub sensitive: bool,
    nodes: usize,
    bytes: usize,
}

impl Contents {
    /// Looks at the whole value. Shared parts count as often as they occur, because a text made of the value has them as often.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<Self, CallError> {
        let mut contents = Self::default();
        for value in values {
            if value.any(&mut |it| contents.see(it)) {
                return Err(CallError::new(format!(
                    "an argument is too large: more than {ELEMENTS_MAX} values or {} MiB of text",
                    TEXT_MAX >> 20
                )));
            }
        }
        Ok(contents)
    }

    /// Whether that was too much.
    fn see(&mut self, value: &Value) -> bool {
        match value {
            Value::Unknown(_) => self.unknown = true,
            Value::Sensitive(_) => self.sensitive = true,
            Value::Digest(_) => (self.unknown, self.sensitive) = (true, true),
            Value::String(text) => self.bytes = self.bytes.saturating_add(text.len()),
            Value::Map(items) | Value::Object(items) => {
                self.bytes = items.keys().fold(self.bytes, |sum, key| sum.saturating_add(key.len()));
            }
            // Written out, a number of a few bytes can be thousands of digits long.
            Value::Number(it) if it.as_i64().is_none() => self.bytes = self.bytes.saturating_add(it.to_string().len()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Set(_) | Value::Tuple(_) => {}
        }
        self.nodes += 1;
        self.nodes > ELEMENTS_MAX || self.bytes > TEXT_MAX
    }
}
