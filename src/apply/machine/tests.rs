//! The machine by hand: one effect after the other.

use std::sync::Arc;

use super::*;
use crate::plan::{Need, StepId, Until};
use crate::remote::{Blocker, Emptied, Status};
use crate::sim::types::{SimTypes, settles};
use crate::state::{Intent, Lineage, OpId, Position, Record};
use crate::value::Type;

/// Files that say nothing of any thing but which thing it refers to.
#[derive(Default)]
struct Files {
    refers: BTreeMap<Address, Address>,
    ids: BTreeMap<Address, Value>,
}

impl Desired for Files {
    fn settings(&mut self, address: &Address) -> Result<Value, Failure> {
        let Some(to) = self.refers.get(address) else { return Ok(Value::Null) };
        let id = self.ids.get(to).cloned().unwrap_or_else(|| Value::unknown(Type::String, to.clone(), "id"));
        Ok(Value::object([("parents", Value::list([id]))]))
    }
    fn expect(&mut self, address: &Address, id: &Id) {
        self.ids.insert(address.clone(), Value::from(id.as_str()));
    }
    fn learn(&mut self, address: &Address, _: &Value, outputs: &Value) {
        self.ids.insert(address.clone(), outputs.get("id"));
    }
    fn check(&mut self, _: &Address, _: &Live) -> Result<(), Failure> {
        Ok(())
    }
}

fn deletion(address: &str, needs: &[u32], goes_along: bool) -> Step {
    let needs = needs.iter().map(|it| Need { step: StepId(*it), why: "(deleted before)".into(), until: Until::Done }).collect();
    let act = Act::Delete { id: Id(address.into()), deposed: false, settings: Value::Null, goes_along, purge: false };
    Step { address: address.parse().unwrap(), config: Default::default(), act, needs, expected_millis: 1 }
}

fn recorded(steps: &[Step]) -> State {
    let mut state = State::new("dev".parse().unwrap(), Lineage("l".into()));
    for step in steps {
        let record = Record {
            config: Default::default(),
            id: Id(step.address.to_string().into()),
            token: None,
            applied: Value::Null,
            outputs: Value::Null,
            dependencies: Default::default(),
            lifecycle: Default::default(),
            unfinished: false,
            deposed: Vec::new(),
        };
        state.resources.insert(step.address.clone(), Arc::new(record));
    }
    state
}

fn setup<'a>(
    (steps, state): (Vec<Step>, State),
    types: &'a SimTypes,
    sealer: &'a Sealer,
    desired: &'a mut Files,
    mint: &'a mut Mint,
) -> Setup<'a> {
    Setup {
        steps,
        state,
        types,
        desired,
        sealer,
        settles: settles(),
        timeouts: BTreeMap::new(),
        lifecycles: BTreeMap::new(),
        mint,
        pace: Pace::default(),
        began: 0,
    }
}

/// Does what the machine says, one effect after the other, until nothing is left.
fn play(mut machine: Machine<'_>, mut answer: impl FnMut(&mut Machine<'_>, &Effect) -> Answer) -> (Outcome, State) {
    let mut now = Time::ZERO;
    while !machine.finished() {
        for (id, effect) in machine.poll(now) {
            let answer = answer(&mut machine, &effect);
            machine.answer(now, id, answer);
        }
        now = machine.wake_at().unwrap_or(now).max(now);
    }
    machine.end()
}

/// Carries out `steps` with one call at a time, in a cloud that does at once what it is told; `before` may interrupt. Yields
/// the calls, and how it ended.
fn carry_out(steps: Vec<Step>, mut before: impl FnMut(&mut Machine<'_>, &Effect)) -> (Vec<String>, Outcome, State) {
    carry_out_in(steps, |machine, effect| {
        before(machine, effect);
        None
    })
}

/// The same in a cloud that answers what `cloud` says, where it says something.
fn carry_out_in(
    steps: Vec<Step>,
    mut cloud: impl FnMut(&mut Machine<'_>, &Effect) -> Option<Answer>,
) -> (Vec<String>, Outcome, State) {
    let (types, sealer) = (SimTypes::default(), Sealer::new([7; 32]));
    let (mut desired, mut mint) = (Files::default(), Mint::new(1, [3; 32]));
    let state = recorded(&steps);
    let setup = setup((steps, state), &types, &sealer, &mut desired, &mut mint);
    let setup = Setup { pace: Pace { concurrency: 1, ..Pace::default() }, ..setup };
    let (mut calls, mut commits) = (Vec::new(), 0);
    let (outcome, state) = play(Machine::new(setup).unwrap(), |machine, effect| {
        let said = cloud(machine, effect);
        match effect {
            Effect::Append(_) => {
                commits += 1;
                Answer::Appended(Ok(Position { epoch: 1, seq: commits }))
            }
            Effect::Delete { id, .. } => {
                calls.push(format!("delete {id}"));
                said.unwrap_or(Answer::Deleted(Ok(())))
            }
            Effect::Empty { id, .. } => {
                calls.push(format!("empty {id}"));
                said.unwrap_or(Answer::Emptied(Ok(Emptied::default())))
            }
            Effect::Blockers { id, .. } => {
                calls.push(format!("ask what blocks {id}"));
                said.unwrap_or(Answer::Blockers(Ok(Vec::new())))
            }
            Effect::Read { query, .. } => {
                calls.extend(query.ids.iter().map(|id| format!("look for {id}")));
                said.unwrap_or(Answer::Read(Ok(Default::default())))
            }
            other => panic!("nobody asked for {other:?}"),
        }
    });
    (calls, outcome, state)
}

#[test]
fn what_goes_along_is_neither_called_for_nor_looked_for() {
    let steps = vec![deletion("sim_slow.table", &[], false), deletion("sim_bare.route", &[0], true)];
    let (calls, outcome, state) = carry_out(steps, |_, _| {});
    assert_eq!(calls, ["delete sim_slow.table", "look for sim_slow.table"]);
    assert_eq!((outcome.done, outcome.failed, state.resources.len(), state.intents.len()), (2, vec![], 0, 0));
}

#[test]
fn what_is_announced_and_not_called_is_left_when_interrupted() {
    let steps = vec![deletion("sim_slow.a", &[], false), deletion("sim_slow.b", &[], false)];
    let mut announced = 0;
    let (calls, outcome, state) = carry_out(steps, |machine, effect| {
        announced += usize::from(matches!(effect, Effect::Append(it) if matches!(it[..], [Entry::Intent(_)])));
        if let Effect::Delete { .. } = effect {
            machine.stop(Time::ZERO);
        }
    });
    assert_eq!(calls, ["delete sim_slow.a", "look for sim_slow.a"]);
    assert_eq!((announced, outcome.stopped), (2, true));
    assert_eq!((state.resources.len(), state.intents.len()), (1, 0), "the second is on record, and nothing is open");
}

fn announced(effect: &Effect) -> Vec<&str> {
    let Effect::Append(entries) = effect else { return Vec::new() };
    let types = entries.iter().filter_map(|it| if let Entry::Intent(it) = it { Some(it.address.type_name()) } else { None });
    types.collect()
}

#[test]
fn a_deletion_is_announced_while_what_stands_before_it_is_looked_at() {
    let steps = || vec![deletion("sim_slow.a", &[], false), deletion("sim_bare.b", &[0], false)];
    let mut commits = Vec::new();
    let (calls, outcome, state) = carry_out_in(steps(), |_, effect| {
        if let Effect::Append(entries) = effect {
            commits.push((entries.len(), announced(effect).join(" ")));
        }
        None
    });
    assert_eq!(calls, ["delete sim_slow.a", "look for sim_slow.a", "delete sim_bare.b"]);
    assert_eq!(commits[..2], [(1, "sim_slow".to_owned()), (1, "sim_bare".to_owned())], "before anything is known of the first");
    assert_eq!((outcome.failed, state.resources.len(), state.intents.len()), (vec![], 0, 0));

    let (calls, outcome, state) = carry_out_in(steps(), |machine, effect| {
        if announced(effect) == ["sim_bare"] {
            machine.stop(Time::ZERO);
        }
        None
    });
    assert_eq!(calls, ["delete sim_slow.a", "look for sim_slow.a"]);
    assert_eq!((outcome.stopped, state.resources.len(), state.intents.len()), (true, 1, 0), "interrupted: nothing is open");

    let (calls, outcome, state) = carry_out_in(steps(), |_, effect| match effect {
        Effect::Read { .. } => Some(Answer::Read(Err(Fault::new(Class::Denied, "sim:Read", "not allowed")))),
        _ => None,
    });
    assert_eq!(calls, ["delete sim_slow.a", "look for sim_slow.a"]);
    let open: Vec<&str> = state.intents.values().map(|it| it.address.type_name()).collect();
    assert_eq!(
        (outcome.skipped.len(), open),
        (1, vec!["sim_slow"]),
        "the next run looks for what may be gone, and for nothing else"
    );
}

/// A network, and a part of it that is told which network it is a part of. What is done, in its order; how the network is seen from
/// look to look is given.
fn make_network(looks: &[(Status, &str)]) -> (Vec<String>, Outcome, State) {
    let (network, part): (Address, Address) = ("sim_slow.network".parse().unwrap(), "sim_token.part".parse().unwrap());
    let creation = |address: &Address, planned, needs| {
        let (dependencies, lifecycle) = Default::default();
        let act = Act::Create { planned, dependencies, lifecycle, replaces: None, shell: false };
        Step { act, ..deletion(&address.to_string(), needs, false) }
    };
    let unknown = Value::object([("parents", Value::unknown(Type::Any, network.clone(), "id"))]);
    let steps = vec![creation(&network, Value::Null, &[]), creation(&part, unknown, &[0])];
    let (types, sealer) = (SimTypes::default(), Sealer::new([7; 32]));
    let mut desired = Files { refers: [(part, network)].into(), ..Files::default() };
    let mut mint = Mint::new(1, [3; 32]);
    let state = State::new("dev".parse().unwrap(), Lineage("l".into()));
    let machine = Machine::new(setup((steps, state), &types, &sealer, &mut desired, &mut mint)).unwrap();
    let (mut done, mut made, mut looks) = (Vec::new(), BTreeMap::new(), looks.iter());
    let (outcome, state) = play(machine, |_, effect| match effect {
        Effect::Append(_) => {
            done.extend(announced(effect).into_iter().map(|it| format!("announce {it}")));
            Answer::Appended(Ok(Position { epoch: 1, seq: 1 }))
        }
        Effect::Create { target, settings, .. } => {
            done.push(format!("create {} in {:?}", target.type_name, settings.get("parents")));
            let id = Id(format!("{}-1", target.type_name).into());
            made.insert(id.clone(), settings.clone());
            Answer::Created(Ok(id))
        }
        Effect::Read { target, query } => {
            done.push(format!("look at {}", target.type_name));
            let (status, id) = looks.next().cloned().unwrap_or((Status::Ready, "sim_slow-1"));
            let seen = |it: &Id| Live {
                settings: made[it].clone(),
                outputs: Value::object([("id", id.into())]),
                status: status.clone(),
            };
            Answer::Read(Ok(query.ids.iter().map(|it| (it.clone(), seen(it))).collect()))
        }
        other => panic!("nobody asked for {other:?}"),
    });
    (done, outcome, state)
}

#[test]
fn a_creation_is_announced_while_that_is_looked_at_whose_id_it_needs() {
    let pending = || Status::Pending("in the making".into());
    let (done, outcome, state) = make_network(&[(pending(), ""), (Status::Ready, "sim_slow-1")]);
    let steps = [
        "announce sim_slow",
        "create sim_slow in null",
        "look at sim_slow",
        "announce sim_token",
        "look at sim_slow",
        "create sim_token in [\"sim_slow-1\"]",
        "look at sim_token",
    ];
    assert_eq!(done, steps);
    assert_eq!((outcome.failed, state.resources.len(), state.intents.len()), (vec![], 2, 0));

    let (done, outcome, state) = make_network(&[(pending(), ""), (Status::Failed("broken".into()), "")]);
    assert_eq!(done, steps[..5]);
    assert_eq!((outcome.skipped.len(), state.resources.len(), state.intents.len()), (1, 1, 0), "nothing is open: {outcome:?}");
}

#[test]
fn what_comes_out_otherwise_than_announced_is_announced_again() {
    let (done, outcome, state) = make_network(&[(Status::Ready, "another")]);
    let steps = ["announce sim_token", "announce sim_token", "create sim_token in [\"another\"]", "look at sim_token"];
    assert_eq!(done[3..], steps, "{done:?}");
    assert_eq!((outcome.failed, state.resources.len(), state.intents.len()), (vec![], 2, 0));
}

#[test]
fn what_is_gone_with_its_answer_is_not_looked_for() {
    let steps = || vec![deletion("sim_named.a", &[], false), deletion("sim_bare.b", &[0], false)];
    let mut effects = Vec::new();
    let (calls, outcome, state) = carry_out_in(steps(), |_, effect| {
        let intents = announced(effect).into_iter().map(|it| format!("announce {it}"));
        effects.extend(intents.chain(matches!(effect, Effect::Delete { .. }).then(|| "delete".to_owned())));
        None
    });
    assert_eq!(calls, ["delete sim_named.a", "delete sim_bare.b"]);
    assert_eq!(effects, ["announce sim_named", "delete", "announce sim_bare", "delete"]);
    assert_eq!((outcome.failed, state.resources.len(), state.intents.len()), (vec![], 0, 0));

    let (calls, outcome, state) = carry_out_in(steps(), |_, effect| match effect {
        Effect::Delete { .. } => Some(Answer::Deleted(Err(Fault::new(Class::Denied, "sim:Delete", "not allowed")))),
        _ => None,
    });
    assert_eq!(calls, ["delete sim_named.a"]);
    assert_eq!((outcome.skipped.len(), state.resources.len(), state.intents.len()), (1, 2, 0), "refused: the other stays");
}

#[test]
fn what_may_still_arrive_is_not_found_while_it_goes() {
    let (types, sealer) = (SimTypes::default(), Sealer::new([7; 32]));
    for (watched_until, ends) in [(None, true), (Some(1), false)] {
        let (mut desired, mut mint) = (Files::default(), Mint::new(1, [3; 32]));
        let steps = vec![deletion("sim_named.a", &[], false)];
        let mut state = recorded(&steps);
        let act = IntentAct::Create {
            token: Token::from_bits(1),
            inputs: Value::Null,
            dependencies: Default::default(),
            lifecycle: Default::default(),
            replaces: None,
        };
        let (op, address, config) = (OpId("0.1".into()), steps[0].address.clone(), Default::default());
        state.intents.insert(op.clone(), Intent { op, address, config, act, at: 0, watched_until });
        let machine = Machine::new(setup((steps, state), &types, &sealer, &mut desired, &mut mint)).unwrap();
        assert_eq!(machine.ends_with_its_answer(0), ends, "the next run searches for what is watched");
    }
}

fn purged(address: &str) -> Step {
    let act = Act::Delete { id: Id(address.into()), deposed: false, settings: Value::Null, goes_along: false, purge: true };
    Step { act, ..deletion(address, &[], false) }
}

#[test]
fn what_may_be_lost_is_taken_out_round_by_round_and_then_the_thing_goes() {
    let mut rounds = [3, 2, 0].into_iter();
    let (calls, outcome, state) = carry_out_in(vec![purged("sim_slow.a")], |_, effect| match effect {
        Effect::Empty { .. } => {
            let removed = rounds.next().unwrap();
            Some(Answer::Emptied(Ok(Emptied { removed, more: removed > 0 })))
        }
        _ => None,
    });
    let empty = "empty sim_slow.a";
    assert_eq!(calls, [empty, empty, empty, "delete sim_slow.a", "look for sim_slow.a"]);
    assert_eq!((outcome.failed, state.resources.len(), state.intents.len()), (vec![], 0, 0));
}

#[test]
fn an_interrupt_ends_the_emptying_after_its_round() {
    let (calls, outcome, state) = carry_out_in(vec![purged("sim_slow.a")], |machine, effect| match effect {
        Effect::Empty { .. } => {
            machine.stop(Time::ZERO);
            Some(Answer::Emptied(Ok(Emptied { removed: 1000, more: true })))
        }
        _ => None,
    });
    assert_eq!(calls, ["empty sim_slow.a"]);
    assert_eq!((outcome.stopped, state.resources.len(), state.intents.len()), (true, 1, 0), "on record, and nothing is open");
}

#[test]
fn what_blocks_a_deletion_is_asked_early_and_told_at_the_end() {
    let refused = |class| Some(Answer::Deleted(Err(Fault::new(class, "sim:Delete", "it has dependencies"))));
    let blocked = || Some(Answer::Blockers(Ok(vec![Blocker::new("the interface eni-1").help("detach eni-1")])));
    let mut told = Vec::new();
    let (calls, outcome, state) = carry_out_in(vec![deletion("sim_slow.a", &[], false)], |machine, effect| {
        let waits = |it| if let Event::Waiting { status, .. } = it { Some(status) } else { None };
        told.extend(machine.events().into_iter().filter_map(waits));
        match effect {
            Effect::Delete { .. } => refused(Class::InUse),
            Effect::Blockers { .. } => blocked(),
            _ => None,
        }
    });
    let asked: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].starts_with("ask")).collect();
    assert_eq!(asked, [3, calls.len() - 1], "after three refusals, and when it is given up: {calls:?}");
    assert_eq!(told, ["in the way: the interface eni-1"]);
    let [(_, failure)] = outcome.failed.as_slice() else { panic!("{:?}", outcome.failed) };
    assert!(failure.to_string().ends_with("it has dependencies; in the way: the interface eni-1"), "{failure}");
    assert_eq!((state.resources.len(), state.intents.len()), (1, 0), "the next run goes on");

    let (calls, outcome, _) = carry_out_in(vec![deletion("sim_slow.a", &[], false)], |_, effect| match effect {
        Effect::Delete { .. } => refused(Class::Refused),
        _ => None,
    });
    assert_eq!(calls, ["delete sim_slow.a", "ask what blocks sim_slow.a"], "what is refused for good is asked at once");
    assert!(matches!(outcome.failed.as_slice(), [(_, Failure::Fault { .. })]), "nobody knows: {:?}", outcome.failed);
}

/// What is moved is on record under its new address only once that is stored; whoever is made meanwhile needs it all the same.
#[test]
fn what_was_moved_in_this_run_may_be_needed() {
    let new: Address = "sim_slow.new".parse().unwrap();
    let moved = Act::Move { from: "sim_slow.old".parse().unwrap() };
    let made = Act::Create {
        planned: Value::Null,
        dependencies: [new.clone()].into(),
        lifecycle: Default::default(),
        replaces: None,
        shell: true,
    };
    let step = |act, address: &str| Step { act, ..deletion(address, &[], false) };
    let (types, sealer) = (SimTypes::default(), Sealer::new([7; 32]));
    let (mut desired, mut mint) = (Files::default(), Mint::new(1, [3; 32]));
    let steps = vec![step(made, "sim_shell.user"), step(moved, "sim_slow.new")];
    let state = recorded(&[deletion("sim_slow.old", &[], false)]);
    let setup = setup((steps, state), &types, &sealer, &mut desired, &mut mint);
    let effects = Machine::new(setup).unwrap().poll(Time::ZERO);
    let [(_, Effect::Append(entries))] = effects.as_slice() else { panic!("{effects:?}") };
    let needed = entries.iter().find_map(|it| match it {
        Entry::Intent(intent) => match &intent.act {
            IntentAct::Create { dependencies, .. } => Some(dependencies),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(needed, Some(&[new].into()), "{entries:?}");
}
