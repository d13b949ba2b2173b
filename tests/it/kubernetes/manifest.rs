//! `kubernetes_manifest` as the engine calls it: what it makes, sees, takes back and leaves alone.

use infra::cloud::{Cloud, Query};
use infra::remote::{Class, Id, Live, Status, Token};
use infra::value::Value;
use kube::api::{Patch, PatchParams};
use serde_json::{Value as Json, json};

use super::bench::{Bench, LINEAGE, class, config_map};
use super::live;

#[tokio::test(flavor = "multi_thread")]
async fn objects_live_as_the_engine_wants() {
    let bench = Bench::new("manifests").await;
    contract(&bench).await;
    fields_of_others(&bench).await;
    many_are_one_list(&bench).await;
    readiness(&bench).await;
    definitions(&bench).await;
    going(&bench).await;
    live::refusals(&bench).await;
    live::readiness(&bench).await;
}

async fn contract(bench: &Bench) {
    let (target, token) = (bench.target(), Token("one".into()));
    let settings = bench.settings("one", config_map("one", json!({"a": "1"})));
    let find = async |settings: &Json, token: &Token| bench.clouds.find(&target, &Value::from_json(settings), token).await;
    assert_eq!(find(&settings, &token).await, Ok(vec![]));
    let id = bench.create("one", &settings).await.unwrap();
    assert_eq!(id.as_str(), format!("{}#ConfigMap/hold/one", bench.arn));
    assert_eq!(bench.create("one", &settings).await, Ok(id.clone()), "one token is one object");
    assert_eq!(find(&settings, &token).await, Ok(vec![id.clone()]));
    let live = bench.look(&id).await.unwrap();
    assert_eq!((bench.object(&live), &live.status), (config_map("one", json!({"a": "1"})), &Status::Ready));
    let imprint = live.outputs.get("imprint");

    let other = bench.settings("two", config_map("one", json!({})));
    let taken = bench.create("two", &other).await.unwrap_err();
    assert!(taken.class == Class::Exists && taken.message.contains("it is a.b of the stack `dev`"), "{taken}");
    bench
        .config_maps()
        .await
        .patch("wild", &PatchParams::apply("argocd").force(), &Patch::Apply(config_map("wild", json!({}))))
        .await
        .unwrap();
    let wild = bench.settings("wild", config_map("wild", json!({})));
    assert_eq!(class(bench.create("wild", &wild).await), Class::Exists);
    assert_eq!(class(find(&wild, &Token("wild".into())).await), Class::Exists);

    bench.update(&id, &bench.settings("one", config_map("one", json!({"b": "2"})))).await.unwrap();
    let live = bench.look(&id).await.unwrap();
    assert_eq!(bench.object(&live), config_map("one", json!({"b": "2"})), "what is not declared any more is gone");
    assert_ne!(live.outputs.get("imprint"), imprint);
    bench.delete(&id).await.unwrap();
    bench.until(&id, |it| it.is_none()).await;
    assert_eq!(class(bench.delete(&id).await), Class::Missing);

    let placeless = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "placeless"}});
    let id = bench.make("placeless", placeless).await;
    assert!(id.as_str().ends_with("#ConfigMap/placeless"));
    assert!(bench.look(&id).await.is_some(), "it is in `default`");
}

async fn fields_of_others(bench: &Bench) {
    let id = bench.make("shared", config_map("shared", json!({"ours": "1"}))).await;
    let before = bench.look(&id).await.unwrap();
    let api = bench.config_maps().await;
    let apply = async |manager: &str, data: Json| {
        api.patch("shared", &PatchParams::apply(manager).force(), &Patch::Apply(config_map("shared", data))).await.unwrap();
    };
    apply("argocd", json!({"theirs": "1"})).await;
    let live = bench.look(&id).await.unwrap();
    assert_eq!(live.settings, before.settings, "fields of others are not seen");
    assert_eq!(live.outputs.get("imprint"), before.outputs.get("imprint"));

    let wanted = bench.settings("shared", config_map("shared", json!({"ours": "1", "theirs": "2"})));
    let conflict = bench.update(&id, &wanted).await.unwrap_err();
    assert!(conflict.class == Class::Refused && conflict.message.contains("data.theirs belongs to argocd"), "{conflict}");
    let mut forced = wanted.clone();
    forced["force_conflicts"] = json!(["flux"]);
    assert_eq!(class(bench.update(&id, &forced).await), Class::Refused, "not of everybody");
    forced["force_conflicts"] = json!(["argocd"]);
    bench.update(&id, &forced).await.unwrap();

    let by_hand = PatchParams { field_manager: Some("kubectl-edit".into()), ..PatchParams::default() };
    api.patch("shared", &by_hand, &Patch::Merge(json!({"data": {"ours": "5"}}))).await.unwrap();
    let live = bench.look(&id).await.unwrap();
    assert_eq!(bench.object(&live)["data"]["ours"], "5", "a change by hand is seen");
    bench.update(&id, &wanted).await.unwrap();
    let live = bench.look(&id).await.unwrap();
    assert_eq!(bench.object(&live)["data"], json!({"ours": "1", "theirs": "2"}), "and taken back");
}

async fn many_are_one_list(bench: &Bench) {
    let mut ids = Vec::new();
    for name in ["m1", "m2", "m3", "m4"] {
        ids.push(bench.make(name, config_map(name, json!({}))).await);
    }
    let quota =
        json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "q", "namespace": "hold"}, "spec": {"limits": []}});
    ids.push(bench.make("q", quota).await);
    ids.push(Id::new(format!("{}#ConfigMap/hold/never", bench.arn)));
    ids.push(Id::new(format!("{}#Widget.nowhere.io/hold/never", bench.arn)));
    let before = bench.clouds.calls();
    let query = Query { ids: ids.clone(), lineage: Some(LINEAGE.into()), shared: true, ..Query::default() };
    let found = bench.read(query).await;
    let after = bench.clouds.calls();
    assert_eq!(found.keys().collect::<Vec<_>>(), ids[..5].iter().collect::<Vec<_>>());
    let made = |call: &str| after.get(call).copied().unwrap_or(0) - before.get(call).copied().unwrap_or(0);
    assert_eq!((made("kubernetes:List"), made("kubernetes:Get")), (1, 2), "what no list shows is asked for: {after:?}");
}

async fn readiness(bench: &Bench) {
    let labels = json!({"app": "web"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "hold"},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "x"}]}},
        },
    });
    let id = bench.make("web", deployment.clone()).await;
    let says = |words: &'static str| move |it: Option<&Live>| matches!(it.map(|it| &it.status), Some(Status::Pending(it)) if it.contains(words));
    bench.until(&id, says("0/2 ready")).await;
    bench.until(&id, says("Unschedulable")).await;
    let mut settings = bench.settings("web", deployment.clone());
    settings["wait"] = false.into();
    bench.update(&id, &settings).await.unwrap();
    let live = bench.look(&id).await.unwrap();
    assert_eq!((live.status, live.settings.get("wait")), (Status::Ready, false.into()));
    settings["wait"] = true.into();
    settings["wait_for"] = json!({"condition": "Available", "status": "False"});
    bench.update(&id, &settings).await.unwrap();
    bench.until(&id, |it| it.is_some_and(|it| it.status == Status::Ready)).await;

    let mut other = bench.settings("web", deployment);
    other["manifest"]["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    other["manifest"]["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let refused = bench.update(&id, &other).await.unwrap_err();
    assert!(infra::cloud::kube::is_immutable(&refused.message), "{refused}");
    bench.delete(&id).await.unwrap();
    bench.until(&id, |it| it.is_none()).await;
}

async fn definitions(bench: &Bench) {
    let name = "widgets.example.org";
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
        "spec": {
            "group": "example.org", "scope": "Namespaced", "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    });
    let widget = bench.settings(
        "w",
        json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "hold"}, "spec": {"a": 1}}),
    );
    let early = bench.clouds.create(&bench.target(), &Value::from_json(&widget), &Token("w".into())).await.unwrap_err();
    assert_eq!(early.class, Class::Settling, "{early}");
    let crd = bench.make("crd", crd).await;
    let widget = bench.create("w", &widget).await.unwrap();
    let kept = bench.delete(&crd).await.unwrap_err();
    assert!(kept.class == Class::InUse && kept.message.contains("Widget.example.org/hold/w"), "{kept}");
    bench.delete(&widget).await.unwrap();
    bench.until(&widget, |it| it.is_none()).await;
    bench.delete(&crd).await.unwrap();
    bench.until(&crd, |it| it.is_none()).await;
}

async fn going(bench: &Bench) {
    let mut held = config_map("held", json!({}));
    held["metadata"]["finalizers"] = json!(["example.org/hold"]);
    let id = bench.make("held", held).await;
    bench.delete(&id).await.unwrap();
    let live = bench.look(&id).await.unwrap();
    assert!(matches!(&live.status, Status::Pending(it) if it.contains("example.org/hold")), "{live:?}");
    let free = json!({"metadata": {"finalizers": null}});
    bench.config_maps().await.patch("held", &PatchParams::default(), &Patch::Merge(free)).await.unwrap();
    bench.until(&id, |it| it.is_none()).await;
}
