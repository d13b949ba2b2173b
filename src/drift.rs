//! Drift: what differs from what was declared, each difference with one verdict. Pure: it reads a plan that was made from
//! everything that could be seen.

pub mod report;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::address::Address;
use crate::diag::Span;
use crate::plan::{Action, AttributeChange, Change, Observed, Planned, Reason};
use crate::remote::Id;
use crate::state::State;
use crate::value::{Value, path};

/// What became of one difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// By someone else.
    Changed,
    /// Recorded, and not in the cloud any more.
    Missing,
    /// The files say something that was not applied yet.
    Pending,
    /// The files leave it to others: information, never an alarm.
    OwnedElsewhere,
}

impl Verdict {
    pub fn is_drift(self) -> bool {
        match self {
            Self::Changed | Self::Missing | Self::Pending => true,
            Self::OwnedElsewhere => false,
        }
    }
}

/// The differences of one thing that have the same verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub address: Address,
    pub type_name: String,
    pub id: Option<Id>,
    pub verdict: Verdict,
    /// Empty where the whole thing is meant.
    pub attributes: Vec<Difference>,
    pub span: Option<Span>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub path: String,
    /// As last applied.
    pub recorded: Value,
    pub live: Value,
    /// As the files say.
    pub desired: Value,
    pub sensitive: bool,
}

/// All findings, in the order of their addresses.
pub fn findings(planned: &Planned, state: &State, observed: &Observed) -> Vec<Finding> {
    let changes = planned.plan.changes.iter().chain(&planned.withheld).filter(|it| it.action != Action::Noop);
    let mut out: Vec<Finding> = changes.flat_map(|it| of_change(it, state)).collect();
    out.extend(elsewhere(planned, state, observed));
    out.sort_by(|a, b| (&a.address, a.verdict).cmp(&(&b.address, b.verdict)));
    out
}

fn of_change(change: &Change, state: &State) -> Vec<Finding> {
    let finding = |verdict, attributes| Finding {
        address: change.address.clone(),
        type_name: change.type_name.clone(),
        id: change.id.clone(),
        verdict,
        attributes,
        span: change.span.clone(),
    };
    if change.reasons.contains(&Reason::Missing) {
        return vec![finding(Verdict::Missing, Vec::new())];
    }
    let drifted: BTreeSet<&str> = change.reasons.iter().filter_map(drifted_path).collect();
    let recorded = state.resources.get(&change.address).map(|it| &it.applied);
    // Of what is yet to be made, or to go, every attribute differs: the thing says it all.
    let whole = matches!(change.action, Action::Create | Action::Delete | Action::Read | Action::Forget);
    let attributes = change.attributes.iter().filter(|_| !whole);
    let (behind, pending): (Vec<_>, Vec<_>) = attributes.partition(|it| drifted.contains(it.path.as_str()));
    let differences = |of: Vec<&AttributeChange>| of.into_iter().map(|it| difference(it, recorded)).collect::<Vec<_>>();
    let mut out = Vec::new();
    if !behind.is_empty() {
        out.push(finding(Verdict::Changed, differences(behind)));
    }
    let has_other_cause = change.reasons.iter().any(|it| drifted_path(it).is_none() && !matches!(it, Reason::Fixed { .. }));
    if !pending.is_empty() || has_other_cause || out.is_empty() {
        out.push(finding(Verdict::Pending, differences(pending)));
    }
    out
}

fn drifted_path(reason: &Reason) -> Option<&str> {
    match reason {
        Reason::Drift { path } | Reason::ConfigurationAndDrift { path } => Some(path),
        _ => None,
    }
}

fn difference(it: &AttributeChange, recorded: Option<&Value>) -> Difference {
    Difference {
        path: it.path.clone(),
        recorded: recorded.map(|value| path::get(value, &it.path)).unwrap_or_default(),
        live: it.before.clone(),
        desired: it.after.clone(),
        sensitive: it.sensitive,
    }
}

/// What the files leave to others, and others have set differently.
fn elsewhere(planned: &Planned, state: &State, observed: &Observed) -> Vec<Finding> {
    let mut found: BTreeMap<&Address, Vec<Difference>> = BTreeMap::new();
    for (address, instance) in &planned.instances {
        let (Some(Some(live)), Some(record)) = (observed.live.get(address), state.resources.get(address)) else { continue };
        for at in &instance.lifecycle.owned_elsewhere {
            let (live, desired) = (path::get(&live.settings, at), path::get(&instance.settings, at));
            let sensitive = live.has_secret() || desired.has_secret();
            if desired.is_wholly_known() && !sensitive && live.to_json() != desired.to_json() {
                let recorded = path::get(&record.applied, at);
                found.entry(address).or_default().push(Difference { path: at.clone(), recorded, live, desired, sensitive });
            }
        }
    }
    let finding = |(address, attributes): (&Address, Vec<Difference>)| Finding {
        address: address.clone(),
        type_name: address.type_name().to_owned(),
        id: state.resources.get(address).map(|it| it.id.clone()),
        verdict: Verdict::OwnedElsewhere,
        attributes,
        span: planned.instances.get(address).and_then(|it| it.span.clone()),
    };
    found.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests;
