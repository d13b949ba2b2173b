//! [`Marks`]: whose an object is, as its own metadata says. Put on with everything else that is applied, never shown.

use serde_json::{Map, Value};

use super::{LINEAGE_LABEL, text};
use crate::value;

/// What every annotation of ours begins with, and the label too.
pub const PREFIX: &str = "infra/";
/// The stack's name.
pub const STACK: &str = "infra/stack";
/// The address, as it is.
pub const ADDRESS: &str = "infra/address";
/// The token of the creation that made the object.
pub const TOKEN: &str = "infra/token";
/// What is waited for in place of what the kind means by ready; see [`WaitFor`](super::WaitFor).
pub const WAIT_FOR: &str = "infra/wait-for";

/// What a live object says of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks<'a> {
    /// Empty where nobody owns it, or another tool.
    pub lineage: &'a str,
    pub stack: &'a str,
    pub address: &'a str,
    pub token: &'a str,
    pub wait_for: &'a str,
}

impl<'a> Marks<'a> {
    pub fn of(object: &'a Value) -> Self {
        let named = |list: &str, name: &str| text(object, &format!("/metadata/{list}/{}", name.replace('/', "~1")));
        Self {
            lineage: named("labels", LINEAGE_LABEL),
            stack: named("annotations", STACK),
            address: named("annotations", ADDRESS),
            token: named("annotations", TOKEN),
            wait_for: named("annotations", WAIT_FOR),
        }
    }
}

/// The object without marks, and without the label or annotation lists that had nothing else.
pub fn without_marks(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for list in ["labels", "annotations"] {
            let Some(members) = metadata.get_mut(list).and_then(Value::as_object_mut) else { continue };
            let before = members.len();
            members.retain(|name, _| !name.starts_with(PREFIX));
            if members.is_empty() && before > 0 {
                metadata.remove(list);
            }
        }
    }
    object
}

/// The same, of an object that may be unknown in parts.
pub fn strip(object: &value::Value) -> value::Value {
    let strip_list = |metadata: value::Value, list: &str| {
        let all = metadata.get(list);
        let Some(members) = all.members().filter(|it| it.keys().any(|it| it.starts_with(PREFIX))) else { return metadata };
        let kept = members.iter().filter(|(name, _)| !name.starts_with(PREFIX)).map(|(name, it)| (name.clone(), it.clone()));
        let kept = value::Value::object(kept);
        let rest = metadata.members().into_iter().flatten().filter(|(name, _)| &***name != list);
        let rest = value::Value::object(rest.map(|(name, it)| (name.clone(), it.clone())));
        if kept.members().is_some_and(|it| !it.is_empty()) { rest.with(list, kept) } else { rest }
    };
    let metadata = object.get("metadata");
    match metadata.members() {
        Some(_) => object.with("metadata", ["labels", "annotations"].into_iter().fold(metadata, strip_list)),
        None => object.clone(),
    }
}

/// The object with an annotation more.
pub fn annotated(mut object: Value, name: &str, value: &str) -> Value {
    fn member<'v>(of: &'v mut Value, name: &str) -> Option<&'v mut Value> {
        let members = of.as_object_mut()?;
        let it = members.entry(name).or_insert(Value::Null);
        if it.is_null() {
            *it = Value::Object(Map::new());
        }
        Some(it)
    }
    if let Some(list) = member(&mut object, "metadata").and_then(|it| member(it, "annotations")).and_then(Value::as_object_mut) {
        list.insert(name.to_owned(), value.into());
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_are_read_and_taken_away() {
        let marked =
            json!({"metadata": {"name": "a", "labels": {"infra/lineage": "l"}, "annotations": {"infra/token": "t", "x": "y"}}});
        let marks = Marks::of(&marked);
        assert_eq!((marks.lineage, marks.token, marks.wait_for), ("l", "t", ""));
        let bare = without_marks(marked.clone());
        assert_eq!(strip(&value::Value::from_json(&marked)), value::Value::from_json(&bare));
        assert_eq!(bare, json!({"metadata": {"name": "a", "annotations": {"x": "y"}}}));
        let again = annotated(bare, WAIT_FOR, "none");
        assert_eq!(Marks::of(&again).wait_for, "none");
        let empty = json!({"metadata": {"labels": {}}});
        assert_eq!(without_marks(empty.clone()), empty, "a list that was declared empty stays");
        assert_eq!(annotated(json!({}), "a", "b"), json!({"metadata": {"annotations": {"a": "b"}}}));
    }
}
