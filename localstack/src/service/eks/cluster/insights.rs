//! ListInsights: what EKS sees that keeps a cluster from its next version.
//!
//! Source: Amazon EKS API Reference, ListInsights; User Guide, "Cluster insights". Of EKS's insights there is the one about the age of
//! kubelets; calls of removed APIs are not recorded here.

use serde_json::{Value, json};

use crate::gateway::{Call, Local, Refusal};
use crate::service::eks::input::{Input, texts};
use crate::service::eks::place::Place;
use crate::service::eks::thing::now;
use crate::service::eks::version;

pub fn list(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    let filter = &input.body["filter"];
    let is_asked = |name: &str, it: &Value| {
        let wanted = texts(&filter[name]);
        wanted.is_empty() || wanted.iter().any(|wanted| it == wanted)
    };
    let next = version::find(cluster.thing.text("version"))?.minor + 1;
    let ages = cluster.groups.values().filter_map(|it| version::find(it.thing.text("version")).ok());
    let oldest = ages.map(|it| it.minor).min().unwrap_or(next);
    let all = version::VERSIONS.iter().filter(|it| it.minor == next).map(|it| kubelets(oldest, it)).filter(|it| {
        is_asked("categories", &it["category"])
            && is_asked("kubernetesVersions", &it["kubernetesVersion"])
            && is_asked("statuses", &it["insightStatus"]["status"])
    });
    let all = all.map(|it| (it["id"].as_str().unwrap_or_default().to_owned(), it)).collect();
    input.page_answer(local, call, "insights", all)
}

/// Kubelets may be three minor versions older than the API server: at that age they are named, beyond it they are in the way.
fn kubelets(oldest: u32, next: &version::Version) -> Value {
    let (status, reason) = match next.minor.saturating_sub(oldest) {
        0..=2 => ("PASSING", "Node kubelet versions match the cluster control plane version.".to_owned()),
        3 => ("WARNING", format!("Node kubelet version 1.{oldest} is the oldest that version {} supports.", next.name)),
        _ => ("ERROR", format!("Node kubelet version 1.{oldest} is not supported by version {}.", next.name)),
    };
    json!({
        "id": format!("kubelet-version-skew-{}", next.name),
        "name": "Kubelet version skew",
        "category": "UPGRADE_READINESS",
        "kubernetesVersion": next.name,
        "lastRefreshTime": now(),
        "lastTransitionTime": now(),
        "description": "Checks for kubelet versions of worker nodes in the cluster to see if upgrade would cause non-compliance with supported Kubernetes kubelet version skew policy.",
        "insightStatus": {"status": status, "reason": reason},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubelets_may_be_three_versions_older() {
        let next = version::find("1.37").expect("a version");
        let status = |oldest: u32| kubelets(oldest, next)["insightStatus"]["status"].clone();
        assert_eq!([37, 35, 34, 33].map(status), ["PASSING", "PASSING", "WARNING", "ERROR"]);
    }
}
