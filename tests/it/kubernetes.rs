//! Kubernetes against real control planes behind local EKS clusters.

mod access;
mod bench;
mod deaths;
mod edge;
mod environment;
mod live;
mod manifest;
mod many;
mod story;
mod words;
