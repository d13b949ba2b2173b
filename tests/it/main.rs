//! The integration tests, one binary.

mod architecture;
mod cli;
mod contract;
mod language;
mod plans;
mod simulation;
mod stacks;
mod store;
