//! How the machine compares: what was planned with what came out, and what is desired with what is live.

use crate::schema::Schema;
use crate::stack::desired::Lifecycle;
use crate::value::{Sealer, Value};

/// One attribute of a live thing that is not as desired.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Different {
    pub path: String,
    pub live: Value,
    pub desired: Value,
    pub fixed: bool,
}

/// What differs; for a shell, in what its creation could set.
pub(super) fn differences(schema: &Schema, sealer: &Sealer, desired: &Value, live: &Value, shell: bool) -> Vec<Different> {
    let mut out = Vec::new();
    for (name, attribute) in schema.settings().filter(|(_, it)| !(shell && it.later)) {
        let (a, mut b) = (desired.get(name), live.get(name));
        if &**name == "tags" {
            b = super::ownership::strip(&Value::object([("tags", b)])).get("tags");
        }
        if attribute.presence == crate::schema::Presence::Auto && a.is_null() || sealer.seal(&a) == sealer.seal(&b) {
            continue;
        }
        out.push(Different { path: name.to_string(), live: b, desired: a, fixed: attribute.fixed });
    }
    out
}

/// The first attribute that is not what the plan showed as known: its path, as planned, and as it is now.
pub(super) fn unlike_planned(
    schema: &Schema,
    sealer: &Sealer,
    planned: &Value,
    now: &Value,
    shell: bool,
) -> Option<(String, Value, Value)> {
    let settings = schema.settings().filter(|(_, it)| !(shell && it.later));
    let mut unlike = settings.filter_map(|(name, _)| {
        let (planned, now) = (planned.get(name), now.get(name));
        (planned.is_wholly_known() && sealer.seal(&planned) != sealer.seal(&now)).then(|| (name.to_string(), planned, now))
    });
    unlike.next()
}

pub(super) fn left_to_others(desired: &Value, _live: &Value, _lifecycle: &Lifecycle) -> Value {
    desired.clone()
}

/// The settings with every secret attribute marked, whatever the user or the cloud says of it.
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
    for (name, _) in schema.settings().filter(|(_, it)| it.later) {
        if !settings.get(name).is_wholly_known() {
            out = out.with(name, Value::Null);
        }
    }
    out
}

/// Recorded settings in the form that a call takes: a secret is not at hand, and no call that deletes or looks needs one.
pub(super) fn without_digests(settings: &Value) -> Value {
    settings.map_leaves(&mut |it| if matches!(it, Value::Digest(_)) { Value::from("") } else { it.clone() })
}
