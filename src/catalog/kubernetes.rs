//! Objects of Kubernetes clusters.

pub mod cluster;
pub mod manifest;
