//! [`managed`]: of a live object, what one field manager owns.
//!
//! Source: "FieldsV1" in the Kubernetes API reference (`ManagedFieldsEntry`), and `structured-merge-diff/fieldpath/serialize-pe.go`:
//! `f:NAME` is a member, `k:{…}` the item of a list with these keys, `v:VALUE` the item of a set, `i:N` an item by its place, `.`
//! the thing itself. A path without anything below is owned as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{items, text};

/// The part of `object` whose fields `manager` has applied, with what names the object. Drift of ours is a difference in it:
/// status, defaults, and what others own are not seen.
pub fn managed(object: &Value, manager: &str) -> Value {
    of_entries(object, |it| is_applied_by(it, manager))
}

/// The same, and with it what was set by hand. A field of ours that kubectl changed is kubectl's from then on.
pub fn touched(object: &Value, manager: &str) -> Value {
    of_entries(object, |it| is_applied_by(it, manager) || is_set_by_hand(it))
}

/// The version that [`MANAGER`](super::MANAGER) applied the object in: its fields are those of that version.
pub fn applied_in(object: &Value) -> Option<&str> {
    let ours = items(object, "/metadata/managedFields").iter().find(|it| is_applied_by(it, super::MANAGER))?;
    Some(text(ours, "/apiVersion")).filter(|it| !it.is_empty())
}

/// Whether a manager of updates is a person at a keyboard: what kubectl calls itself, by its commands.
pub fn is_by_hand(manager: &str) -> bool {
    manager == "kubectl" || manager.starts_with("kubectl-")
}

fn is_applied_by(entry: &Value, manager: &str) -> bool {
    text(entry, "/manager") == manager && text(entry, "/operation") == "Apply" && text(entry, "/subresource").is_empty()
}

/// `kubectl scale` writes a part of its own that says how many there shall be.
fn is_set_by_hand(entry: &Value) -> bool {
    let is_desired = matches!(text(entry, "/subresource"), "" | "scale");
    is_by_hand(text(entry, "/manager")) && text(entry, "/operation") == "Update" && is_desired
}

fn of_entries(object: &Value, is_meant: impl Fn(&Value) -> bool) -> Value {
    let entries = items(object, "/metadata/managedFields").iter().filter(|it| is_meant(it));
    let fields = entries.filter_map(|it| it.get("fieldsV1").and_then(Value::as_object).cloned()).reduce(union);
    let mut out = fields.map_or_else(|| Value::Object(Map::new()), |fields| project(object, &fields));
    if let Value::Object(out) = &mut out {
        let name = |metadata: &mut Map<String, Value>| {
            for part in ["name", "namespace"] {
                if let Some(it) = object.pointer(&format!("/metadata/{part}")) {
                    metadata.insert(part.into(), it.clone());
                }
            }
        };
        match out.get_mut("metadata").and_then(Value::as_object_mut) {
            Some(metadata) => name(metadata),
            None => {
                let mut metadata = Map::new();
                name(&mut metadata);
                out.insert("metadata".into(), Value::Object(metadata));
            }
        }
        for part in ["apiVersion", "kind"] {
            if let Some(it) = object.get(part) {
                out.insert(part.into(), it.clone());
            }
        }
    }
    out
}

/// The fields of both. What one of them owns as a whole is owned as a whole.
fn union(mut some: Map<String, Value>, more: Map<String, Value>) -> Map<String, Value> {
    for (path, fields) in more {
        let both = match some.remove(&path) {
            Some(known) => match (below(&known), below(&fields)) {
                (known, fields) if known.is_empty() || fields.is_empty() => Map::new(),
                (known, fields) => union(known, fields),
            },
            None => below(&fields),
        };
        some.insert(path, Value::Object(both));
    }
    some
}

fn project(live: &Value, fields: &Map<String, Value>) -> Value {
    if fields.is_empty() {
        return live.clone();
    }
    match live {
        Value::Object(members) => Value::Object(project_members(members, fields)),
        Value::Array(list) => Value::Array(project_items(list, fields)),
        scalar => scalar.clone(),
    }
}

fn below(fields: &Value) -> Map<String, Value> {
    fields.as_object().cloned().unwrap_or_default()
}

fn project_members(members: &Map<String, Value>, fields: &Map<String, Value>) -> Map<String, Value> {
    let owned = fields.iter().filter_map(|(path, fields)| {
        let name = path.strip_prefix("f:")?;
        Some((name.to_owned(), project(members.get(name)?, &below(fields))))
    });
    owned.collect()
}

/// In the order of the live list.
fn project_items(list: &[Value], fields: &Map<String, Value>) -> Vec<Value> {
    let (mut keyed, mut values, mut places) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
    let mut shapes: BTreeSet<Vec<String>> = BTreeSet::new();
    for (path, fields) in fields {
        if let Some(Value::Object(keys)) = path.strip_prefix("k:").and_then(|it| serde_json::from_str(it).ok()) {
            let names: BTreeSet<String> = keys.keys().cloned().collect();
            let names: Vec<String> = names.into_iter().collect();
            keyed.insert(signature(&keys, &names), fields);
            shapes.insert(names);
        } else if let Some(value) = path.strip_prefix("v:").and_then(|it| serde_json::from_str::<Value>(it).ok()) {
            values.insert(value.to_string());
        } else if let Some(place) = path.strip_prefix("i:").and_then(|it| it.parse::<usize>().ok()) {
            places.insert(place, fields);
        }
    }
    let select = |(at, item): (usize, &Value)| {
        if let Some(fields) = places.get(&at) {
            return Some(project(item, &below(fields)));
        }
        if !values.is_empty() && values.contains(&item.to_string()) {
            return Some(item.clone());
        }
        let members = item.as_object()?;
        let (names, fields) = shapes.iter().find_map(|it| Some((it, keyed.get(&signature(members, it))?)))?;
        let mut owned = project(item, &below(fields));
        // What tells the item from its neighbours belongs to it, whoever set it (a defaulted protocol).
        if let Value::Object(owned) = &mut owned {
            for name in names {
                if let (false, Some(value)) = (owned.contains_key(name), members.get(name)) {
                    owned.insert(name.clone(), value.clone());
                }
            }
        }
        Some(owned)
    };
    list.iter().enumerate().filter_map(select).collect()
}

/// The values of the keys, in the keys' order.
fn signature(members: &Map<String, Value>, names: &[String]) -> Vec<(String, String)> {
    names.iter().filter_map(|it| Some((it.clone(), members.get(it)?.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live(spec: Value, fields: Value) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "hold", "uid": "u", "labels": {"ours": "1", "theirs": "2"},
                "managedFields": [
                    {"manager": "infra", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:ours": {}}}, "f:spec": fields}},
                    {"manager": "infra", "operation": "Update", "fieldsV1": {"f:metadata": {"f:uid": {}}}},
                    {"manager": "infra", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}},
                    {"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
                ]
            },
            "spec": spec, "status": {"replicas": 3}
        })
    }

    fn spec(spec: Value, fields: Value) -> Value {
        managed(&live(spec, fields), "infra").get("spec").cloned().unwrap_or(Value::Null)
    }

    #[test]
    fn others_fields_are_not_seen() {
        assert_eq!(
            managed(&live(json!({"replicas": 3, "paused": true}), json!({"f:paused": {}})), "infra"),
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"labels": {"ours": "1"}, "name": "web", "namespace": "hold"},
                "spec": {"paused": true}
            })
        );
    }

    #[test]
    fn what_kubectl_changed_is_seen_beside_what_is_ours() {
        let web = |fields: Value| json!({"f:containers": {"k:{\"name\":\"web\"}": fields}});
        let mut it = live(
            json!({"replicas": 5, "paused": true, "containers": [{"name": "web", "image": "y", "tty": true}]}),
            web(json!({".": {}, "f:name": {}, "f:image": {}})),
        );
        let by_hand = [
            json!({"manager": "kubectl", "operation": "Update", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}}),
            json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": web(json!({"f:tty": {}}))}}),
            json!({"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:paused": {}}}}),
        ];
        it["metadata"]["managedFields"].as_array_mut().unwrap().extend(by_hand);
        let containers = |one: Value| json!({"containers": [one]});
        assert_eq!(managed(&it, "infra")["spec"], containers(json!({"name": "web", "image": "y"})));
        let mut all = containers(json!({"name": "web", "image": "y", "tty": true}));
        all["replicas"] = 5.into();
        assert_eq!(touched(&it, "infra")["spec"], all, "what kubectl applied is declared somewhere else");
    }

    #[test]
    fn items_of_lists_are_found_by_their_keys_in_the_live_order() {
        let containers = json!({"containers": [
            {"name": "sidecar", "image": "x"},
            {"name": "web", "image": "y", "imagePullPolicy": "Always", "ports": [{"containerPort": 80, "protocol": "TCP"}]},
        ]});
        let fields = json!({"f:containers": {"k:{\"name\":\"web\"}": {
            ".": {}, "f:name": {}, "f:image": {}, "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}
        }}});
        assert_eq!(
            spec(containers, fields),
            json!({"containers": [{"name": "web", "image": "y", "ports": [{"containerPort": 80, "protocol": "TCP"}]}]})
        );
    }

    #[test]
    fn sets_places_and_whole_values() {
        assert_eq!(spec(json!({"f": ["a", "b"]}), json!({"f:f": {"v:\"b\"": {}}})), json!({"f": ["b"]}));
        assert_eq!(spec(json!({"f": [{"a": 1, "b": 2}, 3]}), json!({"f:f": {"i:0": {"f:a": {}}}})), json!({"f": [{"a": 1}]}));
        assert_eq!(spec(json!({"f": {"x": [1]}}), json!({"f:f": {}})), json!({"f": {"x": [1]}}));
        assert_eq!(spec(json!({"f": {"x": 1}}), json!({"f:f": {".": {}}})), json!({"f": {}}));
        assert_eq!(spec(json!({}), json!({"f:gone": {}})), json!({}));
    }
}
