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

use localstack::Cloud;

/// The local cloud, once the programs of its control planes are there: no test waits as long for a cluster as their first build
/// takes.
async fn cloud() -> &'static Cloud {
    tokio::task::spawn_blocking(localstack::kube::kubectl).await.unwrap().unwrap();
    Cloud::shared().await.unwrap()
}
