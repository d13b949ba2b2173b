//! Stories.

/// In every secret attribute of every story: must never be found in what is stored.
pub const SECRET: &str = "hunter2-in-clear";
