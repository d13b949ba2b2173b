//! What infra knows of a Kubernetes version without a cluster: its kinds and their fields, made of an API server's own OpenAPI v3
//! documents. Descriptions are left out, and so is what no object is checked against.
//!
//! The form is that of infra's `object::schema::Type`: a shape is `"any"`, `"string"`, `"bytes"` (base 64), `"integer"`, `"number"`,
//! `"boolean"` or `"int-or-string"`, or one of `{"ref": TYPE}`, `{"list": SHAPE}`, `{"map": SHAPE}`, `{"one-of": [TEXT]}` and
//! `{"object": {"fields": {NAME: SHAPE}, "required": [NAME]}}`. A kind is found by `GROUP/VERSION/KIND`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

use super::{ApiError, ControlPlane};

/// Required by the Go type and by nothing that the server does: it fills them in, or takes what is not there for empty.
const FILLED_IN: &[(&str, &str)] = &[
    ("io.k8s.api.rbac.v1.RoleRef", "apiGroup"),
    ("io.k8s.api.apps.v1.StatefulSetSpec", "serviceName"),
    ("io.k8s.api.networking.v1.NetworkPolicySpec", "podSelector"),
];

/// Everything that the plane serves, compressed; the same for the same version.
pub async fn schemas(plane: &ControlPlane, version: &str) -> Result<Vec<u8>, ApiError> {
    let api = plane.admin();
    let index = api.get("/openapi/v3").await?;
    let mut documents = Vec::new();
    for path in index["paths"].as_object().into_iter().flat_map(Map::values) {
        if let Some(url) = path["serverRelativeURL"].as_str() {
            documents.push(api.get(url).await?);
        }
    }
    Ok(compressed(&condensed(version, &documents)))
}

fn compressed(value: &Value) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // A vector takes everything.
    let written = encoder.write_all(value.to_string().as_bytes());
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

/// One document of all documents of a version.
fn condensed(version: &str, documents: &[Value]) -> Value {
    let (mut kinds, mut all) = (BTreeMap::new(), BTreeMap::new());
    for document in documents {
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            all.entry(name.clone()).or_insert_with(|| type_of(name, schema));
        }
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            kinds.extend(kind(path, &item["put"]));
        }
    }
    let mut types: BTreeMap<String, Value> = BTreeMap::new();
    let mut open: Vec<String> = kinds.values().map(|(name, _)| name.clone()).collect();
    while let Some(name) = open.pop() {
        if let Some(ty) = all.get(&name).filter(|_| !types.contains_key(&name)) {
            references(ty, &mut open);
            types.insert(name, ty.clone());
        }
    }
    let kinds: Map<String, Value> =
        kinds.into_iter().map(|(kind, (name, namespaced))| (kind, json!({"type": name, "namespaced": namespaced}))).collect();
    json!({"version": version, "kinds": kinds, "types": types})
}

/// What is replaced at the path of one object, as a whole: its kind, and whether it has a namespace.
fn kind(path: &str, put: &Value) -> Option<(String, (String, bool))> {
    if !path.ends_with("/{name}") {
        return None;
    }
    let what = &put["x-kubernetes-group-version-kind"];
    let text = |name: &str| what[name].as_str();
    let media = put["requestBody"]["content"].as_object()?.values().next()?;
    let name = reference(&media["schema"])?;
    let key = format!("{}/{}/{}", text("group")?, text("version")?, text("kind")?);
    Some((key, (name, path.contains("/namespaces/{namespace}/"))))
}

fn reference(schema: &Value) -> Option<String> {
    let direct = schema["$ref"].as_str();
    // One with a default or a description stands in an `allOf`.
    let wrapped = || schema["allOf"].as_array().and_then(|all| all.first()).and_then(|it| it["$ref"].as_str());
    direct.or_else(wrapped)?.strip_prefix("#/components/schemas/").map(str::to_owned)
}

fn type_of(name: &str, schema: &Value) -> Value {
    let mut ty = shape(schema);
    if let Some(required) = ty.pointer_mut("/object/required").and_then(Value::as_array_mut) {
        required.retain(|field| !FILLED_IN.iter().any(|(of, it)| *of == name && field == it));
    }
    ty
}

fn shape(schema: &Value) -> Value {
    if let Some(name) = reference(schema) {
        return json!({"ref": name});
    }
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return json!("any");
    }
    // Quantities are texts or numbers as well.
    if schema["oneOf"].is_array() || schema["format"] == "int-or-string" {
        return json!("int-or-string");
    }
    match schema["type"].as_str() {
        Some("object") => object(schema),
        Some("array") => json!({"list": shape(&schema["items"])}),
        Some("string") => match (&schema["enum"], schema["format"].as_str()) {
            (Value::Array(values), _) => json!({"one-of": values}),
            (_, Some("byte")) => json!("bytes"),
            _ => json!("string"),
        },
        Some(plain @ ("integer" | "number" | "boolean")) => json!(plain),
        _ => json!("any"),
    }
}

fn object(schema: &Value) -> Value {
    match (schema["properties"].as_object(), &schema["additionalProperties"]) {
        (Some(properties), _) => {
            let fields: Map<String, Value> = properties.iter().map(|(name, it)| (name.clone(), shape(it))).collect();
            let required: BTreeSet<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            json!({"object": {"fields": fields, "required": required}})
        }
        (None, Value::Object(_)) => json!({"map": shape(&schema["additionalProperties"])}),
        (None, _) => json!("any"),
    }
}

fn references(ty: &Value, out: &mut Vec<String>) {
    match ty {
        Value::Object(members) => {
            if let Some(name) = members.get("ref").and_then(Value::as_str).filter(|_| members.len() == 1) {
                out.push(name.to_owned());
            }
            members.values().for_each(|it| references(it, out));
        }
        Value::Array(items) => items.iter().for_each(|it| references(it, out)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_object_is_checked_against_is_left_out() {
        let document = json!({
            "paths": {
                "/apis/apps/v1/namespaces/{namespace}/deployments/{name}": {"put": {
                    "requestBody": {"content": {"*/*": {"schema": {"$ref": "#/components/schemas/Deployment"}}}},
                    "x-kubernetes-group-version-kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
                }},
                "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale": {"put": {}},
            },
            "components": {"schemas": {
                "Deployment": {"type": "object", "description": "long", "required": ["spec"], "properties": {
                    "spec": {"allOf": [{"$ref": "#/components/schemas/Spec"}], "default": {}},
                    "ports": {"type": "array", "items": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "policy": {"type": "string", "enum": ["A", "B"]},
                    "data": {"type": "string", "format": "byte"},
                    "raw": {"type": "object"},
                }},
                "Spec": {"type": "object", "properties": {"replicas": {"type": "integer", "format": "int32"}}},
                "Unused": {"type": "string"},
            }},
        });
        let out = condensed("1.36", &[document]);
        assert_eq!(out["kinds"], json!({"apps/v1/Deployment": {"type": "Deployment", "namespaced": true}}));
        let fields = json!({
            "spec": {"ref": "Spec"}, "ports": {"list": "int-or-string"}, "labels": {"map": "string"},
            "policy": {"one-of": ["A", "B"]}, "data": "bytes", "raw": "any",
        });
        assert_eq!(out["types"]["Deployment"], json!({"object": {"fields": fields, "required": ["spec"]}}));
        assert_eq!(out["types"]["Spec"], json!({"object": {"fields": {"replicas": "integer"}, "required": []}}));
        assert!(out["types"].get("Unused").is_none());
    }
}
