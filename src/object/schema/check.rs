//! An object held against what is known of its kind.

use super::{Book, Fields, Type};
use crate::diag::nearest;
use crate::object::key::group_of;
use crate::object::path;
use crate::value::{Number, Value};

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Empty for the object as a whole.
    pub path: String,
    pub message: String,
    pub did_you_mean: Option<String>,
}

pub(super) fn object(book: &Book, object: &Value) -> Vec<Wrong> {
    let (version, kind) = (object.get("apiVersion"), object.get("kind"));
    let (Some(version), Some(kind)) = (version.as_str(), kind.as_str()) else { return Vec::new() };
    let (group, name) = (group_of(version), version.rsplit('/').next().unwrap_or(version));
    let mut check = Check { book, kind, out: Vec::new() };
    match book.find(&format!("{group}/{name}/{kind}")) {
        Some((of, namespaced)) => {
            if !namespaced && !object.get("metadata").get("namespace").is_null() {
                check.wrong("metadata.namespace", format!("a {kind} is in no namespace"), None);
            }
            check.value("", of, object);
        }
        None => check.unserved(group, version),
    }
    check.out
}

impl Book {
    fn find(&self, kind: &str) -> Option<(&Type, bool)> {
        let defined = || self.defined.get(kind).map(|it| (&it.of, it.namespaced));
        let built_in = |kind: &str| {
            let (schemas, kind) = self.schemas.and_then(|it| Some((it, it.kinds.get(kind)?)))?;
            Some((schemas.types.get(&kind.of)?, kind.namespaced))
        };
        built_in(kind).or_else(defined)
    }
}

struct Check<'a> {
    book: &'a Book,
    kind: &'a str,
    out: Vec<Wrong>,
}

impl Check<'_> {
    fn wrong(&mut self, at: &str, message: String, did_you_mean: Option<String>) {
        self.out.push(Wrong { path: at.to_owned(), message, did_you_mean });
    }

    /// A kind of a group that Kubernetes itself serves is known, or there is none.
    fn unserved(&mut self, group: &str, version: &str) {
        let Some(schemas) = self.book.schemas else { return };
        let kinds = schemas.kinds.keys().filter_map(|it| it.rsplit_once('/'));
        let built_in = |it: &str| it.split_once('/').is_some_and(|(it, _)| it == group);
        let is_ours = kinds.clone().any(|(place, _)| built_in(place));
        let mut places = kinds.clone().filter(|(_, kind)| *kind == self.kind).map(|(place, _)| place.trim_start_matches('/'));
        let elsewhere = places.next();
        // `extensions/v1beta1` was a group of Kubernetes too.
        if !is_ours && (elsewhere.is_none() || group.contains('.')) {
            return;
        }
        let names = kinds.filter(|(place, _)| place.trim_start_matches('/') == version).map(|(_, kind)| kind);
        let near = elsewhere.or_else(|| nearest(self.kind, names)).map(str::to_owned);
        let message = format!("Kubernetes {} has no {} in {version}", schemas.version, self.kind);
        self.wrong(if elsewhere.is_some() { "apiVersion" } else { "kind" }, message, near);
    }

    fn value(&mut self, at: &str, of: &Type, value: &Value) {
        let (bare, secret) = value.unmark();
        match (of, bare) {
            // A member that is null is one that is not there.
            (_, Value::Null | Value::Unknown(_) | Value::Digest(_)) | (Type::Any, _) => {}
            (Type::Ref(name), _) => {
                if let Some(of) = self.book.schemas.and_then(|it| it.types.get(name)) {
                    self.value(at, of, value);
                }
            }
            (Type::Object(fields), Value::Object(members) | Value::Map(members)) => {
                for (name, member) in members.iter().filter(|(_, it)| !it.is_null()) {
                    let place = path::member(at, name);
                    match fields.fields.get(&**name) {
                        Some(of) => self.value(&place, of, member),
                        None if fields.open => {}
                        None => self.unknown_field(at, &place, name, fields),
                    }
                }
                for name in &fields.required {
                    if members.get(name.as_str()).is_none_or(|it| it.is_null()) {
                        self.wrong(at, format!("`{}` is missing in a {}", path::member(at, name), self.kind), None);
                    }
                }
            }
            (Type::Map(of), Value::Object(members) | Value::Map(members)) => {
                members.iter().for_each(|(name, it)| self.value(&path::member(at, name), of, it));
            }
            (Type::List(of), Value::List(items) | Value::Tuple(items)) => {
                for (index, it) in items.iter().enumerate() {
                    self.value(&path::item(at, index), of, it);
                }
            }
            (Type::OneOf(all), Value::String(text)) if !all.iter().any(|it| **it == **text) => {
                let shown = if secret { "(sensitive)".to_owned() } else { format!("{text:?}") };
                let near = nearest(text, all.iter().map(String::as_str)).map(str::to_owned).filter(|_| !secret);
                self.wrong(at, format!("`{at}` is {shown}, and takes {}", all.join(", ")), near);
            }
            (Type::Integer, Value::Number(number)) if is_whole(number) => {}
            (Type::IntOrString, Value::Number(_) | Value::String(_)) | (Type::Number, Value::Number(_)) => {}
            (Type::String | Type::Bytes | Type::OneOf(_), Value::String(_)) | (Type::Boolean, Value::Bool(_)) => {}
            (of, other) => self.wrong_type(at, of, other),
        }
    }

    fn unknown_field(&mut self, at: &str, place: &str, name: &str, fields: &Fields) {
        let near = nearest(name, fields.fields.keys().map(String::as_str)).map(str::to_owned);
        let whole = if at.is_empty() { format!("a {}", self.kind) } else { format!("`{at}` of a {}", self.kind) };
        self.wrong(place, format!("{whole} has no field `{name}`"), near);
    }

    fn wrong_type(&mut self, at: &str, of: &Type, value: &Value) {
        let wanted = match of {
            Type::String | Type::Bytes | Type::OneOf(_) => "a string",
            Type::Integer => "a whole number",
            Type::Number => "a number",
            Type::Boolean => "a bool",
            Type::IntOrString => "a number or a string",
            Type::List(_) => "a list",
            Type::Map(_) | Type::Object(_) => "an object",
            Type::Any | Type::Ref(_) => return,
        };
        let quote = matches!(value, Value::Number(_) | Value::Bool(_)) && wanted == "a string";
        let hint = if quote { ": quote it" } else { "" };
        self.wrong(at, format!("`{at}` takes {wanted}, this is {}{hint}", value.kind()), None);
    }
}

fn is_whole(number: &Number) -> bool {
    number.to_json().as_f64().is_some_and(|it| it.fract() == 0.0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::Schemas;
    use super::*;
    use crate::value;

    fn wrong(book: &Book, object: Json) -> Vec<String> {
        let all = book.check(&Value::from_json(&object));
        all.into_iter()
            .map(|it| format!("{}: {}{}", it.path, it.message, it.did_you_mean.map(|it| format!(" ({it}?)")).unwrap_or_default()))
            .collect()
    }

    fn deployment(container: Json) -> Json {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "hold", "labels": {"a": "b"}},
            "spec": {
                "replicas": 2, "selector": {"matchLabels": {"a": "b"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}},
            },
        })
    }

    #[test]
    fn built_in_kinds_are_held_against_their_version() {
        let book = Book::of(Some("1.36"));
        let container = json!({
            "name": "web", "image": "a", "ports": [{"containerPort": 80}], "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
            "livenessProbe": {"httpGet": {"port": "http", "path": "/"}},
        });
        assert_eq!(wrong(&book, deployment(container)), Vec::<String>::new());
        let bad = json!({"image": 7, "prots": [], "ports": [{"containerPort": "80"}], "imagePullPolicy": "always", "env": {"a": "b"}, "tty": "yes"});
        assert_eq!(
            wrong(&book, deployment(bad)),
            [
                "spec.template.spec.containers[0].env: `spec.template.spec.containers[0].env` takes a list, this is an object",
                "spec.template.spec.containers[0].image: `spec.template.spec.containers[0].image` takes a string, this is a number: quote it",
                "spec.template.spec.containers[0].imagePullPolicy: `spec.template.spec.containers[0].imagePullPolicy` is \"always\", and takes Always, IfNotPresent, Never (Always?)",
                "spec.template.spec.containers[0].ports[0].containerPort: `spec.template.spec.containers[0].ports[0].containerPort` takes a whole number, this is a string",
                "spec.template.spec.containers[0].prots: `spec.template.spec.containers[0]` of a Deployment has no field `prots` (ports?)",
                "spec.template.spec.containers[0].tty: `spec.template.spec.containers[0].tty` takes a bool, this is a string",
                "spec.template.spec.containers[0]: `spec.template.spec.containers[0].name` is missing in a Deployment",
            ]
        );
    }

    #[test]
    fn kinds_that_there_are_not_are_told() {
        let book = Book::of(Some("1.36"));
        let of =
            |version: &str, kind: &str| wrong(&book, json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}}));
        assert_eq!(of("apps/v1", "Deploymnet"), ["kind: Kubernetes 1.36 has no Deploymnet in apps/v1 (Deployment?)"]);
        assert_eq!(
            of("extensions/v1beta1", "Ingress"),
            ["apiVersion: Kubernetes 1.36 has no Ingress in extensions/v1beta1 (networking.k8s.io/v1?)"]
        );
        assert_eq!(
            of("policy/v1beta1", "PodDisruptionBudget"),
            ["apiVersion: Kubernetes 1.36 has no PodDisruptionBudget in policy/v1beta1 (policy/v1?)"]
        );
        assert!(of("cert-manager.io/v1", "Certificate").is_empty(), "a definition may come from elsewhere");
        let inside = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "namespace": "b"}});
        assert_eq!(wrong(&book, inside.clone()), ["metadata.namespace: a Namespace is in no namespace"]);
        assert!(wrong(&Book::of(None), inside).is_empty(), "nothing is known of a version that nobody named");
    }

    #[test]
    fn definitions_of_the_plan_are_known() {
        let mut book = Book::of(Some("1.36"));
        let schema = json!({"type": "object", "properties": {
            "spec": {"type": "object", "required": ["size", "mode"], "properties": {
                "size": {"type": "integer"}, "mode": {"type": "string", "enum": ["A", "B"], "default": "A"},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "port": {"x-kubernetes-int-or-string": true},
            }},
        }});
        book.define(&Value::from_json(&json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"},
            "spec": {"group": "example.com", "names": {"kind": "Thing", "plural": "things"}, "scope": "Namespaced",
                     "versions": [{"name": "v1", "served": true, "schema": {"openAPIV3Schema": schema}}]},
        })));
        let thing =
            |spec: Json| json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec});
        assert!(wrong(&book, thing(json!({"size": 1, "free": {"x": 1}, "port": "http"}))).is_empty());
        assert_eq!(
            wrong(&book, thing(json!({"mode": "C", "sise": 1}))),
            [
                "spec.mode: `spec.mode` is \"C\", and takes A, B",
                "spec.sise: `spec` of a Thing has no field `sise` (size?)",
                "spec: `spec.size` is missing in a Thing",
            ]
        );
    }

    #[test]
    fn what_is_unknown_or_secret_is_not_told() {
        let book = Book::of(Some("1.36"));
        let unknown = Value::unknown(value::Type::Any, "a.b".parse().unwrap(), "id");
        let object = Value::from_json(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}));
        assert!(book.check(&object.with("data", Value::object([("x", unknown)]))).is_empty());
        let secret = book.check(&object.with("data", Value::object([("x", Value::from(7).sensitive())])));
        assert_eq!(secret[0].message, "`data.x` takes a string, this is a number: quote it");
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        fn named<'t>(of: &'t Type, out: &mut Vec<&'t str>) {
            match of {
                Type::Ref(name) => out.push(name),
                Type::List(of) | Type::Map(of) => named(of, out),
                Type::Object(it) => it.fields.values().for_each(|it| named(it, out)),
                Type::Any | Type::String | Type::Bytes | Type::Integer | Type::Number | Type::Boolean => {}
                Type::IntOrString | Type::OneOf(_) => {}
            }
        }
        let schemas = Schemas::of("1.36").unwrap();
        let mut all = Vec::new();
        schemas.types.values().for_each(|it| named(it, &mut all));
        assert!(all.len() > 500 && all.iter().all(|it| schemas.types.contains_key(*it)));
    }
}
