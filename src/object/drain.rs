//! What keeps nodes from being emptied, and what does not come back when they are.

use serde_json::Value;

use super::{items, number, text};

/// Pods by `NAMESPACE/NAME`, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hindrances {
    /// A disruption budget lets none of its pods go now; with the budget's name.
    pub held: Vec<(String, String)>,
    /// No controller makes them again.
    pub lost: Vec<String>,
}

/// Of the pods on these nodes.
pub fn hindrances(nodes: &[Value], pods: &[Value], budgets: &[Value]) -> Hindrances {
    let nodes: Vec<&str> = nodes.iter().map(|it| text(it, "/metadata/name")).collect();
    let mut out = Hindrances::default();
    for pod in pods.iter().filter(|it| nodes.contains(&text(it, "/spec/nodeName")) && !is_over(it) && !is_of_its_node(it)) {
        let namespace = text(pod, "/metadata/namespace");
        let name = format!("{namespace}/{}", text(pod, "/metadata/name"));
        let full = budgets.iter().find(|it| {
            text(it, "/metadata/namespace") == namespace
                && number(it, "/status/disruptionsAllowed") == Some(0)
                && it.pointer("/spec/selector").is_some_and(|selector| selects(selector, pod))
        });
        if let Some(it) = full {
            out.held.push((name.clone(), text(it, "/metadata/name").to_owned()));
        }
        if !items(pod, "/metadata/ownerReferences").iter().any(|it| it["controller"] == true) {
            out.lost.push(name);
        }
    }
    out.held.sort();
    out.lost.sort();
    out
}

fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// A node's own pods go with it and come again with the next: those of DaemonSets, and static ones.
fn is_of_its_node(pod: &Value) -> bool {
    let owners = items(pod, "/metadata/ownerReferences");
    owners.iter().any(|it| it["kind"] == "DaemonSet")
        || pod.pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some()
}

/// Whether a label selector (`matchLabels`, `matchExpressions`) matches an object. An empty one matches everything.
///
/// Source: `k8s.io/apimachinery/pkg/apis/meta/v1` (`LabelSelectorAsSelector`).
fn selects(selector: &Value, object: &Value) -> bool {
    let label = |name: &str| object.pointer("/metadata/labels").and_then(|it| it.get(name)).and_then(Value::as_str);
    let all = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let exact = all.clone().all(|(name, wanted)| label(name) == wanted.as_str());
    exact
        && items(selector, "/matchExpressions").iter().all(|it| {
            let has = label(text(it, "/key"));
            let is_listed = has.is_some_and(|has| items(it, "/values").iter().any(|it| it.as_str() == Some(has)));
            match text(it, "/operator") {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => has.is_some(),
                "DoesNotExist" => has.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, app: &str, owner: Option<&str>) -> Value {
        let owners: Vec<Value> = owner.iter().map(|kind| json!({"kind": kind, "controller": true})).collect();
        json!({
            "metadata": {"namespace": "hold", "name": name, "labels": {"app": app}, "ownerReferences": owners},
            "spec": {"nodeName": "one"}, "status": {"phase": "Running"},
        })
    }

    #[test]
    fn pods_are_held_by_full_budgets_and_lost_without_a_controller() {
        let nodes = [json!({"metadata": {"name": "one"}})];
        let budget = |selector: Value, allowed: i64| json!({"metadata": {"namespace": "hold", "name": "b"}, "spec": {"selector": selector}, "status": {"disruptionsAllowed": allowed}});
        let mut elsewhere = pod("elsewhere", "web", None);
        elsewhere["spec"]["nodeName"] = "two".into();
        let mut over = pod("over", "web", None);
        over["status"]["phase"] = "Succeeded".into();
        let pods = [
            pod("web", "web", Some("ReplicaSet")),
            pod("bare", "other", None),
            pod("agent", "web", Some("DaemonSet")),
            elsewhere,
            over,
        ];
        let found = |selector: Value, allowed: i64| hindrances(&nodes, &pods, &[budget(selector, allowed)]);
        let web = json!({"matchLabels": {"app": "web"}});
        let held = vec![("hold/web".to_owned(), "b".to_owned())];
        assert_eq!(found(web.clone(), 0), Hindrances { held: held.clone(), lost: vec!["hold/bare".into()] });
        assert_eq!(found(web, 1).held, []);
        let by = |operator: &str| json!({"matchExpressions": [{"key": "app", "operator": operator, "values": ["web"]}]});
        assert_eq!(found(by("In"), 0).held, held);
        assert_eq!(found(by("NotIn"), 0).held, [("hold/bare".to_owned(), "b".to_owned())]);
        assert_eq!((found(by("Exists"), 0).held.len(), found(by("DoesNotExist"), 0).held.len()), (2, 0));
        assert_eq!(found(json!({}), 0).held.len(), 2);
    }
}
