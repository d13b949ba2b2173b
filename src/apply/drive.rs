//! The edge of `apply`: runs the pure machines over a real cloud, a real store and a real clock.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::stream::{FuturesUnordered, StreamExt};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::event::{Event, Failure, Outcome};
use super::schedule::BadOrder;
use super::{Answer, Driven, Effect, EffectId, Known, Machine, Mint, NotStored, Pace, Settling, Setup, settle as settling};
use crate::address::Address;
use crate::cloud::Cloud;
use crate::plan::{Observed, Step};
use crate::remote::{Class, Fault, Id, Settle};
use crate::schema::Types;
use crate::stack::desired::{Configuration, Instance, lifecycles, timeouts};
use crate::state::ledger::RunRecord;
use crate::state::{Entry, Output, Position, State};
use crate::store::{Session, StoreError};
use crate::value::Sealer;

#[cfg(test)]
mod tests;

/// How often the document is written during a run, so that the journal stays short.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// What both drives need of the world.
pub struct Edge<'a> {
    pub cloud: &'a dyn Cloud,
    pub session: &'a mut dyn Session,
    pub types: &'a dyn Types,
    /// Of every type that may occur.
    pub settles: BTreeMap<Arc<str>, Settle>,
    pub pace: Pace,
    /// One message for each Ctrl-C or SIGTERM. A closed channel means that none will come.
    pub interrupts: &'a mut mpsc::UnboundedReceiver<()>,
    pub tell: &'a mut dyn Listener,
}

/// Hears everything that happens, as it happens.
pub trait Listener: Send {
    fn hear(&mut self, event: Event);
    /// The run's record as it is to be if the last save succeeds, and leaves this serial: it is stored with that.
    fn conclude(&mut self, _outcome: &Outcome, _serial: u64) -> Option<RunRecord> {
        None
    }
}

/// What is to be carried out.
pub struct Run<'a> {
    pub steps: Vec<Step>,
    /// What the plan desires: [`Planned::instances`](crate::plan::Planned::instances).
    pub instances: BTreeMap<Address, Instance>,
    pub configuration: &'a mut dyn Configuration,
    /// What the plan was made from.
    pub observed: Observed,
    /// As [`settle`] left it.
    pub state: State,
    /// The record of the run, where it is not stored yet: it is before anything is called.
    pub opening: Option<RunRecord>,
    pub sealer: &'a Sealer,
    pub mint: &'a mut Mint,
    /// Whether the run ends only when nothing that a former run sent can arrive any more: so that nothing is left of a stack.
    pub waits_for_twins: bool,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub outcome: Outcome,
    /// With everything that happened in it.
    pub state: State,
    /// No call of this run can still be under way: the lock may be given back. Else the session is to be dropped, so that the
    /// lease runs out and the next run knows.
    pub quiet: bool,
    /// What was said and is not stored, because the store did not take it: neither the journal nor the document holds it.
    pub unwritten: Vec<Entry>,
    /// Why the run's [`opening`](Run::opening), or its [conclusion](Listener::conclude), is not stored.
    pub unnoted: Option<StoreError>,
}

/// Random bits for a run's [`Mint`].
pub fn seed() -> Result<[u8; 32], getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

/// Finds out what became of what former runs left open; to be done after the lock is taken and before anything is planned.
/// The state that is returned has no open intent but watched ones. Errors name what could not be settled: nothing may be
/// planned then.
pub async fn settle(edge: &mut Edge<'_>, state: State) -> Result<State, Vec<(Address, Failure)>> {
    if state.intents.is_empty() {
        return Ok(state);
    }
    let began = wall_millis();
    // The former holder may have had calls under way for one lease after it was last heard of.
    let lease = u64::try_from(edge.session.lease().as_millis()).unwrap_or(u64::MAX);
    let last_sign = edge.session.abandoned_at().map_or(began, |it| it.saturating_add(lease));
    let open = settling::Open {
        state,
        types: edge.types,
        settles: edge.settles.clone(),
        pace: edge.pace,
        began,
        last_sign,
        waits: false,
    };
    let mut machine = Settling::new(open);
    run(edge, &mut machine, &mut Opening::default(), &mut |_: &Settling<'_>| None).await;
    match machine.failures() {
        [] => Ok(machine.into_state()),
        failures => Err(failures.to_vec()),
    }
}

/// Carries out a plan. Comes back when everything is done, failed or skipped and on record, or when it was interrupted twice,
/// or when the lock is lost. Whatever happens, the last save holds everything that is known.
pub async fn drive(edge: &mut Edge<'_>, work: Run<'_>) -> Result<Ended, BadOrder> {
    let Run { steps, instances, configuration, observed, state, opening, sealer, mint, waits_for_twins } = work;
    let former_outputs = state.outputs.clone();
    let first = steps.first().map(|it| it.address.clone());
    let founding = (edge.session.serial() == 0).then(|| state.clone());
    let mut known = Known::new(configuration, edge.types, &state, &observed, &steps);
    let (timeouts, lifecycles) = (timeouts(&instances), lifecycles(&instances));
    // They are large, and the run may be long.
    drop((observed, instances));
    let mut machine = Machine::new(Setup {
        steps,
        state,
        types: edge.types,
        desired: &mut known,
        sealer,
        settles: edge.settles.clone(),
        timeouts,
        lifecycles,
        mint,
        pace: edge.pace,
        began: wall_millis(),
    })?;
    let mut opening = Opening { record: opening, unnoted: None, founding };
    let left = run(edge, &mut machine, &mut opening, &mut |machine: &Machine<'_>| Some(machine.state().clone())).await;
    let mut unwritten: Vec<Entry> = machine.unstored().cloned().collect();
    let (mut outcome, mut state) = machine.end();
    if left.quiet && left.may_save && !outcome.stopped {
        state = look_again(edge, state, waits_for_twins, &mut outcome).await;
    }
    state.outputs = outputs(&mut known, sealer, former_outputs);
    let mut unnoted = opening.unnoted;
    if left.may_save {
        let (saved, noted) = match edge.tell.conclude(&outcome, edge.session.serial() + 1) {
            None => (edge.session.save(&state).await, Ok(())),
            Some(record) => edge.session.save_noting(&state, &record).await,
        };
        unnoted = unnoted.or(noted.err());
        match saved {
            Ok(()) => unwritten.clear(),
            Err(error) => {
                // The journal may be better off than the document.
                if !unwritten.is_empty() && edge.session.append(&unwritten).await.is_ok() {
                    unwritten.clear();
                }
                let failure = Failure::Store { message: format!("the state could not be stored at the end: {error}") };
                outcome.failed.extend(first.map(|it| (it, failure)));
            }
        }
    }
    Ok(Ended { outcome, state, quiet: left.quiet, unwritten, unnoted })
}

/// The second look for what former runs may have made: at the end of this one, or when nothing can arrive any more. What is
/// found is on record, and a failure, because no plan has shown what is to become of it.
async fn look_again(edge: &mut Edge<'_>, state: State, waits: bool, outcome: &mut Outcome) -> State {
    if state.intents.values().all(|it| it.watched_until.is_none()) {
        return state;
    }
    let began = wall_millis();
    let before = ids(&state);
    let (types, settles, pace) = (edge.types, edge.settles.clone(), edge.pace);
    let open = settling::Open { state, types, settles, pace, began, last_sign: began, waits };
    let mut machine = Settling::new(open);
    run(edge, &mut machine, &mut Opening::default(), &mut |_: &Settling<'_>| None).await;
    outcome.failed.extend(machine.failures().iter().cloned());
    let state = machine.into_state();
    let late = ids(&state).into_iter().filter(|it| !before.contains(it));
    outcome.failed.extend(late.map(|(address, id)| (address, Failure::Twin { id })));
    state
}

/// Everything on record, by where it is.
fn ids(state: &State) -> BTreeSet<(Address, Id)> {
    state.things().map(|(address, _, id)| (address.clone(), id.clone())).collect()
}

/// The stack's outputs as far as they are known; the rest as they were.
fn outputs(known: &mut Known<'_>, sealer: &Sealer, former: BTreeMap<String, Output>) -> BTreeMap<String, Output> {
    let Ok(now) = known.stack_outputs() else { return former };
    let one = |(name, it): (String, crate::stack::desired::OutputValue)| {
        if !it.value.is_wholly_known() {
            return former.get(&name).map(|was| (name, was.clone()));
        }
        let value = sealer.seal(&it.value.mark(it.sensitive));
        Some((name, Output { value, sensitive: it.sensitive }))
    };
    now.into_iter().filter_map(one).collect()
}

/// What is left when a machine has come to its end.
struct Left {
    quiet: bool,
    may_save: bool,
}

/// What is to be stored with the first commit.
#[derive(Default)]
struct Opening {
    record: Option<RunRecord>,
    unnoted: Option<StoreError>,
    /// The state of a new stack, as long as it has no document: the journal continues one, so what is said first is in it.
    founding: Option<State>,
}

impl Opening {
    async fn append(&mut self, session: &mut dyn Session, entries: &[Entry]) -> Result<Position, StoreError> {
        let founded = self.founding.clone().map(|mut state| {
            state.fold_all(entries);
            state
        });
        let (stored, noted) = match (founded, self.record.take()) {
            (None, None) => (session.append(entries).await, Ok(())),
            (None, Some(record)) => session.append_noting(entries, &record).await,
            (Some(state), record) => {
                let (saved, noted) = match record {
                    None => (session.save(&state).await, Ok(())),
                    Some(record) => session.save_noting(&state, &record).await,
                };
                (saved.map(|()| Position { epoch: session.epoch(), seq: 0 }), noted)
            }
        };
        if stored.is_ok() {
            self.founding = None;
        }
        self.unnoted = noted.err().or(self.unnoted.take());
        stored
    }
}

enum Order {
    Append(EffectId, Vec<Entry>),
    Save(Box<State>),
}

/// Drives a machine to its end. `saved` yields the state that may be written in between, for machines that have one.
async fn run<M: Driven>(
    edge: &mut Edge<'_>,
    machine: &mut M,
    opening: &mut Opening,
    saved: &mut dyn FnMut(&M) -> Option<State>,
) -> Left {
    let began = Instant::now();
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let (stored, mut commits) = mpsc::unbounded_channel();
    let session = &mut *edge.session;
    // One writer, so that commits and documents never overtake each other.
    let writer = async move {
        while let Some(order) = ordered.recv().await {
            let told = match order {
                Order::Append(id, entries) => stored.send((Some(id), opening.append(session, &entries).await)),
                Order::Save(state) => match session.save(&state).await {
                    // The journal still holds everything: the next save may do better.
                    Ok(()) | Err(_) => Ok(()),
                },
            };
            if told.is_err() {
                return;
            }
        }
    };
    let mut writer = std::pin::pin!(writer.fuse());
    let mut calls: FuturesUnordered<BoxFuture<'_, (EffectId, bool, Answer)>> = FuturesUnordered::new();
    let (mut appending, mut mutations, mut interrupts, mut lock_lost) = (false, 0usize, 0u32, false);
    let mut save_at = began + SAVE_EVERY;
    loop {
        for (id, effect) in machine.poll(began.elapsed()) {
            match effect {
                Effect::Append(entries) => {
                    appending = true;
                    // The writer lives as long as this loop.
                    let _ = orders.send(Order::Append(id, entries));
                }
                other => {
                    mutations += usize::from(other.mutates());
                    calls.push(call(edge.cloud, id, other).boxed());
                }
            }
        }
        for event in machine.events() {
            edge.tell.hear(event);
        }
        if machine.finished() {
            break;
        }
        if Instant::now() >= save_at && !appending {
            if let Some(state) = saved(machine) {
                let _ = orders.send(Order::Save(Box::new(state)));
            }
            save_at = Instant::now() + SAVE_EVERY;
        }
        let wake = machine.wake_at().map(|it| began + it);
        let wake = wake.into_iter().chain((!appending).then_some(save_at)).min();
        tokio::select! {
            () = &mut writer => {}
            Some((id, result)) = commits.recv() => {
                appending = false;
                lock_lost |= matches!(result, Err(StoreError::LockLost(_)));
                if let Some(id) = id {
                    machine.answer(began.elapsed(), id, Answer::Appended(result.map_err(not_stored)));
                }
            }
            Some((id, mutated, answer)) = calls.next(), if !calls.is_empty() => {
                mutations -= usize::from(mutated);
                machine.answer(began.elapsed(), id, answer);
            }
            Some(()) = edge.interrupts.recv() => {
                interrupts += 1;
                match interrupts {
                    1 => machine.stop(began.elapsed()),
                    _ => machine.abandon(),
                }
            }
            () = tokio::time::sleep_until(wake.unwrap_or(save_at)), if wake.is_some() => {}
        }
    }
    Left { quiet: mutations == 0, may_save: !lock_lost && !appending }
}

/// One call. A panic in it is an answer too: nobody knows what was done.
async fn call(cloud: &dyn Cloud, id: EffectId, effect: Effect) -> (EffectId, bool, Answer) {
    let mutates = effect.mutates();
    let answer = match AssertUnwindSafe(perform(cloud, &effect)).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => failed(&effect, panicked(&*panic)),
    };
    (id, mutates, answer)
}

async fn perform(cloud: &dyn Cloud, effect: &Effect) -> Answer {
    match effect {
        Effect::Create { target, settings, token } => Answer::Created(cloud.create(target, settings, token).await),
        Effect::Find { target, settings, token } => Answer::Found(cloud.find(target, settings, token).await),
        Effect::Read { target, query } => Answer::Read(cloud.read(target, query).await),
        Effect::Update { target, id, was, settings } => Answer::Updated(cloud.update(target, id, was, settings).await),
        Effect::Delete { target, id, settings } => Answer::Deleted(cloud.delete(target, id, settings).await),
        Effect::Empty { target, id } => Answer::Emptied(cloud.empty(target, id).await),
        Effect::Blockers { target, id } => Answer::Blockers(cloud.blockers(target, id).await),
        Effect::Data { target, arguments } => Answer::Data(cloud.data(target, arguments).await),
        Effect::Append(_) => Answer::Appended(Err(NotStored::Failed("a commit is not for the cloud".into()))),
    }
}

fn failed(effect: &Effect, fault: Fault) -> Answer {
    match effect {
        Effect::Create { .. } => Answer::Created(Err(fault)),
        Effect::Find { .. } => Answer::Found(Err(fault)),
        Effect::Read { .. } => Answer::Read(Err(fault)),
        Effect::Update { .. } => Answer::Updated(Err(fault)),
        Effect::Delete { .. } => Answer::Deleted(Err(fault)),
        Effect::Empty { .. } => Answer::Emptied(Err(fault)),
        Effect::Blockers { .. } => Answer::Blockers(Err(fault)),
        Effect::Data { .. } => Answer::Data(Err(fault)),
        Effect::Append(_) => Answer::Appended(Err(NotStored::Failed(fault.message))),
    }
}

/// What a panic says may hold a secret, so only that there was one is told.
fn panicked(_: &(dyn Any + Send)) -> Fault {
    Fault::new(Class::Bug, "infra", "the code of this resource type panicked; this is a bug in infra")
}

fn not_stored(error: StoreError) -> NotStored {
    match error {
        StoreError::LockLost(why) => NotStored::LockLost(format!("the lock was lost: {why}")),
        other => NotStored::Failed(other.to_string()),
    }
}

fn wall_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
