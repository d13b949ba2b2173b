//! Mistakes with what goes on record.

use std::sync::Arc;

use infra::apply::{Answer, Effect, NotStored};
use infra::sim::run::Watcher;
use infra::sim::story::SECRET;
use infra::state::{Entry, IntentAct, Outcome, Position, State};
use infra::value::Value;

/// The entries of a commit that is about to be stored.
fn entries(effect: &mut Effect) -> Option<&mut Vec<Entry>> {
    match effect {
        Effect::Append(entries) => Some(entries),
        _ => None,
    }
}

/// The call goes out first, the intent is written with the next commit.
#[derive(Default)]
pub struct IntentAfterCall(Vec<Entry>);
impl Watcher for IntentAfterCall {
    fn sends(&mut self, effect: &mut Effect) {
        let Some(entries) = entries(effect) else { return };
        let late = std::mem::take(&mut self.0);
        self.0 = entries.iter().filter(|it| matches!(it, Entry::Intent(_))).cloned().collect();
        entries.retain(|it| !matches!(it, Entry::Intent(_)));
        entries.splice(0..0, late);
    }
}

macro_rules! left_out {
    ($name:ident, $pattern:pat $(if $guard:expr)?) => {
        #[derive(Default)]
        pub struct $name;
        impl Watcher for $name {
            fn sends(&mut self, effect: &mut Effect) {
                if let Some(entries) = entries(effect) {
                    entries.retain(|it| !matches!(it, $pattern $(if $guard)?));
                }
            }
        }
    };
}

left_out!(DeletionNotAnnounced, Entry::Intent(it) if matches!(it.act, IntentAct::Delete { .. }));
left_out!(UpdateNotAnnounced, Entry::Intent(it) if matches!(it.act, IntentAct::Update { .. }));
left_out!(CreationLost, Entry::Outcome { outcome: Outcome::Created { .. }, .. });
left_out!(DeletionLost, Entry::Outcome { outcome: Outcome::Deleted, .. });
left_out!(MoveForgotten, Entry::Move { .. });
left_out!(AdoptionForgotten, Entry::Adopt { .. });

#[derive(Default)]
pub struct Reversed;
impl Watcher for Reversed {
    fn sends(&mut self, effect: &mut Effect) {
        if let Some(entries) = entries(effect) {
            entries.reverse();
        }
    }
}

#[derive(Default)]
pub struct FailureBelieved;
impl Watcher for FailureBelieved {
    fn hears(&mut self, effect: &Effect, answer: &mut Answer) {
        if let (Effect::Append(_), Answer::Appended(result @ Err(NotStored::Failed(_)))) = (effect, answer) {
            *result = Ok(Position { epoch: 1, seq: 1 });
        }
    }
}

#[derive(Default)]
pub struct WatchDropped;
impl Watcher for WatchDropped {
    fn sends(&mut self, effect: &mut Effect) {
        for entry in entries(effect).into_iter().flatten() {
            if let Entry::Intent(it) = entry
                && it.watched_until.is_some()
            {
                *entry = Entry::Outcome { op: it.op.clone(), outcome: Outcome::NeverHappened };
            }
        }
    }
}

#[derive(Default)]
pub struct SecretInClear;
impl Watcher for SecretInClear {
    fn sends(&mut self, effect: &mut Effect) {
        for entry in entries(effect).into_iter().flatten() {
            if let Entry::Intent(it) = entry
                && let IntentAct::Create { inputs, .. } = &mut it.act
            {
                *inputs = inputs.with("secret", Value::from(SECRET));
            }
        }
    }
}

#[derive(Default)]
pub struct WatchesNotSaved;
impl Watcher for WatchesNotSaved {
    fn saves(&mut self, state: &mut State) {
        state.intents.clear();
    }
}

#[derive(Default)]
pub struct FormerOnesNotSaved;
impl Watcher for FormerOnesNotSaved {
    fn saves(&mut self, state: &mut State) {
        state.resources.values_mut().for_each(|it| Arc::make_mut(it).deposed.clear());
    }
}
