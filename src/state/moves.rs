//! Moves of records to other addresses. What depends on them names the new address; that is looked through once for many moves
//! that follow each other, not once for each: a module that gets another name moves all that is in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Entry, State};
use crate::address::Address;

/// Moves that were made one after the other, and whose former addresses are still named.
#[derive(Debug, Default)]
struct Moves {
    /// The address that counts now, by the one that is named.
    now: BTreeMap<Address, Address>,
    /// The same the other way round.
    named: BTreeMap<Address, Vec<Address>>,
}

impl Moves {
    fn push(&mut self, from: &Address, to: &Address) {
        let mut moved = self.named.remove(from).unwrap_or_default();
        if !self.now.contains_key(from) {
            moved.push(from.clone());
        }
        for it in &moved {
            self.now.insert(it.clone(), to.clone());
        }
        self.named.entry(to.clone()).or_default().extend(moved);
    }
}

impl State {
    /// Takes entries in, in their order.
    pub fn fold_all<'e>(&mut self, entries: impl IntoIterator<Item = &'e Entry>) {
        let mut moves = Moves::default();
        for entry in entries {
            match entry {
                Entry::Move { from, to } => {
                    if let Some(record) = self.resources.remove(from) {
                        self.resources.insert(to.clone(), record);
                    }
                    moves.push(from, to);
                }
                other => {
                    self.rename(std::mem::take(&mut moves));
                    self.fold(other);
                }
            }
        }
        self.rename(moves);
    }

    /// Everything that names a former address names the present one.
    fn rename(&mut self, moves: Moves) {
        if moves.now.is_empty() {
            return;
        }
        for record in self.resources.values_mut() {
            let moved: Vec<&Address> = record.dependencies.iter().filter_map(|it| moves.now.get(it)).collect();
            if !moved.is_empty() {
                let record = Arc::make_mut(record);
                let stay = record.dependencies.iter().filter(|it| !moves.now.contains_key(*it));
                record.dependencies = stay.chain(moved).cloned().collect();
            }
        }
        // A late twin is found under the address that its thing has now.
        for intent in self.intents.values_mut().filter(|it| it.watched_until.is_some()) {
            if let Some(now) = moves.now.get(&intent.address) {
                intent.address = now.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::sample;

    fn entry(kind: u8, from: usize, to: usize) -> Entry {
        match kind {
            0 => Entry::Adopt { address: sample::address(from), record: Arc::new(sample::record(to)) },
            _ => Entry::Move { from: sample::address(from), to: sample::address(to) },
        }
    }

    proptest! {
        #[test]
        fn many_at_once_are_many_one_by_one(
            entries in prop::collection::vec((0u8..5, 0usize..6, 0usize..6).prop_map(|(kind, from, to)| entry(kind, from, to)), 0..12),
        ) {
            let mut at_once = sample::state(6);
            let mut watched = sample::creation("3.1", 2, crate::value::Value::Null);
            watched.watched_until = Some(9);
            at_once.fold(&Entry::Intent(watched));
            let mut one_by_one = at_once.clone();
            at_once.fold_all(&entries);
            entries.iter().for_each(|it| one_by_one.fold(it));
            prop_assert_eq!(at_once, one_by_one);
        }
    }

    #[test]
    fn a_thing_may_move_twice_and_to_where_another_was() {
        let mut state = sample::state(3);
        let moves = [(0, 7), (1, 0), (7, 8)].map(|(from, to)| entry(1, from, to));
        state.fold_all(&moves);
        let named = |number: usize| state.resources[&sample::address(number)].dependencies.clone();
        assert_eq!(named(0).into_iter().collect::<Vec<_>>(), [sample::address(8)], "1 needed 0");
        assert_eq!(named(2).into_iter().collect::<Vec<_>>(), [sample::address(0)], "2 needed 1");
    }
}
