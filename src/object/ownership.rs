//! Whose an object is: a label by which all of a stack are listed, and annotations that say the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::LINEAGE_LABEL;
use crate::value::Value;

/// What all of our labels and annotations begin with.
const PREFIX: &str = "infra/";
/// The annotation with the name of the stack.
pub const STACK: &str = "infra/stack";
/// The annotation with the object's address in the stack.
pub const ADDRESS: &str = "infra/address";
/// The annotation that makes a repeated creation the same creation.
pub const TOKEN: &str = "infra/id";

/// The object with our marks.
pub fn mark(object: &Value, lineage: &str, annotations: impl IntoIterator<Item = (&'static str, String)>) -> Value {
    let annotations = annotations.into_iter().map(|(name, it)| (name, Value::from(it)));
    let object = with(object, "labels", [(LINEAGE_LABEL, Value::from(lineage))]);
    with(&object, "annotations", annotations)
}

fn with(object: &Value, name: &str, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let metadata = object.get("metadata");
    let mut all = metadata.get(name).members().cloned().unwrap_or_default();
    all.extend(more.into_iter().map(|(name, it)| (Arc::from(name), it)));
    object.with("metadata", metadata.with(name, Value::Object(Arc::new(all))))
}

/// The object as its author knows it.
pub fn strip(object: &Value) -> Value {
    let mut metadata = object.get("metadata");
    for name in ["labels", "annotations"] {
        let members = metadata.get(name);
        let Some(members) = members.members().filter(|it| it.keys().any(|it| it.starts_with(PREFIX))) else { continue };
        let kept: BTreeMap<Arc<str>, Value> =
            members.iter().filter(|(it, _)| !it.starts_with(PREFIX)).map(|(name, it)| (name.clone(), it.clone())).collect();
        metadata = match kept.is_empty() {
            true => without(&metadata, name),
            false => metadata.with(name, Value::Object(Arc::new(kept))),
        };
    }
    if metadata.is_null() { object.clone() } else { object.with("metadata", metadata) }
}

fn without(object: &Value, name: &str) -> Value {
    let members = object.members().into_iter().flatten().filter(|(it, _)| &***it != name);
    Value::object(members.map(|(name, it)| (name.clone(), it.clone())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_marked_is_stripped_again() {
        for object in [
            json!({"kind": "Pod", "metadata": {"name": "a"}}),
            json!({"kind": "Pod", "metadata": {"name": "a", "labels": {"app": "x"}, "annotations": {"note": "y"}}}),
        ] {
            let object = Value::from_json(&object);
            let marked = mark(&object, "l-1", [(STACK, "dev".to_owned()), (ADDRESS, "a.b[\"Pod/a\"]".to_owned())]);
            assert_eq!(marked.get("metadata").get("labels").get("infra/lineage"), Value::from("l-1"));
            assert_eq!(marked.get("metadata").get("annotations").get("infra/stack"), Value::from("dev"));
            assert_eq!(strip(&marked), object);
        }
    }
}
