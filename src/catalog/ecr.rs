//! Elastic Container Registry.

mod images;
pub mod repository;
