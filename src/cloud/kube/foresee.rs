//! What the server says in a dry run: the object as it would be, or what is wrong with it and where.

use serde_json::Value;

use super::fault::{conflicts, is_immutable, owners};
use super::send::Refusal;
use crate::object::{items, path, text};
use crate::remote::{Class, Fault};

/// What would come of applying an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Foreseen {
    /// The whole object, with defaults and what admission makes of it.
    Taken(Value),
    /// Only a new object can have it: what cannot change, by path.
    Anew(Vec<String>),
    Wrong(Vec<Complaint>),
}

/// What the server does not take, and the part that it is about: empty for the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub path: String,
    pub message: String,
}

/// The meaning of a refused dry run of `object`. What says nothing about the object stays a fault.
pub(super) fn of_refusal(object: &Value, refused: Refusal) -> Result<Foreseen, Fault> {
    let Refusal { fault, answer } = refused;
    if fault.class != Class::Refused && fault.class != Class::Quota {
        return Err(fault);
    }
    let others = conflicts(&answer);
    if !others.is_empty() {
        let one = |it: &super::fault::Conflict| Complaint { path: located(object, &it.field), message: owners(it) };
        return Ok(Foreseen::Wrong(others.iter().map(one).collect()));
    }
    let causes = items(&answer, "/details/causes").iter().map(|it| (text(it, "/field"), text(it, "/message")));
    let mut all: Vec<(&str, &str)> = causes.filter(|(_, message)| !message.is_empty()).collect();
    let said = text(&answer, "/message");
    if all.is_empty() {
        all = typed(said);
    }
    let fixed: Vec<String> = all.iter().filter(|(_, it)| is_immutable(it)).map(|(field, _)| located(object, field)).collect();
    // Of a refusal with several causes, one that only a new object cures makes the others speak of that.
    Ok(match (fixed.is_empty(), all.is_empty()) {
        (false, _) => Foreseen::Anew(fixed),
        (true, true) if is_immutable(said) => Foreseen::Anew(vec![String::new()]),
        (true, true) => Foreseen::Wrong(vec![Complaint { path: String::new(), message: fault.message }]),
        (true, false) => {
            let one = |(field, it): (&str, &str)| Complaint { path: located(object, field), message: it.to_owned() };
            Foreseen::Wrong(all.into_iter().map(one).collect())
        }
    })
}

/// `failed to create typed patch object (…): .spec.x: field not declared in schema`, one or several; also
/// `unknown field "spec.x"` of strict decoding.
///
/// Source: `structured-merge-diff/typed/helpers.go` (`ValidationErrors`), `apimachinery/pkg/runtime/serializer/json`.
fn typed(message: &str) -> Vec<(&str, &str)> {
    if let Some((_, rest)) = message.split_once("failed to create typed patch object (") {
        let Some((_, rest)) = rest.split_once("): ") else { return Vec::new() };
        let lines = rest.trim_start_matches("errors:").lines().map(str::trim).filter(|it| it.starts_with('.'));
        return lines.filter_map(|it| it.split_once(": ")).collect();
    }
    let unknown = message.split("unknown field \"").skip(1).filter_map(|it| Some(it.split_once('"')?.0));
    unknown.map(|field| (field, "unknown field")).collect()
}

/// A server's path in the form of [`path`]: with places in place of what tells items apart. As far as it leads into the object.
fn located(object: &Value, field: &str) -> String {
    let (mut at, mut out, mut rest) = (Some(object), String::new(), field);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let Some((inner, after)) = after.split_once(']') else { break };
            rest = after;
            match at {
                Some(Value::Array(list)) => {
                    let Some(index) = place(list, inner) else { break };
                    out = path::item(&out, index);
                    at = list.get(index);
                }
                _ => {
                    let name = inner.trim_matches('"');
                    out = path::member(&out, name);
                    at = at.and_then(|it| it.get(name));
                }
            }
        } else {
            let after = rest.strip_prefix('.').unwrap_or(rest);
            let name = name(at, after);
            if name.is_empty() {
                break;
            }
            rest = &after[name.len()..];
            out = path::member(&out, name);
            at = at.and_then(|it| it.get(name));
        }
    }
    out
}

/// The member that a path goes on with. A name with dots in it is told by the object.
fn name<'p>(at: Option<&Value>, rest: &'p str) -> &'p str {
    let ends = |name: &str| rest.get(name.len()..).is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']));
    let known = at.and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name);
    let longest = known.filter(|it| rest.starts_with(it.as_str()) && ends(it)).map(String::len).max();
    let end = longest.or_else(|| rest.find(['.', '['])).unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest)
}

/// The place of an item: `0`, `name="web",port=80`, or the item itself.
fn place(list: &[Value], inner: &str) -> Option<usize> {
    if let Ok(index) = inner.parse() {
        return Some(index);
    }
    let keys: Vec<(&str, &str)> = inner.split(',').filter_map(|it| it.split_once('=')).collect();
    if keys.is_empty() {
        let wanted: Value = serde_json::from_str(inner).ok()?;
        return list.iter().position(|it| *it == wanted);
    }
    let keys: Option<Vec<(&str, Value)>> =
        keys.into_iter().map(|(name, it)| Some((name, serde_json::from_str(it).ok()?))).collect();
    let keys = keys?;
    list.iter().position(|item| keys.iter().all(|(name, wanted)| item.get(name) == Some(wanted)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "metadata": {"labels": {"app.kubernetes.io/name": "a"}, "finalizers": ["x", "y"]},
            "spec": {"containers": [{"name": "a", "port": 1}, {"name": "web", "port": 80}]},
        })
    }

    fn refused(answer: Value) -> Foreseen {
        let fault = Fault::new(Class::Refused, "kubernetes:DryRun", text(&answer, "/message"));
        of_refusal(&object(), Refusal { fault, answer }).unwrap()
    }

    #[test]
    fn paths_of_the_server_lead_into_the_object() {
        for (field, path) in [
            (".spec.containers[name=\"web\"].tty", "spec.containers[1].tty"),
            ("spec.containers[name=\"web\",port=80].tty", "spec.containers[1].tty"),
            ("spec.containers[0].image", "spec.containers[0].image"),
            ("metadata.labels[app.kubernetes.io/name]", "metadata.labels[\"app.kubernetes.io/name\"]"),
            (".metadata.labels.app.kubernetes.io/name", "metadata.labels[\"app.kubernetes.io/name\"]"),
            (".metadata.finalizers[\"y\"]", "metadata.finalizers[1]"),
            (".spec.containers[name=\"gone\"].tty", "spec.containers"),
            ("spec", "spec"),
            ("", ""),
        ] {
            assert_eq!(located(&object(), field), path, "{field}");
        }
    }

    #[test]
    fn what_cannot_change_needs_a_new_object_and_the_rest_is_wrong() {
        let causes = |all: &[(&str, &str)]| {
            let all: Vec<Value> = all.iter().map(|(field, it)| json!({"reason": "R", "field": field, "message": it})).collect();
            json!({"message": "m", "details": {"causes": all}})
        };
        let fixed = refused(causes(&[("spec.selector", "Invalid value: …: field is immutable"), ("spec.x", "other")]));
        assert_eq!(fixed, Foreseen::Anew(vec!["spec.selector".into()]));
        let complaint = |path: &str, message: &str| Complaint { path: path.into(), message: message.into() };
        assert_eq!(
            refused(causes(&[("spec.containers[1].image", "Required value")])),
            Foreseen::Wrong(vec![complaint("spec.containers[1].image", "Required value")])
        );
        let message = "failed to create typed patch object (hold/w; apps/v1, Kind=D): errors:\n  .spec.a: field not declared in schema\n  .spec.b: expected numeric (int or float), got string";
        assert_eq!(
            refused(json!({"message": message})),
            Foreseen::Wrong(vec![
                complaint("spec.a", "field not declared in schema"),
                complaint("spec.b", "expected numeric (int or float), got string")
            ])
        );
        let hook = "admission webhook \"w\" denied the request: no";
        assert_eq!(refused(json!({"message": hook})), Foreseen::Wrong(vec![complaint("", hook)]));
        let busy = Fault::new(Class::Busy, "c", "m");
        assert_eq!(of_refusal(&object(), busy.clone().into()), Err(busy));
    }
}
