//! [`Machine`]: carries out the steps of a plan. It decides and never waits; whoever drives it does the I/O and reports back.
//! A pure function of what it is given, so a seed replays a whole run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::event::{Doing, Event, Failure, Outcome};
use super::journal::{Journal, Trouble};
use super::looks::{Look, Looks};
use super::ownership::Owner;
use super::pace::{Jitter, Mint, Pace, Patience};
use super::schedule::{BadOrder, Room, Schedule};
use super::work::{Call, Phase, Work};
use super::{Answer, Effect, EffectId, NotStored, Time};
use crate::address::Address;
use crate::plan::{Act, Step};
use crate::remote::{Class, Fault, Id, Live, Query, Settle, Target, Token};
use crate::schema::Types;
use crate::stack::desired::{Lifecycle, Timeouts};
use crate::state::{Entry, IntentAct, Record, State};
use crate::value::{Sealer, Value};

#[cfg(test)]
mod tests;

/// What a read takes without becoming several: as many values as one of EC2's filters may have, the narrowest of such limits.
const READ: usize = 200;

/// What the user's files say now that more is known than when the plan was made.
pub trait Desired {
    /// The settings of a managed instance, or the arguments of a data source.
    fn settings(&mut self, address: &Address) -> Result<Value, Failure>;
    /// What is being made has this id. What else it answers is not known yet.
    fn expect(&mut self, address: &Address, id: &Id);
    /// The outputs of an instance are known from here on, and its settings as they are live; a data source has outputs alone.
    fn learn(&mut self, address: &Address, settings: &Value, outputs: &Value);
    /// The user's conditions on a thing that was made or changed.
    fn check(&mut self, address: &Address, live: &Live) -> Result<(), Failure>;
}

/// What a machine is made from.
pub struct Setup<'a> {
    pub steps: Vec<Step>,
    /// As taken over, with every open intent of former runs settled.
    pub state: State,
    pub types: &'a dyn Types,
    pub desired: &'a mut dyn Desired,
    pub sealer: &'a Sealer,
    /// By type; a type that is not in it is [`Settle::INSTANT`].
    pub settles: BTreeMap<Arc<str>, Settle>,
    /// Of instances whose files say something.
    pub timeouts: BTreeMap<Address, Timeouts>,
    /// Of instances that leave something to others.
    pub lifecycles: BTreeMap<Address, Lifecycle>,
    pub mint: &'a mut Mint,
    pub pace: Pace,
    /// When the run began, in milliseconds since 1970.
    pub began: u64,
}

pub struct Machine<'a> {
    pub(super) steps: Vec<Arc<Step>>,
    pub(super) phases: Vec<Phase>,
    pub(super) works: BTreeMap<usize, Work>,
    pub(super) types: &'a dyn Types,
    pub(super) desired: &'a mut dyn Desired,
    pub(super) sealer: &'a Sealer,
    pub(super) mint: &'a mut Mint,
    pub(super) patience: Patience,
    pub(super) timeouts: BTreeMap<Address, Timeouts>,
    pub(super) lifecycles: BTreeMap<Address, Lifecycle>,
    pub(super) owner: Owner,
    pub(super) pace: Pace,
    pub(super) began: u64,
    pub(super) jitter: Jitter,
    pub(super) schedule: Schedule,
    pub(super) looks: Looks,
    pub(super) journal: Journal,
    pub(super) state: State,
    /// What has an address since this run, stored or not: what it made, moved or took in.
    pub(super) has: BTreeMap<Address, Id>,
    /// Where something may still arrive that a former run asked for. It is searched for, and must not be found while it goes.
    watched: BTreeSet<Address>,
    /// Creations of former runs that are tried again: they keep their token.
    pub(super) kept: BTreeMap<Address, (Token, Value)>,
    pub(super) now: Time,
    /// Steps whose intents were just stored.
    stored: VecDeque<usize>,
    flights: BTreeMap<EffectId, Flight>,
    effects: u64,
    remaining: usize,
    stopping: bool,
    /// Nothing is started any more, because nothing could be recorded.
    halted: bool,
    /// Nothing is done at all any more.
    dead: bool,
    events: Vec<Event>,
    outcome: Outcome,
}

enum Flight {
    Append,
    Step(usize),
    Read { line: usize, steps: Vec<usize> },
}

impl<'a> Machine<'a> {
    pub fn new(setup: Setup<'a>) -> Result<Self, BadOrder> {
        let schedule = Schedule::new(setup.steps.iter())?;
        let targets = setup.steps.iter().map(|it| Target::of(&it.address, &it.config));
        let looks = Looks::new(READ, targets);
        let count = setup.steps.len();
        let watched = setup.state.intents.values().filter(|it| it.watched_until.is_some()).map(|it| it.address.clone());
        let kept = setup.state.intents.values().filter_map(|it| match &it.act {
            IntentAct::Create { token, .. } if is_used(token, setup.state.record(&it.address)) => None,
            IntentAct::Create { token, inputs, .. } => Some((it.address.clone(), (token.clone(), inputs.clone()))),
            IntentAct::Update { .. } | IntentAct::Delete { .. } => None,
        });
        // A move is no step that anything waits for.
        let moved = setup.steps.iter().filter_map(|it| match &it.act {
            Act::Move { from } => Some((it.address.clone(), setup.state.resources.get(from)?.id.clone())),
            _ => None,
        });
        Ok(Self {
            watched: watched.collect(),
            kept: kept.collect(),
            has: moved.collect(),
            steps: setup.steps.into_iter().map(Arc::new).collect(),
            phases: std::iter::repeat_with(Phase::default).take(count).collect(),
            works: BTreeMap::new(),
            types: setup.types,
            desired: setup.desired,
            sealer: setup.sealer,
            mint: setup.mint,
            patience: Patience { by_type: setup.settles, scale: setup.pace.scale },
            timeouts: setup.timeouts,
            lifecycles: setup.lifecycles,
            owner: Owner { stack: setup.state.stack.clone(), lineage: setup.state.lineage.clone() },
            jitter: Jitter::new(setup.pace.seed),
            pace: setup.pace,
            began: setup.began,
            schedule,
            looks,
            journal: Journal::lingering(),
            state: setup.state,
            now: Time::ZERO,
            stored: VecDeque::new(),
            flights: BTreeMap::new(),
            effects: 0,
            remaining: count,
            stopping: false,
            halted: false,
            dead: false,
            events: Vec::new(),
            outcome: Outcome::default(),
        })
    }

    /// Everything that is to be done now. To be asked again after each answer, and at [`wake_at`](Self::wake_at).
    pub fn poll(&mut self, now: Time) -> Vec<(EffectId, Effect)> {
        self.now = self.now.max(now);
        let mut out = Vec::new();
        if self.dead {
            return out;
        }
        self.fail_unrecorded();
        while let Some((due, at)) = self.schedule.due(self.now) {
            if let Phase::Pausing(call, until) = self.phases[at]
                && until == due
            {
                self.call_now(at, call);
            }
        }
        while let Some(at) = self.stored.pop_front() {
            self.go_on(at);
        }
        // Each call leaves room ahead, and some steps begin with a call.
        loop {
            let calls = self.send_calls(&mut out);
            let starts = self.begin_steps();
            if !calls && !starts {
                break;
            }
        }
        for (line, steps) in self.looks.due(self.now, self.schedule.is_idle()) {
            let query = self.question(&steps);
            let effect = Effect::Read { target: self.looks.target(line).clone(), query };
            out.push((self.launch(Flight::Read { line, steps }), effect));
        }
        if !self.is_over()
            && let Some(commit) = self.journal.next(self.now, self.schedule.wants_intents())
        {
            out.push((self.launch(Flight::Append), Effect::Append(commit)));
        }
        out
    }

    /// What came of an effect. An answer to no question of ours, or the second one, is not heard.
    pub fn answer(&mut self, now: Time, effect: EffectId, answer: Answer) {
        self.now = self.now.max(now);
        let Some(flight) = self.flights.remove(&effect) else { return };
        if self.dead {
            return self.answer_late(flight, answer);
        }
        match (flight, answer) {
            (Flight::Append, Answer::Appended(result)) => self.appended(result),
            (Flight::Read { line, steps }, Answer::Read(result)) => {
                self.looks.answered(line);
                self.read(&steps, &result);
            }
            (Flight::Step(at), answer) => self.called(at, answer),
            (Flight::Append, _) => self.appended(Err(NotStored::Failed("the answer is none to a commit".into()))),
            (Flight::Read { line, steps }, _) => {
                self.looks.answered(line);
                self.read(&steps, &Err(Fault::bug("read", "the answer is none to a read")));
            }
        }
    }

    /// Nothing is done any more, but what still becomes known is kept for the last save: the id of a created thing.
    fn answer_late(&mut self, flight: Flight, answer: Answer) {
        if let (Flight::Step(at), Answer::Created(Ok(id))) = (flight, answer) {
            self.created(at, id);
        }
    }

    /// When to poll next if nothing is answered before then.
    pub fn wake_at(&self) -> Option<Time> {
        if self.dead {
            return None;
        }
        let looks = self.looks.wake_at(self.schedule.is_idle());
        [self.schedule.wake_at(), looks, self.journal.wake_at()].into_iter().flatten().min()
    }

    /// First Ctrl-C: nothing more is started; what is in flight is finished.
    pub fn stop(&mut self, now: Time) {
        self.now = self.now.max(now);
        if self.stopping {
            return;
        }
        self.stopping = true;
        for at in self.unsent() {
            if let Phase::Queued(_) | Phase::Announced { .. } = self.phases[at] {
                self.hold_unsent(at);
            }
        }
        // A call that was refused for the moment was not made: there is nothing to finish.
        let pausing = self.works.iter().filter(|(at, work)| {
            let pauses = matches!(self.phases[**at], Phase::Pausing(..) | Phase::Queued(_));
            pauses && !work.doubt && work.id.is_none()
        });
        for at in pausing.map(|(at, _)| *at).collect::<Vec<_>>() {
            self.close(at, "interrupted before it was made");
            self.hold(at);
        }
        self.events.push(Event::Stopping { at: self.now, in_flight: self.works.len() });
    }

    /// Second Ctrl-C: nothing is waited for any more. Open intents stay on record, and the next run settles them.
    pub fn abandon(&mut self) {
        self.stopping = true;
        self.dead = true;
        self.outcome.stopped = true;
    }

    /// Whether there is nothing left to do or to wait for. What was said last may be [`unstored`](Self::unstored): the document
    /// that is written now holds it, and no commit need be waited for.
    pub fn finished(&self) -> bool {
        self.dead || self.is_over()
    }

    fn is_over(&self) -> bool {
        self.works.is_empty() && self.flights.is_empty() && self.schedule.nobody_waits()
    }

    /// What happened since this was asked last.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// What is known to be stored.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What was said and is not known to be stored: the last save must hold it.
    pub fn unstored(&self) -> impl Iterator<Item = &Entry> {
        self.journal.unstored()
    }

    /// How it went; the state with everything that happened in it, stored or not.
    pub fn end(mut self) -> (Outcome, State) {
        let unstored: Vec<Entry> = self.journal.unstored().cloned().collect();
        self.state.fold_all(&unstored);
        self.outcome.stopped |= self.remaining > 0 && !self.dead;
        self.outcome.took = self.now;
        (self.outcome, self.state)
    }

    pub(super) fn is_halted(&self) -> bool {
        self.stopping || self.halted
    }

    fn launch(&mut self, flight: Flight) -> EffectId {
        let id = EffectId(self.effects);
        self.effects += 1;
        self.flights.insert(id, flight);
        id
    }

    /// Whether there were any.
    fn send_calls(&mut self, out: &mut Vec<(EffectId, Effect)>) -> bool {
        let mut any = false;
        while let Some(at) = self.schedule.next_call(self.pace.concurrency) {
            any = true;
            if let Phase::Queued(call) = self.phases[at] {
                self.send(at, call, out);
            }
        }
        any
    }

    /// Whether there were any.
    fn begin_steps(&mut self) -> bool {
        let mut any = false;
        while let Some(at) = self.schedule.next_start(self.pace.concurrency) {
            any = true;
            if let Phase::Waiting | Phase::Announced { .. } = self.phases[at] {
                self.begin(at);
            }
        }
        any
    }

    /// The step's turn has come.
    fn begin(&mut self, at: usize) {
        let late = self
            .pace
            .deadline
            .is_some_and(|it| self.now.as_millis() + u128::from(self.steps[at].expected_millis) > it.as_millis());
        if self.is_halted() || late {
            return self.hold_unsent(at);
        }
        let (address, doing) = (self.steps[at].address.clone(), self.doing(at));
        self.events.push(Event::Started { at: self.now, address, doing, remaining: self.remaining });
        if let Phase::Announced { stored } = self.phases[at] {
            if self.is_as_announced(at) {
                return self.begin_announced(at, stored);
            }
            self.take_back(at);
        }
        if let Err(failure) = self.start(at) {
            self.fail(at, failure);
        }
    }

    fn send(&mut self, at: usize, call: Call, out: &mut Vec<(EffectId, Effect)>) {
        let Some(effect) = self.effect(at, call) else {
            self.schedule.vacate(at);
            return self.fail(at, Failure::Fault { fault: Fault::bug("apply", "a call without a thing to call for") });
        };
        self.schedule.occupy(at, Room::Calling);
        if let Some(work) = self.works.get_mut(&at) {
            work.asked = self.now;
        }
        self.phases[at] = Phase::Calling(call);
        if call == Call::Delete && self.ends_with_its_answer(at) {
            let users = self.comes(at);
            self.announce_ahead(users);
        }
        out.push((self.launch(Flight::Step(at)), effect));
    }

    /// As soon as there is room for it.
    pub(super) fn call_now(&mut self, at: usize, call: Call) {
        self.phases[at] = Phase::Queued(call);
        self.schedule.queue_call(at);
    }

    pub(super) fn record(&mut self, entry: Entry) {
        self.journal.push(entry, None);
    }

    /// Says so when it is stored, which may be kept back.
    pub(super) fn record_for(&mut self, at: usize, entry: Entry) {
        self.journal.push(entry, Some(at));
    }

    pub(super) fn pause(&mut self, at: usize, call: Call, until: Time) {
        self.phases[at] = Phase::Pausing(call, until);
        self.schedule.wake(at, until);
    }

    /// Looked at from `due` on. What nobody waits for is looked at when it suits.
    pub(super) fn look_at(&mut self, at: usize, due: Time) {
        let settle = self.patience.of(self.steps[at].address.type_name());
        let first = self.works.get(&at).is_some_and(|it| it.looks == 0 && it.id.is_some());
        let users = self.comes(at);
        // What waits for deletions waits for the last of them; what is made may have to be changed before it is of use.
        let needed = if self.goes(at) { self.schedule.is_waited_for(at) } else { self.schedule.has_users(at) };
        let (look, due) = match first {
            true if needed => (Look::First, due),
            true => (Look::Unneeded, due + settle.every_max),
            false => (Look::Again, due),
        };
        self.phases[at] = Phase::Looking;
        self.looks.add(at, self.now, due, look, settle.every / 2);
        self.announce_ahead(users);
    }

    /// It comes to be looked at, to its end, or to the call that ends it: what some step waits for, and for nothing else any more,
    /// is looked at now. Those steps.
    fn comes(&mut self, at: usize) -> Vec<usize> {
        let users = if self.looks.comes(at) { self.schedule.comes(at) } else { Vec::new() };
        for user in &users {
            self.schedule.needs(*user).iter().for_each(|need| self.looks.hurry(*need));
        }
        users
    }

    pub(super) fn goes(&self, at: usize) -> bool {
        matches!(self.steps[at].act, Act::Delete { .. } | Act::DeleteReplaced { .. })
    }

    /// Whether a deletion is done when the cloud answers it. What is made in its place waits until nothing is seen of it.
    pub(super) fn ends_with_its_answer(&self, at: usize) -> bool {
        let address = &self.steps[at].address;
        let at_once = self.types.resource(address.type_name()).is_some_and(|it| it.deleted_at_once);
        self.goes(at) && at_once && !self.watched.contains(address) && self.schedule.users(at).all(|user| self.goes(user))
    }

    fn question(&self, steps: &[usize]) -> Query {
        let goes = |at: &usize| self.goes(*at);
        let presence = steps.iter().all(goes);
        let is_new = |at: &usize| matches!(self.steps[*at].act, Act::Create { .. });
        let fresh = steps.iter().all(|at| is_new(at) && self.works.get(at).is_some_and(|it| !it.seen && it.looks == 0));
        let mut query = Query { lineage: Some(self.owner.lineage.0.to_string()), presence, fresh, ..Query::default() };
        for at in steps {
            let Some(work) = self.works.get(at) else { continue };
            query.ids.extend(work.id.clone());
            query.whole |= matches!(self.steps[*at].act, Act::Import { .. });
            if goes(at) {
                continue;
            }
            let recorded = self.state.resources.get(&self.steps[*at].address).map(|it| &it.applied);
            for settings in recorded.into_iter().chain([&work.settings]) {
                let set = settings.members().into_iter().flatten().filter(|(_, it)| !it.is_null());
                query.parts.extend(set.map(|(name, _)| name.clone()));
            }
        }
        query.ids.sort_unstable();
        query.ids.dedup();
        query
    }

    fn appended(&mut self, result: Result<crate::state::Position, NotStored>) {
        let why = match result {
            Ok(position) => return self.stored.extend(self.journal.stored(position, &mut self.state)),
            Err(why) => why,
        };
        let trouble = self.journal.failed(self.now, &why, self.pace.scale, &mut self.jitter);
        match (trouble, &why) {
            (Trouble::Passing, _) => {}
            (Trouble::Lasting, _) => self.halt(&why),
            (Trouble::Final, NotStored::Failed(_)) => self.halt(&why),
            (Trouble::Final, NotStored::LockLost(_)) => self.fence(&Failure::Store { message: why.to_string() }),
        }
    }

    /// The store does not answer: what is not started is not, what is in flight is finished.
    fn halt(&mut self, why: &NotStored) {
        if self.halted {
            return;
        }
        self.halted = true;
        for at in self.unsent() {
            // It may have been skipped because of one before it.
            if self.works.contains_key(&at) {
                self.schedule.vacate(at);
                self.close_undoubted(at, "the state could not be stored");
                self.fail(at, Failure::Store { message: why.to_string() });
            }
        }
    }

    /// Where nothing can be stored any more, what has to be on record before it is changed is left as it is.
    fn fail_unrecorded(&mut self) {
        let Some(message) = self.journal.closed_by().map(ToString::to_string) else { return };
        let waiting = self.works.keys().copied().filter(|at| matches!(self.phases[*at], Phase::Recording));
        for at in waiting.collect::<Vec<_>>() {
            self.close(at, &message);
            self.fail(at, Failure::Store { message: message.clone() });
        }
    }

    /// Somebody else is the writer now: nothing more is sent or stored.
    pub(super) fn fence(&mut self, failure: &Failure) {
        for at in self.works.keys().copied().collect::<Vec<_>>() {
            self.outcome.failed.push((self.steps[at].address.clone(), failure.clone()));
            let (address, doing) = (self.steps[at].address.clone(), self.doing(at));
            self.events.push(Event::Failed { at: self.now, address, doing, failure: failure.clone() });
        }
        self.abandon();
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The step is at its end, and as it should be.
    pub(super) fn done(&mut self, at: usize) {
        let work = self.works.remove(&at);
        self.phases[at] = Phase::Done;
        self.comes(at);
        self.remaining -= 1;
        self.outcome.done += 1;
        self.schedule.complete(at);
        let (id, took) = work.map_or((None, Time::ZERO), |it| (it.id, self.now - it.started));
        let (address, doing) = (self.steps[at].address.clone(), self.doing(at));
        self.events.push(Event::Done { at: self.now, address, doing, id, took });
    }

    /// The step is at its end, and all that needs it is skipped.
    pub(super) fn fail(&mut self, at: usize, failure: Failure) {
        self.works.remove(&at);
        self.phases[at] = Phase::Failed;
        self.comes(at);
        self.remaining -= 1;
        let (cause, doing) = (self.steps[at].address.clone(), self.doing(at));
        self.outcome.failed.push((cause.clone(), failure.clone()));
        self.events.push(Event::Failed { at: self.now, address: cause.clone(), doing, failure });
        let mut left = self.schedule.abandon(at);
        while let Some(user) = left.pop() {
            match self.phases[user] {
                Phase::Waiting => {}
                Phase::Announced { .. } => {
                    self.close(user, "what it waited for failed");
                    self.take_back(user);
                }
                _ => continue,
            }
            self.phases[user] = Phase::Skipped;
            self.comes(user);
            self.remaining -= 1;
            left.extend(self.schedule.abandon(user));
            let address = self.steps[user].address.clone();
            self.outcome.skipped.push((address.clone(), cause.clone()));
            self.events.push(Event::Skipped { at: self.now, address, because: cause.clone() });
        }
    }

    /// Closes the step's intent, for what was not done or is on record.
    pub(super) fn close(&mut self, at: usize, message: &str) {
        if let Some(op) = self.works.get_mut(&at).and_then(|it| it.op.take()) {
            let outcome = crate::state::Outcome::Failed { message: message.to_owned() };
            self.record(Entry::Outcome { op, outcome });
        }
    }

    /// It is not started any more, or was not made when it was interrupted; nor is what needs it.
    pub(super) fn hold(&mut self, at: usize) {
        self.works.remove(&at);
        self.phases[at] = Phase::Held;
        self.comes(at);
        self.outcome.stopped = true;
    }

    pub(super) fn target(&self, at: usize) -> Target {
        let step = &self.steps[at];
        Target::of(&step.address, &step.config)
    }

    pub(super) fn doing(&self, at: usize) -> Doing {
        Doing::of(&self.steps[at].act)
    }
}

/// Whether something on record was made with this token, or may have been: what replaces it must not be taken for it.
fn is_used(token: &Token, record: Option<&Record>) -> bool {
    record.is_some_and(|it| it.token.as_ref() == Some(token) || !it.deposed.is_empty())
}

/// Failures after which the same call may be made again.
pub(super) fn passes(class: Class) -> bool {
    match class {
        Class::Busy | Class::Settling | Class::InUse | Class::Unknown | Class::Unreachable => true,
        Class::Missing | Class::Exists | Class::Refused | Class::Denied => false,
        Class::Credentials | Class::Quota | Class::Fenced | Class::Bug => false,
    }
}
