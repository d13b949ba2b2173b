//! The plan document: what `plan --format json` prints. Its shape is a promise; see `engine.md` §8.

use serde::Serialize;
use serde_json::Value as Json;

use crate::plan::{Action, AttributeChange, Change, Plan, Reason, Summary};
use crate::remote::Id;
use crate::report::Places;
use crate::value::Value;

pub const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    stack: &'a str,
    account: &'a str,
    region: &'a str,
    changes: Vec<ChangeView<'a>>,
    /// What would only undo somebody's hand-made change, and is left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withheld: Vec<ChangeView<'a>>,
    deferred: Vec<DeferredView>,
    outputs: serde_json::Map<String, Json>,
    summary: Summary,
}

#[derive(Serialize)]
struct ChangeView<'a> {
    address: String,
    #[serde(rename = "type")]
    type_name: &'a str,
    action: Action,
    create_first: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    repairs_drift: bool,
    reasons: &'a [Reason],
    attributes: Vec<AttributeView<'a>>,
}

#[derive(Serialize)]
struct AttributeView<'a> {
    path: &'a str,
    before: Json,
    after: Json,
    unknown: bool,
    sensitive: bool,
    forces_replacement: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<String>,
}

#[derive(Serialize)]
struct DeferredView {
    address: String,
    waits_for: Vec<String>,
}

pub fn plan(plan: &Plan, withheld: &[Change], places: &dyn Places, all: bool) -> Json {
    let shown = |it: &&Change| all || it.action != Action::Noop;
    let document = Document {
        format_version: FORMAT_VERSION,
        stack: plan.stack.as_str(),
        account: &plan.account,
        region: &plan.region,
        changes: plan.changes.iter().filter(shown).map(|it| change(it, places)).collect(),
        withheld: withheld.iter().map(|it| change(it, places)).collect(),
        deferred: plan
            .deferred
            .iter()
            .map(|it| DeferredView { address: it.address.to_string(), waits_for: it.waits_for.iter().map(wait).collect() })
            .collect(),
        outputs: plan
            .outputs
            .iter()
            .map(|(name, it)| {
                let view = serde_json::json!({
                    "before": shown_value(&it.before, it.sensitive),
                    "after": shown_value(&it.after, it.sensitive),
                    "unknown": !it.after.is_wholly_known(),
                    "sensitive": it.sensitive,
                });
                (name.clone(), view)
            })
            .collect(),
        summary: Summary::of(&plan.changes),
    };
    serde_json::to_value(document).unwrap_or(Json::Null)
}

fn change<'a>(it: &'a Change, places: &dyn Places) -> ChangeView<'a> {
    ChangeView {
        address: it.address.to_string(),
        type_name: &it.type_name,
        action: it.action,
        create_first: it.create_first,
        id: it.id.as_ref(),
        source: it.span.as_ref().and_then(|span| places.place(span)),
        repairs_drift: it.repairs_drift,
        reasons: &it.reasons,
        attributes: it.attributes.iter().map(attribute).collect(),
    }
}

fn attribute(it: &AttributeChange) -> AttributeView<'_> {
    AttributeView {
        path: &it.path,
        before: shown_value(&it.before, it.sensitive),
        after: shown_value(&it.after, it.sensitive),
        unknown: !it.after.is_wholly_known(),
        sensitive: it.sensitive || it.before.has_secret() || it.after.has_secret(),
        forces_replacement: it.forces_replacement,
        waits_for: it.after.waits_for().iter().map(wait).collect(),
    }
}

fn wait(it: &crate::value::Provenance) -> String {
    if it.path.is_empty() { it.address.to_string() } else { format!("{}.{}", it.address, it.path) }
}

/// Plain JSON in which what is unknown or secret is null; the flags beside it say which.
pub fn shown_value(value: &Value, sensitive: bool) -> Json {
    if sensitive {
        return Json::Null;
    }
    let open = value.map_leaves(&mut |it| match it {
        Value::Unknown(_) | Value::Sensitive(_) | Value::Digest(_) => Value::Null,
        it => it.clone(),
    });
    open.to_json().unwrap_or(Json::Null)
}
