//! `moved` blocks: where things are recorded that have another address now.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::diag::Diagnostic;
use crate::stack::desired::Moved;
use crate::state::State;

/// New address → address in the state. Blocks apply in the order in which they are written, one after the other, so that a
/// thing may have moved more than once since it was recorded.
pub(super) fn resolve(moved: &[Moved], state: &State, out: &mut Vec<Diagnostic>) -> BTreeMap<Address, Address> {
    let mut moves: BTreeMap<Address, Address> = BTreeMap::new();
    if moved.is_empty() {
        return moves;
    }
    // As text, so that what lies within a block or module lies side by side.
    let mut taken: BTreeMap<String, Address> = state.resources.keys().map(|it| (it.to_string(), it.clone())).collect();
    for block in moved {
        let near = taken.range(block.from.clone()..).take_while(|(it, _)| it.starts_with(&block.from));
        let affected: Vec<(String, Address)> = near
            .filter(|(it, _)| it.get(block.from.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])))
            .map(|(text, it)| (text.clone(), it.clone()))
            .collect();
        for (text, from) in affected {
            let to =
                text.strip_prefix(block.from.as_str()).and_then(|rest| format!("{}{rest}", block.to).parse::<Address>().ok());
            let Some(to) = to else {
                out.push(
                    Diagnostic::error("invalid-move", format!("{from} cannot move to {}", block.to))
                        .at(block.span.clone())
                        .detail("`from` and `to` must both be a module, both a block, or both an instance of a block."),
                );
                continue;
            };
            if to.type_name() != from.type_name() {
                out.push(
                    Diagnostic::error("invalid-move", format!("{from} cannot become {to}"))
                        .at(block.span.clone())
                        .detail("A thing keeps its type when it moves. Write the old block again, or let it be destroyed."),
                );
            } else if taken.contains_key(&to.to_string()) {
                out.push(
                    Diagnostic::error("move-conflict", format!("{from} cannot move to {to}: there is one already"))
                        .at(block.span.clone())
                        .detail(format!(
                            "The state holds a thing under both addresses. Take one of them out of it with `infra state rm`, \
                             or move it elsewhere with `infra state mv`; the `moved` block applies to what is at {from}."
                        )),
                );
            } else {
                taken.remove(&text);
                taken.insert(to.to_string(), to.clone());
                let origin = moves.remove(&from).unwrap_or(from);
                moves.insert(to, origin);
            }
        }
    }
    moves
}

/// The address itself, its block, and the modules that it lies in: `a`, `a["k"]`, `module.m`, …
pub(super) fn scopes(address: &str) -> impl Iterator<Item = &str> {
    let ends = address.char_indices().filter(|(_, it)| matches!(it, '.' | '[')).map(|(at, _)| at);
    ends.chain([address.len()]).filter_map(|end| address.get(..end))
}
