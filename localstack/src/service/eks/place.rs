//! The clusters of one account in one region, and what belongs to them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::plane::Plane;
use super::refuse;
use super::thing::Thing;
use crate::gateway::Refusal;
use crate::lock;

/// One account in one region.
#[derive(Default)]
pub struct Place {
    pub clusters: BTreeMap<String, Cluster>,
    /// By action and client token: what was asked, and the answer.
    pub tokens: HashMap<(String, String), (Value, Value)>,
    /// Unique ids of IAM principals that EKS was asked about: how often it will not have heard of them yet.
    heard_of: HashMap<String, u32>,
}

impl Place {
    /// Has IAM told EKS about this principal? For the first `late` calls that name a new one it has not.
    pub fn has_heard_of(&mut self, unique_id: &str, late: u32) -> bool {
        let left = self.heard_of.entry(unique_id.to_owned()).or_insert(late);
        let heard = *left == 0;
        *left = left.saturating_sub(1);
        heard
    }

    /// The cluster, if it is known under this name.
    pub fn cluster(&mut self, name: &str) -> Result<&mut Cluster, Refusal> {
        self.clusters.get_mut(name).ok_or_else(|| refuse::no_cluster(name))
    }
}

/// A control plane that is starting (nothing yet), runs, or could not start.
pub type Starting = Arc<Mutex<Option<Result<Arc<dyn Plane>, String>>>>;

#[derive(Default)]
pub struct Cluster {
    pub thing: Thing,
    pub starting: Starting,
    /// The security group that EKS made.
    pub group: String,
    /// The interfaces of the control plane, by subnet.
    pub interfaces: BTreeMap<String, String>,
    pub groups: BTreeMap<String, NodeGroup>,
    pub addons: BTreeMap<String, Addon>,
    /// By principal.
    pub entries: BTreeMap<String, Entry>,
    /// Pod identity associations by id.
    pub identities: BTreeMap<String, Value>,
    /// EKS installed vpc-cni, kube-proxy and CoreDNS by itself.
    pub self_managed_addons: bool,
}

impl Cluster {
    /// The running control plane.
    pub fn plane(&self) -> Option<Arc<dyn Plane>> {
        match &*lock(&self.starting) {
            Some(Ok(plane)) => Some(plane.clone()),
            Some(Err(_)) | None => None,
        }
    }

    /// Refuses while the cluster is not active.
    pub fn require_active(&self) -> Result<(), Refusal> {
        let name = self.thing.text("name");
        match self.thing.status() {
            "ACTIVE" | "UPDATING" => Ok(()),
            status => Err(refuse::request(format!("Cluster '{name}' is not in ACTIVE status: it is {status}"))),
        }
    }

    /// Are there nodes that pods can run on?
    pub fn has_nodes(&self) -> bool {
        self.groups.values().any(|group| group.joined && !group.nodes.is_empty())
    }

    /// Can nodes become Ready? They need a network plugin.
    pub fn has_network(&self) -> bool {
        self.self_managed_addons
            || self.addons.get("vpc-cni").is_some_and(|addon| !matches!(addon.thing.status(), "CREATE_FAILED" | "DELETING"))
    }
}

/// Nodes on their way out of a control plane.
pub type Leaving = tokio::task::JoinHandle<Result<(), String>>;

#[derive(Default)]
pub struct NodeGroup {
    pub thing: Thing,
    /// Its nodes, and whether they are in the control plane.
    pub nodes: Vec<Machine>,
    pub joined: bool,
    /// Names the next nodes.
    pub counter: u64,
    /// Why its creation fails, as `health.issues`.
    pub issues: Vec<Value>,
    /// EKS's own copy of the launch template.
    pub template: Option<String>,
    /// Nodes are being drained.
    pub leaving: Option<Leaving>,
}

/// A node with its interface.
#[derive(Clone, Debug)]
pub struct Machine {
    pub name: String,
    pub instance: String,
    pub interface: String,
    pub zone: String,
}

#[derive(Default)]
pub struct Addon {
    pub thing: Thing,
    /// What it is deleted without.
    pub preserve: bool,
}

#[derive(Default)]
pub struct Entry {
    pub shown: Value,
    /// The principal's unique id: another principal under the same ARN is not the same.
    pub unique_id: String,
    /// By policy ARN.
    pub policies: BTreeMap<String, Value>,
}
