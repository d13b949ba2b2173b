//! In which order objects come and go.
//!
//! Source: Helm's `InstallOrder` (`helm.sh/helm/v4/pkg/release/v1/util/kind_sorter.go`), with custom resources behind all and
//! webhooks last, so that no webhook refuses what its own workload needs.

use super::key::Key;

/// From first to last; `(group, kind)`.
const ORDER: &[(&str, &str)] = &[
    ("scheduling.k8s.io", "PriorityClass"),
    ("", "Namespace"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("", "ResourceQuota"),
    ("", "LimitRange"),
    ("policy", "PodDisruptionBudget"),
    ("", "ServiceAccount"),
    ("", "Secret"),
    ("", "ConfigMap"),
    ("storage.k8s.io", "StorageClass"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("", "Service"),
    ("apps", "DaemonSet"),
    ("", "Pod"),
    ("", "ReplicationController"),
    ("apps", "ReplicaSet"),
    ("apps", "Deployment"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("apps", "StatefulSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "Ingress"),
    ("apiregistration.k8s.io", "APIService"),
];
/// Kinds that nobody here knows: mostly custom resources.
const UNKNOWN: u8 = 200;
const WEBHOOK: u8 = 250;

/// Objects of a lower rank are applied before those of a higher one.
pub fn rank(key: &Key) -> u8 {
    if key.group == "admissionregistration.k8s.io" {
        return WEBHOOK;
    }
    let at = ORDER.iter().position(|(group, kind)| key.is(group, kind));
    at.and_then(|it| u8::try_from(it).ok()).unwrap_or(UNKNOWN)
}

/// How many waves there are.
pub const WAVES: usize = 5;
/// The last wave.
pub const WEBHOOKS: usize = WAVES - 1;

/// Objects in the order in which they are applied, without waiting for each to be ready: what others are in or of, what
/// workloads read when they start, workloads, what their controllers act on, and webhooks. They go in the reverse of it: what
/// only a controller can take away (a load balancer, a finalizer) goes while there is one.
pub fn wave(key: &Key, makes_load_balancer: bool) -> usize {
    match (key.group.as_str(), key.kind.as_str()) {
        ("admissionregistration.k8s.io", _) => WEBHOOKS,
        ("", "Namespace") | ("apiextensions.k8s.io", "CustomResourceDefinition") | ("scheduling.k8s.io", "PriorityClass") => 0,
        ("networking.k8s.io", "Ingress") | ("apiregistration.k8s.io", "APIService") => 3,
        ("", "Service") => {
            if makes_load_balancer {
                3
            } else {
                2
            }
        }
        ("" | "apps" | "batch" | "autoscaling", kind) if WORKLOADS.contains(&kind) => 2,
        _ if rank(key) < UNKNOWN => 1,
        _ => 3,
    }
}

const WORKLOADS: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Job",
    "Pod",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    #[test]
    fn what_others_stand_on_comes_first() {
        let kinds = [
            "Namespace/a",
            "ServiceAccount/a/a",
            "CustomResourceDefinition.apiextensions.k8s.io/a",
            "ClusterRole.rbac.authorization.k8s.io/a",
            "Service/a/a",
            "Deployment.apps/a/a",
            "Ingress.networking.k8s.io/a/a",
            "Certificate.cert-manager.io/a/a",
            "ValidatingWebhookConfiguration.admissionregistration.k8s.io/a",
        ];
        assert!(kinds.windows(2).all(|it| rank(&key(it[0])) < rank(&key(it[1]))));
    }

    #[test]
    fn waves_follow_what_stands_on_what() {
        let waves = ["Namespace/a", "ConfigMap/a/a", "Deployment.apps/a/a", "Certificate.cert-manager.io/a/a"];
        assert!(waves.iter().enumerate().all(|(at, it)| wave(&key(it), false) == at));
        assert_eq!(wave(&key("ValidatingWebhookConfiguration.admissionregistration.k8s.io/a"), false), WEBHOOKS);
        assert_eq!((wave(&key("Service/a/a"), false), wave(&key("Service/a/a"), true)), (2, 3));
        // Claims outlive the pods that keep them from going.
        assert!(wave(&key("PersistentVolumeClaim/a/a"), false) < wave(&key("StatefulSet.apps/a/a"), false));
    }
}
