//! Real Kubernetes control planes: what stands behind each local EKS cluster.
//!
//! etcd, kube-apiserver, kube-controller-manager and kube-scheduler run as they are upstream; KWOK plays the kubelets, so that
//! nodes are Ready, Deployments become Available and Jobs complete without a container anywhere.

mod api;
mod binaries;
mod certificates;
mod node;
mod part;
mod parts;
mod plane;
mod schemas;
pub mod token;
mod version;

pub use api::{Api, ApiError, Identity};
pub use node::{Node, Taint};
pub use plane::{ControlPlane, Options};
pub use schemas::schemas;
pub use version::{NotServed, Version};

use crate::{StartError, python};

/// The context of a plane's own kubeconfig.
pub const CONTEXT: &str = "local";

/// Whether planes start at once: nothing is to be built before.
pub fn is_built() -> bool {
    python::cache_folder().is_ok_and(|cache| binaries::Binaries::are_there(&cache))
}

/// kubectl of the planes' version: the program and its first arguments. Built with the planes where it is missing.
pub fn kubectl() -> Result<Vec<String>, StartError> {
    Ok(binaries::Binaries::find(&python::cache_folder()?)?.command("kubectl"))
}
