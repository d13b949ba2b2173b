//! The edge to Kubernetes: connections made lazily, one per cluster, and single calls on them.
//!
//! As with AWS: reads may be tried again, a mutation is sent once, nothing waits for readiness. What objects are called and how
//! ready they are is pure and lives in [`crate::object`].

pub mod cluster;
mod connection;
mod discovery;
mod fault;
mod token;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use cluster::ClusterRef;
pub use connection::{Apply, Connection};
pub use discovery::{Catalogue, Kind};
pub use token::{Token, eks_token};

use crate::cloud::aws::Aws;
use crate::remote::Fault;

/// How long after a change of access entries a cluster may still answer 401 to a principal that it shall know.
const ACCESS_SPREADS: Duration = Duration::from_secs(120);

/// The connections of one run, one per cluster. Nothing is sent before the first call.
#[derive(Default)]
pub struct Kube {
    connections: Mutex<BTreeMap<String, Arc<Connection>>>,
    /// When access entries of a cluster were changed last, by the cluster's name.
    access: Mutex<BTreeMap<String, Instant>>,
}

impl Kube {
    /// The connection to a cluster, with the credentials of `aws` where it is one of EKS.
    pub async fn connection(&self, cluster: &ClusterRef, aws: &Aws) -> Result<Arc<Connection>, Fault> {
        let identity = cluster.identity();
        let known = self.connections.lock().unwrap_or_else(PoisonError::into_inner).get(&identity).cloned();
        if let Some(it) = known.filter(|it| it.cluster() == cluster) {
            return Ok(it);
        }
        let made = Arc::new(Connection::open(cluster.clone(), aws).await?);
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).insert(identity, made.clone());
        Ok(made)
    }

    /// Access entries of the EKS cluster of this name were changed just now: for two minutes, a 401 is for trying again.
    pub fn access_changed(&self, cluster_name: &str) {
        self.access.lock().unwrap_or_else(PoisonError::into_inner).insert(cluster_name.to_owned(), Instant::now());
    }

    /// Whether a 401 of this cluster may only mean that an access entry has not spread yet.
    pub fn access_spreads(&self, cluster: &ClusterRef) -> bool {
        let ClusterRef::Eks { name, .. } = cluster else { return false };
        let access = self.access.lock().unwrap_or_else(PoisonError::into_inner);
        access.get(name).is_some_and(|since| since.elapsed() < ACCESS_SPREADS)
    }

    /// What a fault of this cluster means now: a refused token is [`Settling`](crate::remote::Class::Settling) while access
    /// spreads.
    pub fn judge(&self, cluster: &ClusterRef, fault: Fault) -> Fault {
        fault::judge(fault, self.access_spreads(cluster))
    }
}

impl std::fmt::Debug for Kube {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kube")
    }
}
