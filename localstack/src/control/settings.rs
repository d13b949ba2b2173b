//! How strict and how slow the local cloud is.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Added to every answer, on top of what the emulator takes.
    pub latency_ms: u64,
    /// How long states like `pending` are held, as a part of what AWS takes: 1.0 is real time.
    pub slow: f64,
    /// Such a state also stays for this many reads.
    pub held_reads: u32,
    /// A new EC2 id answers NotFound for this many reads; EKS does not know a new IAM principal for this many calls.
    pub late_reads: u32,
    /// The most entries on a page, where AWS's own limit is higher.
    pub page_size: Option<usize>,
    /// EC2's lists, and the lists in them, come in an order that this number decides.
    pub shuffle: Option<u64>,
    /// A real Kubernetes control plane behind each EKS cluster; without one nothing listens at its endpoint.
    pub kubernetes: bool,
    /// EKS leaves behind what it sometimes leaves behind: an interface of a node group, the security group of a cluster.
    pub leaks: bool,
    /// Every node has a pod that no budget lets go: a version update of a node group fails, unless it is forced.
    pub stuck_pods: bool,
    /// Throttle at AWS's published rates.
    pub rates: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            slow: 0.001,
            held_reads: 1,
            late_reads: 0,
            page_size: None,
            shuffle: None,
            kubernetes: true,
            leaks: false,
            stuck_pods: false,
            rates: false,
        }
    }
}
