//! What in an object is secret whatever its author says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::value::{Type, Value};

/// The object with the data of a Secret marked, member by member; anything else as it is. What is written as `stringData` is in
/// `data`, where the cluster keeps it: it never answers with the other.
pub fn mark(object: &Value) -> Value {
    if object.get("kind").as_str() != Some("Secret") || object.get("apiVersion").as_str() != Some("v1") {
        return object.clone();
    }
    let object = match object.get("stringData").members() {
        Some(texts) if !matches!(object.get("stringData"), Value::Sensitive(_)) && texts.values().all(is_text) => {
            let data = object.get("data").with_all(texts.iter().map(|(name, it)| (name.clone(), encoded(it))));
            let members = object.members().into_iter().flatten().filter(|(name, _)| &***name != "stringData");
            Value::object(members.map(|(name, it)| (name.clone(), it.clone()))).with("data", data)
        }
        _ => object.clone(),
    };
    ["data", "stringData"].into_iter().fold(object, |object, name| {
        let data = object.get(name);
        match &data {
            Value::Null => object,
            Value::Map(members) | Value::Object(members) => {
                let members = members.iter().map(|(name, it)| (name.clone(), it.clone().sensitive()));
                object.with(name, Value::object(members))
            }
            _ => object.with(name, data.sensitive()),
        }
    })
}

/// What is not is left for the cluster to refuse.
fn is_text(value: &Value) -> bool {
    value.as_str().is_some() || value.is_unknown()
}

fn encoded(value: &Value) -> Value {
    match value.as_str() {
        Some(text) => Value::from(STANDARD.encode(text)).sensitive(),
        None => Value::unknown_from(Type::String, [value]).sensitive(),
    }
}

/// `value` with those parts marked that are secret in `pattern`, which is the same object in another form. Where the two have
/// different forms and a secret is involved, the whole part is marked.
pub fn like(value: &Value, pattern: &Value) -> Value {
    if !pattern.has_secret() || value.is_null() {
        return value.clone();
    }
    match (value, pattern) {
        (Value::Object(members) | Value::Map(members), Value::Object(_) | Value::Map(_)) => {
            Value::object(members.iter().map(|(name, it)| (name.clone(), like(it, &pattern.get(name)))))
        }
        (Value::List(items) | Value::Tuple(items), Value::List(others) | Value::Tuple(others)) if items.len() == others.len() => {
            Value::tuple(items.iter().zip(others.iter()).map(|(it, other)| like(it, other)))
        }
        _ => value.clone().sensitive(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(value: &Value) -> String {
        format!("{value:?}")
    }

    #[test]
    fn the_data_of_secrets_is_secret_and_in_one_place() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "y"}});
        let marked = mark(&Value::from_json(&secret));
        assert_eq!(shown(&marked), r#"{"apiVersion": "v1", "data": {"a": (sensitive), "b": (sensitive)}, "kind": "Secret"}"#);
        assert_eq!(marked.get("data").unmark_deep().0.get("b"), Value::from("eQ=="));
        let wrong = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"b": 1}});
        assert_eq!(
            shown(&mark(&Value::from_json(&wrong))),
            r#"{"apiVersion": "v1", "kind": "Secret", "stringData": {"b": (sensitive)}}"#
        );
        let sealed = Value::from_json(&json!({"apiVersion": "bitnami.com/v1", "kind": "Secret", "data": {"a": "x"}}));
        assert_eq!(mark(&sealed), sealed);
    }

    #[test]
    fn another_form_of_an_object_is_as_secret() {
        let pattern = Value::from_json(&json!({"a": {"b": null, "c": 1}, "d": [1, 2]}));
        let pattern = pattern.with("a", pattern.get("a").with("b", Value::from("s").sensitive()));
        let pattern = pattern.with("d", Value::tuple([Value::from(1), Value::from(2).sensitive()]));
        let form = |json| shown(&like(&Value::from_json(&json), &pattern));
        assert_eq!(
            form(json!({"a": {"b": "t", "c": 2}, "d": [3, 4]})),
            r#"{"a": {"b": (sensitive), "c": 2}, "d": [3, (sensitive)]}"#
        );
        assert_eq!(form(json!({"a": {"c": 2}, "d": [3, 4, 5]})), r#"{"a": {"c": 2}, "d": (sensitive)}"#);
    }
}
