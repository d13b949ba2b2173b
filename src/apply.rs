//! Carries out a plan. `machine` decides and never waits; `drive` does the I/O and reports back.

pub mod event;
