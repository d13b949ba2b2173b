//! Kubernetes against real control planes behind local EKS clusters.

mod access;
mod away;
mod bench;
mod deaths;
mod edge;
mod environment;
mod live;
mod manifest;
mod many;
mod story;
mod words;
