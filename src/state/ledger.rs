//! The ledger: what each run did, kept beside the state. It answers who changed a thing, when, from which files and why.
//!
//! A record is written twice: when a run begins to change things, and at its end. The record of a run that was killed is closed
//! by the next one, from what the journal held.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::codec::CodecError;
use super::{Entry, Intent, IntentAct, Outcome};
use crate::address::{Address, StackName};
use crate::remote::Id;

/// The format that this version writes.
const FORMAT: u32 = 1;

/// What one run did. Nothing in it is a value of the configuration, so no secret either.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub format: u32,
    pub stack: StackName,
    pub run: String,
    pub epoch: u64,
    /// `infra apply dev`
    pub command: String,
    /// The ARN that made the calls; none for what changes the state alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Who and where: `user@host`.
    pub by: String,
    /// Of infra.
    pub version: String,
    /// Of the repository, with `-dirty` behind it where files were changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Milliseconds since 1970.
    pub began: u64,
    /// None while it goes on, and for ever when it was killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// None while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    /// The SHA-256 of each plan that was carried out, as JSON, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<String>,
    /// Of the state that it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<u64>,
    #[serde(default)]
    pub steps: Vec<StepRecord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunResult {
    Done,
    Failed,
    /// Some of it was done.
    Partly,
    Interrupted,
    /// It did not live to say; a later run closed the record.
    Lost,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub address: Address,
    /// `create`, `update`, `delete`, …
    pub doing: String,
    /// The reasons that the plan gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// When it ended, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_millis: Option<u64>,
    pub result: StepResult,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Request ids, as the cloud's own logs have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    Done,
    Failed,
    Skipped,
    /// Begun by a run that did not live to say what came of it.
    Open,
}

/// Tells records apart, and sorts them by the time of their beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunName {
    /// Milliseconds since 1970.
    pub began: u64,
    pub run: String,
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013}-{}", self.began, self.run)
    }
}

/// A text that is no name of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRunName;

impl FromStr for RunName {
    type Err = NoRunName;

    fn from_str(text: &str) -> Result<Self, NoRunName> {
        let (began, run) = text.split_once('-').ok_or(NoRunName)?;
        let plain = !run.is_empty() && run.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it));
        match began.parse() {
            Ok(began) if plain => Ok(Self { began, run: run.to_owned() }),
            Ok(_) | Err(_) => Err(NoRunName),
        }
    }
}

/// What is known of a run before it did anything.
#[derive(Clone, Debug)]
pub struct Beginning {
    pub stack: StackName,
    pub run: String,
    pub epoch: u64,
    pub command: String,
    pub caller: Option<String>,
    pub by: String,
    pub commit: Option<String>,
    /// Milliseconds since 1970.
    pub at: u64,
}

impl StepRecord {
    /// Of a step of which no more is known.
    pub fn new(address: Address, doing: &str, result: StepResult) -> Self {
        Self {
            address,
            doing: doing.to_owned(),
            why: Vec::new(),
            id: None,
            at: None,
            took_millis: None,
            result,
            message: None,
            requests: Vec::new(),
        }
    }
}

impl RunRecord {
    pub fn begin(it: Beginning) -> Self {
        Self {
            format: FORMAT,
            stack: it.stack,
            run: it.run,
            epoch: it.epoch,
            command: it.command,
            caller: it.caller,
            by: it.by,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: it.commit,
            began: it.at,
            ended: None,
            result: None,
            plans: Vec::new(),
            serial: None,
            steps: Vec::new(),
        }
    }

    pub fn name(&self) -> RunName {
        RunName { began: self.began, run: self.run.clone() }
    }

    /// Closes the record: `serial` is that of the state which the run left, `now` in milliseconds since 1970.
    pub fn close(&mut self, result: RunResult, now: u64, serial: u64) {
        (self.result, self.ended, self.serial) = (Some(result), Some(now), Some(serial));
    }

    /// Closes the record of a run that did not live to do so. `left` is what the journal held when it was found.
    pub fn lose(&mut self, left: &[Entry], serial: u64) {
        let own = format!("{}.", self.epoch);
        for entry in left {
            match entry {
                Entry::Intent(intent) if intent.op.0.starts_with(&own) => self.steps.push(begun(intent)),
                Entry::Outcome { op, outcome } => {
                    let address = left.iter().find_map(|it| match it {
                        Entry::Intent(intent) if intent.op == *op => Some(&intent.address),
                        _ => None,
                    });
                    let step =
                        self.steps.iter_mut().rev().find(|it| Some(&it.address) == address && it.result == StepResult::Open);
                    if let Some(step) = step {
                        close(step, outcome);
                    }
                }
                _ => {}
            }
        }
        (self.result, self.serial) = (Some(RunResult::Lost), Some(serial));
    }
}

fn begun(intent: &Intent) -> StepRecord {
    let (doing, id) = match &intent.act {
        IntentAct::Create { .. } => ("create", None),
        IntentAct::Update { id, .. } => ("update", Some(id)),
        IntentAct::Delete { id, .. } => ("delete", Some(id)),
    };
    StepRecord { id: id.cloned(), ..StepRecord::new(intent.address.clone(), doing, StepResult::Open) }
}

fn close(step: &mut StepRecord, outcome: &Outcome) {
    match outcome {
        // It has a name; whether it became as wanted is not known yet.
        Outcome::Created { id } => step.id = Some(id.clone()),
        Outcome::Done { .. } | Outcome::Deleted => step.result = StepResult::Done,
        Outcome::Failed { message } => (step.result, step.message) = (StepResult::Failed, Some(message.clone())),
        Outcome::NeverHappened => step.result = StepResult::Skipped,
    }
}

pub fn encode(run: &RunRecord) -> Result<Vec<u8>, CodecError> {
    serde_json::to_vec(run).map_err(|error| CodecError::Unwritable(error.to_string()))
}

pub fn decode(bytes: &[u8], stack: &StackName) -> Result<RunRecord, CodecError> {
    #[derive(Deserialize)]
    struct Header {
        format: u32,
        stack: String,
    }
    let malformed = |error: serde_json::Error| CodecError::Malformed(error.to_string());
    let header: Header = serde_json::from_slice(bytes).map_err(malformed)?;
    if header.format > FORMAT {
        return Err(CodecError::Newer { found: header.format, known: FORMAT });
    }
    if header.stack != stack.as_str() {
        return Err(CodecError::OtherStack(header.stack));
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::state::OpId;
    use crate::value::Value;

    fn record() -> RunRecord {
        RunRecord::begin(Beginning {
            stack: "dev".parse().unwrap(),
            run: "ab".into(),
            epoch: 3,
            command: "infra apply dev".into(),
            caller: None,
            by: "ann@box".into(),
            commit: None,
            at: 1_795_572_708_000,
        })
    }

    #[test]
    fn names_sort_by_time_and_read_back() {
        let name = record().name();
        assert_eq!(name.to_string(), "1795572708000-ab");
        assert_eq!(name.to_string().parse(), Ok(name));
        for text in ["", "x-ab", "1-", "1", "1-../x", "-ab"] {
            assert_eq!(text.parse::<RunName>(), Err(NoRunName), "{text}");
        }
    }

    #[test]
    fn the_journal_closes_the_record_of_a_run_that_was_killed() {
        let mut run = record();
        let op = |number: u64| OpId(format!("3.{number}").into());
        let outcome = |number, outcome| Entry::Outcome { op: op(number), outcome };
        let journal = [
            Entry::Intent(sample::creation("3.1", 1, Value::Null)),
            Entry::Intent(sample::creation("3.2", 2, Value::Null)),
            Entry::Intent(sample::creation("2.9", 9, Value::Null)),
            outcome(1, Outcome::Created { id: Id::new("vpc-1") }),
            outcome(1, Outcome::Done { applied: Value::Null, outputs: Value::Null }),
            outcome(2, Outcome::Created { id: Id::new("vpc-2") }),
        ];
        run.lose(&journal, 8);
        let steps: Vec<_> = run.steps.iter().map(|it| (it.address.to_string(), it.id.clone(), it.result)).collect();
        assert_eq!(
            steps,
            [
                ("aws_vpc.v1".to_owned(), Some(Id::new("vpc-1")), StepResult::Done),
                ("aws_vpc.v2".to_owned(), Some(Id::new("vpc-2")), StepResult::Open),
            ]
        );
        assert_eq!((run.result, run.serial), (Some(RunResult::Lost), Some(8)));
        assert_eq!(decode(&encode(&run).unwrap(), &run.stack), Ok(run));
    }

    #[test]
    fn records_of_others_are_told_apart() {
        let bytes = encode(&record()).unwrap();
        assert_eq!(decode(&bytes, &"prod".parse().unwrap()), Err(CodecError::OtherStack("dev".into())));
        let newer = String::from_utf8(bytes).unwrap().replacen("\"format\":1", "\"format\":2", 1);
        assert_eq!(decode(newer.as_bytes(), &"dev".parse().unwrap()), Err(CodecError::Newer { found: 2, known: 1 }));
        assert!(matches!(decode(b"{", &"dev".parse().unwrap()), Err(CodecError::Malformed(_))));
    }
}
