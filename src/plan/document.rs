//! The plan as a JSON document for scripts: format 1. Fields are added, never renamed or taken away, within a format.

use serde::Serialize;
use serde_json::Value as Json;

use super::change::{Action, Change, Reason, Summary};
use super::{Deferred, Plan};
use crate::value::Value;

#[derive(Clone, Debug, Serialize)]
pub struct Document<'a> {
    pub format_version: u32,
    pub stack: &'a str,
    pub account: &'a str,
    pub region: &'a str,
    pub changes: Vec<ChangeDocument<'a>>,
    pub deferred: &'a [Deferred],
    pub summary: SummaryDocument,
}

#[derive(Clone, Debug, Serialize)]
pub struct ChangeDocument<'a> {
    pub address: String,
    #[serde(rename = "type")]
    pub type_name: &'a str,
    pub action: Action,
    pub reasons: &'a [Reason],
    pub attributes: Vec<AttributeDocument<'a>>,
}

#[derive(Clone, Debug, Serialize)]
pub struct AttributeDocument<'a> {
    pub path: &'a str,
    /// Null when there is nothing, and when it is sensitive.
    pub before: Json,
    /// Null also while it is unknown; members that are unknown are null in it.
    pub after: Json,
    /// Whether a part of `after` is only known after a step.
    pub unknown: bool,
    pub sensitive: bool,
    pub forces_replacement: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct SummaryDocument {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub forget: usize,
    pub import: usize,
    #[serde(rename = "move")]
    pub moved: usize,
    pub noop: usize,
}

impl<'a> Document<'a> {
    /// `all`: with what does not change.
    pub fn of(plan: &'a Plan, all: bool) -> Self {
        let Summary { create, update, replace, delete, read: _, forget, import, moved, noop } = Summary::of(&plan.changes);
        let shown = plan.changes.iter().filter(|it| all || it.action != Action::Noop);
        Self {
            format_version: 1,
            stack: plan.stack.as_str(),
            account: &plan.account,
            region: &plan.region,
            changes: shown.map(change).collect(),
            deferred: &plan.deferred,
            summary: SummaryDocument { create, update, replace, delete, forget, import, moved, noop },
        }
    }
}

fn change(it: &Change) -> ChangeDocument<'_> {
    let attributes = it.attributes.iter().map(|it| AttributeDocument {
        path: &it.path,
        before: if it.sensitive { Json::Null } else { public(&it.before) },
        after: if it.sensitive { Json::Null } else { public(&it.after) },
        unknown: !it.after.is_wholly_known(),
        sensitive: it.sensitive,
        forces_replacement: it.forces_replacement,
    });
    ChangeDocument {
        address: it.address.to_string(),
        type_name: &it.type_name,
        action: it.action,
        reasons: &it.reasons,
        attributes: attributes.collect(),
    }
}

/// Plain JSON; what is unknown or secret is null.
fn public(value: &Value) -> Json {
    let shown = value.map_leaves(&mut |it| match it {
        Value::Unknown(_) | Value::Sensitive(_) | Value::Digest(_) => Value::Null,
        it => it.clone(),
    });
    shown.to_json().unwrap_or(Json::Null)
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn the_document_has_the_documented_form() {
        let plan = example();
        let document = serde_json::to_value(Document::of(&plan, false)).unwrap();
        let keys = |it: &Json| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&document), ["format_version", "stack", "account", "region", "changes", "deferred", "summary"]);
        assert_eq!(keys(&document["summary"]), ["create", "update", "replace", "delete", "forget", "import", "move", "noop"]);
        let change = &document["changes"][0];
        assert_eq!(keys(change), ["address", "type", "action", "reasons", "attributes"]);
        assert_eq!(change["action"], "replace");
        assert_eq!(change["reasons"][0], serde_json::json!({ "kind": "fixed", "path": "cidr" }));
        assert_eq!(
            change["attributes"][0],
            serde_json::json!({
                "path": "cidr", "before": "10/8", "after": "11/8", "unknown": false, "sensitive": false, "forces_replacement": true
            })
        );
        let follows = &document["changes"][1]["attributes"];
        assert_eq!((&follows[0]["after"], &follows[0]["unknown"]), (&Json::Null, &Json::Bool(true)));
        assert_eq!((&follows[1]["path"], &follows[1]["after"]), (&Json::from("secret"), &Json::Null));
        assert!(!document.to_string().contains("hunter"));
        assert_eq!((document["changes"].as_array().unwrap().len(), &document["summary"]["noop"]), (2, &1.into()));
        assert_eq!(Document::of(&plan, true).changes.len(), 3);
    }
}
