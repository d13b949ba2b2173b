//! One suite for every store, and what is particular to each.

mod aws;
mod contract;
mod local;
mod memory;
#[cfg(unix)]
mod power;
mod sample;
