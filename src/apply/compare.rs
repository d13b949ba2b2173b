//! How the machine compares: what was planned with what came out, and what is desired with what is live.

use crate::object::secret;
use crate::plan::Forms;
use crate::plan::diff::{Differ, Difference};
use crate::schema::equal::Compare;
use crate::schema::{Attribute, Attributes, Presence, Schema, Shape};
use crate::value::{Sealer, Value, path};

/// What must be changed for live to be as desired; of a shell, in what its creation could set. What the cloud never tells
/// counts as it was `applied`, what it answers in another form as desired once it was `taken` in this step, and what is kept on
/// record alone is nothing to change.
pub(super) fn differences(
    schema: &Schema,
    sealer: &Sealer,
    desired: &Value,
    applied: &Value,
    live: &Value,
    taken: bool,
    shell: bool,
) -> Vec<Difference> {
    let forms = if taken { Forms::Taken } else { Forms::Given };
    let mut found = Differ { forms, ..Differ::new(schema, sealer) }.differences(desired, Some(applied), live);
    found.retain(|it| !it.local);
    if shell {
        let later = |at: &str| schema.attributes.get(path::root(at)).is_some_and(|it| it.later);
        found.retain(|it| !later(&it.path));
    }
    found
}

/// The first attribute that is not what the plan showed as known: its path, as planned, and as it is now.
pub(super) fn unlike_planned(
    schema: &Schema,
    sealer: &Sealer,
    planned: &Value,
    now: &Value,
    shell: bool,
) -> Option<(String, Value, Value)> {
    let compare = Compare { sealer };
    for (name, attribute) in schema.settings().filter(|(_, it)| !(shell && it.later)) {
        let (planned, now) = (planned.member(name), now.member(name));
        if !compare.fits(attribute, &filled(planned, now), now) {
            let marked = |it: &Value| it.clone().mark(attribute.secret);
            return Some((name.to_string(), marked(planned), marked(now)));
        }
    }
    None
}

/// What was planned, with what was not known then taken as it came out.
fn filled(planned: &Value, now: &Value) -> Value {
    let inside = |it: &Value| it.any(&mut |it| matches!(it, Value::Unknown(_)));
    match planned.unmark().0 {
        Value::Unknown(_) => now.clone(),
        it if !inside(it) => planned.clone(),
        Value::Object(members) | Value::Map(members) => {
            Value::object(members.iter().map(|(key, it)| (key.clone(), filled(it, &now.get(key)))))
        }
        Value::List(items) | Value::Tuple(items) => {
            let now = now.items().unwrap_or_default();
            let others = now.into_iter().cloned().chain(std::iter::repeat(Value::Null));
            Value::tuple(items.iter().zip(others).map(|(it, now)| filled(it, &now)))
        }
        // Which member came of which, nobody knows: what was known must be among them.
        Value::Set(items) => {
            let known = items.iter().filter(|it| !inside(it)).cloned();
            Value::set(known.chain(now.items().unwrap_or_default().into_iter().cloned()))
        }
        leaf => leaf.clone(),
    }
}

/// What the cloud told of a thing that is taken in, and for what it never tells what the files say: that counts as applied.
pub(super) fn with_untold(schema: &Schema, told: &Value, desired: &Value) -> Value {
    with_untold_of(&schema.attributes, told, desired)
}

fn with_untold_of(attributes: &Attributes, told: &Value, desired: &Value) -> Value {
    let more = attributes.iter().filter_map(|(name, it)| {
        let (live, wanted) = (told.member(name), desired.member(name));
        let value = match (&it.shape, it.is_untold(live)) {
            (_, true) => wanted.clone(),
            (Shape::Object(inner), false) if live.members().is_some() => with_untold_of(inner, live, wanted),
            (_, false) => return None,
        };
        (!value.is_null() && value.is_wholly_known()).then(|| (name.clone(), value))
    });
    told.with_all(more)
}

/// The value with every secret attribute marked, whatever the files or the cloud say of it.
pub(super) fn mark_secrets(schema: &Schema, value: &Value) -> Value {
    let secrets = schema.attributes.iter().filter(|(_, it)| it.secret).map(|(name, _)| (name.clone(), value.get(name)));
    let told = secrets.filter(|(_, it)| !it.is_null() && !it.is_unknown());
    let out = value.with_all(told.map(|(name, it)| (name, it.sensitive())));
    match schema.objects().map(|name| (name, out.get(name))) {
        Some((name, object)) if !object.is_null() => out.with(name, secret::mark(&object)),
        Some(_) | None => out,
    }
}

/// What a creation can do without: attributes that a later step sets, where they wait for something.
pub(super) fn without_unknown_later(schema: &Schema, settings: &Value) -> Value {
    let later = schema.settings().filter(|(_, it)| it.later && it.presence != Presence::Required);
    let unknown = later.filter(|(name, _)| !settings.get(name).is_wholly_known());
    settings.with_all(unknown.map(|(name, it)| (name.clone(), it.default.clone())))
}

/// Recorded settings in the form that a call takes: a secret is not at hand, and no call that deletes or looks needs one.
pub(super) fn without_digests(schema: &Schema, settings: &Value) -> Value {
    // Where more than a text is secret as a whole, nothing of it is known.
    let whole = |name: &str, it: &Attribute| {
        matches!(settings.get(name), Value::Digest(_)) && !matches!(it.shape, Shape::String | Shape::Any)
    };
    let nothing = schema.settings().filter(|(name, it)| whole(name, it));
    let settings = settings.with_all(nothing.map(|(name, it)| (name.clone(), it.default.clone())));
    settings.map_leaves(&mut |it| if matches!(it, Value::Digest(_)) { Value::from("") } else { it.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;

    fn unlike(planned: Value, now: Value) -> Option<String> {
        let schema = crate::sim::types::schema("sim_instant");
        let object = |it: Value| Value::object([("peers", it)]);
        let sealer = Sealer::new([1; 32]);
        unlike_planned(&schema, &sealer, &object(planned), &object(now), false).map(|(path, ..)| path)
    }

    #[test]
    fn what_was_not_known_may_come_out_as_anything_and_the_rest_may_not() {
        let later = || Value::unknown(Type::String, "a.b".parse().unwrap(), "id");
        let set = |items: &[&str]| Value::set(items.iter().map(|it| Value::from(*it)));
        assert_eq!(unlike(Value::set([later(), "x".into()]), set(&["x", "y"])), None);
        assert_eq!(unlike(Value::set([later(), "x".into()]), set(&["y", "z"])), Some("peers".into()));
        assert_eq!(unlike(later(), set(&["y"])), None);
        assert_eq!(unlike(set(&["x"]), set(&["y"])), Some("peers".into()));
    }

    #[test]
    fn a_secret_is_compared_with_its_digest() {
        let schema = crate::sim::types::schema("sim_instant");
        let sealer = Sealer::new([1; 32]);
        let clear = |text: &str| Value::object([("secret", Value::from(text).sensitive())]);
        let planned = sealer.seal(&clear("a"));
        assert_eq!(unlike_planned(&schema, &sealer, &planned, &clear("a"), false), None);
        let (path, planned, now) = unlike_planned(&schema, &sealer, &planned, &clear("b"), false).unwrap();
        assert_eq!((path.as_str(), format!("{planned:?} {now:?}").as_str()), ("secret", "(sensitive) (sensitive)"));
    }
}
