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
    let mut out = Value::Object(Map::new());
    for entry in items(object, "/metadata/managedFields") {
        let is_ours =
            text(entry, "/manager") == manager && text(entry, "/operation") == "Apply" && text(entry, "/subresource").is_empty();
        if let (true, Some(fields)) = (is_ours, entry.get("fieldsV1").and_then(Value::as_object)) {
            merge(&mut out, project(object, fields));
        }
    }
    let mut name = Map::new();
    for part in ["name", "namespace"] {
        if let Some(it) = object.pointer(&format!("/metadata/{part}")) {
            name.insert(part.into(), it.clone());
        }
    }
    let mut head = Map::from_iter([("metadata".to_owned(), Value::Object(name))]);
    for part in ["apiVersion", "kind"] {
        if let Some(it) = object.get(part) {
            head.insert(part.into(), it.clone());
        }
    }
    merge(&mut out, Value::Object(head));
    out
}

/// Adds the members of `more`; entries of several versions of one manager do not overlap.
fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (name, value) in more {
                match into.get_mut(&name) {
                    Some(known) => merge(known, value),
                    None => {
                        into.insert(name, value);
                    }
                }
            }
        }
        (into, more) => *into = more,
    }
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
