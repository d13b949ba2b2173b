//! What people and scripts read. Values in, text out: nothing here prints by itself.

pub mod attribute;
pub mod fault;
pub mod json;
pub mod markdown;
pub mod plan;
pub mod progress;
pub mod reason;
pub mod rehearsal;
pub mod runs;
pub mod schema;
pub mod style;
pub mod time;
pub mod value;

pub use plan::Options;
pub use style::Style;

use crate::diag::Span;

/// Where a span is, as people write it: `stacks/dev/stack.hcl:14`.
pub trait Places {
    fn place(&self, span: &Span) -> Option<String>;
}

/// Nobody holds the files: for what was made elsewhere.
#[derive(Debug)]
pub struct Nowhere;

impl Places for Nowhere {
    fn place(&self, _: &Span) -> Option<String> {
        None
    }
}
