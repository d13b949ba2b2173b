//! Carries out a plan. `machine` decides and never waits; `drive` does the I/O and reports back.
//!
//! One loop for every step, entered at different points: *intent stored → create → id known → read until ready → compare with
//! desired → (update → read)* → outputs*. `start` enters it, `announce` stores what is about to be done, `call` takes the answers
//! of calls, `look` those of reads.

mod announce;
mod blocked;
mod call;
mod compare;
pub mod drive;
mod driven;
pub mod effect;
pub mod event;
mod journal;
pub mod known;
mod look;
mod looks;
pub mod machine;
pub mod ownership;
mod pace;
mod schedule;
pub mod settle;
mod start;
mod taken;
mod work;

pub use driven::Driven;
pub use effect::{Answer, Effect, EffectId, NotStored, Time, millis};
pub use known::Known;
pub use machine::{Desired, Machine, Setup};
pub use pace::{Mint, Pace};
pub use settle::Settling;
