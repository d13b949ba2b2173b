//! Kubernetes against real control planes behind local EKS clusters.

mod access;
mod deaths;
mod edge;
mod environment;
mod manifest;
mod story;
mod words;
