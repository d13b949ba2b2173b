//! How much there is of a value. Values share their parts, so that a small one may stand for one that is too large to walk:
//! whoever walks what a user made asks this first.

use super::Value;

/// Parts of one value, counted as often as they occur: what is made of the value has them as often.
pub const PARTS_MAX: usize = 1_048_576;
/// Bytes of the texts in one value.
pub const TEXT_BYTES_MAX: usize = 64 << 20;
/// How deep values may nest: everything that walks them recurses.
pub const NESTING_MAX: usize = 200;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub parts: usize,
    /// Of all texts, keys included.
    pub bytes: usize,
    /// Whether a part is unknown.
    pub unknown: bool,
    /// Whether a part is marked as sensitive.
    pub sensitive: bool,
    /// Whether a part is a secret of which only the digest is at hand.
    pub digest: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    #[error("the value has more than {PARTS_MAX} parts")]
    Parts,
    #[error("the value holds more than {} MiB of text", TEXT_BYTES_MAX >> 20)]
    Text,
    #[error("the value nests deeper than {NESTING_MAX} levels")]
    Depth,
}

impl Size {
    /// Of all values together; stops where it is clear that there is too much.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<Self, TooLarge> {
        let mut size = Self::default();
        values.into_iter().try_for_each(|it| size.add(it, 0))?;
        Ok(size)
    }

    fn add(&mut self, value: &Value, depth: usize) -> Result<(), TooLarge> {
        self.parts += 1;
        if depth > NESTING_MAX {
            return Err(TooLarge::Depth);
        }
        let within = depth + 1;
        match value {
            Value::List(items) | Value::Tuple(items) => items.iter().try_for_each(|it| self.add(it, within))?,
            Value::Set(items) => items.iter().try_for_each(|it| self.add(it, within))?,
            Value::Map(items) | Value::Object(items) => {
                items.values().try_for_each(|it| self.add(it, within))?;
                self.bytes = items.keys().fold(self.bytes, |sum, key| sum.saturating_add(key.len()));
            }
            Value::Sensitive(inner) => {
                self.sensitive = true;
                self.add(inner, depth)?;
            }
            Value::Unknown(_) => self.unknown = true,
            Value::Digest(_) => self.digest = true,
            Value::String(text) => self.bytes = self.bytes.saturating_add(text.len()),
            // Written out, a number of a few bytes can be thousands of digits long.
            Value::Number(it) if it.as_i64().is_none() => self.bytes = self.bytes.saturating_add(it.to_string().len()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        match (self.parts > PARTS_MAX, self.bytes > TEXT_BYTES_MAX) {
            (true, _) => Err(TooLarge::Parts),
            (false, true) => Err(TooLarge::Text),
            (false, false) => Ok(()),
        }
    }
}

impl Value {
    /// How much there is of it, or what there is too much of.
    pub fn size(&self) -> Result<Size, TooLarge> {
        Size::of([self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_parts_count_as_often_as_they_occur() {
        let twice = |it: Value| Value::tuple([it.clone(), it]);
        assert_eq!(twice(twice(Value::from("ab"))).size().map(|it| (it.parts, it.bytes)), Ok((7, 8)));
        assert_eq!((0..60).fold(Value::Null, |it, _| twice(it)).size(), Err(TooLarge::Parts));
        assert_eq!((0..=NESTING_MAX).fold(Value::Null, |it, _| Value::tuple([it])).size(), Err(TooLarge::Depth));
        let long = Value::from("x".repeat(1 << 20));
        assert_eq!(Value::list(vec![long; 65]).size(), Err(TooLarge::Text));
    }

    #[test]
    fn what_a_value_holds_is_seen_at_any_depth() {
        let it = Value::object([("a", Value::list([Value::from(1).sensitive()])), ("b", Value::Digest("d".into()))]);
        let size = it.size().unwrap();
        assert_eq!((size.sensitive, size.digest, size.unknown), (true, true, false));
    }
}
