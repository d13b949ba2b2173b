//! A table of objects and what is said of them.

use serde_json::json;

use super::*;

fn said(object: Value) -> String {
    shown(readiness(&object, &[], &[], None))
}

fn shown(status: Status) -> String {
    match status {
        Status::Ready => "ready".into(),
        Status::Pending(why) => format!("pending {why}"),
        Status::Failed(why) => format!("failed {why}"),
    }
}

fn object(api_version: &str, kind: &str, spec: Value, mut status: Value) -> Value {
    if let Some(it) = status.as_object_mut() {
        it.entry("observedGeneration").or_insert(json!(2));
    }
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"generation": 2}, "spec": spec, "status": status})
}

#[test]
fn kinds_are_ready_each_in_its_way() {
    let five = || json!({"replicas": 5});
    let none = || json!({});
    let counts = |all: i64, updated: i64, available: i64| json!({"replicas": all, "updatedReplicas": updated, "availableReplicas": available});
    let conditions = |name: &str, status: &str, reason: &str| json!({"conditions": [{"type": name, "status": status, "reason": reason, "message": "why"}]});
    for (version, kind, spec, status, expected) in [
        ("apps/v1", "Deployment", five(), counts(5, 5, 5), "ready"),
        ("apps/v1", "Deployment", five(), counts(5, 5, 3), "pending 3/5 ready"),
        ("apps/v1", "Deployment", five(), counts(5, 2, 5), "pending 5/5 ready, 2/5 updated"),
        ("apps/v1", "Deployment", five(), counts(6, 5, 5), "pending 5/5 ready, 1 old to go"),
        ("apps/v1", "Deployment", five(), json!({"observedGeneration": 1}), "pending not seen by its controller yet"),
        (
            "apps/v1",
            "Deployment",
            five(),
            conditions("Progressing", "False", "ProgressDeadlineExceeded"),
            "failed 0/5 ready, ProgressDeadlineExceeded: why",
        ),
        ("apps/v1", "StatefulSet", five(), json!({"readyReplicas": 5, "updatedReplicas": 5}), "ready"),
        ("apps/v1", "StatefulSet", five(), json!({"readyReplicas": 4, "updatedReplicas": 5}), "pending 4/5 ready, 5/5 updated"),
        (
            "apps/v1",
            "DaemonSet",
            none(),
            json!({"desiredNumberScheduled": 2, "numberAvailable": 2, "updatedNumberScheduled": 2}),
            "ready",
        ),
        (
            "apps/v1",
            "DaemonSet",
            none(),
            json!({"desiredNumberScheduled": 2, "numberAvailable": 1, "updatedNumberScheduled": 2}),
            "pending 1/2 ready, 2/2 updated",
        ),
        ("batch/v1", "Job", none(), conditions("Complete", "True", ""), "ready"),
        ("batch/v1", "Job", none(), conditions("Failed", "True", "BackoffLimitExceeded"), "failed BackoffLimitExceeded: why"),
        ("batch/v1", "Job", json!({"completions": 3}), json!({"succeeded": 1}), "pending 1/3 completed"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", none(), conditions("Established", "True", ""), "ready"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", none(), none(), "pending not established yet"),
        (
            "apiregistration.k8s.io/v1",
            "APIService",
            none(),
            conditions("Available", "False", "MissingEndpoints"),
            "pending MissingEndpoints: why",
        ),
        ("v1", "PersistentVolumeClaim", none(), json!({"phase": "Bound"}), "ready"),
        ("v1", "PersistentVolumeClaim", none(), json!({"phase": "Pending"}), "ready"),
        ("v1", "PersistentVolumeClaim", none(), json!({"phase": "Lost"}), "failed its volume is lost"),
        ("v1", "Service", json!({"type": "LoadBalancer"}), none(), "pending has no address yet"),
        ("v1", "Service", json!({"type": "ClusterIP"}), none(), "ready"),
        ("networking.k8s.io/v1", "Ingress", none(), json!({"loadBalancer": {"ingress": [{"hostname": "x"}]}}), "ready"),
        ("cert-manager.io/v1", "Certificate", none(), conditions("Ready", "False", "DoesNotExist"), "pending DoesNotExist: why"),
        ("cert-manager.io/v1", "Certificate", none(), none(), "pending not seen by its controller yet"),
        ("cert-manager.io/v1", "ClusterIssuer", none(), conditions("Ready", "True", ""), "ready"),
        (
            "cert-manager.io/v1",
            "Certificate",
            none(),
            json!({"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}),
            "pending not seen by its controller yet",
        ),
        ("apiregistration.k8s.io/v1", "APIService", none(), none(), "pending not seen by its controller yet"),
        ("v1", "ConfigMap", none(), none(), "ready"),
    ] {
        assert_eq!(said(object(version, kind, spec, status)), expected, "{kind}");
    }
}

#[test]
fn what_is_being_deleted_says_what_keeps_it() {
    let mut it = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]}});
    assert_eq!(said(it.clone()), "pending terminating: waits for a/b");
    it["status"] =
        json!({"conditions": [{"type": "NamespaceContentRemaining", "status": "True", "message": "pods. has 1 instances"}]});
    assert_eq!(said(it), "pending terminating: pods. has 1 instances");
}

#[test]
fn a_pod_in_trouble_is_named_before_an_event() {
    let web = object(
        "apps/v1",
        "Deployment",
        json!({"replicas": 2}),
        json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}),
    );
    let pod = json!({"metadata": {"name": "web-7c"}, "status": {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}});
    let creating = json!({"metadata": {"name": "web-1a"}, "status": {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}});
    let event = |time: &str, reason: &str| json!({"type": "Warning", "reason": reason, "message": "m", "lastTimestamp": time});
    let events = [event("2026-01-02T00:00:00Z", "FailedCreate"), event("2026-01-01T00:00:00Z", "Older")];
    assert_eq!(
        shown(readiness(&web, &[creating.clone(), pod], &events, None)),
        "pending 1/2 ready: web-7c ImagePullBackOff: no such image"
    );
    assert_eq!(shown(readiness(&web, &[creating], &events, None)), "pending 1/2 ready: FailedCreate: m");
}

#[test]
fn a_user_may_wait_for_something_else() {
    let it = json!({"kind": "Pool", "status": {"phase": "Active", "items": [{"ip": "1"}], "conditions": [{"type": "Synced", "status": "False", "reason": "Busy"}]}});
    let path = |path: &str, value: Option<&str>| {
        shown(readiness(&it, &[], &[], Some(&WaitFor::Path { path: path.into(), value: value.map(str::to_owned) })))
    };
    assert_eq!(path("{.status.phase}", Some("Active")), "ready");
    assert_eq!(path(".status.phase", Some("Gone")), "pending .status.phase is Active, not Gone");
    assert_eq!(path(".status.items[0].ip", None), "ready");
    assert_eq!(path(".status.items[1].ip", None), "pending has no .status.items[1].ip yet");
    let condition = WaitFor::Condition { name: "Synced".into(), status: "True".into() };
    assert_eq!(shown(readiness(&it, &[], &[], Some(&condition))), "pending Synced is False: Busy");
}
