//! The integration tests, one binary.

mod architecture;
mod bad_input;
mod cli;
mod contract;
mod language;
mod plans;
mod simulation;
mod stacks;
mod store;
