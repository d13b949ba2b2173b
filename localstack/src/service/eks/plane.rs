//! What EKS needs from a control plane, and one that answers at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;

/// A node to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewNode {
    pub name: String,
    /// `aws:///ZONE/INSTANCE`
    pub provider_id: String,
    pub zone: String,
    pub instance_type: String,
    /// `amd64` or `arm64`
    pub architecture: String,
    pub labels: BTreeMap<String, String>,
    /// Key, value, and Kubernetes' name of the effect.
    pub taints: Vec<(String, String, String)>,
    /// `v1.36.3`
    pub version: String,
}

/// What a control plane could not do, in its words.
pub type Outcome<'a, T = ()> = BoxFuture<'a, Result<T, String>>;

/// A running Kubernetes control plane.
pub trait Plane: Send + Sync {
    /// `https://HOST:PORT`
    fn endpoint(&self) -> String;

    /// The certificate authority: PEM in base64.
    fn authority(&self) -> String;

    fn add_nodes(&self, nodes: Vec<NewNode>) -> Outcome<'_>;

    /// Labels and taints of nodes that are there already. Labels that a node does not have any more are in `removed`.
    fn change_nodes(&self, nodes: Vec<NewNode>, removed: Vec<String>) -> Outcome<'_>;

    fn remove_nodes(&self, names: Vec<String>) -> Outcome<'_>;

    /// Creates objects, or changes them to what they are given as.
    fn apply(&self, objects: Vec<Value>) -> Outcome<'_>;

    /// Objects that are not there are fine.
    fn delete(&self, objects: Vec<Value>) -> Outcome<'_>;

    fn namespaces(&self) -> Outcome<'_, Vec<String>>;

    /// Becomes another version of Kubernetes.
    fn update(&self, version: String) -> Outcome<'_>;

    /// Pods on these nodes that a disruption budget does not let go, as `NAMESPACE/NAME`.
    fn unevictable(&self, nodes: Vec<String>) -> Outcome<'_, Vec<String>>;

    /// Ends it. It does not answer any more.
    fn stop(&self);
}

/// What control plane a cluster wants.
#[derive(Clone, Debug)]
pub struct Order {
    pub account: String,
    pub region: String,
    pub cluster: String,
    /// `1.36`
    pub version: String,
    /// The range of Services.
    pub service_cidr: String,
    /// Of service account tokens.
    pub issuer: String,
}

/// Starts control planes.
pub trait Planes: Send + Sync {
    fn start(&self, order: Order) -> Outcome<'static, Arc<dyn Plane>>;
}

/// No control plane at all, for tests that only need the API: nothing listens at its endpoint.
pub struct Light;

/// A port that nothing listens at.
const CLOSED: &str = "https://127.0.0.1:1";

impl Planes for Light {
    fn start(&self, _: Order) -> Outcome<'static, Arc<dyn Plane>> {
        Box::pin(async { Ok(Arc::new(Self) as Arc<dyn Plane>) })
    }
}

impl Plane for Light {
    fn endpoint(&self) -> String {
        CLOSED.to_owned()
    }

    fn authority(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(include_bytes!("light.pem"))
    }

    fn add_nodes(&self, _: Vec<NewNode>) -> Outcome<'_> {
        Box::pin(async { Ok(()) })
    }

    fn change_nodes(&self, _: Vec<NewNode>, _: Vec<String>) -> Outcome<'_> {
        Box::pin(async { Ok(()) })
    }

    fn remove_nodes(&self, _: Vec<String>) -> Outcome<'_> {
        Box::pin(async { Ok(()) })
    }

    fn apply(&self, _: Vec<Value>) -> Outcome<'_> {
        Box::pin(async { Ok(()) })
    }

    fn delete(&self, _: Vec<Value>) -> Outcome<'_> {
        Box::pin(async { Ok(()) })
    }

    fn namespaces(&self) -> Outcome<'_, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn update(&self, _: String) -> Outcome<'_> {
        Box::pin(async { Ok(()) })
    }

    fn unevictable(&self, _: Vec<String>) -> Outcome<'_, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn stop(&self) {}
}
