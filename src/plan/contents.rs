//! Objects that would be deleted with what holds them: those of a namespace with it, those of a definition with that.

use std::collections::BTreeMap;

use super::decide::{Decision, Work};
use crate::diag::Diagnostic;
use crate::value::Value;

/// What an object is in: a namespace, or all of a kind.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Namespace(String),
    Definition { group: String, kind: String },
}

/// What goes must not take along what stays.
pub(super) fn check(decisions: &[Decision<'_>], out: &mut Vec<Diagnostic>) {
    let mut going: BTreeMap<(&Value, Holder), &Decision<'_>> = BTreeMap::new();
    for it in decisions.iter().filter(|it| matches!(it.work, Work::Delete { .. } | Work::Replace { .. })) {
        if let (Some(placed), Some(holder)) = (&it.object, holder(it)) {
            going.insert((&placed.home, holder), it);
        }
    }
    if going.is_empty() {
        return;
    }
    for it in decisions.iter().filter(|it| it.instance.is_some()) {
        let Some(placed) = &it.object else { continue };
        let namespace = placed.key.namespace.clone().map(Holder::Namespace);
        let definition = Holder::Definition { group: placed.key.group.clone(), kind: placed.key.kind.clone() };
        let held = namespace.into_iter().chain([definition]).filter_map(|by| going.get(&(&placed.home, by)));
        for by in held.filter(|by| stays(by, it)) {
            out.push(complaint(by, it));
        }
    }
}

fn holder(it: &Decision<'_>) -> Option<Holder> {
    let (placed, record) = (it.object.as_ref()?, it.record?);
    if placed.key.is("", "Namespace") {
        return Some(Holder::Namespace(placed.key.name.clone()));
    }
    if !placed.key.is("apiextensions.k8s.io", "CustomResourceDefinition") {
        return None;
    }
    let parts = record.applied.members()?.values().map(|it| it.get("spec"));
    let spec = parts.into_iter().find(|it| !it.is_null())?;
    let (group, kind) = (spec.get("group"), spec.get("names").get("kind"));
    Some(Holder::Definition { group: group.as_str()?.to_owned(), kind: kind.as_str()?.to_owned() })
}

/// Whether the object is there while what holds it goes. With one that is replaced, it may be made anew as well.
fn stays(by: &Decision<'_>, it: &Decision<'_>) -> bool {
    match it.work {
        Work::Create | Work::Replace { .. } => matches!(by.work, Work::Delete { .. }),
        Work::Nothing | Work::Update { .. } | Work::Import { .. } | Work::Protect | Work::Refresh(_) => true,
        Work::Delete { .. } | Work::Forget | Work::Read => false,
    }
}

fn complaint(by: &Decision<'_>, it: &Decision<'_>) -> Diagnostic {
    let name = |it: &Decision<'_>| it.object.as_ref().map(|it| it.key.to_string()).unwrap_or_default();
    let goes = if matches!(by.work, Work::Delete { .. }) { "deleted" } else { "replaced" };
    Diagnostic::error("would-go-along", format!("{} would go along with {}, which is {goes}", name(it), name(by)))
        .at(it.change.span.clone())
        .address(it.address().clone())
        .detail(format!(
            "The cluster deletes what is in a namespace, and all objects of a definition, with it. {} is {goes} by this plan, and the files \
             still have {}.",
            by.address(),
            it.address()
        ))
        .help("take the object out of the files as well, or keep what holds it")
}
