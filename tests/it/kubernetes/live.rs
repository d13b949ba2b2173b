//! What a cluster refuses and what it takes its time for, by kind, on a real API server with real controllers. Where a controller
//! is none of Kubernetes' own (load balancers, certificates), the test says what it would say.

use infra::cloud::Cloud;
use infra::remote::{Class, Fault, Id, Live, Status, Token};
use infra::value::Value;
use kube::api::{DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use kube::{Api, Resource as _};
use serde_json::{Value as Json, json};

use super::bench::{Bench, config_map};

/// Objects of any kind, as somebody else sees them.
async fn api(bench: &Bench, (group, version, kind): (&str, &str, &str), namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    match namespace {
        Some(it) => Api::namespaced_with(bench.stranger().await, it, &resource),
        None => Api::all_with(bench.stranger().await, &resource),
    }
}

/// What a controller says of an object.
async fn report(api: &Api<DynamicObject>, name: &str, status: Json) {
    let status = json!({ "status": status });
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
}

fn is_pending(words: &'static str) -> impl Fn(Option<&Live>) -> bool {
    move |it| matches!(it.map(|it| &it.status), Some(Status::Pending(it)) if it.contains(words))
}

fn is_ready(it: Option<&Live>) -> bool {
    it.is_some_and(|it| it.status == Status::Ready)
}

/// One attempt, which must fail.
async fn refused(bench: &Bench, settings: &Json) -> Fault {
    bench.clouds.create(&bench.target(), &Value::from_json(settings), &Token("refused".into())).await.unwrap_err()
}

#[track_caller]
fn says(fault: &Fault, class: Class, words: &[&str]) {
    assert_eq!(fault.class, class, "{fault}");
    assert!(words.iter().all(|it| fault.message.contains(it)), "{fault}");
}

pub async fn refusals(bench: &Bench) {
    quota(bench).await;
    terminating(bench).await;
    late_webhook(bench).await;
    unreachable(bench).await;
}

fn balanced(name: &str) -> Json {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "hold"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    })
}

async fn quota(bench: &Bench) {
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "closed", "namespace": "hold"},
        "spec": {"hard": {"services.loadbalancers": "0"}},
    });
    let quota = bench.make("closed", quota).await;
    // Its controller must have counted before it refuses for what it says.
    let quotas = api(bench, ("", "v1", "ResourceQuota"), Some("hold")).await;
    while quotas.get("closed").await.unwrap().data["status"]["hard"].is_null() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let fault = refused(bench, &bench.settings("refused", balanced("open"))).await;
    says(&fault, Class::Quota, &["ResourceQuota", "exceeded quota: closed", "services.loadbalancers=0"]);
    bench.delete(&quota).await.unwrap();
    bench.until(&quota, |it| it.is_none()).await;
}

async fn terminating(bench: &Bench) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "leaving"}});
    let id = bench.make("leaving", namespace.clone()).await;
    let within = |name: &str| {
        let mut it = config_map(name, json!({}));
        it["metadata"]["namespace"] = "leaving".into();
        it
    };
    let mut kept = within("kept");
    kept["metadata"]["finalizers"] = json!(["example.org/hold"]);
    bench.make("kept", kept).await;
    bench.delete(&id).await.unwrap();
    bench.until(&id, is_pending("example.org/hold")).await;
    let late = bench.settings("refused", within("late"));
    says(&refused(bench, &late).await, Class::Settling, &["the namespace is being deleted"]);
    let maps = api(bench, ("", "v1", "ConfigMap"), Some("leaving")).await;
    maps.patch("kept", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"finalizers": null}}))).await.unwrap();
    bench.until(&id, |it| it.is_none()).await;
    says(&refused(bench, &late).await, Class::Settling, &["its namespace does not exist yet"]);
}

/// One that is asked and does not answer yet, as while its own pods start.
async fn late_webhook(bench: &Bench) {
    let hook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "late"},
        "webhooks": [{
            "name": "late.example.org", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://127.0.0.1:1/"}, "objectSelector": {"matchLabels": {"hook": "late"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
        }],
    });
    let id = bench.make("late", hook).await;
    let mut judged = config_map("judged", json!({}));
    judged["metadata"]["labels"] = json!({"hook": "late"});
    let judged = bench.settings("judged", judged);
    let target = bench.target();
    // The API server hears of a webhook within a second, and takes what comes before.
    let early = loop {
        let made = bench.clouds.create(&target, &Value::from_json(&judged), &Token("judged".into())).await;
        match made {
            Err(fault) => break fault,
            Ok(id) => bench.delete(&id).await.unwrap(),
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    says(&early, Class::Settling, &["an admission webhook does not answer yet", "late.example.org"]);
    bench.delete(&id).await.unwrap();
    bench.create("judged", &judged).await.unwrap();
}

async fn unreachable(bench: &Bench) {
    let mut elsewhere = bench.settings("refused", config_map("elsewhere", json!({})));
    elsewhere["cluster"]["endpoint"] = "https://127.0.0.1:1".into();
    let words =
        ["the EKS cluster manifests cannot be reached at https://127.0.0.1:1", "may be private", "VPN", "nothing was sent"];
    says(&refused(bench, &elsewhere).await, Class::Unreachable, &words);
}

pub async fn readiness(bench: &Bench) {
    waiting(bench).await;
    workloads(bench).await;
    claims(bench).await;
    load_balancers(bench).await;
    certificates(bench).await;
}

/// Whoever waits is told: one list and one watch, however often they look; and they never see less than what they made.
async fn waiting(bench: &Bench) {
    let id = bench.make("told", balanced("told")).await;
    bench.awaited(&id).await;
    let before = bench.clouds.calls();
    for round in 0..20 {
        let mut settings = bench.settings("told", balanced("told"));
        settings["manifest"]["spec"]["ports"][0]["port"] = (80 + round).into();
        bench.update(&id, &settings).await.unwrap();
        let live = bench.awaited(&id).await.unwrap();
        assert!(is_pending("has no address yet")(Some(&live)), "{live:?}");
        assert_eq!(bench.object(&live)["spec"]["ports"][0]["port"], 80 + round);
    }
    let after = bench.clouds.calls();
    let made = |call: &str| after.get(call).unwrap_or(&0) - before.get(call).unwrap_or(&0);
    let made = ["Apply", "List", "Watch", "Get"].map(|verb| made(&format!("kubernetes:{verb}")));
    assert_eq!(made, [20, 1, 1, 0]);
    bench.delete(&id).await.unwrap();
    bench.until(&id, |it| it.is_none()).await;
}

fn workload(kind: &str, spec: Json) -> Json {
    let (version, name) = (if kind == "Job" { "batch/v1" } else { "apps/v1" }, kind.to_lowercase());
    let mut spec = spec;
    let containers = json!([{"name": "main", "image": "x"}]);
    spec["template"]["spec"]["containers"] = containers;
    if kind != "Job" {
        spec["selector"] = json!({"matchLabels": {"app": name}});
        spec["template"]["metadata"] = json!({"labels": {"app": name}});
    }
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "hold"}, "spec": spec})
}

/// Without nodes they wait, and say for what; with nodes they are ready.
async fn workloads(bench: &Bench) {
    let set = bench.make("set", workload("StatefulSet", json!({"replicas": 2, "serviceName": "set"}))).await;
    let job = json!({"completions": 2, "template": {"spec": {"restartPolicy": "Never"}}});
    let job = bench.make("job", workload("Job", job)).await;
    bench.until(&set, is_pending("0/2 ready")).await;
    bench.until(&set, is_pending("Unschedulable")).await;
    bench.until(&job, is_pending("0/2 completed")).await;

    let nodes = api(bench, ("", "v1", "Node"), None).await;
    for name in ["one", "two"] {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
        nodes.create(&PostParams::default(), &serde_json::from_value(node).unwrap()).await.unwrap();
    }
    bench.until(&set, is_ready).await;
    bench.until(&job, is_ready).await;
    let daemons = bench.make("daemons", workload("DaemonSet", json!({}))).await;
    bench.until(&daemons, is_ready).await;
    let live = bench.look(&daemons).await.unwrap();
    assert_eq!(live.outputs.get("status").to_json().unwrap()["numberReady"], 2);

    // A Job that gives up is no Job to wait for.
    let gone =
        json!({"activeDeadlineSeconds": 1, "template": {"spec": {"restartPolicy": "Never", "nodeSelector": {"at": "nowhere"}}}});
    let mut gone = workload("Job", gone);
    gone["metadata"]["name"] = "late".into();
    let gone = bench.make("gone", gone).await;
    bench.until(&gone, |it| matches!(it.map(|it| &it.status), Some(Status::Failed(it)) if it.contains("DeadlineExceeded"))).await;
}

async fn claims(bench: &Bench) {
    let spec = |volume: Option<&str>| json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "", "volumeName": volume});
    let claim = |name: &str, volume: Option<&str>| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "hold"}, "spec": spec(volume)});
    let bound = bench.make("bound", claim("bound", Some("disk"))).await;
    bench.until(&bound, is_pending("Pending")).await;
    let mut disk = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}, "spec": spec(None)});
    disk["spec"] = json!({"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/disk"}});
    bench.make("disk", disk).await;
    bench.until(&bound, is_ready).await;
    // A claim is gone when the volume is that goes with it.
    let volumes = api(bench, ("", "v1", "PersistentVolume"), None).await;
    let policy = json!({"spec": {"persistentVolumeReclaimPolicy": "Delete"}, "metadata": {"finalizers": ["example.org/disk"]}});
    volumes.patch("disk", &PatchParams::default(), &Patch::Merge(&policy)).await.unwrap();
    bench.delete(&bound).await.unwrap();
    bench.until(&bound, is_pending("its volume disk is being deleted")).await;
    volumes.delete("disk", &DeleteParams::default()).await.unwrap();
    assert!(is_pending("its volume disk")(bench.awaited(&bound).await.as_ref()), "its finalizer holds it");
    let done = json!({"metadata": {"finalizers": null}});
    volumes.patch("disk", &PatchParams::default(), &Patch::Merge(&done)).await.unwrap();
    bench.until(&bound, |it| it.is_none()).await;
    // One that its first pod binds is not waited for: nobody may come before it.
    let first = bench.make("first", claim("first", None)).await;
    bench.until(&first, is_ready).await;
}

async fn load_balancers(bench: &Bench) {
    let id = bench.make("balanced", balanced("balanced")).await;
    bench.until(&id, is_pending("has no address yet")).await;
    let services = api(bench, ("", "v1", "Service"), Some("hold")).await;
    report(&services, "balanced", json!({"loadBalancer": {"ingress": [{"hostname": "lb.example.org"}]}})).await;
    bench.until(&id, is_ready).await;
}

/// A kind of which it is known that its controller says when it is ready; and what a user waits for in place of that.
async fn certificates(bench: &Bench) {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "certificates.cert-manager.io"},
        "spec": {
            "group": "cert-manager.io", "scope": "Namespaced",
            "names": {"plural": "certificates", "singular": "certificate", "kind": "Certificate"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
            }],
        },
    });
    let crd = bench.make("certificates", crd).await;
    bench.until(&crd, is_ready).await;
    let certificate = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web", "namespace": "hold"}, "spec": {"a": 1}});
    let id: Id = bench.make("web-tls", certificate.clone()).await;
    bench.until(&id, is_pending("not seen by its controller yet")).await;
    let certificates = api(bench, ("cert-manager.io", "v1", "Certificate"), Some("hold")).await;
    let ready = |status: &str, generation: Option<i64>| {
        let (reason, message) = ("DoesNotExist", "Issuing certificate as Secret does not exist");
        json!({"revision": 1, "conditions": [{
            "type": "Ready", "status": status, "reason": reason, "message": message, "observedGeneration": generation,
        }]})
    };
    let generation = certificates.get("web").await.unwrap().meta().generation;
    report(&certificates, "web", ready("False", generation)).await;
    bench.until(&id, is_pending("DoesNotExist: Issuing certificate")).await;
    report(&certificates, "web", ready("True", generation)).await;
    bench.until(&id, is_ready).await;

    // What was said of the version before says nothing of this one.
    let mut changed = bench.settings("web-tls", certificate);
    changed["manifest"]["spec"]["a"] = 2.into();
    bench.update(&id, &changed).await.unwrap();
    bench.until(&id, is_pending("not seen by its controller yet")).await;
    changed["wait_for"] = json!({"path": ".status.revision", "value": "2"});
    bench.update(&id, &changed).await.unwrap();
    bench.until(&id, is_pending(".status.revision is 1, not 2")).await;
    report(&certificates, "web", json!({"revision": 2})).await;
    bench.until(&id, is_ready).await;
    changed["wait_for"] = json!({"condition": "Issuing", "status": "True"});
    bench.update(&id, &changed).await.unwrap();
    bench.until(&id, is_pending("has no condition Issuing yet")).await;
}
