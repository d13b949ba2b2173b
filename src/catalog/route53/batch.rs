//! Changes of one zone that come within a moment go out as one batch: Route 53 takes five requests a second in an account, and
//! a thousand changes in each ("Quotas", Route 53 developer guide).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_route53::types as sdk;
use tokio::sync::oneshot;

use crate::cloud::aws::Aws;
use crate::cloud::fault::unfit;
use crate::remote::{Class, Fault};

/// How long the first change of a batch waits for company.
const WINDOW: Duration = Duration::from_millis(30);
const CHANGES_MAX: usize = 1000;
const CALL: &str = "route53:ChangeResourceRecordSets";

struct Waiting {
    change: sdk::Change,
    answer: oneshot::Sender<Result<(), Fault>>,
}

/// Changes on their way, by zone.
#[derive(Default)]
pub(super) struct Batches(Mutex<BTreeMap<String, Vec<Waiting>>>);

impl Batches {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what has gathered for a zone, also when the one who gathered it is dropped: then the others learn that nobody will
/// send their changes.
struct Gathering<'a> {
    batches: &'a Batches,
    zone: &'a str,
}

impl Gathering<'_> {
    fn take(&self) -> Vec<Waiting> {
        self.batches.lock().remove(self.zone).unwrap_or_default()
    }
}

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        self.take();
    }
}

/// Carries out one change, in company where there is some.
pub(super) async fn change(aws: &Aws, zone: &str, change: sdk::Change) -> Result<(), Fault> {
    let batches = aws.kept::<Batches>();
    let (answer, answered) = oneshot::channel();
    let first = {
        let mut zones = batches.lock();
        let waiting = zones.entry(zone.to_owned()).or_default();
        waiting.push(Waiting { change, answer });
        waiting.len() == 1
    };
    if first {
        let gathering = Gathering { batches: &batches, zone };
        tokio::time::sleep(WINDOW).await;
        let mut rest = gathering.take();
        while !rest.is_empty() {
            let some = rest.split_off(rest.len().saturating_sub(CHANGES_MAX));
            send(aws, zone, some).await;
        }
    }
    answered.await.unwrap_or_else(|_| Err(Fault::new(Class::Busy, CALL, "the batch that held this change was given up")))
}

/// One request; when it is refused, because one of the changes cannot be, each is tried alone.
async fn send(aws: &Aws, zone: &str, some: Vec<Waiting>) {
    let outcome = call(aws, zone, some.iter().map(|it| it.change.clone()).collect()).await;
    let alone = some.len() > 1 && outcome.as_ref().is_err_and(|it| it.code.as_deref() == Some("InvalidChangeBatch"));
    for it in some {
        let outcome = match alone {
            true => call(aws, zone, vec![it.change]).await,
            false => outcome.clone(),
        };
        // Nobody listens any more when the step was given up.
        let _ = it.answer.send(outcome);
    }
}

async fn call(aws: &Aws, zone: &str, changes: Vec<sdk::Change>) -> Result<(), Fault> {
    let batch = sdk::ChangeBatch::builder().set_changes(Some(changes)).build().map_err(unfit(CALL))?;
    aws.route53().change_resource_record_sets().hosted_zone_id(zone).change_batch(batch).send().await?;
    Ok(())
}
