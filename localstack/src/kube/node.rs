//! Nodes as they join an EKS cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::api::{Api, ApiError};
use super::version::Version;
use crate::REGION;

/// How long pods are asked to leave a node before they are told to.
const DRAIN: Duration = Duration::from_secs(30);

/// An instance that joins the cluster.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// `ip-10-0-1-23.eu-west-1.compute.internal`
    pub name: String,
    /// Beside those that every node has.
    pub labels: BTreeMap<String, String>,
    pub taints: Vec<Taint>,
    /// `eu-west-1a`
    pub zone: String,
    /// `m7g.large`
    pub instance_type: String,
    /// `aws:///eu-west-1a/i-0123456789abcdef0`
    pub provider_id: String,
    /// `amd64` or `arm64`
    pub architecture: String,
    /// As Kubernetes quantities: `2`, `8Gi`.
    pub cpu: String,
    pub memory: String,
    /// How many pods fit on it.
    pub pods: u32,
    /// `v1.36.3`
    pub kubelet_version: String,
}

/// A taint; `effect` is `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    pub key: String,
    pub value: String,
    pub effect: String,
}

impl Node {
    /// An `m7g.large` in zone `eu-west-1` + `zone`, for whoever needs just some node.
    pub fn sample(zone: &str, version: Version) -> Self {
        Self {
            name: format!("ip-10-0-1-{zone}.{REGION}.compute.internal"),
            zone: format!("{REGION}{zone}"),
            instance_type: "m7g.large".to_owned(),
            provider_id: format!("aws:///{REGION}{zone}/i-0123456789abcde{zone}"),
            architecture: "arm64".to_owned(),
            cpu: "2".to_owned(),
            memory: "8Gi".to_owned(),
            pods: 29,
            kubelet_version: version.full(),
            ..Self::default()
        }
    }

    /// The object, with the labels that the kubelet and the cloud provider of EKS set.
    fn object(&self) -> Value {
        let mut labels = self.labels.clone();
        let region = self.zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
        for (key, value) in [
            ("kubernetes.io/hostname", self.name.as_str()),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", self.architecture.as_str()),
            ("node.kubernetes.io/instance-type", self.instance_type.as_str()),
            ("topology.kubernetes.io/region", region),
            ("topology.kubernetes.io/zone", self.zone.as_str()),
        ] {
            labels.insert(key.to_owned(), value.to_owned());
        }
        let taints: Vec<Value> =
            self.taints.iter().map(|taint| json!({"key": taint.key, "value": taint.value, "effect": taint.effect})).collect();
        let capacity =
            json!({"cpu": self.cpu, "memory": self.memory, "pods": self.pods.to_string(), "ephemeral-storage": "20Gi"});
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {"providerID": self.provider_id, "taints": taints},
            "status": {
                "capacity": capacity,
                "allocatable": capacity,
                "nodeInfo": {
                    "architecture": self.architecture,
                    "operatingSystem": "linux",
                    "kubeletVersion": self.kubelet_version,
                    "containerRuntimeVersion": "containerd://2.1.5",
                    "osImage": "Amazon Linux 2023",
                },
            },
        })
    }
}

/// Registers nodes; KWOK makes them Ready. A node that is there already is left alone.
pub async fn add(api: &Api, nodes: &[Node]) -> Result<(), ApiError> {
    for node in nodes {
        match api.create("/api/v1/nodes", &node.object()).await {
            Ok(_) | Err(ApiError::Refused { status: 409, .. }) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

/// Takes nodes away as EKS does when a node group goes: no new pods, the pods that are there evicted within their disruption
/// budgets for a while, then the node with whatever is left on it.
pub async fn remove(api: &Api, names: &[String]) -> Result<(), ApiError> {
    let cordon = json!({"spec": {"unschedulable": true}});
    for name in names {
        gone_is_fine(api.expect(Method::PATCH, &format!("/api/v1/nodes/{name}"), Some(&cordon)).await)?;
    }
    for name in names {
        drain(api, name).await?;
        gone_is_fine(api.expect(Method::DELETE, &format!("/api/v1/nodes/{name}"), None).await)?;
        for pod in pods_on(api, name).await? {
            gone_is_fine(api.expect(Method::DELETE, &format!("{}?gracePeriodSeconds=0", path(&pod)), None).await)?;
        }
    }
    Ok(())
}

/// Evicts all pods but those of DaemonSets, which end with their node, until none is refused or the time is over.
async fn drain(api: &Api, node: &str) -> Result<(), ApiError> {
    let end = Instant::now() + DRAIN;
    loop {
        let mut refused = false;
        for pod in pods_on(api, node).await?.iter().filter(|pod| !is_daemon(pod)) {
            refused |= !evict(api, pod).await?;
        }
        if !refused || Instant::now() >= end {
            return Ok(());
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// The `metadata` of all pods on a node.
async fn pods_on(api: &Api, node: &str) -> Result<Vec<Value>, ApiError> {
    let pods = api.get(&format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}")).await?;
    Ok(pods["items"].as_array().into_iter().flatten().map(|pod| pod["metadata"].clone()).collect())
}

fn is_daemon(pod: &Value) -> bool {
    pod["ownerReferences"].as_array().into_iter().flatten().any(|owner| owner["kind"] == "DaemonSet")
}

fn path(pod: &Value) -> String {
    let text = |name: &str| pod[name].as_str().unwrap_or_default();
    format!("/api/v1/namespaces/{}/pods/{}", text("namespace"), text("name"))
}

/// False if the pod's disruption budget does not let it go yet.
async fn evict(api: &Api, pod: &Value) -> Result<bool, ApiError> {
    let eviction = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": pod["namespace"], "name": pod["name"]},
    });
    match api.create(&format!("{}/eviction", path(pod)), &eviction).await {
        Err(ApiError::Refused { status, .. }) if status == StatusCode::TOO_MANY_REQUESTS.as_u16() => Ok(false),
        answer => gone_is_fine(answer).map(|()| true),
    }
}

fn gone_is_fine(answer: Result<Value, ApiError>) -> Result<(), ApiError> {
    match answer {
        Ok(_) | Err(ApiError::Refused { status: 404, .. }) => Ok(()),
        Err(failure) => Err(failure),
    }
}
