//! Simple Storage Service.

pub mod bucket;
mod contents;
mod lifecycle;
mod protection;
