//! How the machine compares: what was planned with what came out, and what is desired with what is live.

use crate::plan::diff::{Differ, Difference};
use crate::schema::equal::Compare;
use crate::schema::{Presence, Schema};
use crate::value::{Sealer, Value};

/// What differs between desired and live; of a shell, in what its creation could set. Secrets that the cloud never tells
/// count as they were handed over.
pub(super) fn differences(schema: &Schema, sealer: &Sealer, desired: &Value, live: &Value, shell: bool) -> Vec<Difference> {
    let mut found = Differ { schema, sealer }.differences(desired, Some(desired), live);
    if shell {
        let later = |path: &str| {
            let root = path.split(['.', '[']).next().unwrap_or(path);
            schema.attributes.get(root).is_some_and(|it| it.later)
        };
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
        let (planned, now) = (planned.get(name), now.get(name));
        if !compare.fits(attribute, &planned, &now) {
            return Some((name.to_string(), planned.mark(attribute.secret), now.mark(attribute.secret)));
        }
    }
    None
}

/// The value with every secret attribute marked, whatever the files or the cloud say of it.
pub(super) fn mark_secrets(schema: &Schema, value: &Value) -> Value {
    let mut out = value.clone();
    for (name, _) in schema.attributes.iter().filter(|(_, it)| it.secret) {
        let member = value.get(name);
        if !member.is_null() && !member.is_unknown() {
            out = out.with(name, member.sensitive());
        }
    }
    out
}

/// What a creation can do without: attributes that a later step sets, where they wait for something.
pub(super) fn without_unknown_later(schema: &Schema, settings: &Value) -> Value {
    let mut out = settings.clone();
    for (name, it) in schema.settings().filter(|(_, it)| it.later && it.presence != Presence::Required) {
        if !settings.get(name).is_wholly_known() {
            out = out.with(name, it.default.clone());
        }
    }
    out
}

/// Recorded settings in the form that a call takes: a secret is not at hand, and no call that deletes or looks needs one.
pub(super) fn without_digests(settings: &Value) -> Value {
    settings.map_leaves(&mut |it| if matches!(it, Value::Digest(_)) { Value::from("") } else { it.clone() })
}
