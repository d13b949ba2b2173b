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

/// The name is another's now, and may be free again before a delayed request can no longer be taken.
#[test]
fn a_creation_whose_name_is_taken_stays_watched_as_long_as_it_may_arrive() {
    let types = SimTypes::default();
    let ends_watched = |began: u64, watched_until: Option<u64>| {
        let intent = Intent { address: "sim_named.a".parse().unwrap(), watched_until, ..sample::creation("3.1", 0, Value::Null) };
        let mut state = sample::state(0);
        state.intents.insert(intent.op.clone(), intent);
        let pace = Pace::default();
        let open = Open { state, types: &types, settles: BTreeMap::new(), pace, began, last_sign: 0, waits: false };
        let mut settling = Settling::new(open);
        let mut seq = 0;
        while !settling.finished() {
            for (id, effect) in settling.poll(Time::ZERO) {
                seq += 1;
                let answer = match effect {
                    Effect::Append(_) => Answer::Appended(Ok(Position { epoch: 4, seq })),
                    _ => Answer::Found(Err(Fault::new(Class::Exists, "sim:Find", "another's"))),
                };
                settling.answer(Time::ZERO, id, answer);
            }
        }
        settling.into_state().intents.values().any(|it| it.watched_until.is_some())
    };
    let window = 1000 * WATCH_SECONDS;
    for watched_until in [None, Some(window)] {
        assert!(ends_watched(0, watched_until), "{watched_until:?}");
        assert!(!ends_watched(2 * window, watched_until), "{watched_until:?}");
    }
}
