//! The stack language: from files to desired instances. The only place that knows HCL.

pub mod desired;
pub mod files;
pub mod functions;

pub use desired::{Configuration, Evaluation, Host, Instance, Reference};
pub use files::Files;
