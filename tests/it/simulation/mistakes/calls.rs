//! Mistakes with what is sent and heard.

use std::collections::BTreeMap;

use infra::apply::{Answer, Effect};
use infra::remote::{Class, Fault, Id, Live, Status, Token, tags};
use infra::sim::run::Watcher;
use infra::state::{Entry, IntentAct};
use infra::value::Value;

#[derive(Default)]
pub struct TokenNotReused(u128);
impl Watcher for TokenNotReused {
    fn sends(&mut self, effect: &mut Effect) {
        if let Effect::Create { token, .. } = effect {
            self.0 += 1;
            *token = Token::from_bits(self.0);
        }
    }
}

#[derive(Default)]
pub struct OneTokenForAll;
impl Watcher for OneTokenForAll {
    fn sends(&mut self, effect: &mut Effect) {
        match effect {
            Effect::Create { token, .. } | Effect::Find { token, .. } => *token = Token::from_bits(1),
            Effect::Append(entries) => {
                for entry in entries {
                    if let Entry::Intent(it) = entry
                        && let IntentAct::Create { token, .. } = &mut it.act
                    {
                        *token = Token::from_bits(1);
                    }
                }
            }
            Effect::Read { .. } | Effect::Update { .. } | Effect::Delete { .. } | Effect::Data { .. } => {}
            Effect::Empty { .. } | Effect::Blockers { .. } => {}
        }
    }
}

/// The settings without these tags.
fn without(settings: &Value, taken: impl Fn(&str) -> bool) -> Value {
    match settings.get("tags").members().cloned() {
        Some(all) => settings.with("tags", Value::map(all.into_iter().filter(|(name, _)| !taken(name)))),
        None => settings.clone(),
    }
}

#[derive(Default)]
pub struct TokenNotTagged;
impl Watcher for TokenNotTagged {
    fn sends(&mut self, effect: &mut Effect) {
        if let Effect::Create { settings, .. } = effect {
            *settings = without(settings, |it| it == tags::ID);
        }
    }
}

#[derive(Default)]
pub struct NotTagged;
impl Watcher for NotTagged {
    fn sends(&mut self, effect: &mut Effect) {
        if let Effect::Create { settings, .. } = effect {
            *settings = without(settings, |it| it.starts_with("infra:"));
        }
    }
}

#[derive(Default)]
pub struct TagsTakenOff;
impl Watcher for TagsTakenOff {
    fn sends(&mut self, effect: &mut Effect) {
        if let Effect::Update { settings, .. } = effect {
            *settings = without(settings, |it| it.starts_with("infra:"));
        }
    }
}

fn taken_for(answer: &mut Answer, class: Class) {
    if let Answer::Created(Err(fault)) = answer
        && fault.class == Class::Unknown
    {
        fault.class = class;
    }
}

#[derive(Default)]
pub struct NoAnswerIsNo;
impl Watcher for NoAnswerIsNo {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        taken_for(answer, Class::Refused);
    }
}

#[derive(Default)]
pub struct NoAnswerIsBusy;
impl Watcher for NoAnswerIsBusy {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        taken_for(answer, Class::Busy);
    }
}

/// The simulated cloud names in its refusal what has the name.
fn owner(fault: &Fault) -> Option<Id> {
    (fault.class == Class::Exists).then(|| Id::new(fault.message.as_str()))
}

#[derive(Default)]
pub struct TakenIsMade;
impl Watcher for TakenIsMade {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        if let Answer::Created(result @ Err(_)) = answer
            && let Some(id) = result.as_ref().err().and_then(owner)
        {
            *result = Ok(id);
        }
    }
}

#[derive(Default)]
pub struct StrangersAreOurs;
impl Watcher for StrangersAreOurs {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        if let Answer::Found(result @ Err(_)) = answer
            && let Some(id) = result.as_ref().err().and_then(owner)
        {
            *result = Ok(vec![id]);
        }
    }
}

#[derive(Default)]
pub struct OneTwinAlone;
impl Watcher for OneTwinAlone {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        if let Answer::Found(Ok(found)) = answer {
            found.truncate(1);
        }
    }
}

#[derive(Default)]
pub struct ReadyTooEarly;
impl Watcher for ReadyTooEarly {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        if let Answer::Read(Ok(found)) = answer {
            found.values_mut().for_each(|it| it.status = Status::Ready);
        }
    }
}

#[derive(Default)]
pub struct StaleReads(BTreeMap<Id, Live>);
impl Watcher for StaleReads {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        if let Answer::Read(Ok(found)) = answer {
            for (id, live) in found {
                *live = self.0.entry(id.clone()).or_insert_with(|| live.clone()).clone();
            }
        }
    }
}
