//! What must hold at every moment and at the end, whatever happened.

use std::collections::BTreeSet;

use super::run::Scene;
use crate::apply::{Answer, Effect};
use crate::remote::{Class, Id};
use crate::state::{Entry, IntentAct, State, verify};

/// The laws of every moment: looked at whenever something was done to the world or the store.
pub fn check(scene: &mut Scene, epoch: u64, effect: &Effect, answer: &Answer) {
    let mut broken = Vec::new();
    if effect.mutates() && epoch != scene.vault.holder() {
        broken.push(format!("epoch {epoch} changed something while epoch {} had the lock", scene.vault.holder()));
    }
    match (effect, answer) {
        (Effect::Append(entries), Answer::Appended(Ok(_))) => {
            if epoch != scene.vault.holder() {
                broken.push(format!("epoch {epoch} wrote while epoch {} had the lock", scene.vault.holder()));
            }
            // What is taken in is ours from here on.
            entries.iter().filter_map(taken_in).for_each(|it| scene.world.hand_over(it));
            broken.extend(verify::verify(&scene.vault.folded).iter().map(|it| format!("a law of state is broken: {it:?}")));
        }
        (Effect::Create { token, .. }, _) => {
            let announced = scene.vault.folded.intents.values().any(|it| match &it.act {
                IntentAct::Create { token: known, .. } => known == token,
                IntentAct::Update { .. } | IntentAct::Delete { .. } => false,
            });
            if !announced {
                broken.push(format!("{} was to be made without a stored intent", token.as_str()));
            }
        }
        (Effect::Update { id, .. }, _) if !is_announced(&scene.vault.folded, id) => {
            broken.push(format!("{id} was changed without a stored intent"));
        }
        (Effect::Delete { id, .. }, answer) => {
            if !is_announced(&scene.vault.folded, id) {
                broken.push(format!("{id} was deleted without a stored intent"));
            }
            if let Answer::Deleted(Err(fault)) = answer
                && fault.class == Class::InUse
            {
                let user = recorded(&scene.vault.folded).into_iter().find(|it| fault.message.ends_with(&format!(" {it}")));
                broken.extend(user.map(|it| format!("{id} was to be deleted before {it}, which uses it and is on record")));
            }
        }
        (Effect::Empty { id, .. }, _) if !is_announced(&scene.vault.folded, id) => {
            broken.push(format!("{id} was emptied without a stored intent"));
        }
        (Effect::Update { .. } | Effect::Empty { .. } | Effect::Find { .. } | Effect::Read { .. }, _) => {}
        (Effect::Blockers { .. } | Effect::Data { .. } | Effect::Append(_), _) => {}
    }
    scene.world.violations.extend(broken);
}

/// What an entry says is the stack's from here on.
pub fn taken_in(entry: &Entry) -> Option<&Id> {
    match entry {
        Entry::Adopt { record, .. } => Some(&record.id),
        _ => None,
    }
}

fn is_announced(state: &State, id: &Id) -> bool {
    state.intents.values().any(|it| match &it.act {
        IntentAct::Update { id: known, .. } | IntentAct::Delete { id: known, .. } => known == id,
        // What was just made is finished under the same intent.
        IntentAct::Create { token, .. } => {
            state.resources.get(&it.address).is_some_and(|it| it.id == *id && it.token.as_ref() == Some(token))
        }
    })
}

/// The ids of everything on record, former instances too.
fn recorded(state: &State) -> BTreeSet<Id> {
    state.things().map(|(_, _, id)| id.clone()).collect()
}

/// The laws of the end, after a plain run in calm weather and after all that was late has arrived.
pub fn check_end(scene: &Scene, state: &State) -> Vec<String> {
    let mut broken = check_records(scene, state);
    broken.extend(state.intents.values().map(|it| format!("the intent of {} is still open", it.address)));
    broken
}

/// Those of what exists and of what is on record.
pub fn check_records(scene: &Scene, state: &State) -> Vec<String> {
    let mut broken = [scene.world.violations.clone(), scene.vault.violations.clone()].concat();
    let there: BTreeSet<Id> =
        scene.world.things.iter().filter(|(_, it)| !it.foreign && it.gone.is_none()).map(|(id, _)| id.clone()).collect();
    let recorded = recorded(state);
    broken.extend(there.difference(&recorded).map(|it| format!("{it} exists and is not on record: orphaned or made twice")));
    broken.extend(recorded.difference(&there).map(|it| format!("{it} is on record and does not exist")));
    for (address, record) in &state.resources {
        if record.unfinished {
            broken.push(format!("{address} is unfinished"));
        }
        broken.extend(record.deposed.iter().map(|it| format!("{} of {address} is still there", it.id)));
    }
    broken
}
