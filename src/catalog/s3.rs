//! Simple Storage Service.

pub mod bucket;
mod lifecycle;
mod protection;
