//! Whole commands, as a person or a script runs them.
//!
//! Commands that call nothing run in-process, in a world of their own; those that call the local cloud run as the binary,
//! because the AWS SDK reads the process's own environment.

mod flows;
pub mod person;
mod refusals;
mod rehearsal;
#[cfg(unix)]
pub mod running;
mod words;
