//! `destroy --purge`: what may be emptied before it is deleted, and what is lost with it.

use std::collections::BTreeSet;

use super::decide::{Decision, Work};
use super::sight::Sight;
use crate::address::Address;
use crate::diag::Diagnostic;
use crate::remote::{Content, Id};

/// What lies in it and is not this stack's: that goes by a step of its own.
pub(super) fn lost(sight: &Sight<'_>, recorded: &Address) -> Vec<Content> {
    let ours: BTreeSet<&Id> = sight.state.resources.values().map(|it| &it.id).collect();
    let foreign = |it: &Content| {
        let parts = it.parts.iter().filter(|id| !ours.contains(id)).count();
        let count = it.count.saturating_add(u64::try_from(parts).unwrap_or(u64::MAX));
        Content { count, parts: BTreeSet::new(), ..it.clone() }
    };
    sight.observed.contents.get(recorded).into_iter().flatten().map(foreign).collect()
}

/// Every address of `--purge` must be one that is deleted, of a type that can be emptied.
pub(super) fn check(sight: &Sight<'_>, decisions: &[Decision<'_>], out: &mut Vec<Diagnostic>) {
    for address in &sight.options.purge {
        let decision = decisions.iter().find(|it| sight.recorded_at(it.address()) == address);
        let refused = |why: &str| {
            let it = Diagnostic::error("cannot-purge", format!("--purge {address}: {why}"));
            it.address(address.clone()).detail("Nothing was changed.")
        };
        let holds = |it: &Address| sight.types.resource(it.type_name()).is_some_and(|it| it.holds);
        if !sight.state.resources.contains_key(address) {
            let holders = sight.state.resources.keys().filter(|it| holds(it)).map(Address::to_string);
            out.push(refused("this stack has nothing of that name on record").help(match holders.collect::<Vec<_>>() {
                none if none.is_empty() => "nothing that this stack has on record can be emptied".to_owned(),
                some => format!("what can be emptied: {}", some.join(", ")),
            }));
        } else if !holds(address) {
            let why = format!("nothing lies in a thing of type {}", address.type_name());
            out.push(refused(&why).help("leave the option out: what it holds besides, the stack deletes by itself"));
        } else {
            match decision.map(|it| &it.work) {
                Some(Work::Delete { .. }) => {}
                Some(_) => out.push(refused("it is not deleted: it is gone already, or kept (`retain_on_delete`)")),
                None => out.push(refused("it is not deleted: --target leaves it out")),
            }
        }
    }
}
