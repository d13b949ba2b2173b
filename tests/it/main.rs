//! The integration tests, one binary.

mod architecture;
mod bad_input;
mod canary;
mod catalogue;
mod cli;
mod contract;
mod kubernetes;
mod language;
mod plans;
#[cfg(unix)]
mod processes;
mod recovery;
mod simulation;
mod stacks;
mod store;
mod stored;
mod torture;
mod traps;
