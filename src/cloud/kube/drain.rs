//! What keeps nodes of a cluster from being emptied, looked up.

use futures::future::try_join3;
use serde_json::Value;

use super::{Connection, Kube, Select};
use crate::cloud::aws::Aws;
use crate::object::drain::{Hindrances, hindrances};
use crate::remote::Fault;

impl Kube {
    /// Of the nodes with these labels (`a=b`) in the cluster of this identity. Three lists, of all pods and budgets.
    pub async fn hindrances(&self, cluster: &str, labels: &str, aws: &Aws) -> Result<Hindrances, Fault> {
        let connection = self.connection_of(cluster, aws).await?;
        let (nodes, pods, budgets) = try_join3(
            all(&connection, "", "Node", labels),
            all(&connection, "", "Pod", ""),
            all(&connection, "policy", "PodDisruptionBudget", ""),
        )
        .await?;
        Ok(hindrances(&nodes, &pods, &budgets))
    }
}

async fn all(connection: &Connection, group: &str, kind: &str, labels: &str) -> Result<Vec<Value>, Fault> {
    match connection.kind(group, kind).await? {
        Some(kind) => connection.list(&kind, Select { labels, ..Select::default() }).await,
        None => Ok(Vec::new()),
    }
}
