//! Commands that set something up, and what a program said last.

use std::process::Command;

use crate::StartError;

/// Runs a command that must succeed; `failed` makes the error of what it said last.
pub fn run(command: &mut Command, failed: fn(String) -> StartError) -> Result<(), StartError> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(last_line(&String::from_utf8_lossy(&output.stderr)).trim().to_owned()))
}

/// The last line with something on it.
pub fn last_line(said: &str) -> &str {
    said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no output")
}
