//! [`Driven`]: what is common to both machines, for whoever drives them.

use super::event::Event;
use super::{Answer, Effect, EffectId, Machine, Settling, Time};

/// A pure machine: effects out, answers in. Whoever drives it polls after every answer and at `wake_at`, hands every answer
/// back once, and stops when it is finished.
pub trait Driven {
    /// Everything that is to be done now.
    fn poll(&mut self, now: Time) -> Vec<(EffectId, Effect)>;
    fn answer(&mut self, now: Time, effect: EffectId, answer: Answer);
    /// When to poll next if nothing is answered before then.
    fn wake_at(&self) -> Option<Time>;
    fn finished(&self) -> bool;
    /// Start nothing more.
    fn stop(&mut self, now: Time);
    /// Wait for nothing more.
    fn abandon(&mut self);
    /// What happened since this was asked last.
    fn events(&mut self) -> Vec<Event>;
}

impl Driven for Machine<'_> {
    fn poll(&mut self, now: Time) -> Vec<(EffectId, Effect)> {
        Machine::poll(self, now)
    }
    fn answer(&mut self, now: Time, effect: EffectId, answer: Answer) {
        Machine::answer(self, now, effect, answer);
    }
    fn wake_at(&self) -> Option<Time> {
        Machine::wake_at(self)
    }
    fn finished(&self) -> bool {
        Machine::finished(self)
    }
    fn stop(&mut self, now: Time) {
        Machine::stop(self, now);
    }
    fn abandon(&mut self) {
        Machine::abandon(self);
    }
    fn events(&mut self) -> Vec<Event> {
        Machine::events(self)
    }
}

/// Settling only reads, so there is nothing to finish: the first Ctrl-C ends it.
impl Driven for Settling<'_> {
    fn poll(&mut self, now: Time) -> Vec<(EffectId, Effect)> {
        Settling::poll(self, now)
    }
    fn answer(&mut self, now: Time, effect: EffectId, answer: Answer) {
        Settling::answer(self, now, effect, answer);
    }
    fn wake_at(&self) -> Option<Time> {
        Settling::wake_at(self)
    }
    fn finished(&self) -> bool {
        Settling::finished(self)
    }
    fn stop(&mut self, _: Time) {
        Settling::abandon(self);
    }
    fn abandon(&mut self) {
        Settling::abandon(self);
    }
    fn events(&mut self) -> Vec<Event> {
        Settling::events(self)
    }
}
