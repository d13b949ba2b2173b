//! Paths into settings and objects, as people write them: `scaling_config.desired_size`, `ingress[0].port`,
//! `metadata.labels["app.kubernetes.io/name"]`.

use std::sync::Arc;

use super::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(Arc<str>),
    Item(usize),
}

/// `path` with a member behind it.
pub fn member(path: &str, name: &str) -> String {
    let plain = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-');
    match (plain, path.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{path}.{name}"),
        (false, _) => key(path, name),
    }
}

/// `path` with the key of a map behind it.
pub fn key(path: &str, key: &str) -> String {
    format!("{path}[{}]", serde_json::Value::from(key))
}

/// `path` with the place of an item behind it, from 0.
pub fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The first name of a path: the attribute that is written in the file.
pub fn root(path: &str) -> &str {
    path.find(['.', '[']).map_or(path, |end| &path[..end])
}

/// Whether `path` is `scope` or lies within it; everything lies within the empty scope.
pub fn is_within(path: &str, scope: &str) -> bool {
    scope.is_empty() || path.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// `desired` with what lies at `paths` taken from `live`. A path that is malformed or leads nowhere changes nothing.
pub fn overlay<'p>(desired: &Value, live: &Value, paths: impl IntoIterator<Item = &'p str>) -> Value {
    paths.into_iter().fold(desired.clone(), |value, path| match parse(path) {
        Some(steps) => put(&value, live, &steps),
        None => value,
    })
}

/// What lies at `path`; null where it leads nowhere.
pub fn get(value: &Value, path: &str) -> Value {
    let follow = |value: Value, step: Step| match step {
        Step::Member(name) => value.get(&name),
        Step::Item(at) => value.items().and_then(|it| it.get(at).map(|it| (*it).clone())).unwrap_or_default(),
    };
    parse(path).map_or(Value::Null, |steps| steps.into_iter().fold(value.clone(), follow))
}

fn parse(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let mut stream = serde_json::Deserializer::from_str(inside).into_iter::<serde_json::Value>();
            steps.push(match stream.next()?.ok()? {
                serde_json::Value::String(key) => Step::Member(key.into()),
                it => Step::Item(usize::try_from(it.as_u64()?).ok()?),
            });
            rest = inside.get(stream.byte_offset()..)?.strip_prefix(']')?;
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Member(name[..end].into()));
            rest = &name[end..];
        }
    }
    Some(steps)
}

fn put(desired: &Value, live: &Value, steps: &[Step]) -> Value {
    // What takes the place of a secret is as secret.
    let Some((step, rest)) = steps.split_first() else { return live.clone().mark(desired.has_secret()) };
    let (bare, marked) = desired.unmark();
    let out = match step {
        Step::Member(name) => {
            let Some(live_members) = live.members() else { return desired.clone() };
            let mut members = match bare {
                Value::Null => Default::default(),
                _ => match bare.members() {
                    Some(it) => it.clone(),
                    None => return desired.clone(),
                },
            };
            match (live_members.get(name), rest.is_empty()) {
                (None, true) => {
                    members.remove(name);
                }
                (live, _) => {
                    let inner = members.get(name).cloned().unwrap_or(Value::Null);
                    let inner = put(&inner, live.unwrap_or(&Value::Null), rest);
                    if inner.is_null() && !members.contains_key(name) {
                        return desired.clone();
                    }
                    members.insert(name.clone(), inner);
                }
            }
            if members.is_empty() && bare.is_null() {
                return desired.clone();
            }
            bare.holding(members)
        }
        Step::Item(at) => {
            let (Some(items), Some(live)) = (bare.items(), live.items()) else { return desired.clone() };
            let Some(live) = live.get(*at) else { return desired.clone() };
            let replaced = items.iter().enumerate().map(|(i, it)| if i == *at { put(it, live, rest) } else { (*it).clone() });
            match bare {
                Value::List(_) => Value::list(replaced),
                Value::Tuple(_) => Value::tuple(replaced),
                // A set has no places.
                _ => return desired.clone(),
            }
        }
    };
    out.mark(marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_taken_as_it_is() {
        let desired = Value::object([
            ("size", Value::object([("min", Value::from(1)), ("desired", Value::from(2))])),
            ("tags", Value::map([("a", Value::from("1")), ("b", Value::from("2"))])),
            ("rule", Value::list([Value::object([("port", Value::from(1))])])),
        ]);
        let live = Value::object([
            ("size", Value::object([("min", Value::from(5)), ("desired", Value::from(9))])),
            ("tags", Value::object([("a", Value::from("x"))])),
            ("rule", Value::tuple([Value::object([("port", Value::from(7))])])),
        ]);
        let out =
            overlay(&desired, &live, ["size.desired", "tags[\"a\"]", "tags[\"b\"]", "rule[0].port", "no.where", "[", "rule[9]"]);
        assert_eq!(format!("{out:?}"), r#"{"rule": [{"port": 7}], "size": {"desired": 9, "min": 1}, "tags": {"a": "x"}}"#);
    }

    #[test]
    fn a_scope_covers_its_parts() {
        assert!(is_within("tags[\"a\"]", "tags") && is_within("a.b", "a.b") && !is_within("tagset", "tags"));
        assert_eq!(root("ingress[0].from_port"), "ingress");
    }

    #[test]
    fn names_with_dots_are_quoted() {
        assert_eq!(member(&member("", "metadata"), "labels"), "metadata.labels");
        assert_eq!(member("labels", "app.kubernetes.io/name"), r#"labels["app.kubernetes.io/name"]"#);
        assert_eq!(member(&item("spec.containers", 1), "image"), "spec.containers[1].image");
        assert!(is_within("spec.a", "spec") && is_within("spec[0]", "spec") && !is_within("specs", "spec") && is_within("a", ""));
    }
}
