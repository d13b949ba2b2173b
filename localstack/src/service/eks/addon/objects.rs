//! What an add-on puts into the control plane: its DaemonSet and Deployment, named and labelled as EKS does.

use serde_json::{Value, json};

use super::catalog;

/// The registry of EKS's own images in this region.
const REGISTRY: &str = "602401143452.dkr.ecr.eu-west-1.amazonaws.com";

/// The objects of an add-on in this version.
pub fn of(shown: &Value) -> Vec<Value> {
    let text = |name: &str| shown[name].as_str().unwrap_or_default();
    let Ok(known) = catalog::find(text("addonName")) else {
        return Vec::new();
    };
    let configuration: Value = serde_json::from_str(text("configurationValues")).unwrap_or_default();
    let replicas = match (&configuration["replicaCount"], &configuration["autoScaling"]["minReplicas"]) {
        (Value::Number(count), _) | (_, Value::Number(count)) => count.as_u64().unwrap_or(2),
        _ => 2,
    };
    let version = text("addonVersion");
    let image = format!("{REGISTRY}/{}:{version}", known.image);
    let workload = |kind: &str, name: &str| {
        let label = if name == "coredns" {
            json!({"k8s-app": "kube-dns", "eks.amazonaws.com/component": "coredns"})
        } else {
            json!({"k8s-app": name, "app.kubernetes.io/name": name})
        };
        json!({
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": "kube-system", "labels": label},
            "spec": {
                "selector": {"matchLabels": label},
                "template": {
                    "metadata": {"labels": label},
                    "spec": {
                        "priorityClassName": if kind == "DaemonSet" { "system-node-critical" } else { "system-cluster-critical" },
                        "tolerations": [{"operator": "Exists"}],
                        "containers": [{"name": name, "image": image}],
                    },
                },
            },
        })
    };
    let daemon_set = known.daemon_set.map(|name| workload("DaemonSet", name));
    let deployment = known.deployment.map(|name| {
        let mut object = workload("Deployment", name);
        object["spec"]["replicas"] = json!(replicas);
        object
    });
    daemon_set.into_iter().chain(deployment).collect()
}
