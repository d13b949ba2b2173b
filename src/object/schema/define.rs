//! The kinds that a CustomResourceDefinition defines.
//!
//! Source: "Structural schemas" in the Kubernetes documentation of custom resources, and `JSONSchemaProps` of
//! `apiextensions.k8s.io/v1`.

use std::collections::BTreeMap;

use super::{Defined, Fields, Type};
use crate::value::Value;

/// By `GROUP/VERSION/KIND`. Parts of a definition that are not known yet may be anything.
pub(super) fn kinds(object: &Value) -> BTreeMap<String, Defined> {
    let is_one = object.get("kind").as_str() == Some("CustomResourceDefinition");
    let spec = object.get("spec");
    let (names, versions) = (spec.get("names"), spec.get("versions"));
    let group = spec.get("group");
    let (Some(group), Some(kind), true) = (group.as_str(), names.get("kind").as_str().map(str::to_owned), is_one) else {
        return BTreeMap::new();
    };
    let namespaced = spec.get("scope").as_str() != Some("Cluster");
    let versions = versions.items().unwrap_or_default();
    let one = |it: &&Value| {
        let name = it.get("name");
        let of = root(&it.get("schema").get("openAPIV3Schema"));
        Some((format!("{group}/{}/{kind}", name.as_str()?), Defined { of, namespaced }))
    };
    versions.iter().filter(|it| it.get("served").as_bool() != Some(false)).filter_map(one).collect()
}

/// Every object has these, whether its schema says so or not.
fn root(schema: &Value) -> Type {
    match of(schema) {
        Type::Object(mut it) => {
            it.fields.insert("apiVersion".to_owned(), Type::String);
            it.fields.insert("kind".to_owned(), Type::String);
            it.fields.insert("metadata".to_owned(), Type::Ref(METADATA.to_owned()));
            Type::Object(it)
        }
        other => other,
    }
}

const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

fn of(schema: &Value) -> Type {
    let is = |name: &str| schema.get(name).as_bool() == Some(true);
    if is("x-kubernetes-int-or-string") {
        return Type::IntOrString;
    }
    // Anything in which more than a type decides is left to the cluster.
    if is("x-kubernetes-embedded-resource") || is("nullable") {
        return Type::Any;
    }
    match schema.get("type").as_str() {
        Some("object") => object(schema, is("x-kubernetes-preserve-unknown-fields")),
        Some("array") => Type::List(Box::new(of(&schema.get("items")))),
        Some("string") => match schema.get("enum").items() {
            Some(values) if values.iter().all(|it| it.as_str().is_some()) => {
                Type::OneOf(values.iter().filter_map(|it| it.as_str()).map(str::to_owned).collect())
            }
            Some(_) | None => Type::String,
        },
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        Some(_) | None => Type::Any,
    }
}

fn object(schema: &Value, open: bool) -> Type {
    let (properties, more) = (schema.get("properties"), schema.get("additionalProperties"));
    match (properties.members(), more.members()) {
        (Some(properties), _) => {
            let fields = properties.iter().map(|(name, it)| (name.to_string(), of(it))).collect();
            let required = schema.get("required");
            // What has a default is filled in before anything is missed.
            let is_missed = |name: &&str| properties.get(*name).is_none_or(|it| it.get("default").is_null());
            let required = required.items().unwrap_or_default();
            let required = required.iter().filter_map(|it| it.as_str()).filter(is_missed).map(str::to_owned).collect();
            Type::Object(Fields { fields, required, open: open || !more.is_null() })
        }
        (None, Some(_)) => Type::Map(Box::new(of(&more))),
        (None, None) => Type::Any,
    }
}
