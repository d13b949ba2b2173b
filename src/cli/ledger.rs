//! The record of a run while it goes on: what it hears, and when it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, Stream, StreamExt, TryStreamExt};

use crate::address::Address;
use crate::apply::event::{Doing, Event};
use crate::apply::millis;
use crate::plan::{Plan, codec};
use crate::report::reason;
use crate::state::ledger::{Beginning, RunName, RunRecord, RunResult, StepRecord, StepResult};
use crate::store::{Session, Store, StoreError};

const READS_AT_ONCE: usize = 8;
/// A run that was killed is the newest, or nearly: runs that changed nothing leave no record.
const FORMER_MAX: usize = 3;

/// The records of these names, in their order, read as they are asked for.
pub fn records<'a>(store: &'a dyn Store, names: &'a [RunName]) -> impl Stream<Item = Result<RunRecord, StoreError>> + 'a {
    let reads = stream::iter(names).map(|name| store.run(name)).buffered(READS_AT_ONCE);
    reads.try_filter_map(|it| std::future::ready(Ok(it)))
}

/// The newest records, newest first.
pub async fn recent(store: &dyn Store, limit: usize) -> Result<Vec<RunRecord>, StoreError> {
    let names = store.runs().await?;
    records(store, names.get(..limit).unwrap_or(&names)).try_collect().await
}

/// Closes the records of runs that did not live to do so, from what the journal held when the lock was taken over.
pub async fn close_former(store: &dyn Store, session: &mut dyn Session) -> Result<(), StoreError> {
    if session.abandoned_at().is_none() {
        return Ok(());
    }
    for mut run in recent(store, FORMER_MAX).await? {
        if run.result.is_none() && run.epoch < session.epoch() {
            run.lose(&session.taken().inherited, session.serial());
            session.note(&run).await?;
        }
    }
    Ok(())
}

pub struct Ledger {
    record: RunRecord,
    /// The runs on record when this one began.
    former: Result<Vec<RunName>, StoreError>,
    /// As it was put on record with the last save.
    concluded: Option<RunRecord>,
    /// When the round began, in milliseconds since 1970.
    began: u64,
    why: BTreeMap<Address, Vec<String>>,
    is_noted: bool,
}

impl Ledger {
    pub fn new(beginning: Beginning, former: Result<Vec<RunName>, StoreError>) -> Self {
        let record = RunRecord::begin(beginning);
        Self { began: record.began, record, former, concluded: None, why: BTreeMap::new(), is_noted: false }
    }

    /// Of the files that the run works from.
    pub fn commit(&self) -> Option<String> {
        self.record.commit.clone()
    }

    /// A round of steps begins. The first one puts the run on record: what is to be stored with the first that is said.
    pub fn begin(&mut self, plan: &Plan, now: u64) -> Option<RunRecord> {
        self.began = now;
        self.why = plan.changes.iter().map(|it| (it.address.clone(), reason::sentences(it))).collect();
        // A plan that cannot be written cannot be kept in a file either; it has no digest then.
        self.record.plans.extend(codec::digest(plan));
        let is_first = !std::mem::replace(&mut self.is_noted, true);
        is_first.then(|| self.record.clone())
    }

    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Done { at, address, doing, id, took } => {
                let step = self.step(*at, address, word(*doing), StepResult::Done);
                self.push(*doing, StepRecord { id: id.clone(), took_millis: Some(millis(*took)), ..step });
            }
            Event::Failed { at, address, doing, failure } => {
                let requests = failure.fault().and_then(|it| it.request_id.clone()).into_iter().collect();
                let message = Some(failure.to_string());
                let step = self.step(*at, address, word(*doing), StepResult::Failed);
                self.push(*doing, StepRecord { message, requests, ..step });
            }
            Event::Skipped { at, address, because } => {
                let message = Some(format!("it needs {because}"));
                let step = self.step(*at, address, "nothing", StepResult::Skipped);
                self.record.steps.push(StepRecord { message, ..step });
            }
            Event::Started { .. } | Event::Waiting { .. } | Event::Retrying { .. } | Event::Stopping { .. } => {}
        }
    }

    /// Reading changes nothing.
    fn push(&mut self, doing: Doing, step: StepRecord) {
        if doing != Doing::Read {
            self.record.steps.push(step);
        }
    }

    fn step(&self, at: Duration, address: &Address, doing: &str, result: StepResult) -> StepRecord {
        StepRecord {
            why: self.why.get(address).cloned().unwrap_or_default(),
            at: Some(self.began.saturating_add(millis(at))),
            ..StepRecord::new(address.clone(), doing, result)
        }
    }

    /// The record as it is at its end, for a run of which everything was done: what is to be stored with the last save.
    pub fn conclude(&mut self, now: u64, serial: u64) -> RunRecord {
        self.record.close(RunResult::Done, now, serial);
        self.concluded.insert(self.record.clone()).clone()
    }

    /// It could not be stored.
    pub fn unconcluded(&mut self) {
        self.concluded = None;
    }

    /// Closes the record, and takes away those that are older than `kept`. A run that did nothing leaves none.
    pub async fn end(mut self, session: &mut dyn Session, result: RunResult, now: u64, kept: Duration) -> Result<(), StoreError> {
        if !self.is_noted && self.record.steps.is_empty() {
            return Ok(());
        }
        // When it ended is the same moment.
        let ended = self.concluded.as_ref().and_then(|it| it.ended).unwrap_or(now);
        self.record.close(result, ended, session.serial());
        if self.concluded.as_ref() != Some(&self.record) {
            session.note(&self.record).await?;
        }
        let oldest = now.saturating_sub(millis(kept));
        for name in self.former?.iter().rev().take_while(|it| it.began < oldest) {
            session.forget(name).await?;
        }
        Ok(())
    }
}

fn word(doing: Doing) -> &'static str {
    match doing {
        Doing::Settle => "settle",
        Doing::Create => "create",
        Doing::Configure => "configure",
        Doing::Update => "update",
        Doing::Delete => "delete",
        Doing::Import => "import",
        Doing::Read => "read",
        Doing::Record => "record",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Owner;
    use crate::store::memory::Memory;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn day(number: u32) -> u64 {
        millis(DAY * number)
    }

    #[tokio::test]
    async fn records_are_kept_for_as_long_as_the_stack_says() {
        let store = Memory::new("dev".parse().unwrap());
        let owner = Owner { run: "now".into(), who: "ann@box".into(), command: "infra apply dev".into() };
        let mut session = store.lock(&owner, None).await.unwrap();
        let beginning = |run: &str, at: u64| Beginning {
            stack: "dev".parse().unwrap(),
            run: run.to_owned(),
            epoch: 1,
            command: "infra apply dev".to_owned(),
            caller: None,
            by: "ann@box".to_owned(),
            commit: None,
            at,
        };
        for (run, at) in [("a", day(1)), ("b", day(20)), ("c", day(29))] {
            session.note(&RunRecord::begin(beginning(run, at))).await.unwrap();
        }
        let names = async || store.runs().await.unwrap().into_iter().map(|it| it.run).collect::<Vec<_>>();
        let end = async |run: &str, kept: Duration, session: &mut dyn Session| {
            let mut ledger = Ledger::new(beginning(run, day(30)), store.runs().await);
            ledger.is_noted = true;
            ledger.end(session, RunResult::Done, day(30), kept).await.unwrap();
        };
        end("d", DAY * 400, &mut *session).await;
        assert_eq!(names().await, ["d", "c", "b", "a"]);
        end("e", DAY * 10, &mut *session).await;
        assert_eq!(names().await.len(), 4, "what is as old as that is kept");
        assert!(!names().await.contains(&"a".to_owned()));
        end("f", DAY * 5, &mut *session).await;
        assert_eq!(names().await.len(), 4);
        assert!(!names().await.contains(&"b".to_owned()));
    }
}
