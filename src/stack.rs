//! The stack language: from files to desired instances. The only place that knows HCL.
//!
//! `source` gives files, `parse` makes syntax of them, `lower` and `read` a `model::Model`, which `resolve` checks without
//! values. `eval` evaluates it lazily; `check` fits values to schemas. [`Program`] is all of it behind one door.

mod check;
mod cycles;
pub mod desired;
mod documents;
mod eval;
mod expr;
pub mod files;
pub mod functions;
mod identity;
mod load;
mod lower;
mod model;
mod order;
mod parse;
pub mod print;
pub mod program;
mod read;
mod reading;
pub mod refusals;
mod relations;
mod resolve;
pub mod settings;
pub mod source;
mod template;
mod type_expr;
pub mod variables;
mod yaml;

pub use desired::{Configuration, Evaluation, Host, Instance, Reference};
pub use files::Files;
pub use program::{LoadRequest, Loaded, Program};
pub use settings::{EncryptionSettings, KmsSettings, StackSettings, StateSettings, Unencrypted};
