//! Runs over the simulated world, each with one thing to be seen.

use super::super::wish::{Block, Wish};
use super::super::world::Weather;
use super::*;
use crate::address::Address;
use crate::apply::event::Failure;
use crate::remote::Id;
use crate::stack::desired::{Import, Moved};
use crate::state::{Intent, IntentAct, Lineage, OpId, Record};
use crate::value::Value;

fn block(name: &str, parents: &[&str]) -> Block {
    Block {
        settings: [("name", Value::from(name)), ("size", Value::from(3))].into(),
        parents: parents.iter().map(|it| it.parse().unwrap()).collect(),
        ..Block::default()
    }
}

fn scene() -> Scene {
    let weather = Weather { hides: Duration::from_secs(5), slow: Duration::from_secs(30), breaks: 0 };
    let state = State::new("dev".parse().unwrap(), Lineage("l".into()));
    Scene { log: Some(Vec::new()), ..Scene::new(World::new(Rng::new(1), weather), Vault::new(&state), Rng::new(2)) }
}

fn apply(scene: &mut Scene, wish: &mut Wish, options: &Options) -> (Outcome, State) {
    let state = scene.vault.read().unwrap();
    let planned = plan(scene, wish, &state, options).unwrap();
    let result = apply_plan(scene, wish, planned).unwrap();
    assert_eq!(result.0.failed, [], "{}", scene.log.clone().unwrap_or_default().join("\n"));
    assert_eq!(
        (&scene.world.violations, &scene.vault.violations),
        (&vec![], &vec![]),
        "{}",
        scene.log.clone().unwrap_or_default().join("\n")
    );
    result
}

#[test]
fn a_stack_is_made_changed_and_destroyed() {
    let mut scene = scene();
    let blocks = [
        ("sim_slow.net", block("net", &[])),
        ("sim_shell.box", block("box", &["sim_slow.net"])),
        ("sim_named.disk", block("disk", &["sim_slow.net", "sim_shell.box"])),
        ("sim_bare.plug", block("plug", &["sim_named.disk"])),
    ];
    let mut wish = Wish::new(blocks.into_iter().map(|(name, it)| (name.parse().unwrap(), it)).collect());
    let (outcome, state) = apply(&mut scene, &mut wish, &Options::default());
    assert_eq!((outcome.done, state.resources.len(), state.intents.len()), (4, 4, 0));
    assert_eq!(plan(&scene, &mut wish, &state, &Options::default()).unwrap().planned.plan.steps, []);

    wish.blocks.get_mut(&"sim_slow.net".parse().unwrap()).unwrap().settings.insert("flavor", "new".into());
    let (_, state) = apply(&mut scene, &mut wish, &Options::default());
    assert_eq!(scene.world.things.len(), 4);
    assert_eq!(plan(&scene, &mut wish, &state, &Options::default()).unwrap().planned.plan.steps, []);

    let (_, state) = apply(&mut scene, &mut wish, &Options { destroy: true, ..Options::default() });
    scene.advance(scene.now + Duration::from_secs(60));
    assert_eq!(state.resources.len(), 0);
    assert!(scene.world.things.values().all(|it| it.gone.is_some()));
}

#[test]
fn what_the_cloud_never_tells_of_what_is_taken_in_counts_as_applied() {
    let mut scene = scene();
    scene.world.add_foreign("sim_instant", "box");
    let to: Address = "sim_instant.box".parse().unwrap();
    let settings = [
        ("name", Value::from("box")),
        ("flavor", "theirs".into()),
        ("note", "kept on record alone".into()),
        ("secret", "hunter2-in-clear".into()),
    ];
    let mut wish = Wish::new([(to.clone(), Block { settings: settings.into(), ..Block::default() })].into());
    wish.imports.push(Import { to: to.clone(), id: Id::new("foreign-box"), span: None });
    let (_, state) = apply(&mut scene, &mut wish, &Options::default());
    let applied = &state.resources[&to].applied;
    assert_eq!(applied.get("note"), "kept on record alone".into());
    assert!(matches!(applied.get("secret"), Value::Digest(_)));
    wish.imports.clear();
    assert_eq!(plan(&scene, &mut wish, &state, &Options::default()).unwrap().planned.plan.steps, []);
}

#[test]
fn a_type_that_changes_one_attribute_a_call_is_changed_wholly() {
    let mut scene = scene();
    let address: crate::address::Address = "sim_stepwise.box".parse().unwrap();
    let peer: crate::address::Address = "sim_instant.peer".parse().unwrap();
    let blocks = [(address.clone(), block("box", &[])), (peer.clone(), block("peer", &[]))];
    let mut wish = Wish::new(blocks.into());
    apply(&mut scene, &mut wish, &Options::default());
    let changed = wish.blocks.get_mut(&address).unwrap();
    changed.settings = [("name", "new".into()), ("size", 9.into()), ("flavor", "new".into())].into();
    changed.settings.insert("tags", Value::map([("project", Value::from("sim"))]));
    changed.peers.push(peer);
    let before = scene.log.iter().flatten().count();
    let (_, state) = apply(&mut scene, &mut wish, &Options::default());
    assert_eq!(updates(&scene, before), 5);
    assert_eq!(plan(&scene, &mut wish, &state, &Options::default()).unwrap().planned.plan.steps, []);
}

/// How often something was changed since the log had `before` lines.
fn updates(scene: &Scene, before: usize) -> usize {
    let calls = |it: &&String| it.trim_start().split_once(' ').is_some_and(|(_, it)| it.starts_with("update sim_"));
    scene.log.iter().flatten().skip(before).filter(calls).count()
}

#[test]
fn what_only_the_record_keeps_changes_without_a_call() {
    let mut scene = scene();
    let address: crate::address::Address = "sim_instant.key".parse().unwrap();
    let mut wish = Wish::new([(address.clone(), block("key", &[]))].into());
    apply(&mut scene, &mut wish, &Options::default());
    wish.blocks.get_mut(&address).unwrap().settings.insert("note", "thirty days".into());
    let before = scene.log.iter().flatten().count();
    let (outcome, state) = apply(&mut scene, &mut wish, &Options::default());
    assert_eq!((outcome.done, updates(&scene, before)), (1, 0));
    assert_eq!(state.resources[&address].applied.get("note"), Value::from("thirty days"));
    assert_eq!(plan(&scene, &mut wish, &state, &Options::default()).unwrap().planned.plan.steps, []);
}

#[test]
fn a_secret_that_is_never_told_is_handed_over_when_it_changes() {
    let mut scene = scene();
    let address: crate::address::Address = "sim_instant.db".parse().unwrap();
    let mut wish = Wish::new([(address.clone(), block("db", &[]))].into());
    wish.blocks.get_mut(&address).unwrap().settings.insert("secret", "first".into());
    apply(&mut scene, &mut wish, &Options::default());
    wish.blocks.get_mut(&address).unwrap().settings.insert("secret", "second".into());
    let before = scene.log.iter().flatten().count();
    let (_, state) = apply(&mut scene, &mut wish, &Options::default());
    assert_eq!(updates(&scene, before), 1);
    let thing = scene.world.things.values().next().unwrap();
    assert_eq!(thing.settings.get("secret"), Value::from("second"));
    assert_eq!(plan(&scene, &mut wish, &state, &Options::default()).unwrap().planned.plan.steps, []);
}

#[test]
fn what_has_the_name_already_is_not_taken_over_in_silence() {
    let mut scene = scene();
    let address: crate::address::Address = "sim_bare.plug".parse().unwrap();
    let mut wish = Wish::new([(address.clone(), block("plug", &[]))].into());
    let state = scene.vault.read().unwrap();
    let planned = plan(&scene, &mut wish, &state, &Options::default()).unwrap();
    scene.world.add_foreign("sim_bare", "plug");
    let theirs = scene.world.things.values_mut().next().unwrap();
    theirs.settings = Value::object([("name", Value::from("plug")), ("size", 3.into())]);
    let (outcome, state) = apply_plan(&mut scene, &mut wish, planned).unwrap();
    assert_eq!((state.resources.len(), state.intents.len()), (0, 0));
    let said: Vec<String> = outcome.failed.iter().map(|(_, it)| it.to_string()).collect();
    let hint = "import { to = sim_bare.plug, id = \"sim_bare/plug\" }";
    assert!(matches!(&said[..], [it] if it.contains(hint)), "{said:?}");
}

/// Half of these have something built on them, so they come first; the others must not wait for all of them.
#[test]
fn with_rates_a_run_takes_what_the_buckets_and_the_critical_path_allow() {
    let mut scene = Scene { log: None, ..scene() };
    scene.world.weather = Weather::default();
    let mut blocks = BTreeMap::new();
    for at in 0..450 {
        let group = format!("sim_instant.g{at}");
        blocks.insert(format!("sim_named.r{at}").parse().unwrap(), block(&format!("r{at}"), &[&group]));
        blocks.insert(group.parse().unwrap(), block(&format!("g{at}"), &[]));
        blocks.insert(format!("sim_token.t{at}").parse().unwrap(), block(&format!("t{at}"), &[]));
    }
    let mut wish = Wish::new(blocks);
    let (rates, faults) = (Rates::new(50.0, 5.0), Faults { latency: Duration::from_millis(100), ..Faults::default() });
    let state = scene.vault.read().unwrap();
    let made = plan(&scene, &mut wish, &state, &Options::default()).unwrap();
    let (outcome, _) = apply_at(&mut scene, &mut wish, made, Pace::default(), faults, Some(rates.clone())).unwrap();
    assert_eq!((outcome.done, outcome.failed.len()), (1350, 0));
    let least = rates.least(450);
    assert!(outcome.took <= least.mul_f64(1.05), "took {:?}, at least {least:?}", outcome.took);
}

#[test]
fn nothing_is_started_that_is_not_expected_to_finish_before_the_deadline() {
    let mut scene = scene();
    let blocks = [
        ("sim_instant.a", block("a", &[])),
        ("sim_instant.b", block("b", &["sim_instant.a"])),
        ("sim_instant.c", block("c", &["sim_instant.b"])),
    ];
    let mut wish = Wish::new(blocks.into_iter().map(|(name, it)| (name.parse().unwrap(), it)).collect());
    let state = scene.vault.read().unwrap();
    let mut made = plan(&scene, &mut wish, &state, &Options::default()).unwrap();
    // The second one is known to take an hour, and the deadline is in half of one.
    let slow = made.planned.plan.steps.iter_mut().find(|it| it.address.to_string() == "sim_instant.b");
    slow.unwrap().expected_millis = 3_600_000;
    let pace = Pace { deadline: Some(Duration::from_secs(1800)), ..Pace::default() };
    let (outcome, state) = apply_at(&mut scene, &mut wish, made, pace, Faults::default(), None).unwrap();
    assert_eq!((outcome.done, outcome.stopped, outcome.failed.len()), (1, true, 0));
    assert_eq!((state.resources.len(), state.intents.len()), (1, 0));
    let (_, state) = apply(&mut scene, &mut wish, &Options::default());
    assert_eq!(state.resources.len(), 3);
}

fn addresses(outcome: &Outcome) -> Vec<String> {
    outcome.failed.iter().map(|(it, _)| it.to_string()).collect()
}

#[test]
fn a_saved_plan_does_what_it_showed_and_stops_where_it_would_not() {
    let mut scene = scene();
    let blocks = [
        ("sim_slow.net", block("net", &[])),
        ("sim_named.disk", block("disk", &["sim_slow.net"])),
        ("sim_bare.plug", block("plug", &["sim_named.disk"])),
        ("sim_instant.other", block("other", &[])),
    ];
    let mut wish = Wish::new(blocks.into_iter().map(|(name, it)| (name.parse().unwrap(), it)).collect());
    let state = scene.vault.read().unwrap();
    let mut made = plan(&scene, &mut wish, &state, &Options::default()).unwrap();
    let saved = serde_json::to_vec(&made.planned.plan).unwrap();
    made.planned.plan = serde_json::from_slice(&saved).unwrap();
    wish.blocks.get_mut(&"sim_named.disk".parse().unwrap()).unwrap().settings.insert("size", 7.into());
    let (outcome, state) = apply_plan(&mut scene, &mut wish, made).unwrap();
    assert_eq!(addresses(&outcome), ["sim_named.disk"]);
    assert!(matches!(&outcome.failed[0].1, Failure::NotAsPlanned { path, .. } if path == "size"), "{outcome:?}");
    assert_eq!((outcome.done, outcome.skipped.len(), state.resources.len()), (2, 1, 2));

    let mut made = plan(&scene, &mut wish, &state, &Options::default()).unwrap();
    let saved = serde_json::to_vec(&made.planned.plan).unwrap();
    made.planned.plan = serde_json::from_slice(&saved).unwrap();
    let (outcome, state) = apply_plan(&mut scene, &mut wish, made).unwrap();
    assert_eq!((addresses(&outcome), outcome.done), (vec![], 2));
    assert_eq!(plan(&scene, &mut wish, &state, &Options::default()).unwrap().planned.plan.steps, []);
}

/// With room for one step at a time, the new block's creation would else end before the old record has moved away.
#[test]
fn what_moves_away_does_so_before_its_address_is_used_again() {
    let mut scene = scene();
    let (old, new): (Address, Address) = ("sim_instant.a".parse().unwrap(), "sim_instant.b".parse().unwrap());
    let mut wish = Wish::new([(old.clone(), block("first", &[]))].into());
    let (_, before) = apply(&mut scene, &mut wish, &Options::default());
    wish.blocks.insert(new.clone(), block("first", &[]));
    wish.blocks.insert(old.clone(), block("second", &[]));
    wish.moved.push(Moved { from: old.to_string(), to: new.to_string(), span: None });
    let made = plan(&scene, &mut wish, &before, &Options::default()).unwrap();
    let pace = Pace { concurrency: 1, ..Pace::default() };
    let (outcome, state) = apply_at(&mut scene, &mut wish, made, pace, Faults::default(), None).unwrap();
    assert_eq!(outcome.failed, []);
    assert_eq!(state.resources[&new].id, before.resources[&old].id);
    assert_eq!((state.resources.len(), scene.world.things.len()), (2, 2));
}

/// Two attempts of one creation were carried out, long apart, by a type that does not know the token. The second is found by
/// the tag that both carry, and goes as a step of the plan.
#[test]
fn what_arrives_late_and_carries_a_token_that_is_on_record_is_deleted_as_a_step() {
    let mut scene = scene();
    scene.world.weather = Weather::default();
    let address: Address = "sim_instant.a".parse().unwrap();
    let mut wish = Wish::new([(address.clone(), block("a", &[]))].into());
    let (_, mut state) = apply(&mut scene, &mut wish, &Options::default());
    let record = state.resources[&address].clone();
    let intent = creation(&address, &record);
    state.intents.insert(intent.op.clone(), intent);
    let twins = ["sim_instant-twin-1", "sim_instant-twin-2"].map(Id::new);
    for twin in &twins {
        let thing = scene.world.things[&record.id].clone();
        scene.world.things.insert(twin.clone(), thing);
    }
    scene.now += Duration::from_secs(600);
    let (_, settled, failures) = settle(&mut scene, state);
    assert_eq!((failures, settled.intents.len()), (vec![], 0));
    assert_eq!(settled.resources[&address].id, record.id);
    let deposed: Vec<_> = settled.resources[&address].deposed.iter().map(|it| it.id.clone()).collect();
    assert_eq!(deposed, twins);
    let made = plan(&scene, &mut wish, &settled, &Options::default()).unwrap();
    assert_eq!(made.planned.plan.steps.len(), 2);
}

fn settle(scene: &mut Scene, state: State) -> (End, State, Vec<String>) {
    let taken = scene.vault.take(scene.now).unwrap();
    let mut drive = Drive {
        epoch: taken.epoch,
        faults: Faults::default(),
        interrupts: Vec::new(),
        watcher: &mut Nobody,
        meanwhile: None,
        lease_until: scene.now + LEASE,
        rates: None,
        outage: false,
        happened: 0,
    };
    settle_open(scene, &mut drive, State { epoch: taken.epoch, ..state }, None)
}

/// Tags are a map in the files and an object in what was stored: the token is kept all the same.
#[test]
fn a_creation_that_is_tried_again_keeps_its_token() {
    let mut scene = scene();
    let address: Address = "sim_token.a".parse().unwrap();
    let mut wanted = block("a", &[]);
    wanted.settings.insert("tags", Value::map([("project", Value::from("sim"))]));
    let mut wish = Wish::new([(address.clone(), wanted)].into());
    let (_, state) = apply(&mut scene, &mut wish, &Options::default());
    let record = &state.resources[&address];
    let lost = creation(&address, record);
    scene.world.things.clear();
    let state = State { resources: BTreeMap::new(), intents: [(lost.op.clone(), lost)].into(), ..state.clone() };
    let made = plan(&scene, &mut wish, &state, &Options::default()).unwrap();
    scene.vault = Vault::new(&state);
    let (_, after) = apply_plan(&mut scene, &mut wish, made).unwrap();
    assert_eq!(after.resources[&address].token, record.token);
}

/// The intent that a record was made from, given up and still watched.
fn creation(address: &Address, record: &Record) -> Intent {
    let act = IntentAct::Create {
        token: record.token.clone().unwrap(),
        inputs: record.applied.clone(),
        dependencies: record.dependencies.clone(),
        lifecycle: record.lifecycle.clone(),
        replaces: None,
    };
    let (op, address, config) = (OpId("1.9".into()), address.clone(), record.config.clone());
    Intent { op, address, config, act, at: BEGAN, watched_until: Some(BEGAN) }
}
