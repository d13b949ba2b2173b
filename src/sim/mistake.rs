//! [`Mistake`]: where a test may plant one, so that the laws are seen to catch it.
