//! Verdicts on what differs from what was declared.
