//! Bounds on what a call may make. They are far beyond any real stack; within them every function ends in time and memory.

use super::CallError;
use crate::value::{Size, Value};

/// Members of one result.
pub(super) const ELEMENTS_MAX: usize = crate::value::size::PARTS_MAX;

/// Bytes of one text.
pub(super) const TEXT_MAX: usize = crate::value::size::TEXT_BYTES_MAX;

pub(super) fn elements(count: Option<usize>) -> Result<usize, CallError> {
    let problem = || CallError::new(format!("the result would have more than {ELEMENTS_MAX} elements"));
    count.filter(|it| *it <= ELEMENTS_MAX).ok_or_else(problem)
}

pub(super) fn bytes(count: Option<usize>) -> Result<usize, CallError> {
    let problem = || CallError::new(format!("the result would be longer than {} MiB", TEXT_MAX >> 20));
    count.filter(|it| *it <= TEXT_MAX).ok_or_else(problem)
}

/// What arguments hold at any depth.
pub(super) struct Contents {
    pub unknown: bool,
    pub sensitive: bool,
}

impl Contents {
    /// When that is not too much. A secret of which only the digest is at hand is both.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<Self, CallError> {
        let size = Size::of(values).map_err(|error| CallError::new(format!("an argument is too large: {error}")))?;
        Ok(Self { unknown: size.unknown || size.digest, sensitive: size.sensitive || size.digest })
    }
}
