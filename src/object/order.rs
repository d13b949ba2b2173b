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

/// Objects of a lower rank are deleted before those of a higher one: first what would refuse or make things in AWS that only
/// its controller can remove (load balancers, volumes), then the reverse of how they came.
pub fn delete_rank(key: &Key, makes_load_balancer: bool) -> u8 {
    let makes_things = makes_load_balancer
        || key.is("networking.k8s.io", "Ingress")
        || key.is("", "PersistentVolumeClaim")
        || key.is("gateway.networking.k8s.io", "Gateway");
    match (rank(key), makes_things) {
        (WEBHOOK, _) => 0,
        (_, true) => 1,
        (rank, false) => u8::MAX - rank,
    }
}

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
    fn what_makes_things_in_aws_goes_first() {
        let first = delete_rank(&key("Service/a/a"), true);
        assert_eq!(first, delete_rank(&key("PersistentVolumeClaim/a/a"), false));
        let after = ["Certificate.cert-manager.io/a/a", "Deployment.apps/a/a", "Service/a/a", "Namespace/a"];
        let ranks: Vec<u8> = after.iter().map(|it| delete_rank(&key(it), false)).collect();
        assert!(first < ranks[0] && ranks.is_sorted(), "{ranks:?}");
    }
}
