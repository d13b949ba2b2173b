//! [`Settling`]: finds out what became of the mutations that former runs announced and did not finish. It only ever reads;
//! what it finds goes on record, and the plan that is made then sees the world as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compare::without_digests;
use super::effect::millis;
use super::event::{Doing, Event, Failure};
use super::journal::{Journal, Trouble};
use super::machine::passes;
use super::ownership::Owner;
use super::pace::{Jitter, Pace, Patience};
use super::{Answer, Effect, EffectId, NotStored, Time};
use crate::address::Address;
use crate::remote::{Class, Fault, Found, Id, Live, Query, Settle, Status, Target, Token};
use crate::schema::Types;
use crate::state::{Deposed, Entry, Intent, IntentAct, OpId, Outcome, Record, State};
use crate::value::Value;

#[cfg(test)]
mod tests;

/// How long AWS still takes a request that was signed by a run that was stopped between signing and sending, in seconds.
pub const WATCH_SECONDS: u64 = 300;
/// The longest that one attempt of a call may take, in seconds.
pub const ATTEMPT_SECONDS: u64 = 20;
/// What is said of a step whose thing is on record, and which the plan goes on with.
const INTERRUPTED: &str = "interrupted before its end";

/// What settling is made from.
pub struct Open<'a> {
    pub state: State,
    pub types: &'a dyn Types,
    pub settles: BTreeMap<Arc<str>, Settle>,
    pub pace: Pace,
    /// The clock at time zero, in milliseconds since 1970.
    pub began: u64,
    /// The last sign of life of the former holder, in milliseconds since 1970; `began` when it is not known.
    pub last_sign: u64,
    /// Whether to stay until nothing can arrive late any more, instead of leaving that to the next run.
    pub waits: bool,
}

/// Settles the open intents of a state. Driven like the machine.
pub struct Settling<'a> {
    types: &'a dyn Types,
    patience: Patience,
    owner: Owner,
    began: u64,
    /// Nobody is carrying out a call any more.
    quiet: Time,
    /// Until then, in milliseconds since 1970, a delayed request may still be taken.
    watch_until: u64,
    waits: bool,
    state: State,
    journal: Journal,
    jitter: Jitter,
    scale: f64,
    now: Time,
    cases: BTreeMap<OpId, Case>,
    /// What is on record, or about to be.
    known: BTreeSet<(Target, Id)>,
    /// Addresses whose records are about to change, and the numbers under which the journal says when they have.
    storing: BTreeSet<Address>,
    stored: Vec<Address>,
    flights: BTreeMap<EffectId, Option<OpId>>,
    effects: u64,
    dead: bool,
    failures: Vec<(Address, Failure)>,
    events: Vec<Event>,
}

/// One open intent.
struct Case {
    intent: Intent,
    question: Question,
    due: Time,
    asked: Option<Time>,
    tries: u32,
    /// Until then "there is none" proves nothing.
    hidden_until: Time,
    /// What is on its way is not waited for any longer.
    give_up: Time,
    /// More than one attempt of it was carried out.
    repeated: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Question {
    /// What a creation may have made.
    Find(Token),
    /// Whether a created thing can be seen.
    See(Id),
    /// Whether a deleted thing is gone.
    Gone(Id),
    /// Nothing is asked: the plan looks at the thing anyway. Only the time counts.
    Wait,
    /// A late twin of a creation that was taken for never made.
    Watch(Token),
}

impl<'a> Settling<'a> {
    pub fn new(open: Open<'a>) -> Self {
        let scaled = |seconds: u64| (seconds as f64 * 1000.0 * open.pace.scale) as u64;
        let since_began = |at: u64| Time::from_millis(at.saturating_sub(open.began));
        let quiet = open.last_sign.saturating_add(scaled(ATTEMPT_SECONDS));
        let patience = Patience { by_type: open.settles, scale: open.pace.scale };
        let mut cases = BTreeMap::new();
        for (op, intent) in &open.state.intents {
            let settle = patience.of(intent.address.type_name());
            let hidden = millis(settle.hidden);
            let question = question(intent, open.state.record(&intent.address));
            // What is asked at once and answered with "it is there" needs no patience at all.
            let due = if question == Question::Wait { since_began(quiet) } else { Time::ZERO };
            let hidden_until = since_began(quiet.saturating_add(hidden));
            let (intent, give_up) = (intent.clone(), settle.delete);
            let case = Case { intent, question, due, asked: None, tries: 0, hidden_until, give_up, repeated: false };
            cases.insert(op.clone(), case);
        }
        Self {
            types: open.types,
            patience,
            owner: Owner { stack: open.state.stack.clone(), lineage: open.state.lineage.clone() },
            began: open.began,
            quiet: since_began(quiet),
            watch_until: open.last_sign.saturating_add(scaled(WATCH_SECONDS)),
            waits: open.waits,
            known: match cases.is_empty() {
                true => BTreeSet::new(),
                false => open.state.things().map(|(address, config, id)| (Target::of(address, config), id.clone())).collect(),
            },
            storing: BTreeSet::new(),
            stored: Vec::new(),
            state: open.state,
            journal: Journal::default(),
            jitter: Jitter::new(open.pace.seed),
            scale: open.pace.scale,
            now: Time::ZERO,
            cases,
            flights: BTreeMap::new(),
            effects: 0,
            dead: false,
            failures: Vec::new(),
            events: Vec::new(),
        }
    }

    pub fn poll(&mut self, now: Time) -> Vec<(EffectId, Effect)> {
        self.now = self.now.max(now);
        let mut out = Vec::new();
        if self.dead {
            return out;
        }
        let due = self.cases.iter().filter(|(_, it)| it.asked.is_none() && it.due <= self.now);
        for op in due.map(|(op, _)| op.clone()).collect::<Vec<_>>() {
            let Some(effect) = self.effect(&op) else {
                self.close(&op, Outcome::Failed { message: INTERRUPTED.into() });
                continue;
            };
            if let Some(case) = self.cases.get_mut(&op) {
                case.asked = Some(self.now);
            }
            out.push((self.launch(Some(op)), effect));
        }
        if let Some(commit) = self.journal.next(self.now, false) {
            out.push((self.launch(None), Effect::Append(commit)));
        }
        out
    }

    pub fn answer(&mut self, now: Time, effect: EffectId, answer: Answer) {
        self.now = self.now.max(now);
        let Some(flight) = self.flights.remove(&effect) else { return };
        match (flight, answer) {
            _ if self.dead => {}
            (None, Answer::Appended(result)) => self.appended(result),
            (Some(op), Answer::Found(Ok(found))) => self.found(&op, &found),
            (Some(op), Answer::Read(Ok(found))) => self.seen(&op, &found),
            (Some(op), Answer::Found(Err(fault)) | Answer::Read(Err(fault))) => self.not_answered(&op, fault),
            (None | Some(_), _) => {}
        }
    }

    pub fn wake_at(&self) -> Option<Time> {
        let due = self.cases.values().filter(|it| it.asked.is_none()).map(|it| it.due).min();
        if self.dead { None } else { due.into_iter().chain(self.journal.wake_at()).min() }
    }

    pub fn finished(&self) -> bool {
        self.dead || self.cases.is_empty() && self.journal.is_settled()
    }

    /// Ctrl-C: what is open stays open.
    pub fn abandon(&mut self) {
        if !self.finished() {
            let open = self.state.intents.values().map(|it| (it.address.clone(), Failure::Interrupted));
            self.failures.extend(open);
        }
        self.dead = true;
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// What could not be settled. Nothing may be planned while there is any.
    pub fn failures(&self) -> &[(Address, Failure)] {
        &self.failures
    }

    /// As stored.
    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn into_state(self) -> State {
        self.state
    }

    fn launch(&mut self, flight: Option<OpId>) -> EffectId {
        let id = EffectId(self.effects);
        self.effects += 1;
        self.flights.insert(id, flight);
        id
    }

    fn effect(&self, op: &OpId) -> Option<Effect> {
        let case = self.cases.get(op)?;
        let intent = &case.intent;
        let target = Target::of(&intent.address, &intent.config);
        match (&case.question, &intent.act) {
            (Question::Find(token) | Question::Watch(token), IntentAct::Create { inputs, .. }) => {
                let schema = self.types.resource(intent.address.type_name())?;
                let settings = self.owner.mark(schema, &without_digests(schema, inputs), &intent.address, Some(token));
                Some(Effect::Find { target, settings, token: token.clone() })
            }
            (Question::See(id) | Question::Gone(id), _) => {
                let lineage = Some(self.owner.lineage.0.to_string());
                Some(Effect::Read { target, query: Query { ids: vec![id.clone()], lineage, ..Query::default() } })
            }
            (Question::Find(_) | Question::Watch(_) | Question::Wait, _) => None,
        }
    }

    /// Everything that attempts of this creation have made, on record or not.
    fn found(&mut self, op: &OpId, found: &[Id]) {
        let Some(case) = self.cases.get_mut(op) else { return };
        let asked = case.asked.take().unwrap_or_default();
        let target = Target::of(&case.intent.address, &case.intent.config);
        let mut new = found.iter().filter(|it| !self.known.contains(&(target.clone(), (*it).clone())));
        let first = new.next();
        case.repeated |= new.next().is_some();
        let Some(case) = self.cases.get(op) else { return };
        let watch_until = self.watch_until(case);
        let watched = self.began.saturating_add(millis(asked)) < watch_until;
        let address = &case.intent.address;
        match (&case.question, first) {
            // Its record would be overwritten with what is not yet known to be on it, or go with all that is on it.
            (_, Some(_)) if self.storing.contains(address) || self.may_be_gone(address) => self.ask_again(op),
            (Question::Find(_) | Question::Watch(_), Some(id)) => self.adopt(op, id.clone()),
            (Question::Find(_), None) if !found.is_empty() && !case.repeated => self.close(op, Outcome::NeverHappened),
            (Question::Watch(_), None) if !watched => self.close(op, Outcome::NeverHappened),
            (Question::Watch(_), None) if self.waits => self.wait_out(op, watch_until),
            (Question::Watch(_), None) => self.leave(op),
            (Question::Find(_), None) if asked < case.hidden_until || asked < self.quiet => self.ask_again(op),
            (Question::Find(_), None) if watched => self.watch(op),
            (Question::Find(_), None) => self.close(op, Outcome::NeverHappened),
            (Question::See(_) | Question::Gone(_) | Question::Wait, _) => {}
        }
    }

    /// What has the name is another's, so nothing of ours is there; but it may become free while a delayed request may still be
    /// taken.
    fn taken(&mut self, op: &OpId) {
        let Some(case) = self.cases.get(op) else { return };
        let watched = self.began.saturating_add(millis(self.now)) < self.watch_until(case);
        match &case.question {
            Question::Find(_) if watched => self.watch(op),
            Question::Find(_) => self.close(op, Outcome::NeverHappened),
            Question::Watch(_) => self.found(op, &[]),
            Question::See(_) | Question::Gone(_) | Question::Wait => {}
        }
    }

    /// Until when, in milliseconds since 1970, something may be found: what arrives at the last moment may be hidden for a while.
    fn watch_until(&self, case: &Case) -> u64 {
        let hidden = millis(self.patience.of(case.intent.address.type_name()).hidden);
        case.intent.watched_until.unwrap_or(self.watch_until).saturating_add(hidden)
    }

    /// Whether it is not settled yet that the thing of this address is there.
    fn may_be_gone(&self, address: &Address) -> bool {
        let deletes = |it: &Case| matches!(it.intent.act, IntentAct::Delete { deposed: false, .. });
        self.cases.values().any(|it| it.intent.address == *address && deletes(it))
    }

    fn seen(&mut self, op: &OpId, found: &Found) {
        let is_there = |id: &Id| found.contains_key(id);
        let Some(case) = self.cases.get_mut(op) else { return };
        let asked = case.asked.take().unwrap_or_default();
        let interrupted = || Outcome::Failed { message: INTERRUPTED.into() };
        match &case.question {
            Question::See(id) if is_there(id) || asked >= case.hidden_until => self.go_on(op, interrupted()),
            Question::See(_) => self.ask_again(op),
            Question::Gone(id) if !is_there(id) => {
                // Absence of what nobody has seen yet proves nothing.
                let unseen = self.state.resources.get(&case.intent.address).is_some_and(|it| it.unfinished && it.id == *id);
                if unseen && asked < case.hidden_until { self.ask_again(op) } else { self.close(op, Outcome::Deleted) }
            }
            // The call may still be carried out, or is.
            Question::Gone(_) if asked < self.quiet => self.ask_again(op),
            Question::Gone(id) if found.get(id).is_some_and(is_going) && asked < case.give_up => self.ask_again(op),
            Question::Gone(_) => self.close(op, interrupted()),
            Question::Find(_) | Question::Watch(_) | Question::Wait => {}
        }
    }

    /// A former run's creation was carried out. Where nothing else has its address, it is that thing; else it is a twin, on
    /// record to be deleted by a step that is shown.
    fn adopt(&mut self, op: &OpId, id: Id) {
        let Some(case) = self.cases.get_mut(op) else { return };
        let intent = case.intent.clone();
        let IntentAct::Create { inputs, dependencies, replaces, .. } = &intent.act else { return };
        self.known.insert((Target::of(&intent.address, &intent.config), id.clone()));
        match self.state.resources.get(&intent.address) {
            Some(record) if replaces.as_ref() != Some(&record.id) => {
                let mut record = (**record).clone();
                let twin = Deposed { id, config: intent.config.clone(), applied: inputs.clone(), outputs: Value::Null };
                record.deposed.push(twin);
                // It goes before what it was made with.
                record.dependencies.extend(dependencies.iter().cloned());
                self.store(intent.address.clone(), Entry::Adopt { address: intent.address, record: Arc::new(record) });
                self.go_on(op, Outcome::NeverHappened);
            }
            Some(_) | None => {
                case.question = Question::See(id.clone());
                case.due = self.now;
                self.store(intent.address, Entry::Outcome { op: op.clone(), outcome: Outcome::Created { id } });
            }
        }
    }

    /// Changes the record of an address: nothing else is found for it before that is stored.
    fn store(&mut self, address: Address, entry: Entry) {
        self.journal.push(entry, Some(self.stored.len()));
        self.stored.push(address.clone());
        self.storing.insert(address);
    }

    /// What one attempt made is on record. Where there may be another, it is asked again.
    fn go_on(&mut self, op: &OpId, outcome: Outcome) {
        let Some(case) = self.cases.get_mut(op) else { return };
        if case.intent.watched_until.is_none() && !case.repeated {
            return self.close(op, outcome);
        }
        case.question = question(&case.intent, None);
        case.due = self.now;
    }

    fn not_answered(&mut self, op: &OpId, fault: Fault) {
        let Some(case) = self.cases.get_mut(op) else { return };
        if fault.class == Class::Exists && matches!(case.question, Question::Find(_) | Question::Watch(_)) {
            return self.taken(op);
        }
        case.asked = None;
        match fault.class {
            class if passes(class) && case.tries < 12 => self.ask_again(op),
            _ => {
                self.failures.push((case.intent.address.clone(), Failure::Fault { fault }));
                self.leave(op);
            }
        }
    }

    fn ask_again(&mut self, op: &OpId) {
        let Some(case) = self.cases.get_mut(op) else { return };
        let settle = self.patience.of(case.intent.address.type_name());
        let pause = self.jitter.pause(settle.every, settle.every_max, case.tries);
        case.tries += 1;
        case.due = self.now + pause;
        if case.tries == 1 {
            let (address, status) = (case.intent.address.clone(), "looking for what a former run may have made".to_owned());
            self.events.push(Event::Waiting { at: self.now, address, doing: Doing::Settle, status });
        }
    }

    /// Asked again when nothing can arrive any more.
    fn wait_out(&mut self, op: &OpId, until: u64) {
        let Some(case) = self.cases.get_mut(op) else { return };
        case.due = Time::from_millis(until.saturating_sub(self.began));
        let (address, status) = (case.intent.address.clone(), "waiting until nothing of a former run can arrive any more".into());
        self.events.push(Event::Waiting { at: self.now, address, doing: Doing::Settle, status });
    }

    fn watch(&mut self, op: &OpId) {
        if let Some(case) = self.cases.get(op) {
            let intent = Intent { watched_until: Some(self.watch_until), ..case.intent.clone() };
            self.journal.push(Entry::Intent(intent), None);
        }
        self.leave(op);
    }

    fn close(&mut self, op: &OpId, outcome: Outcome) {
        let changes_record = outcome == Outcome::Deleted;
        let entry = Entry::Outcome { op: op.clone(), outcome };
        match self.cases.get(op).map(|it| it.intent.address.clone()) {
            Some(address) if changes_record => self.store(address, entry),
            Some(_) | None => self.journal.push(entry, None),
        }
        self.leave(op);
    }

    fn leave(&mut self, op: &OpId) {
        if let Some(case) = self.cases.remove(op) {
            let (took, address) = (self.now, case.intent.address);
            self.events.push(Event::Done { at: self.now, address, doing: Doing::Settle, id: None, took });
        }
    }

    fn appended(&mut self, result: Result<crate::state::Position, NotStored>) {
        let why = match result {
            Ok(position) => {
                for it in self.journal.stored(position, &mut self.state) {
                    self.stored.get(it).map(|address| self.storing.remove(address));
                }
                return;
            }
            Err(why) => why,
        };
        let trouble = self.journal.failed(self.now, &why, self.scale, &mut self.jitter);
        if trouble == Trouble::Final {
            self.dead = true;
            let message = why.to_string();
            let open: BTreeSet<Address> = self.state.intents.values().map(|it| it.address.clone()).collect();
            self.failures.extend(open.into_iter().map(|it| (it, Failure::Store { message: message.clone() })));
        }
    }
}

fn is_going(live: &Live) -> bool {
    matches!(live.status, Status::Pending(_))
}

fn question(intent: &Intent, record: Option<&Record>) -> Question {
    match &intent.act {
        IntentAct::Create { token, .. } if intent.watched_until.is_some() => Question::Watch(token.clone()),
        IntentAct::Create { token, .. } => match record {
            Some(record) if record.token.as_ref() == Some(token) => Question::See(record.id.clone()),
            Some(_) | None => Question::Find(token.clone()),
        },
        IntentAct::Update { .. } => Question::Wait,
        IntentAct::Delete { id, .. } => Question::Gone(id.clone()),
    }
}
