//! The edge to Kubernetes: connections made lazily, one per cluster, and single calls on them.
//!
//! As with AWS: reads may be tried again, a mutation is sent once, nothing waits for readiness. What objects are called and how
//! ready they are is pure and lives in [`crate::object`].

pub mod cluster;
mod connection;
mod discovery;
mod drain;
mod fault;
mod foresee;
mod send;
mod token;
mod troubles;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use cluster::ClusterRef;
pub use connection::{Connection, Select};
pub use discovery::{Catalogue, Kind};
pub use fault::is_immutable;
pub use foresee::{Complaint, Foreseen};
pub use send::kubeconfig;
pub use token::Token;
pub use troubles::Troubles;

use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault};

/// How long after a change of access entries a cluster may still answer 401 to a principal that it shall know.
const ACCESS_SPREADS: Duration = Duration::from_secs(120);

/// The connections of one configuration, one per cluster. Nothing is sent before the first call.
#[derive(Default)]
pub struct Kube {
    connections: Mutex<BTreeMap<String, Arc<Connection>>>,
    /// One at a time is opened, so that those who wait for the same one find it.
    opening: tokio::sync::Mutex<()>,
    access: Arc<Access>,
}

/// When access entries of clusters were changed last, by the cluster's name.
#[derive(Default)]
struct Access(Mutex<BTreeMap<String, Instant>>);

impl Access {
    /// Whether a 401 of this cluster may only mean that an access entry has not spread yet.
    fn spreads(&self, cluster: &ClusterRef) -> bool {
        let ClusterRef::Eks { name, .. } = cluster else { return false };
        let changed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changed.get(name).is_some_and(|since| since.elapsed() < ACCESS_SPREADS)
    }
}

impl Kube {
    /// The connection to a cluster, with the credentials of `aws` where it is one of EKS.
    pub async fn connection(&self, cluster: &ClusterRef, aws: &Aws) -> Result<Arc<Connection>, Fault> {
        let _one = self.opening.lock().await;
        self.open(cluster, aws).await
    }

    /// The connection to the cluster that an object's id names. A cluster that is gone is a fault of class `Missing`.
    pub async fn connection_of(&self, identity: &str, aws: &Aws) -> Result<Arc<Connection>, Fault> {
        let _one = self.opening.lock().await;
        if let Some(it) = self.known(identity) {
            return Ok(it);
        }
        let cluster = match ClusterRef::of_kubeconfig(identity) {
            Some(it) => it,
            None => described(identity, aws).await?,
        };
        self.open(&cluster, aws).await
    }

    /// Access entries of the EKS cluster of this name were changed just now: for two minutes, a 401 is for trying again.
    pub fn access_changed(&self, cluster_name: &str) {
        self.access.0.lock().unwrap_or_else(PoisonError::into_inner).insert(cluster_name.to_owned(), Instant::now());
    }

    fn known(&self, identity: &str) -> Option<Arc<Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).get(identity).cloned()
    }

    async fn open(&self, cluster: &ClusterRef, aws: &Aws) -> Result<Arc<Connection>, Fault> {
        let identity = cluster.identity();
        // A cluster that was made again under its name has another endpoint.
        if let Some(it) = self.known(&identity).filter(|it| it.cluster() == cluster) {
            return Ok(it);
        }
        let made = Arc::new(Connection::open(cluster.clone(), aws, self.access.clone()).await?);
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).insert(identity, made.clone());
        Ok(made)
    }
}

/// The EKS cluster of this ARN, as EKS describes it.
async fn described(arn: &str, aws: &Aws) -> Result<ClusterRef, Fault> {
    const CALL: &str = "eks:DescribeCluster";
    let region = cluster::region_of(arn)?;
    if region != aws.region() {
        let message = format!("the cluster {arn} is in another region than its aws configuration, {}", aws.region());
        return Err(Fault::new(Class::Refused, CALL, message));
    }
    let name = arn.rsplit_once(":cluster/").map_or(arn, |(_, name)| name);
    let answer = aws.eks().describe_cluster().name(name).send().await?;
    let cluster = answer.cluster().ok_or_else(|| Fault::bug(CALL, "the answer has no cluster"))?;
    ClusterRef::of_description(cluster)
}

impl std::fmt::Debug for Kube {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kube")
    }
}
