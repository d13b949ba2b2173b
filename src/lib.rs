//! A declarative infrastructure reconciler: stack files → desired → (with state and live) plan → a finished program of steps → a
//! pure machine that asks for effects → cloud, store and lock at the edge.
//!
//! # The walk of one `apply`
//!
//! 1. `main` builds a [`cli::World`] and calls [`cli::run`].
//! 2. [`stack::Program`] parses the files and types every value against the catalogue's schemas. All complaints come together.
//! 3. Account and region must be the stack's own; only then is anything called ([`cloud::Clouds`]).
//! 4. The lock is taken and the state read with its journal ([`store::Store`]); [`apply::drive::settle`] finds out what became of
//!    what former runs left open.
//! 5. Every resource type reads all its ids at once ([`resource::Resource::read`]).
//! 6. [`plan::plan`] evaluates and decides in one walk: changes for people, steps for the machine.
//! 7. [`report::plan`] shows it; somebody approves.
//! 8. [`apply::drive::drive`] runs the [`apply::Machine`]: *intent stored → create → id stored → read until ready → compare →
//!    (update → read)\* → outputs stored*. Create, update, repair, resume and import enter this loop at different points.
//!
//! # Invariants, stated as absences
//!
//! The planner never waits and never reads a clock. The machine does not know that AWS exists. `plan` and `apply` name no resource
//! type. Only `catalog`, `cloud` and `store` mention an AWS SDK crate. Nothing prints but the writers that `main` made. No secret
//! reaches a `Display`, a `Debug` or a `Serialize` ([`value::Value::Sensitive`]).
//!
//! # Where do I …
//!
//! - add a resource type: a file below `catalog/<service>/` and a line in [`catalog`]; the contract is [`resource::Resource`].
//! - add an attribute: a field of its struct; its type says how it behaves ([`schema::field`]).
//! - say what an AWS error code means: the one table in [`cloud::fault`].
//! - add a function of the language: [`stack::functions`]. A block or meta-argument: `stack/read/`.
//! - change what a plan decides: `plan/decide.rs`; in which order: `plan/order.rs`; and a case in `tests/plans/`.
//! - add a diagnostic: [`diag::Diagnostic`], and a page for its code in `diag/pages/`.
//! - add a command: a file in `cli/`.
//!
//! `tests/it/architecture.rs` keeps the layers; `ARCHITECTURE.md` says why they are as they are.

// words: plain data, no I/O
pub mod address;
pub mod diag;
pub mod graph;
pub mod object;
pub mod remote;
pub mod schema;
pub mod value;

// desired, recorded
pub mod stack;
pub mod state;

// what to do, doing it
pub mod apply;
pub mod plan;

// the world, and what can be managed in it
pub mod catalog;
pub mod cloud;
pub mod resource;
pub mod secrets;
pub mod store;

// people
pub mod cli;
pub mod drift;
pub mod report;

// practice
pub mod sim;
