//! The laws of a finished plan. A plan that breaks one is a mistake in the planner, never in a stack: it is not carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::change::{Action, Change};
use super::step::{Act, Step};
use super::{Plan, Summary};
use crate::address::Address;
use crate::object::secret;
use crate::state::State;
use crate::value::Value;

/// A law that does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub law: u8,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "law {} ({}): {}", self.law, law(self.law), self.what)
    }
}

/// The laws, by number.
pub fn law(number: u8) -> &'static str {
    match number {
        1 => "every need names an earlier step, so that there is no cycle",
        2 => "the steps of one address follow each other",
        3 => "every step belongs to a change",
        4 => "every change has the steps that it announces, and no others",
        5 => "a thing is made after what it depends on is made",
        6 => "a thing is deleted after its recorded users are, or takes them along",
        7 => "an address has one change, and one for each former instance",
        8 => "no secret is in clear",
        9 => "what is protected on record is neither deleted nor replaced",
        10 => "what is read of each thing that is touched is on record in the plan",
        _ => "unknown",
    }
}

/// Every law that `plan`, made from `state`, breaks.
pub fn check(plan: &Plan, state: &State) -> Vec<Violation> {
    let mut it = Lint { plan, state, by_address: BTreeMap::new(), out: Vec::new() };
    for (at, step) in plan.steps.iter().enumerate() {
        it.by_address.entry(&step.address).or_default().push(at);
    }
    it.needs();
    it.changes();
    it.orders();
    it.secrets();
    it.protection();
    it.reads();
    it.out.sort();
    it.out
}

struct Lint<'p> {
    plan: &'p Plan,
    state: &'p State,
    by_address: BTreeMap<&'p Address, Vec<usize>>,
    out: Vec<Violation>,
}

impl<'p> Lint<'p> {
    fn break_law(&mut self, law: u8, what: impl Into<String>) {
        self.out.push(Violation { law, what: what.into() });
    }

    fn step(&self, at: usize) -> Option<&'p Step> {
        self.plan.steps.get(at)
    }

    fn needs(&mut self) {
        for (at, step) in self.plan.steps.iter().enumerate() {
            let needs: Vec<usize> = step.needs.iter().map(|it| it.step.0 as usize).collect();
            if let Some(wrong) = needs.iter().find(|it| **it >= at) {
                self.break_law(1, format!("step {at} of {} needs step {wrong}", step.address));
            }
            if needs.iter().collect::<BTreeSet<_>>().len() < needs.len() {
                self.break_law(1, format!("step {at} of {} names one need twice", step.address));
            }
        }
        for (address, steps) in self.by_address.clone() {
            for pair in steps.windows(2) {
                if let [before, after] = pair
                    && !self.step(*after).is_some_and(|it| it.needs.iter().any(|it| it.step.0 as usize == *before))
                {
                    self.break_law(2, format!("{address}: step {after} does not need step {before}"));
                }
            }
        }
    }

    fn changes(&mut self) {
        let mut by_address: BTreeMap<&Address, Vec<&Change>> = BTreeMap::new();
        for it in &self.plan.changes {
            by_address.entry(&it.address).or_default().push(it);
        }
        for address in self.by_address.keys().copied().filter(|it| !by_address.contains_key(it)).collect::<Vec<_>>() {
            self.break_law(3, format!("{address} has steps and no change"));
        }
        for (address, changes) in by_address {
            let ids: BTreeSet<_> = changes.iter().map(|it| &it.id).collect();
            let deposed = changes.iter().filter(|it| it.is_deposed()).count();
            if ids.len() < changes.len() || changes.len() - deposed > 1 {
                self.break_law(7, format!("{address} has {} changes", changes.len()));
            }
            let steps = self.by_address.get(address).into_iter().flatten();
            let mut words: Vec<&str> = steps.filter_map(|at| self.step(*at)).map(|it| word(&it.act)).collect();
            let all = words.len();
            words.retain(|it| *it != "deposed");
            if all - words.len() != deposed {
                self.break_law(4, format!("{address} has {deposed} former instances and {} steps for them", all - words.len()));
            }
            let action = changes.iter().find(|it| !it.is_deposed()).map(|it| (it.action, it.create_first));
            let moved = words.first() == Some(&"move");
            let rest = words.get(usize::from(moved)..).unwrap_or_default();
            let fits = match action {
                None => rest.is_empty(),
                Some((Action::Create, _)) => matches!(rest, ["create"] | ["create", "configure"]),
                Some((Action::Update, _)) => matches!(rest, ["update"] | ["update", "configure"] | ["protect"]),
                Some((Action::Replace, false)) => {
                    matches!(rest, ["delete", "create"] | ["delete", "create", "configure"])
                }
                Some((Action::Replace, true)) => {
                    matches!(rest, ["create", "delete-replaced"] | ["create", "configure", "delete-replaced"])
                }
                Some((Action::Delete, _)) => rest == ["delete"],
                Some((Action::Read, _)) => rest == ["read"],
                Some((Action::Import, _)) => matches!(rest, ["import"] | ["import", "update"]),
                Some((Action::Forget, _)) => rest == ["forget"],
                Some((Action::Move, _)) => moved && matches!(rest, [] | ["refresh"] | ["protect"]),
                Some((Action::Noop, _)) => !moved && matches!(rest, [] | ["refresh"] | ["protect"]),
            };
            if !fits {
                self.break_law(4, format!("{address}: {action:?} by {words:?}"));
            }
        }
    }

    /// The step of `address` for which `test` holds.
    fn find(&self, address: &Address, test: impl Fn(&Act) -> bool) -> Option<usize> {
        let steps = self.by_address.get(address).into_iter().flatten().copied();
        steps.rev().find(|at| self.step(*at).is_some_and(|it| test(&it.act)))
    }

    fn waits(&self, at: usize, on: usize) -> bool {
        self.step(at).is_some_and(|it| it.needs.iter().any(|it| it.step.0 as usize == on))
    }

    fn goes_along(&self, at: usize) -> bool {
        matches!(self.step(at), Some(Step { act: Act::Delete { goes_along: true, .. }, .. }))
    }

    fn orders(&mut self) {
        let makes = |act: &Act| matches!(act, Act::Create { .. } | Act::Import { .. });
        let works = |act: &Act| matches!(act, Act::Create { .. } | Act::Configure { .. });
        for (address, steps) in self.by_address.clone() {
            let Some(last) = self.find(address, works) else { continue };
            let dependencies = steps.iter().filter_map(|at| match &self.step(*at)?.act {
                Act::Create { dependencies, .. } | Act::Configure { dependencies, .. } => Some(dependencies),
                _ => None,
            });
            for on in dependencies.flatten().collect::<BTreeSet<_>>() {
                if self.find(on, makes).is_some_and(|made| made > last) {
                    self.break_law(5, format!("{address} before {on}"));
                }
            }
        }
        let deletes = |act: &Act| matches!(act, Act::Delete { deposed: false, .. } | Act::DeleteReplaced { .. });
        for (user, record) in &self.state.resources {
            let Some(user_gone) = self.find(user, deletes) else { continue };
            for on in &record.dependencies {
                if let Some(gone) = self.find(on, deletes)
                    && !self.waits(gone, user_gone)
                    && !(self.goes_along(user_gone) && self.waits(user_gone, gone))
                {
                    self.break_law(6, format!("{on} does not wait for {user}"));
                }
            }
        }
    }

    fn secrets(&mut self) {
        // The data of a Secret is one, marked or not.
        let bare = |it: &Value| matches!(it, Value::Object(_)) && secret::mark(it) != *it;
        let clear = |it: &Value| it.any(&mut |it| matches!(it, Value::Sensitive(_)) || bare(it));
        for it in &self.plan.changes {
            for attribute in it.attributes.iter().filter(|it| clear(&it.before) || clear(&it.after)) {
                self.break_law(8, format!("{}: {}", it.address, attribute.path));
            }
        }
        for it in &self.plan.steps {
            let values: Vec<&Value> = match &it.act {
                Act::Create { planned, .. } | Act::Configure { planned, .. } | Act::Update { planned, .. } => vec![planned],
                Act::Delete { settings, .. } | Act::DeleteReplaced { settings, .. } => vec![settings],
                Act::Refresh { record } => vec![&record.applied, &record.outputs],
                Act::Import { .. } | Act::Forget | Act::Move { .. } | Act::Protect { .. } | Act::Read => Vec::new(),
            };
            if values.into_iter().any(clear) {
                self.break_law(8, format!("a step of {}", it.address));
            }
        }
        for (name, it) in self.plan.outputs.iter().filter(|(_, it)| clear(&it.before) || clear(&it.after)) {
            let _ = it;
            self.break_law(8, format!("output {name}"));
        }
    }

    fn protection(&mut self) {
        for (address, record) in &self.state.resources {
            let lifecycle = &record.lifecycle;
            if !lifecycle.prevent_destroy && !lifecycle.prevent_replace {
                continue;
            }
            let deletes = |it: &Act| matches!(it, Act::Delete { deposed: false, .. } | Act::DeleteReplaced { .. });
            let replaced = self.find(address, |it| matches!(it, Act::Create { .. })).is_some();
            if self.find(address, deletes).is_some() && (lifecycle.prevent_destroy || replaced) {
                self.break_law(9, address.to_string());
            }
        }
    }

    fn reads(&mut self) {
        for address in self.plan.read.keys().filter(|it| !self.by_address.contains_key(it)).collect::<Vec<_>>() {
            self.break_law(10, format!("{address} is not touched"));
        }
        let summary = Summary::of(&self.plan.changes);
        let acts = self.plan.steps.iter().any(|it| !matches!(it.act, Act::Refresh { .. } | Act::Protect { .. }));
        if summary.is_empty() && acts {
            self.break_law(3, "nothing is announced, and something is done");
        }
    }
}

impl Change {
    /// Whether it is about a former instance.
    pub fn is_deposed(&self) -> bool {
        matches!(self.reasons.first(), Some(super::Reason::Deposed { .. }))
    }
}

fn word(act: &Act) -> &'static str {
    match act {
        Act::Create { .. } => "create",
        Act::Configure { .. } => "configure",
        Act::Update { .. } => "update",
        Act::Delete { deposed: true, .. } => "deposed",
        Act::Delete { .. } => "delete",
        Act::DeleteReplaced { .. } => "delete-replaced",
        Act::Import { .. } => "import",
        Act::Forget => "forget",
        Act::Move { .. } => "move",
        Act::Protect { .. } => "protect",
        Act::Read => "read",
        Act::Refresh { .. } => "refresh",
    }
}
