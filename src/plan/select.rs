//! `--target` and `--replace`: names that the user gives, and what they stand for.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::diag::{Diagnostic, nearest};
use crate::stack::desired::{DeferredBlock, Evaluation, Instance};
use crate::state::State;

/// What `targets` select: instances and all that they depend on; of what goes, also all that depends on it. None: everything.
pub(super) fn select(
    targets: &[String],
    instances: &BTreeMap<Address, Instance>,
    deferred: &[DeferredBlock],
    removed: &BTreeMap<Address, &BTreeSet<Address>>,
    out: &mut Vec<Diagnostic>,
) -> Option<BTreeSet<Address>> {
    if targets.is_empty() {
        return None;
    }
    let mut selected = BTreeSet::new();
    let mut queue: Vec<Address> = Vec::new();
    for target in targets {
        let before = queue.len();
        let all = instances.keys().chain(removed.keys());
        queue.extend(all.filter(|it| it.is_within(target)).cloned());
        if queue.len() == before && !deferred.iter().any(|it| it.address.is_within(target)) {
            out.push(unknown("--target", target, instances.keys().chain(removed.keys())));
        }
    }
    let mut users: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for (user, dependencies) in removed {
        for it in dependencies.iter() {
            users.entry(it).or_default().push(user);
        }
    }
    while let Some(address) = queue.pop() {
        if let Some(instance) = instances.get(&address) {
            queue.extend(instance.references.iter().map(|it| it.to.clone()).filter(|it| !selected.contains(it)));
        } else if removed.contains_key(&address) {
            let users = users.get(&address).into_iter().flatten();
            queue.extend(users.map(|it| (*it).clone()).filter(|it| !selected.contains(it)));
        }
        selected.insert(address);
    }
    Some(selected)
}

/// Complains of `--replace` for what is not there.
pub(super) fn check_replace(replace: &[Address], evaluation: &Evaluation, state: &State, out: &mut Vec<Diagnostic>) {
    for address in replace {
        if !evaluation.instances.contains_key(address) {
            out.push(unknown("--replace", &address.to_string(), evaluation.instances.keys()));
        } else if !state.resources.contains_key(address) && !evaluation.moved.iter().any(|it| address.is_within(&it.to)) {
            out.push(
                Diagnostic::warning("unknown-address", format!("--replace {address}: there is none yet, it is created"))
                    .address(address.clone()),
            );
        }
    }
}

fn unknown<'a>(option: &str, name: &str, known: impl Iterator<Item = &'a Address>) -> Diagnostic {
    let known: Vec<String> = known.map(Address::to_string).collect();
    Diagnostic::error("unknown-address", format!("{option} {name}: this stack has nothing of that name"))
        .detail("An address reads TYPE.NAME, TYPE.NAME[\"KEY\"] or module.NAME, as the plan and `infra state list` show it.")
        .did_you_mean(nearest(name, known.iter().map(String::as_str)))
}
