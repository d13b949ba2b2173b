//! The integration tests, one binary.

mod architecture;
mod bad_input;
mod catalogue;
mod cli;
mod contract;
mod language;
mod plans;
mod recovery;
mod simulation;
mod stacks;
mod store;
mod torture;
