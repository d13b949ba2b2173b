//! What is found out in an awkward order.

use std::sync::Arc;

use super::*;
use crate::sim::types::SimTypes;
use crate::state::{Position, sample};

fn settling<'a>(types: &'a SimTypes, state: State) -> Settling<'a> {
    let pace = Pace { scale: 0.0, ..Pace::default() };
    Settling::new(Open { state, types, settles: BTreeMap::new(), pace, began: 0, last_sign: 0, waits: false })
}

/// Answers everything, reads after searches, until nothing is left to do.
fn play(settling: &mut Settling<'_>, twin: &Id) {
    let mut seq = 0;
    for at in 0..100 {
        let mut effects = settling.poll(Time::from_secs(at));
        effects.sort_by_key(|(_, it)| !matches!(it, Effect::Find { .. }));
        for (id, effect) in effects {
            let answer = match effect {
                Effect::Find { .. } => Answer::Found(Ok(vec![twin.clone()])),
                Effect::Read { query, .. } => Answer::Read(Ok(match query.ids.contains(twin) {
                    true => Found::from([(twin.clone(), live())]),
                    false => Found::new(),
                })),
                Effect::Append(_) => {
                    seq += 1;
                    Answer::Appended(Ok(Position { epoch: 4, seq }))
                }
                other => panic!("{other:?}"),
            };
            settling.answer(Time::from_secs(at), id, answer);
        }
        if settling.finished() {
            return;
        }
    }
    panic!("it does not end");
}

fn live() -> Live {
    Live { settings: Value::Null, outputs: Value::Null, status: Status::Ready }
}

#[test]
fn what_is_found_for_an_address_outlives_the_deletion_of_what_had_it() {
    let types = SimTypes::default();
    let address: Address = "sim_instant.a".parse().unwrap();
    let mut state = sample::state(0);
    state.resources.insert(address.clone(), Arc::new(Record { dependencies: BTreeSet::new(), ..sample::record(0) }));
    let delete = IntentAct::Delete { id: sample::record(0).id, deposed: false };
    let former = Intent { address: address.clone(), watched_until: Some(1), ..sample::creation("3.1", 0, Value::Null) };
    let going = Intent { op: OpId("3.2".into()), act: delete, watched_until: None, ..former.clone() };
    state.intents.extend([former, going].map(|it| (it.op.clone(), it)));
    let twin = Id::new("twin");
    let mut settling = settling(&types, state);
    play(&mut settling, &twin);
    let state = settling.into_state();
    assert_eq!(state.resources.get(&address).map(|it| &it.id), Some(&twin), "{state:?}");
}
