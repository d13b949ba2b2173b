//! Kubernetes against real control planes behind local EKS clusters.

mod access;
mod edge;
mod manifest;
mod story;
mod words;
