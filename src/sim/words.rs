//! A story in words: what the files say, what is asked and answered, what goes on record. One line each, without what nobody
//! needs to follow it.

use std::fmt::Write;

use super::wish::Block;
use crate::address::Address;
use crate::apply::event::Event;
use crate::apply::{Answer, Effect};
use crate::remote::{Live, Status};
use crate::state::{Entry, IntentAct, Outcome};
use crate::value::Value;

/// A block as the files have it.
pub fn block(address: &Address, block: &Block) -> String {
    let mut text = format!("{address} {{");
    for (name, value) in block.settings.iter() {
        let _ = write!(text, " {name} = {value:?}");
    }
    let list = |all: &[Address]| all.iter().map(Address::to_string).collect::<Vec<_>>().join(", ");
    for (name, all) in [("parents", &block.parents), ("peers", &block.peers)] {
        if !all.is_empty() {
            let _ = write!(text, " {name} = [{}]", list(all));
        }
    }
    if let Some(it) = &block.looks {
        let _ = write!(text, " flavor = {it}.id");
    }
    if block.lifecycle.create_before_destroy {
        text.push_str(" create_before_destroy");
    }
    text + " }"
}

/// What is asked of the world or the store.
pub fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Append(entries) => format!("store {}", entries.iter().map(entry).collect::<Vec<_>>().join("; ")),
        Effect::Create { target, settings, token } => {
            format!("create {} {} with {}", target.type_name, named(settings), short(token.as_str()))
        }
        Effect::Find { target, settings, token } => {
            format!("find {} {} with {}", target.type_name, named(settings), short(token.as_str()))
        }
        Effect::Read { query, .. } => {
            format!("read {}", query.ids.iter().map(|it| it.to_string()).collect::<Vec<_>>().join(", "))
        }
        Effect::Update { id, was, settings, .. } => format!("update {id}:{}", changed(was, settings)),
        Effect::Delete { id, .. } => format!("delete {id}"),
        Effect::Empty { id, .. } => format!("empty {id}"),
        Effect::Blockers { id, .. } => format!("ask what blocks {id}"),
        Effect::Data { target, .. } => format!("look up {}", target.type_name),
    }
}

/// The same with its answer.
pub fn answered(asked: &Effect, answer: &Answer) -> String {
    let ids = |all: &[crate::remote::Id]| match all {
        [] => "nothing".to_owned(),
        all => all.iter().map(|it| it.to_string()).collect::<Vec<_>>().join(", "),
    };
    let said = match answer {
        Answer::Appended(Ok(position)) => format!("stored at {position}"),
        Answer::Created(Ok(id)) => id.to_string(),
        Answer::Found(Ok(found)) => ids(found),
        Answer::Read(Ok(found)) if found.is_empty() => "nothing".to_owned(),
        Answer::Read(Ok(found)) => found.iter().map(|(id, it)| format!("{id} {}", status(it))).collect::<Vec<_>>().join(", "),
        Answer::Updated(Ok(())) | Answer::Deleted(Ok(())) | Answer::Data(Ok(_)) => "done".to_owned(),
        Answer::Emptied(Ok(round)) => format!("{} taken out", round.removed),
        Answer::Blockers(Ok(found)) => found.iter().map(|it| it.what.clone()).collect::<Vec<_>>().join(", "),
        Answer::Emptied(Err(fault)) | Answer::Blockers(Err(fault)) => fault.to_string(),
        Answer::Appended(Err(why)) => format!("not stored: {why}"),
        Answer::Created(Err(fault)) | Answer::Found(Err(fault)) | Answer::Read(Err(fault)) => fault.to_string(),
        Answer::Updated(Err(fault)) | Answer::Deleted(Err(fault)) | Answer::Data(Err(fault)) => fault.to_string(),
    };
    format!("{} → {said}", effect(asked))
}

/// What a run tells of itself; nothing where the calls say it already.
pub fn event(event: &Event) -> Option<String> {
    match event {
        Event::Started { .. } | Event::Retrying { .. } => None,
        Event::Waiting { address, status, .. } => Some(format!("    {address}: waits, {status}")),
        Event::Done { address, .. } => Some(format!("    {address}: done")),
        Event::Failed { address, failure, .. } => Some(format!("    {address}: failed: {failure}")),
        Event::Skipped { address, because, .. } => Some(format!("    {address}: skipped, needs {because}")),
        Event::Stopping { in_flight, .. } => Some(format!("    stops, with {in_flight} steps on their way")),
    }
}

fn entry(entry: &Entry) -> String {
    match entry {
        Entry::Intent(it) => {
            let act = match &it.act {
                IntentAct::Create { token, .. } => format!("create {} with {}", it.address, short(token.as_str())),
                IntentAct::Update { id, .. } => format!("update {} ({id})", it.address),
                IntentAct::Delete { id, .. } => format!("delete {} ({id})", it.address),
            };
            let watched = if it.watched_until.is_some() { ", watched" } else { "" };
            format!("intent {}: {act}{watched}", it.op.0)
        }
        Entry::Outcome { op, outcome } => match outcome {
            Outcome::Created { id } => format!("{}: made {id}", op.0),
            Outcome::Done { .. } => format!("{}: done", op.0),
            Outcome::Deleted => format!("{}: deleted", op.0),
            Outcome::Failed { message } => format!("{}: failed, {message}", op.0),
            Outcome::NeverHappened => format!("{}: never happened", op.0),
        },
        Entry::Adopt { address, record } => match &record.deposed[..] {
            [] => format!("{address} is {}", record.id),
            old => format!("{address} is {}, with {} former ones", record.id, old.len()),
        },
        Entry::Forget { address } => format!("forget {address}"),
        Entry::Move { from, to } => format!("{from} is {to} now"),
        Entry::Protect { address, .. } => format!("protection of {address}"),
        Entry::Refresh { address, .. } => format!("outputs of {address}"),
        Entry::Outputs { .. } => "outputs".to_owned(),
        Entry::Timing { key, millis } => format!("{key} took {millis} ms"),
    }
}

fn status(live: &Live) -> String {
    match &live.status {
        Status::Ready => "ready".to_owned(),
        Status::Pending(it) | Status::Failed(it) => it.clone(),
    }
}

fn named(settings: &Value) -> String {
    settings.get("name").as_str().unwrap_or("without a name").to_owned()
}

/// Enough of a token to tell it from others.
fn short(token: &str) -> &str {
    token.get(..8).unwrap_or(token)
}

fn changed(was: &Value, settings: &Value) -> String {
    let members = settings.members().into_iter().flatten();
    let differ = members.filter(|(name, it)| was.get(name) != **it && !matches!(it, Value::Sensitive(_)));
    differ.map(|(name, it)| format!(" {name} = {it:?}")).collect()
}
