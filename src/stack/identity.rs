//! What names an object.

use crate::object::Key;
use crate::object::key::group_of;
use crate::value::{Type, Value};

/// The key of an object, or why it has none.
pub enum Identity {
    Known(Key),
    /// A part of it is not known yet.
    Unknown(Value),
    /// What lies at this path is marked.
    Secret(String),
    Wrong {
        path: String,
        message: String,
    },
}

enum Part {
    Is(Value),
    Unknown(Value),
    Secret,
}

/// Follows the names; a mark or an unknown on the way counts for what lies below.
fn part(object: &Value, names: &[&str]) -> Part {
    let mut at = object.clone();
    for name in names {
        match &at {
            Value::Sensitive(_) | Value::Digest(_) => return Part::Secret,
            Value::Unknown(_) => return Part::Unknown(at),
            it => at = it.get(name),
        }
    }
    match at {
        Value::Sensitive(_) | Value::Digest(_) => Part::Secret,
        Value::Unknown(_) => Part::Unknown(at),
        it => Part::Is(it),
    }
}

pub fn identity(object: &Value) -> Identity {
    let wrong = |path: &str, message: String| Identity::Wrong { path: path.to_owned(), message };
    if object.members().is_none() && !object.is_unknown() {
        return wrong("", format!("an object is needed here, this is {}", object.kind()));
    }
    let names: [&[&str]; 4] = [&["apiVersion"], &["kind"], &["metadata", "namespace"], &["metadata", "name"]];
    let (mut texts, mut unknown) = (Vec::new(), Vec::new());
    for names in names {
        let path = names.join(".");
        match part(object, names) {
            Part::Secret => return Identity::Secret(path),
            Part::Unknown(it) => {
                unknown.push(it);
                texts.push(String::new());
            }
            Part::Is(Value::Null) if path == "metadata.namespace" => texts.push(String::new()),
            Part::Is(Value::Null) => {
                let generated = path == "metadata.name" && !object.get("metadata").get("generateName").is_null();
                return match generated {
                    true => {
                        wrong("metadata.generateName", "an object whose name the cluster makes up cannot be found again".into())
                    }
                    false => wrong("", format!("the object has no `{path}`")),
                };
            }
            Part::Is(Value::String(it)) if it.is_empty() => return wrong(&path, format!("`{path}` is empty")),
            Part::Is(Value::String(it)) if it.contains('/') && path != "apiVersion" => {
                return wrong(&path, format!("`{path}` must not contain a `/`: {it}"));
            }
            Part::Is(Value::String(it)) => texts.push(it.to_string()),
            Part::Is(other) => return wrong(&path, format!("`{path}` is a text, this is {}: quote it", other.kind())),
        }
    }
    if !unknown.is_empty() {
        return Identity::Unknown(Value::unknown_from(Type::Any, &unknown));
    }
    match <[String; 4]>::try_from(texts) {
        Ok([api_version, kind, namespace, name]) => Identity::Known(Key {
            group: group_of(&api_version).to_owned(),
            kind,
            namespace: Some(namespace).filter(|it| !it.is_empty()),
            name,
        }),
        Err(_) => wrong("", "the object has no name".into()),
    }
}
