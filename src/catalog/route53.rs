//! Route 53.

mod batch;
pub mod names;
pub mod record;
pub mod zone;
