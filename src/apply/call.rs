//! What the answers of calls mean.

use std::time::Duration;

use super::effect::millis;
use super::event::{Event, Failure};
use super::machine::{Machine, passes};
use super::work::{Call, Phase};
use super::{Answer, Time};
use crate::plan::doing;
use crate::remote::{Class, Fault, Id};
use crate::state::{Entry, Outcome};
use crate::value::Value;

/// Between tries of a call that was refused for the moment.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(20);

impl Machine<'_> {
    pub(super) fn called(&mut self, at: usize, answer: Answer) {
        let Phase::Calling(call) = self.phases[at] else { return };
        self.schedule.vacate(at);
        match (call, answer) {
            (Call::Create, Answer::Created(Ok(id))) => self.created(at, id),
            (Call::Create, Answer::Created(Err(fault))) => self.not_created(at, fault),
            (Call::Find, Answer::Found(Ok(found))) => match found.split_first() {
                Some((id, twins)) => self.found(at, id.clone(), twins),
                None => self.not_found(at),
            },
            (Call::Find, Answer::Found(Err(fault))) => self.not_searched(at, fault),
            (Call::FindFormer, Answer::Found(Ok(found))) => self.found_former(at, &found),
            (Call::FindFormer, Answer::Found(Err(fault))) => self.not_found_former(at, fault),
            (Call::Update, Answer::Updated(Ok(()))) => self.updated(at),
            (Call::Update, Answer::Updated(Err(fault))) => self.not_updated(at, fault),
            (Call::Delete, Answer::Deleted(Ok(()))) => {
                if let Some(work) = self.works.get_mut(&at) {
                    work.acknowledged = true;
                }
                self.schedule.called(at);
                match self.ends_with_its_answer(at) {
                    true => self.deleted(at),
                    false => self.look_at(at, self.now),
                }
            }
            (Call::Delete, Answer::Deleted(Err(fault))) => self.not_deleted(at, fault),
            (Call::Empty, Answer::Emptied(Ok(round))) => self.emptied(at, round),
            (Call::Empty, Answer::Emptied(Err(fault))) => self.not_emptied(at, fault),
            // Whether it can be told what is in the way changes nothing.
            (Call::Blockers, Answer::Blockers(found)) => self.blocked(at, found.unwrap_or_default()),
            (Call::Data, Answer::Data(Ok(outputs))) => self.looked_up(at, &outputs),
            (Call::Data, Answer::Data(Err(fault))) => self.again_or_fail(at, Call::Data, fault),
            (call, _) => {
                let fault = Fault::bug("apply", format!("the answer is none to {call:?}"));
                self.fail(at, Failure::Fault { fault });
            }
        }
    }

    /// It has an id: on record before anything else is done with it.
    pub(super) fn created(&mut self, at: usize, id: Id) {
        let now = self.now;
        let hidden = self.patience.of(self.steps[at].address.type_name()).hidden;
        let Some(work) = self.works.get_mut(&at) else { return };
        work.id = Some(id.clone());
        work.doubt = false;
        work.taken = None;
        work.hidden_until = now + hidden;
        work.tries = 0;
        if let Some(op) = work.op.clone() {
            self.record_for(at, Entry::Outcome { op, outcome: Outcome::Created { id: id.clone() } });
        }
        let address = &self.steps[at].address;
        self.desired.expect(address, &id);
        self.has.insert(address.clone(), id);
        self.schedule.called(at);
        self.look_at(at, now);
    }

    fn not_created(&mut self, at: usize, fault: Fault) {
        let now = self.now;
        let hidden = self.patience.of(self.steps[at].address.type_name()).hidden;
        let Some(work) = self.works.get_mut(&at) else { return };
        match fault.class {
            // It may be there: nothing is made before it was looked for, for as long as the cloud may hide it.
            Class::Unknown => {
                work.doubt = true;
                work.may_be_ours = true;
                work.hidden_until = now + hidden;
                work.last = Some(fault);
                self.call_now(at, Call::Find);
            }
            Class::Exists => {
                work.taken = Some(fault);
                work.hidden_until = now + hidden;
                self.call_now(at, Call::Find);
            }
            // Something that it names was just made.
            Class::Missing if now < work.started + hidden => self.again(at, Call::Create, fault),
            // Whether anything was done before it broke, nobody knows: the intent stays open, and the next run looks.
            Class::Bug => self.fail(at, Failure::Fault { fault }),
            Class::Missing | Class::Busy | Class::Settling | Class::InUse | Class::Refused | Class::Denied => {
                self.again_or_fail(at, Call::Create, fault);
            }
            Class::Credentials | Class::Quota | Class::Unreachable | Class::Fenced => {
                self.again_or_fail(at, Call::Create, fault);
            }
        }
    }

    fn not_found(&mut self, at: usize) {
        let settle = self.patience.of(self.steps[at].address.type_name());
        let Some(work) = self.works.get_mut(&at) else { return };
        // Only a question that was asked after the cloud's time to hide it was over proves anything.
        if work.asked < work.hidden_until {
            let pause = self.jitter.pause(settle.every, settle.every_max, work.tries);
            work.tries += 1;
            let until = (self.now + pause).min(work.hidden_until.max(self.now));
            return self.pause(at, Call::Find, until);
        }
        work.doubt = false;
        match work.taken.take() {
            Some(fault) => self.taken(at, fault),
            None if self.now >= work.give_up => {
                let fault = work.last.take();
                self.close(at, "it was not made in time");
                self.fail(at, self.late(at, fault));
            }
            None if self.is_halted() => {
                self.close(at, "interrupted before it was made");
                self.fail(at, Failure::Interrupted);
            }
            None => self.call_now(at, Call::Create),
        }
    }

    fn not_searched(&mut self, at: usize, fault: Fault) {
        let Some(work) = self.works.get_mut(&at) else { return };
        match fault.class {
            // What has the name is not ours.
            Class::Exists => {
                let fault = work.taken.take().unwrap_or(fault);
                self.taken(at, fault);
            }
            Class::Missing => self.not_found(at),
            // The intent stays open: the next run looks again.
            _ if !passes(fault.class) || self.now >= work.give_up => self.fail_or_fence(at, fault),
            _ => self.again(at, Call::Find, fault),
        }
    }

    fn updated(&mut self, at: usize) {
        let settle = self.patience.of(self.steps[at].address.type_name());
        let anew = self.give_up(at);
        if let Some(work) = self.works.get_mut(&at) {
            // Where the cloud changes one thing at a time, each change has its own time.
            if work.updates > 0 && !work.tried.contains_key(&work.changing) {
                work.give_up = anew;
            }
            work.updates += 1;
            *work.tried.entry(work.changing.clone()).or_default() += 1;
            work.looks = 0;
            work.spread_until = self.now + settle.hidden / 4;
        }
        self.schedule.called(at);
        self.look_at(at, self.now);
    }

    /// A change may be several calls, of which some were made: it is looked at before anything is tried again.
    fn not_updated(&mut self, at: usize, fault: Fault) {
        let now = self.now;
        let scale = self.pace.scale;
        let Some(work) = self.works.get_mut(&at) else { return };
        let look = passes(fault.class) || matches!(fault.class, Class::Missing | Class::Exists);
        if !look || work.is_late(now, &fault, scale) {
            self.close_unless_fenced(at, &fault);
            return self.fail_or_fence(at, fault);
        }
        let pause = self.jitter.pause(PAUSE.mul_f64(self.pace.scale), PAUSE_MAX.mul_f64(self.pace.scale), work.tries);
        work.tries += 1;
        work.looks = 1;
        work.last = Some(fault.clone());
        self.tell_retry(at, fault, pause);
        self.look_at(at, now + pause);
    }

    fn not_deleted(&mut self, at: usize, fault: Fault) {
        let Some(work) = self.works.get_mut(&at) else { return };
        match fault.class {
            Class::Missing if work.asked >= work.hidden_until => self.deleted(at),
            Class::Missing => {
                let pause = work.hidden_until.max(self.now);
                self.pause(at, Call::Delete, pause);
            }
            Class::Unknown => {
                work.last = Some(fault);
                work.looks = 1;
                self.look_at(at, self.now);
            }
            Class::Settling | Class::InUse | Class::Refused => self.deletion_refused(at, fault),
            Class::Busy | Class::Exists | Class::Denied | Class::Credentials | Class::Quota => {
                self.again_or_fail(at, Call::Delete, fault);
            }
            Class::Unreachable | Class::Fenced | Class::Bug => self.again_or_fail(at, Call::Delete, fault),
        }
    }

    pub(super) fn deleted(&mut self, at: usize) {
        if let Some(op) = self.works.get(&at).and_then(|it| it.op.clone()) {
            self.record(Entry::Outcome { op, outcome: Outcome::Deleted });
        }
        self.time(at);
        self.done(at);
    }

    fn looked_up(&mut self, at: usize, outputs: &Value) {
        self.desired.learn(&self.steps[at].address, &Value::Null, outputs);
        self.done(at);
    }

    /// For calls that surely did nothing.
    pub(super) fn again_or_fail(&mut self, at: usize, call: Call, fault: Fault) {
        let (now, scale) = (self.now, self.pace.scale);
        let late = self.works.get_mut(&at).is_none_or(|it| it.is_late(now, &fault, scale));
        if passes(fault.class) && !late {
            if !self.is_halted() {
                return self.again(at, call, fault);
            }
            self.close(at, "interrupted before it was made");
            return self.hold(at);
        }
        self.close_unless_fenced(at, &fault);
        self.fail_or_fence(at, fault);
    }

    pub(super) fn again(&mut self, at: usize, call: Call, fault: Fault) {
        let settle = self.patience.of(self.steps[at].address.type_name());
        let Some(work) = self.works.get_mut(&at) else { return };
        let (base, limit) = match fault.class {
            Class::Settling | Class::InUse | Class::Missing => (settle.every, settle.every_max),
            _ => (PAUSE.mul_f64(self.pace.scale), PAUSE_MAX.mul_f64(self.pace.scale)),
        };
        let pause = self.jitter.pause(base, limit, work.tries);
        work.tries += 1;
        work.last = Some(fault.clone());
        self.tell_retry(at, fault, pause);
        self.pause(at, call, self.now + pause);
    }

    fn tell_retry(&mut self, at: usize, fault: Fault, wait: Time) {
        let (address, doing) = (self.steps[at].address.clone(), self.doing(at));
        self.tell(Event::Retrying { at: self.now, address, doing, fault, wait });
    }

    fn close_unless_fenced(&mut self, at: usize, fault: &Fault) {
        if fault.class != Class::Fenced {
            self.close(at, &fault.to_string());
        }
    }

    pub(super) fn fail_or_fence(&mut self, at: usize, fault: Fault) {
        let fenced = fault.class == Class::Fenced;
        let failure = Failure::Fault { fault };
        if fenced { self.fence(&failure) } else { self.fail(at, failure) }
    }

    /// The time is over: with the fault that it was waiting out, or with its last known state.
    pub(super) fn late(&self, at: usize, fault: Option<Fault>) -> Failure {
        match (fault, self.works.get(&at)) {
            (Some(fault), _) => Failure::Fault { fault },
            (None, work) => Failure::NotReady {
                waited: work.map_or(Time::ZERO, |it| self.now - it.started),
                status: work.map_or_else(String::new, |it| it.status.clone()),
            },
        }
    }

    /// How long it took, for the next run's critical path.
    pub(super) fn time(&mut self, at: usize) {
        let Some(work) = self.works.get(&at) else { return };
        let step = &self.steps[at];
        let key = format!("{}/{}", step.address.type_name(), doing(&step.act)).into();
        let millis = millis(self.now - work.started);
        self.record(Entry::Timing { key, millis });
    }
}
