//! The edge, over the simulated world, the memory store and tokio's own virtual clock.

use std::sync::{Arc, Mutex};

use super::*;
use crate::plan::{Options, Outcome as Planning, Planned, Request};
use crate::remote::{Blocker, Emptied, Found, Id, Query, Target, Token};
use crate::sim::Rng;
use crate::sim::types::{SimTypes, settles};
use crate::sim::wish::{Block, Wish};
use crate::sim::world::{Weather, World};
use crate::state::Lineage;
use crate::state::ledger::Beginning;
use crate::store::{Owner, Store, memory::Memory};
use crate::value::Value;

mod growth;

struct SimCloud {
    world: Mutex<World>,
    began: Instant,
    /// What a creation of this name does instead of its work.
    panics: Option<&'static str>,
    /// What each creation is refused with.
    refuses: Option<Fault>,
    /// How long a thing is busy with each update.
    busy: Duration,
    /// What somebody else's size of a thing becomes with each update.
    resizes: Option<i64>,
}

impl SimCloud {
    fn new(panics: Option<&'static str>) -> Self {
        let weather = Weather { hides: Duration::from_secs(2), slow: Duration::from_secs(20), breaks: 0 };
        let world = Mutex::new(World::new(Rng::new(3), weather));
        Self { world, began: Instant::now(), panics, refuses: None, busy: Duration::ZERO, resizes: None }
    }

    async fn perform(&self, effect: Effect) -> Answer {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.world.lock().unwrap().perform(self.began.elapsed(), &effect)
    }
}

impl Cloud for SimCloud {
    fn create<'a>(&'a self, what: &'a Target, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Id, Fault>> {
        Box::pin(async move {
            assert!(self.panics.is_none() || settings.get("name").as_str() != self.panics, "as the test wants");
            if let Some(fault) = &self.refuses {
                return Err(fault.clone());
            }
            let effect = Effect::Create { target: what.clone(), settings: settings.clone(), token: token.clone() };
            let Answer::Created(it) = self.perform(effect).await else { unreachable!() };
            it
        })
    }
    fn read<'a>(&'a self, what: &'a Target, query: &'a Query) -> BoxFuture<'a, Result<Found, Fault>> {
        Box::pin(async move {
            let effect = Effect::Read { target: what.clone(), query: query.clone() };
            let Answer::Read(it) = self.perform(effect).await else { unreachable!() };
            it
        })
    }
    fn update<'a>(
        &'a self,
        what: &'a Target,
        id: &'a Id,
        was: &'a Value,
        settings: &'a Value,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let (target, was, settings) = (what.clone(), was.clone(), settings.clone());
            let Answer::Updated(it) = self.perform(Effect::Update { target, id: id.clone(), was, settings }).await else {
                unreachable!()
            };
            if let Some(thing) = self.world.lock().unwrap().things.get_mut(id) {
                thing.changing = self.began.elapsed() + self.busy;
                if let Some(size) = self.resizes {
                    thing.settings = thing.settings.with("size", size.into());
                }
            }
            it
        })
    }
    fn delete<'a>(&'a self, what: &'a Target, id: &'a Id, settings: &'a Value) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let effect = Effect::Delete { target: what.clone(), id: id.clone(), settings: settings.clone() };
            let Answer::Deleted(it) = self.perform(effect).await else { unreachable!() };
            it
        })
    }
    fn blockers<'a>(&'a self, what: &'a Target, id: &'a Id) -> BoxFuture<'a, Result<Vec<Blocker>, Fault>> {
        Box::pin(async move {
            let effect = Effect::Blockers { target: what.clone(), id: id.clone() };
            let Answer::Blockers(it) = self.perform(effect).await else { unreachable!() };
            it
        })
    }
    fn empty<'a>(&'a self, what: &'a Target, id: &'a Id) -> BoxFuture<'a, Result<Emptied, Fault>> {
        Box::pin(async move {
            let Answer::Emptied(it) = self.perform(Effect::Empty { target: what.clone(), id: id.clone() }).await else {
                unreachable!()
            };
            it
        })
    }
    fn find<'a>(&'a self, what: &'a Target, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Vec<Id>, Fault>> {
        Box::pin(async move {
            let effect = Effect::Find { target: what.clone(), settings: settings.clone(), token: token.clone() };
            let Answer::Found(it) = self.perform(effect).await else { unreachable!() };
            it
        })
    }
    fn data<'a>(&'a self, what: &'a Target, _: &'a Value) -> BoxFuture<'a, Result<Value, Fault>> {
        Box::pin(async move { Err(Fault::bug("data", &what.type_name)) })
    }
}

fn wish() -> Wish {
    let block = |name: &str, parents: &[&str]| Block {
        settings: [("name", Value::from(name)), ("size", Value::from(3)), ("secret", Value::from("hunter2"))].into(),
        parents: parents.iter().map(|it| it.parse().unwrap()).collect(),
        ..Block::default()
    };
    let blocks = [
        ("sim_slow.net", block("net", &[])),
        ("sim_instant.a", block("a", &["sim_slow.net"])),
        ("sim_token.b", block("b", &["sim_slow.net"])),
        ("sim_bare.c", block("c", &["sim_instant.a"])),
    ];
    Wish::new(blocks.into_iter().map(|(name, it)| (name.parse().unwrap(), it)).collect())
}

fn plan(wish: &mut Wish, types: &SimTypes, state: &State, observed: &Observed, sealer: &Sealer) -> Box<Planned> {
    let options = Options::default();
    let request = Request {
        configuration: wish,
        types,
        state,
        observed,
        options: &options,
        sealer,
        account: "1",
        region: "sim",
        digest: "",
    };
    match crate::plan::plan(request) {
        Planning::Planned(planned) => planned,
        _ => panic!("no plan"),
    }
}

/// One whole run: lock, settle, plan, apply, release.
async fn apply(store: &Memory, cloud: &SimCloud, interrupts: &[Duration]) -> (Ended, Vec<Event>) {
    apply_and(store, cloud, interrupts, false).await
}

async fn apply_and(store: &Memory, cloud: &SimCloud, interrupts: &[Duration], waits_for_twins: bool) -> (Ended, Vec<Event>) {
    apply_wish(store, cloud, wish(), interrupts, waits_for_twins).await
}

async fn apply_wish(
    store: &Memory,
    cloud: &SimCloud,
    wish: Wish,
    interrupts: &[Duration],
    waits_for_twins: bool,
) -> (Ended, Vec<Event>) {
    let owner = Owner { run: format!("{:?}", Instant::now()), who: "test".into(), command: "apply".into() };
    apply_over(store.lock(&owner, None).await.unwrap(), cloud, wish, interrupts, waits_for_twins).await
}

async fn apply_over(
    mut session: Box<dyn Session>,
    cloud: &SimCloud,
    mut wish: Wish,
    interrupts: &[Duration],
    waits_for_twins: bool,
) -> (Ended, Vec<Event>) {
    let state = session.state().unwrap_or_else(|| State::new("dev".parse().unwrap(), Lineage("l".into())));
    let (types, sealer) = (SimTypes::default(), Sealer::new([7; 32]));
    let (interrupt, mut heard) = mpsc::unbounded_channel();
    for after in interrupts.iter().copied() {
        let interrupt = interrupt.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let _ = interrupt.send(());
        });
    }
    let events = Arc::new(Mutex::new(Vec::new()));
    let kept = events.clone();
    let mut tell = move |event| kept.lock().unwrap().push(event);
    let session_epoch = session.epoch();
    let mut mint = Mint::new(session_epoch, seed().unwrap());
    let mut edge = Edge {
        cloud,
        session: &mut *session,
        types: &types,
        settles: settles(),
        pace: Pace::default(),
        interrupts: &mut heard,
        tell: &mut tell,
    };
    let state = settle(&mut edge, state).await.unwrap();
    let live = |(address, record): (&Address, &Arc<crate::state::Record>)| {
        let world = cloud.world.lock().unwrap();
        (address.clone(), world.live(cloud.began.elapsed(), address.type_name(), &record.id))
    };
    let observed = Observed { live: state.resources.iter().map(live).collect(), ..Observed::default() };
    let planned = plan(&mut wish, &types, &state, &observed, &sealer);
    let run = Run {
        steps: planned.plan.steps,
        instances: planned.instances,
        configuration: &mut wish,
        observed,
        state,
        sealer: &sealer,
        mint: &mut mint,
        opening: Some(opening(session_epoch)),
        waits_for_twins,
    };
    let ended = drive(&mut edge, run).await.unwrap();
    if ended.quiet {
        session.release().await.unwrap();
    }
    let events = std::mem::take(&mut *events.lock().unwrap());
    (ended, events)
}

impl<F: FnMut(Event) + Send> Listener for F {
    fn hear(&mut self, event: Event) {
        self(event);
    }
}

fn opening(epoch: u64) -> RunRecord {
    RunRecord::begin(Beginning {
        stack: "dev".parse().unwrap(),
        run: format!("run-{epoch}"),
        epoch,
        command: "infra apply dev".into(),
        caller: None,
        by: "test".into(),
        commit: None,
        at: 0,
    })
}

fn store() -> Memory {
    Memory::new("dev".parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_run_makes_everything_and_leaves_nothing_to_do() {
    let (store, cloud) = (store(), SimCloud::new(None));
    let (ended, events) = apply(&store, &cloud, &[]).await;
    assert_eq!((ended.outcome.done, &ended.outcome.failed), (4, &vec![]));
    assert_eq!(events.iter().filter(|it| matches!(it, Event::Done { .. })).count(), 4);
    let state = store.read().await.unwrap().unwrap();
    assert_eq!((state.resources.len(), state.intents.len()), (4, 0));
    assert!(!String::from_utf8(store.document().unwrap()).unwrap().contains("hunter2"));
    assert_eq!(store.runs().await.unwrap().len(), 1);
    let (again, _) = apply(&store, &cloud, &[]).await;
    assert_eq!((again.outcome.done, again.outcome.failed.len()), (0, 0));
    assert_eq!(store.runs().await.unwrap().len(), 1, "a run that did nothing leaves no record");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_on_record_before_anything_is_called() {
    let mut called = 0;
    for after in (0..40).map(|it| Duration::from_millis(it * 100)) {
        let (store, cloud) = (store(), SimCloud::new(None));
        apply(&store, &cloud, &[after, after]).await;
        if !cloud.world.lock().unwrap().things.is_empty() {
            called += 1;
            assert_eq!(store.runs().await.unwrap().len(), 1, "{after:?}");
        }
    }
    assert!(called > 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_one_resource_loses_nothing_of_the_others() {
    let store = store();
    let cloud = SimCloud::new(Some("b"));
    let (ended, _) = apply(&store, &cloud, &[]).await;
    assert_eq!((ended.outcome.done, ended.outcome.failed.len()), (3, 1), "{:?}", ended.outcome);
    let text = ended.outcome.failed[0].1.to_string();
    assert!(text.contains("panicked") && !text.contains("as the test wants"), "{text}");
    // Nobody knows what it had done, so its intent is open; the next run looks and goes on.
    assert_eq!(store.read().await.unwrap().unwrap().intents.len(), 1);
    let cloud = SimCloud { panics: None, ..cloud };
    let (again, _) = apply(&store, &cloud, &[]).await;
    assert_eq!((again.outcome.done, again.outcome.failed.len()), (1, 0), "{:?}", again.outcome);
    assert_eq!(cloud.world.lock().unwrap().things.len(), 4);
}

/// The store goes away for good: what is in flight is finished, and what it could not take in is handed over.
#[tokio::test(start_paused = true)]
async fn what_the_store_does_not_take_any_more_is_handed_over() {
    let (store, cloud) = (store(), SimCloud::new(None));
    let owner = Owner { run: "r".into(), who: "test".into(), command: "apply".into() };
    // The network, and both that are made in it.
    let session = growth::Counting { takes: 3, ..growth::Counting::new(store.lock(&owner, None).await.unwrap()) };
    let (ended, _) = apply_over(Box::new(session), &cloud, wish(), &[], false).await;
    assert!(!ended.outcome.failed.is_empty() && ended.quiet, "{:?}", ended.outcome);
    let hint = crate::state::hint::Hint::new(&ended.state, &ended.unwritten).expect("something was made meanwhile");
    let stored = store.read().await.unwrap().unwrap();
    assert_eq!(hint.of(&stored).len(), hint.made.len(), "{hint:?}");
    assert!(hint.made.iter().all(|it| cloud.world.lock().unwrap().things.contains_key(&it.id)), "{hint:?}");
    let (again, _) = apply(&store, &cloud, &[]).await;
    assert_eq!(again.outcome.failed, vec![], "{:?}", again.outcome);
    assert_eq!(cloud.world.lock().unwrap().things.len(), 4, "nothing was made twice");
}

#[tokio::test(start_paused = true)]
async fn interrupted_once_it_finishes_what_is_in_flight_and_twice_it_leaves_it_on_record() {
    let (store, cloud) = (store(), SimCloud::new(None));
    let (ended, _) = apply(&store, &cloud, &[Duration::from_millis(10)]).await;
    assert!(ended.outcome.stopped && ended.quiet);
    assert_eq!((ended.outcome.done, ended.outcome.failed.len()), (1, 0), "{:?}", ended.outcome);

    let (ended, _) = apply(&store, &cloud, &[Duration::from_millis(10), Duration::from_millis(20)]).await;
    assert!(ended.outcome.stopped && !ended.quiet);
    assert_eq!(store.read().await.unwrap().unwrap().intents.len(), 2);
    let (again, _) = apply(&store, &cloud, &[]).await;
    assert_eq!(again.outcome.failed, []);
    assert_eq!(cloud.world.lock().unwrap().things.len(), 4);
}

/// A stack with a creation of a former run that is still watched; its request arrives after `arrives`, if ever.
async fn watched(cloud: &SimCloud, arrives: Option<Duration>) -> Memory {
    let store = store();
    let owner = Owner { run: "former".into(), who: "test".into(), command: "apply".into() };
    let mut session = store.lock(&owner, None).await.unwrap();
    let mut state = State::new("dev".parse().unwrap(), Lineage("l".into()));
    let token = Token::from_bits(9);
    let act = crate::state::IntentAct::Create {
        token: token.clone(),
        inputs: Value::object([("name", Value::from("late"))]),
        dependencies: Default::default(),
        lifecycle: Default::default(),
        replaces: None,
    };
    let intent = crate::state::Intent {
        op: crate::state::OpId("1.1".into()),
        address: "sim_instant.late".parse().unwrap(),
        config: Default::default(),
        act,
        at: 0,
        watched_until: Some(wall_millis() + 1000 * settling::WATCH_SECONDS),
    };
    state.intents.insert(intent.op.clone(), intent);
    session.save(&state).await.unwrap();
    session.release().await.unwrap();
    if let Some(visible) = arrives {
        let tags = Value::map([(crate::remote::tags::ID, Value::from(token.as_str()))]);
        let id = Id::new("sim_instant-late");
        let mut world = cloud.world.lock().unwrap();
        world.place("sim_instant", id.clone(), Value::object([("name", Value::from("late")), ("tags", tags)]));
        world.things.get_mut(&id).unwrap().visible = visible;
    }
    store
}

#[tokio::test(start_paused = true)]
async fn what_is_watched_is_looked_for_once_more_at_the_end_and_waited_out_where_nothing_may_be_left() {
    let cloud = SimCloud::new(None);
    let store = watched(&cloud, None).await;
    let (began, (ended, _)) = (Instant::now(), apply(&store, &cloud, &[]).await);
    assert!(began.elapsed() < Duration::from_secs(100) && ended.state.intents.len() == 1 && ended.outcome.failed.is_empty());
    let (began, (ended, _)) = (Instant::now(), apply_and(&store, &cloud, &[], true).await);
    assert!(began.elapsed() >= Duration::from_secs(settling::WATCH_SECONDS - 1), "{:?}", began.elapsed());
    assert!(ended.state.intents.is_empty() && ended.outcome.failed.is_empty(), "{:?}", ended.outcome);
}

#[tokio::test(start_paused = true)]
async fn a_late_twin_is_found_put_on_record_and_told() {
    let cloud = SimCloud::new(None);
    let store = watched(&cloud, Some(Duration::from_secs(5))).await;
    let (ended, _) = apply(&store, &cloud, &[]).await;
    assert!(matches!(&ended.outcome.failed[..], [(_, Failure::Twin { .. })]), "{:?}", ended.outcome);
    assert!(ended.state.resources.contains_key(&"sim_instant.late".parse::<Address>().unwrap()));
}

/// One thing that changes one attribute at a time.
fn stepwise(size: i64, flavor: &str) -> Wish {
    let settings = [("name", Value::from("s")), ("size", Value::from(size)), ("flavor", Value::from(flavor))].into();
    Wish::new([("sim_stepwise.s".parse().unwrap(), Block { settings, ..Block::default() })].into())
}

#[tokio::test(start_paused = true)]
async fn each_update_of_a_thing_has_its_own_time_and_no_more() {
    let store = store();
    let mut cloud = SimCloud::new(None);
    let (ended, _) = apply_wish(&store, &cloud, stepwise(1, "a"), &[], false).await;
    assert_eq!(ended.outcome.failed, []);

    // The type's updates have 900 seconds: two of 600 each are in time.
    cloud.busy = Duration::from_secs(600);
    let began = Instant::now();
    let (ended, _) = apply_wish(&store, &cloud, stepwise(2, "b"), &[], false).await;
    assert_eq!(ended.outcome.failed, []);
    assert!(began.elapsed() >= Duration::from_secs(1200), "{:?}", began.elapsed());

    cloud.busy = Duration::from_secs(1000);
    let began = Instant::now();
    let (ended, _) = apply_wish(&store, &cloud, stepwise(3, "b"), &[], false).await;
    assert!(matches!(&ended.outcome.failed[..], [(_, Failure::NotReady { .. })]), "{:?}", ended.outcome);
    assert!((900..1000).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_has_not_spread_is_tried_again_within_its_budget() {
    let store = store();
    let mut cloud = SimCloud::new(None);
    let refused = Fault::new(crate::remote::Class::Settling, "eks:CreateCluster", "Role could not be assumed");
    cloud.refuses = Some(Fault { passes_within: Some(Duration::from_secs(180)), ..refused });
    let began = Instant::now();
    let (ended, _) = apply_wish(&store, &cloud, stepwise(1, "a"), &[], false).await;
    let text = format!("{:?}", ended.outcome.failed);
    assert!(ended.outcome.failed.len() == 1 && text.contains("Role could not be assumed"), "{text}");
    assert!((180..200).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert!(ended.state.intents.is_empty(), "it was surely not made");

    cloud.refuses = None;
    let (ended, _) = apply_wish(&store, &cloud, stepwise(1, "a"), &[], false).await;
    assert_eq!((ended.outcome.done, ended.outcome.failed), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_is_owned_elsewhere_may_move_with_a_change() {
    let store = store();
    let mut cloud = SimCloud::new(None);
    let owned = |flavor: &str| {
        let mut wish = stepwise(1, flavor);
        for block in wish.blocks.values_mut() {
            block.lifecycle.owned_elsewhere = ["size".to_owned()].into();
        }
        wish
    };
    apply_wish(&store, &cloud, owned("a"), &[], false).await;
    // As a node group's size goes along with its bounds.
    cloud.resizes = Some(7);
    let (ended, _) = apply_wish(&store, &cloud, owned("b"), &[], false).await;
    assert_eq!((ended.outcome.done, ended.outcome.failed), (1, vec![]));
    let (again, _) = apply_wish(&store, &cloud, owned("b"), &[], false).await;
    assert_eq!((again.outcome.done, again.outcome.failed), (0, vec![]));
}
