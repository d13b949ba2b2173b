//! One run: from the lock to the end of the machine, over the simulated world, with the network in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::laws;
use super::rates::Rates;
use super::rng::Rng;
use super::types::settles;
use super::vault::Vault;
use super::words;
use super::world::World;
use crate::address::Address;
use crate::apply::event::{Event, Outcome};
use crate::apply::{
    Answer, Driven, Effect, EffectId, Known, Machine, Mint, NotStored, Pace, Settling, Setup, Time, millis, settle,
};
use crate::diag::Diagnostic;
use crate::plan::{self, Observed, Options, Planned, Previewed, Request};
use crate::remote::{Class, Fault, Id, Preview, Settle};
use crate::stack::desired::{Configuration, lifecycles};
use crate::state::{Record, State};
use crate::value::Sealer;

#[cfg(test)]
mod tests;

/// Virtual time zero, in milliseconds since 1970.
pub const BEGAN: u64 = 1_700_000_000_000;
/// How long a silent holder keeps the lock.
pub const LEASE: Duration = Duration::from_secs(60);

/// How late a late answer of the store is at most, in milliseconds.
const STORE_LATE: u64 = 60_000;
/// What a cloud may say without having done anything.
const REFUSALS: [Class; 7] =
    [Class::Settling, Class::InUse, Class::Refused, Class::Denied, Class::Quota, Class::Unreachable, Class::Credentials];

/// What may go wrong on the way, one in so many; zero for never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub throttled: usize,
    /// Done, and not said.
    pub lost_answer: usize,
    /// Not done, and not said.
    pub lost_request: usize,
    pub refused: usize,
    /// Of commits: not stored, stored and not said, said twice, said late.
    pub store: usize,
    /// Foreign edits, one in so many things that happen.
    pub meddling: usize,
    /// At most: the way there and the way back.
    pub latency: Duration,
}

/// What interrupts a run, counted in things that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    Crash,
    Stop,
    Abandon,
    /// The process stands still; meanwhile something else happens.
    Pause,
    /// The machine sleeps for an hour, and nobody else does anything.
    Sleep,
    /// From here on the store takes nothing from this run.
    Outage,
}

/// How a machine was driven to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Finished,
    Crashed,
    /// Neither anything on its way nor anything to wait for, and not finished.
    Stuck,
}

/// Where a test may spoil what passes by, and where others may meddle. Each hook does nothing by default.
pub trait Watcher {
    /// An effect leaves the machine.
    fn sends(&mut self, _effect: &mut Effect) {}
    /// An answer reaches the machine.
    fn hears(&mut self, _effect: &Effect, _answer: &mut Answer) {}
    /// A plan is about to be carried out.
    fn steps(&mut self, _steps: &mut Vec<plan::Step>) {}
    /// The patience that the engine is told to have.
    fn settles(&mut self, _settles: &mut BTreeMap<Arc<str>, crate::remote::Settle>) {}
    /// Whether open intents of former runs are settled.
    fn settles_open(&self) -> bool {
        true
    }
    /// Whether lease and epoch are checked.
    fn checks_epoch(&self) -> bool {
        true
    }
    /// When the former holder was last heard of, as settling is told.
    fn last_sign(&self, heard: Time) -> Time {
        heard
    }
    /// The state is about to be saved at the end of a run.
    fn saves(&mut self, _state: &mut State) {}
}

/// Nobody watches.
pub struct Nobody;
impl Watcher for Nobody {}

/// The world, the store, the time, and what is still on its way from runs that are dead.
pub struct Scene {
    pub world: World,
    pub vault: Vault,
    pub now: Time,
    /// How far the clock of the machine that runs now is ahead, in milliseconds.
    pub ahead: u64,
    pub rng: Rng,
    pub stray: Vec<(Time, Effect)>,
    /// Only kept when somebody will read it.
    pub log: Option<Vec<String>>,
    /// The same, of what runs tell of themselves.
    pub events: Option<Vec<(Time, Event)>>,
    /// How patient runs are with each type.
    pub settles: BTreeMap<Arc<str>, Settle>,
    pub sealer: Sealer,
}

impl Scene {
    pub fn new(world: World, vault: Vault, rng: Rng) -> Self {
        Self {
            world,
            vault,
            now: Time::ZERO,
            ahead: 0,
            rng,
            stray: Vec::new(),
            log: None,
            events: None,
            settles: settles(),
            sealer: Sealer::new([7; 32]),
        }
    }

    /// Time passes; what dead runs sent arrives.
    pub fn advance(&mut self, to: Time) {
        self.stray.sort_by_key(|(at, _)| *at);
        while let Some((at, _)) = self.stray.first()
            && *at <= to
        {
            let (at, effect) = self.stray.remove(0);
            self.now = self.now.max(at);
            let answer = self.world.perform(self.now, &effect);
            self.tell(|| format!("arrives late: {}", words::answered(&effect, &answer)));
        }
        self.now = self.now.max(to);
    }

    /// What the clock on the wall says, in milliseconds since 1970.
    pub fn clock(&self) -> u64 {
        BEGAN + millis(self.now) + self.ahead
    }

    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            log.push(format!("{:>9.3} {}", self.now.as_secs_f64(), line()));
        }
    }
}

/// What is on its way, by when it arrives.
type Wire = BTreeMap<(Time, u64), Box<Item>>;

enum Item {
    Carry(EffectId, Effect, Fate),
    Hear(EffectId, Effect, Answer),
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Fine,
    Answered(Class),
    LostAnswer,
    LostRequest,
}

/// Drives a machine to its end, or to the interrupt. `meanwhile` is what happens during a pause.
pub struct Drive<'d> {
    pub epoch: u64,
    pub faults: Faults,
    /// After how many arrivals, what.
    pub interrupts: Vec<(usize, Interrupt)>,
    pub watcher: &'d mut dyn Watcher,
    pub meanwhile: Option<&'d mut dyn FnMut(&mut Scene)>,
    /// Until then the lease covers what is sent.
    pub lease_until: Time,
    /// Calls wait for a token first, where there are any.
    pub rates: Option<Rates>,
    /// The store takes nothing any more.
    pub outage: bool,
    /// Calls and commits that were carried out or answered.
    pub happened: usize,
}

impl Drive<'_> {
    pub fn run(&mut self, scene: &mut Scene, machine: &mut dyn Driven) -> End {
        let began = scene.now;
        let mut wire = Wire::new();
        let mut sequence = 0u64;
        // Whether the machine has something to say: it was told something, or asked to be woken.
        let (mut polls, mut wake) = (true, None);
        loop {
            polls |= wake.is_some_and(|it| it <= scene.now);
            for (id, mut effect) in if polls { machine.poll(scene.now - began) } else { Vec::new() } {
                self.watcher.sends(&mut effect);
                sequence += 1;
                let fate = self.fate(scene, &effect);
                let token = self.rates.as_mut().map_or(Duration::ZERO, |it| it.take(scene.now, &effect));
                let at = scene.now + token + scene.rng.millis(millis(self.faults.latency));
                wire.insert((at, sequence), Box::new(Item::Carry(id, effect, fate)));
            }
            for event in machine.events() {
                if scene.log.is_some()
                    && let Some(line) = words::event(&event)
                {
                    scene.tell(|| line);
                }
                let now = scene.now;
                if let Some(events) = &mut scene.events {
                    events.push((now, event));
                }
            }
            if machine.finished() {
                return End::Finished;
            }
            if std::mem::take(&mut polls) {
                wake = machine.wake_at().map(|it| began + it);
            }
            let next = wire.keys().next().map(|(at, _)| *at);
            let Some(at) = next.into_iter().chain(wake).min() else { return End::Stuck };
            scene.advance(at);
            self.renew(scene);
            if next.is_none_or(|it| it > scene.now) {
                continue;
            }
            let Some((_, item)) = wire.pop_first() else { continue };
            match *item {
                Item::Carry(id, effect, fate) => {
                    let answer = self.carry(scene, &effect, fate);
                    sequence += 1;
                    let mut at = scene.now + scene.rng.millis(millis(self.faults.latency));
                    let stored = matches!(effect, Effect::Append(_));
                    if stored && scene.rng.one_in(self.faults.store) {
                        at += scene.rng.millis(STORE_LATE);
                    }
                    if stored && scene.rng.one_in(self.faults.store) {
                        wire.insert((at, sequence), Box::new(Item::Hear(id, effect.clone(), answer.clone())));
                        sequence += 1;
                    }
                    wire.insert((at, sequence), Box::new(Item::Hear(id, effect, answer)));
                }
                Item::Hear(id, effect, mut answer) => {
                    self.watcher.hears(&effect, &mut answer);
                    machine.answer(scene.now - began, id, answer);
                    polls = true;
                }
            }
            match self.next_interrupt() {
                None => {}
                Some(Interrupt::Crash) => {
                    scene.tell(|| "the process dies".into());
                    self.strand(scene, wire);
                    return End::Crashed;
                }
                Some(Interrupt::Stop) => {
                    scene.tell(|| "Ctrl-C".into());
                    machine.stop(scene.now - began);
                    polls = true;
                }
                Some(Interrupt::Abandon) => {
                    scene.tell(|| "Ctrl-C again".into());
                    machine.abandon();
                    self.strand(scene, wire);
                    return End::Crashed;
                }
                Some(Interrupt::Sleep) => {
                    scene.tell(|| "the machine sleeps for an hour".into());
                    self.arrive(scene, &mut wire);
                    scene.advance(scene.now + Duration::from_secs(3600));
                }
                Some(Interrupt::Outage) => {
                    scene.tell(|| "the store goes away".into());
                    self.outage = true;
                }
                Some(Interrupt::Pause) => {
                    if let Some(meanwhile) = self.meanwhile.take() {
                        self.arrive(scene, &mut wire);
                        scene.tell(|| format!("the run of epoch {} stands still", self.epoch));
                        meanwhile(scene);
                        scene.tell(|| format!("the run of epoch {} goes on", self.epoch));
                    }
                }
            }
        }
    }

    /// Something happened: what comes between it and the next.
    fn next_interrupt(&mut self) -> Option<Interrupt> {
        self.happened += 1;
        let due = self.interrupts.iter().position(|(at, _)| *at <= self.happened)?;
        Some(self.interrupts.remove(due).1)
    }

    /// The lease is renewed as long as the lock is held.
    fn renew(&mut self, scene: &mut Scene) {
        if scene.vault.holder() == self.epoch {
            self.lease_until = scene.now + LEASE;
            scene.vault.renew(self.epoch, scene.now);
        }
    }

    fn fate(&mut self, scene: &mut Scene, effect: &Effect) -> Fate {
        let faults = self.faults;
        let rng = &mut scene.rng;
        if matches!(effect, Effect::Append(_)) {
            if self.outage {
                return Fate::LostRequest;
            }
            return match rng.one_in(faults.store) {
                false => Fate::Fine,
                true if rng.one_in(2) => Fate::LostAnswer,
                true => Fate::LostRequest,
            };
        }
        // The gate: nothing is sent that the lease does not cover.
        if effect.mutates() && scene.now + LEASE / 3 > self.lease_until && self.watcher.checks_epoch() {
            return Fate::Answered(Class::Fenced);
        }
        if rng.one_in(faults.throttled) {
            return Fate::Answered(Class::Busy);
        }
        if rng.one_in(faults.refused) {
            return rng.pick(&REFUSALS).map_or(Fate::Fine, |it| Fate::Answered(*it));
        }
        if effect.mutates() && rng.one_in(faults.lost_answer) {
            return Fate::LostAnswer;
        }
        if rng.one_in(faults.lost_request) { Fate::LostRequest } else { Fate::Fine }
    }

    fn carry(&mut self, scene: &mut Scene, effect: &Effect, fate: Fate) -> Answer {
        match fate {
            Fate::Answered(class) => {
                scene.tell(|| format!("{} → refused: {class:?}", words::effect(effect)));
                failed(effect, class)
            }
            Fate::LostRequest => {
                scene.tell(|| format!("lost on the way: {}", words::effect(effect)));
                failed(effect, Class::Unknown)
            }
            Fate::Fine | Fate::LostAnswer => {
                let answer = match effect {
                    Effect::Append(entries) => Answer::Appended(scene.vault.append(self.epoch, entries)),
                    _ => scene.world.perform(scene.now, effect),
                };
                let lost = if fate == Fate::LostAnswer { ", and the answer is lost" } else { "" };
                scene.tell(|| format!("{}{lost}", words::answered(effect, &answer)));
                laws::check(scene, self.epoch, effect, &answer);
                self.meddle(scene);
                if fate == Fate::LostAnswer { failed(effect, Class::Unknown) } else { answer }
            }
        }
    }

    /// Somebody else changes something by hand.
    fn meddle(&mut self, scene: &mut Scene) {
        if scene.rng.one_in(self.faults.meddling) {
            let mut rng = scene.rng.split();
            if let Some(line) = scene.world.meddle(&mut rng) {
                scene.tell(|| line);
            }
        }
    }

    /// The network does not stand still with the process: what was sent arrives.
    fn arrive(&mut self, scene: &mut Scene, wire: &mut Wire) {
        for (key, item) in std::mem::take(wire) {
            let item = match *item {
                Item::Carry(id, effect, fate) => {
                    let answer = self.carry(scene, &effect, fate);
                    Item::Hear(id, effect, answer)
                }
                heard => heard,
            };
            wire.insert(key, Box::new(item));
        }
    }

    /// Whatever was on its way when the process died may still arrive: within its attempt, or, stopped between signing and
    /// sending, as long as signatures are taken.
    fn strand(&mut self, scene: &mut Scene, wire: Wire) {
        for item in wire.into_values() {
            let Item::Carry(_, effect, Fate::Fine | Fate::LostAnswer) = *item else { continue };
            match scene.rng.below(6) {
                0..=2 => {}
                3 | 4 => {
                    let at = scene.now + scene.rng.millis(1000 * settle::ATTEMPT_SECONDS);
                    scene.stray.push((at, effect));
                }
                _ => {
                    let at = scene.now + scene.rng.millis(1000 * settle::WATCH_SECONDS);
                    if matches!(effect, Effect::Create { .. }) {
                        scene.stray.push((at, effect));
                    }
                }
            }
        }
    }
}

fn failed(effect: &Effect, class: Class) -> Answer {
    let fault = || Fault::new(class, "sim:Net", format!("{class:?}"));
    match effect {
        Effect::Append(_) => Answer::Appended(Err(NotStored::Failed("no answer".into()))),
        Effect::Create { .. } => Answer::Created(Err(fault())),
        Effect::Find { .. } => Answer::Found(Err(fault())),
        Effect::Read { .. } => Answer::Read(Err(fault())),
        Effect::Update { .. } => Answer::Updated(Err(fault())),
        Effect::Delete { .. } => Answer::Deleted(Err(fault())),
        Effect::Empty { .. } => Answer::Emptied(Err(fault())),
        Effect::Blockers { .. } => Answer::Blockers(Err(fault())),
        Effect::Data { .. } => Answer::Data(Err(fault())),
    }
}

/// What the world says of everything that is recorded.
pub fn observe(scene: &Scene, state: &State) -> Observed {
    let look = |(address, record): (&Address, &Arc<Record>)| {
        (address.clone(), scene.world.live(scene.now, address.type_name(), &record.id))
    };
    Observed { live: state.resources.iter().map(look).collect(), ..Observed::default() }
}

/// A plan, and what it was made from.
pub struct Made {
    pub planned: Planned,
    pub observed: Observed,
}

/// Plans with the real planner. The error is what it complained of.
pub fn plan(scene: &Scene, wish: &mut dyn Configuration, state: &State, options: &Options) -> Result<Made, Vec<Diagnostic>> {
    let mut observed = observe(scene, state);
    loop {
        let request = Request {
            configuration: wish,
            types: &*scene.world.types,
            state,
            observed: &observed,
            options,
            sealer: &scene.sealer,
            account: "111111111111",
            region: "sim",
            digest: "",
        };
        match plan::plan(request) {
            plan::Outcome::Planned(planned) => return Ok(Made { planned: *planned, observed }),
            plan::Outcome::NeedsData(reads) => {
                for it in reads {
                    let answer = scene.world.look_up(&it.key.type_name, &it.key.arguments);
                    let answer = answer.map_err(|it| vec![Diagnostic::error("rehearsal", it.to_string())])?;
                    observed.data.insert(it.key, answer);
                }
            }
            plan::Outcome::NeedsImports(all) => {
                for (_, key) in all {
                    let live = scene.world.live(scene.now, &key.type_name, &key.id);
                    observed.imports.insert(key, live);
                }
            }
            // Nothing in the simulation answers in another form than it is asked for.
            plan::Outcome::NeedsPreviews(all) => observed.previews.extend(all.into_iter().map(|it| {
                let preview = Preview { settings: Some(it.settings.clone()), ..Preview::default() };
                (it.address, Previewed { settings: it.settings, preview })
            })),
            plan::Outcome::Refused(complaints) => return Err(complaints),
        }
    }
}

/// Settles what former runs left open. The state is as stored afterwards.
pub fn settle_open(scene: &mut Scene, drive: &mut Drive<'_>, state: State, abandoned: Option<Time>) -> (End, State, Vec<String>) {
    let began = scene.clock();
    let types = Arc::clone(&scene.world.types);
    let last_sign = drive.watcher.last_sign(abandoned.unwrap_or(scene.now));
    let mut settles = scene.settles.clone();
    drive.watcher.settles(&mut settles);
    let open = settle::Open {
        state,
        types: &*types,
        settles,
        pace: Pace { seed: scene.rng.bits(), ..Pace::default() },
        began,
        last_sign: began.saturating_sub(millis(scene.now - last_sign)),
        waits: false,
    };
    let mut settling = Settling::new(open);
    let end = drive.run(scene, &mut settling);
    let failures = settling.failures().iter().map(|(address, it)| format!("{address}: {it}")).collect();
    (end, settling.into_state(), failures)
}

/// Carries out a plan over the scene: the machine, driven to its end. Stores the state at the end, as a real run does.
pub fn carry_out(
    scene: &mut Scene,
    drive: &mut Drive<'_>,
    wish: &mut dyn Configuration,
    state: State,
    made: Made,
    pace: Pace,
) -> Result<(End, Outcome), String> {
    let Made { planned, observed } = made;
    let (sealer, types) = (scene.sealer.clone(), Arc::clone(&scene.world.types));
    let mut steps = planned.plan.steps;
    drive.watcher.steps(&mut steps);
    let mut settles = scene.settles.clone();
    drive.watcher.settles(&mut settles);
    let mut known = Known::new(wish, &*types, &state, &observed, &steps);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&scene.rng.bits().to_be_bytes());
    let mut mint = Mint::new(drive.epoch, seed);
    let setup = Setup {
        steps,
        state,
        types: &*types,
        desired: &mut known,
        sealer: &sealer,
        settles,
        timeouts: BTreeMap::new(),
        lifecycles: lifecycles(&planned.instances),
        mint: &mut mint,
        pace: Pace { seed: scene.rng.bits(), ..pace },
        began: scene.clock(),
    };
    let mut machine = Machine::new(setup).map_err(|it| it.to_string())?;
    let mut end = drive.run(scene, &mut machine);
    if end == End::Finished && matches!(drive.next_interrupt(), Some(Interrupt::Crash)) {
        scene.tell(|| "the process dies before it saves the state".into());
        end = End::Crashed;
    }
    let stuck = (end == End::Stuck).then(|| format!("the machine is stuck: {:?}", machine.state().intents));
    let taken_in: Vec<Id> = machine.unstored().filter_map(laws::taken_in).cloned().collect();
    let (outcome, mut state) = machine.end();
    if let Some(stuck) = stuck {
        return Err(stuck);
    }
    if end == End::Finished && !drive.outage {
        drive.watcher.saves(&mut state);
        // A holder that lost the lock is told so.
        if scene.vault.save(drive.epoch, &state).is_ok() {
            taken_in.iter().for_each(|it| scene.world.hand_over(it));
        }
        scene.vault.give_back(drive.epoch);
    }
    Ok((end, outcome))
}

/// Applies a plan in calm weather: what the state is afterwards, and the world with it. For tests of plans.
pub fn apply_plan(scene: &mut Scene, wish: &mut dyn Configuration, made: Made) -> Result<(Outcome, State), String> {
    apply_at(scene, wish, made, Pace { concurrency: 8, ..Pace::default() }, Faults::default(), None)
}

/// The same with a network, and limits on the calls.
pub fn apply_at(
    scene: &mut Scene,
    wish: &mut dyn Configuration,
    made: Made,
    pace: Pace,
    faults: Faults,
    rates: Option<Rates>,
) -> Result<(Outcome, State), String> {
    let taken = scene.vault.take(scene.now).ok_or("the store has no state")?;
    let (epoch, lease_until) = (taken.epoch, scene.now + LEASE);
    let interrupts = Vec::new();
    let mut drive = Drive {
        epoch,
        faults,
        interrupts,
        watcher: &mut Nobody,
        meanwhile: None,
        lease_until,
        rates,
        outage: false,
        happened: 0,
    };
    let (_, outcome) = carry_out(scene, &mut drive, wish, taken.state, made, pace)?;
    let state = scene.vault.read().ok_or("the store has no state")?;
    Ok((outcome, state))
}
