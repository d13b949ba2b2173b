//! How far each step is.

use std::collections::BTreeMap;

use super::Time;
use crate::remote::{Fault, Id, Token};
use crate::state::OpId;
use crate::value::Value;

/// Where a step stands.
#[derive(Debug, Default)]
pub(super) enum Phase {
    /// What it needs is not done, or there is no room yet.
    #[default]
    Waiting,
    /// Its intent is on the way to the journal, or stored, while what it needs is looked at for what may be the last time.
    Announced {
        stored: bool,
    },
    /// Its intent is on the way to the journal.
    Storing,
    /// Its next call waits for room.
    Queued(Call),
    Calling(Call),
    /// A call failed in a way that passes: made again then.
    Pausing(Call, Time),
    /// It is looked at, with others of its type, until it is as it should be.
    Looking,
    /// It is to be changed as soon as its id is on record.
    Recording,
    Done,
    Failed,
    Skipped,
    /// Not started any more: the run was stopped, or its deadline is too near.
    Held,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Create,
    Find,
    /// Like `Find`, for what a former run asked for under this address.
    FindFormer,
    Update,
    /// Takes out what the user allows to be lost.
    Empty,
    Delete,
    /// What stands in the way of the deletion.
    Blockers,
    Data,
}

/// What is known of a step that was started and is not at its end.
#[derive(Debug)]
pub(super) struct Work {
    pub op: Option<OpId>,
    pub token: Option<Token>,
    pub id: Option<Id>,
    /// As desired, in clear, without our tags; of a deletion, what the thing was last known to have.
    pub settings: Value,
    /// The live settings, as last seen.
    pub was: Value,
    pub started: Time,
    pub give_up: Time,
    /// Until then "there is none" may only mean "not visible yet".
    pub hidden_until: Time,
    /// When the question was sent that is not answered yet.
    pub asked: Time,
    /// A creation was sent and its answer lost: the intent stays open until it is known what became of it.
    pub doubt: bool,
    /// A creation of ours under this address may have been carried out, in this run or a former one.
    pub may_be_ours: bool,
    /// What a former run asked for under this address, when it was something else; it may still be carried out.
    pub former: Option<(Token, Value)>,
    /// The cloud says that the name is taken.
    pub taken: Option<Fault>,
    /// It was seen once, so being absent means being gone.
    pub seen: bool,
    /// Its id is in the journal; only then it is changed.
    pub on_record: bool,
    /// What was taken out of it before it is deleted.
    pub emptied: u64,
    /// The cloud took the deletion.
    pub acknowledged: bool,
    /// That the cloud took.
    pub updates: u32,
    /// How many of them left the same attributes different, by the paths of those.
    pub tried: BTreeMap<Vec<String>, u32>,
    /// The paths that the last update was to change.
    pub changing: Vec<String>,
    /// After an update, until then a difference may be one that has not spread yet.
    pub spread_until: Time,
    pub tries: u32,
    pub looks: u32,
    /// The cloud's word for its state, as last told.
    pub status: String,
    /// Why it is waiting, when it is a failure that passes.
    pub last: Option<Fault>,
    /// Since when it has been refused for a reason that passes soon or never.
    pub refused_since: Option<Time>,
}

impl Work {
    pub fn new(now: Time, give_up: Time, settings: Value) -> Self {
        Self {
            op: None,
            token: None,
            id: None,
            settings,
            was: Value::Null,
            started: now,
            give_up,
            hidden_until: now,
            asked: now,
            doubt: false,
            may_be_ours: false,
            former: None,
            taken: None,
            seen: false,
            on_record: false,
            emptied: 0,
            acknowledged: false,
            updates: 0,
            tried: BTreeMap::new(),
            changing: Vec::new(),
            spread_until: now,
            tries: 0,
            looks: 0,
            status: String::new(),
            last: None,
            refused_since: None,
        }
    }

    /// Its time begins now.
    pub fn begin(&mut self, now: Time) {
        let waited = now - self.started;
        self.started = now;
        self.give_up += waited;
        self.hidden_until += waited;
    }

    /// Whether it is too late to try again after this failure; `scale` is the run's patience.
    pub fn is_late(&mut self, now: Time, fault: &Fault, scale: f64) -> bool {
        let since = match fault.passes_within {
            Some(_) => Some(self.refused_since.unwrap_or(now)),
            None => None,
        };
        self.refused_since = since;
        let within = fault.passes_within.map(|it| it.mul_f64(scale));
        now >= self.give_up || since.zip(within).is_some_and(|(since, within)| now >= since + within)
    }
}
