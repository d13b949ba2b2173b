//! The one task that writes to the lock while it is held: it renews it, and does so in the same transaction when there is a
//! commit to store, so that the two never conflict. It ends with its session.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::cloud::fault::from_sdk;
use crate::remote::{Class, Fault};
use crate::state::Position;
use crate::store::StoreError;
use crate::store::aws::journal;
use crate::store::aws::lock::{self, Holding};
use crate::store::aws::retry::Tries;
use crate::store::aws::table::{Reader, Table};
use crate::store::lease::{Lease, attempt_max, renewal_every};
use crate::store::lock::{LockRecord, Standing, random_version};

const CALL: &str = "dynamodb:TransactWriteItems";

/// What the session asks for. Answered in order.
pub enum Order {
    /// Store one commit: the text of its entries.
    Append {
        entries: String,
        reply: oneshot::Sender<Result<Stored, StoreError>>,
    },
    Release {
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
}

pub struct Stored {
    pub position: Position,
    /// The items that it is in, and those of an earlier commit that turned out to be stored.
    pub items: Vec<String>,
}

pub struct Writer {
    pub table: Table,
    pub holding: Holding,
    pub lease: Arc<Lease>,
    pub last: Option<Position>,
}

impl Writer {
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let every = renewal_every(self.lease.length());
        let mut next = Instant::now() + every;
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    None => return,
                    // Whoever asked may be gone by now; what was done is done.
                    Some(Order::Append { entries, reply }) => {
                        let stored = self.append(&entries).await;
                        if stored.is_ok() {
                            next = Instant::now() + every;
                        }
                        let _ = reply.send(stored);
                    }
                    Some(Order::Release { reply }) => {
                        let _ = reply.send(self.release().await);
                        return;
                    }
                },
                () = tokio::time::sleep_until(next) => {
                    // A renewal that fails is tried again soon, as long as the lock is not lost; the gate closes in time.
                    let renewed = self.renew().await.is_ok();
                    if self.lease.lost().is_some() {
                        return Self::refuse(&self.lease, orders).await;
                    }
                    next = Instant::now() + if renewed { every } else { every / 4 };
                }
            }
        }
    }

    async fn refuse(lease: &Lease, mut orders: mpsc::Receiver<Order>) {
        let lost = || StoreError::LockLost(lease.lost().unwrap_or_default());
        while let Some(order) = orders.recv().await {
            match order {
                Order::Append { reply, .. } => drop(reply.send(Err(lost()))),
                Order::Release { reply } => drop(reply.send(Err(lost()))),
            }
        }
    }

    /// How long one attempt may take before it counts as unanswered: a stuck one must not cost the lease.
    fn attempt_max(&self) -> Duration {
        attempt_max(self.lease.length()).max(Duration::from_secs(1))
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let asked = self.lease.now();
        let renewal = self.holding.update(&self.table, Standing::Held);
        match tokio::time::timeout(self.attempt_max(), renewal).await {
            Ok(Ok(true)) => {
                self.lease.renewed(asked);
                Ok(())
            }
            Ok(Ok(false)) => Err(self.lose().await),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Fault::new(Class::Unknown, "dynamodb:UpdateItem", "no answer in time").into()),
        }
    }

    async fn release(&self) -> Result<(), StoreError> {
        if let Some(why) = self.lease.lost() {
            return Err(StoreError::LockLost(why));
        }
        match self.holding.update(&self.table, Standing::Released).await? {
            true => {
                self.lease.lose("it was given back");
                Ok(())
            }
            false => Err(self.lose().await),
        }
    }

    /// The lock is somebody else's: says whose, and closes the gate for good.
    async fn lose(&self) -> StoreError {
        let why = match lock::read(&self.table).await {
            Ok(Some(lock)) => LockRecord::loss(&lock),
            Ok(None) => "its record is gone".to_owned(),
            Err(error) => format!("and who has it cannot be read: {error}"),
        };
        self.lease.lose(why.clone());
        StoreError::LockLost(why)
    }

    async fn append(&mut self, entries: &str) -> Result<Stored, StoreError> {
        if let Some(why) = self.lease.lost() {
            return Err(StoreError::LockLost(why));
        }
        let mut items = Vec::new();
        loop {
            let position = Position::next(self.last, self.holding.epoch);
            let token = random_version();
            match self.transact(position, &token, entries).await? {
                Transacted::Done => {}
                Transacted::LockLost => return Err(self.lose().await),
                Transacted::Taken => match self.parts_of(position).await? {
                    Some((found, _)) if found == token => {}
                    // An earlier commit of ours, given up as unanswered, is stored after all.
                    Some((_, parts)) => {
                        items.extend((0..parts).map(|part| journal::item_name(position, part)));
                        self.last = Some(position);
                        continue;
                    }
                    None => return Err(Fault::bug(CALL, format!("{position} is taken and not there")).into()),
                },
            }
            self.last = Some(position);
            let parts = journal::items(&self.table, position, &token, entries).len();
            items.extend((0..parts).map(|part| journal::item_name(position, part)));
            return Ok(Stored { position, items });
        }
    }

    /// Sends one and the same transaction until it is answered.
    async fn transact(&self, position: Position, token: &str, entries: &str) -> Result<Transacted, StoreError> {
        let renewal = TransactWriteItem::builder().update(self.holding.renewal(&self.table)?).build();
        let mut writes = vec![renewal];
        for item in journal::items(&self.table, position, token, entries) {
            writes.push(TransactWriteItem::builder().put(journal::put_new(&self.table, item)?).build());
        }
        // Whichever attempt it is that counts, it is not older than this.
        let asked = self.lease.now();
        let mut tries = Tries::default();
        loop {
            let request = self.table.client.transact_write_items().client_request_token(token);
            let sent = request.set_transact_items(Some(writes.clone())).send();
            let fault = match tokio::time::timeout(self.attempt_max(), sent).await {
                Ok(Ok(_)) => {
                    self.lease.renewed(asked);
                    return Ok(Transacted::Done);
                }
                Ok(Err(error)) => match error.as_service_error().map(cancelled_by) {
                    Some(Cancelled::Lock) => return Ok(Transacted::LockLost),
                    Some(Cancelled::Item) => return Ok(Transacted::Taken),
                    Some(Cancelled::Conflict) => Fault { class: Class::Busy, ..from_sdk(CALL, &error) },
                    Some(Cancelled::No) | None => from_sdk(CALL, &error),
                },
                Err(_) => Fault::new(Class::Unknown, CALL, "no answer in time"),
            };
            tries.again(fault).await.map_err(|fault| self.table.explain(fault))?;
        }
    }

    /// The token of the commit at a position, and in how many items it is.
    async fn parts_of(&self, position: Position) -> Result<Option<(String, usize)>, StoreError> {
        let name = journal::item_name(position, 0);
        let Some(item) = self.table.get(&name).await? else { return Ok(None) };
        let item = Reader { place: self.table.place(&name), attributes: &item };
        let parts = usize::try_from(item.number("Parts")?).map_err(|_| item.damaged("Parts"))?;
        Ok(Some((item.text("Commit")?.to_owned(), parts)))
    }
}

enum Transacted {
    Done,
    LockLost,
    /// There is a commit at the position already.
    Taken,
}

/// Which part of a cancelled transaction was to blame.
#[derive(Debug, PartialEq, Eq)]
enum Cancelled {
    Lock,
    Item,
    Conflict,
    No,
}

fn cancelled_by(error: &TransactWriteItemsError) -> Cancelled {
    let TransactWriteItemsError::TransactionCanceledException(error) = error else { return Cancelled::No };
    let codes = || error.cancellation_reasons().iter().map(|it| it.code().unwrap_or_default());
    if codes().next() == Some("ConditionalCheckFailed") {
        Cancelled::Lock
    } else if codes().any(|it| it == "ConditionalCheckFailed") {
        Cancelled::Item
    } else if codes().any(|it| matches!(it, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")) {
        Cancelled::Conflict
    } else {
        Cancelled::No
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;

    use super::*;

    #[test]
    fn a_cancelled_transaction_tells_which_part_was_to_blame() {
        let cancelled = |codes: &[&str]| {
            let reasons = codes.iter().map(|it| CancellationReason::builder().code(*it).build()).collect();
            let error = TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons)).build();
            cancelled_by(&TransactWriteItemsError::TransactionCanceledException(error))
        };
        assert_eq!(cancelled(&["ConditionalCheckFailed", "None"]), Cancelled::Lock);
        assert_eq!(cancelled(&["ConditionalCheckFailed", "ConditionalCheckFailed"]), Cancelled::Lock);
        assert_eq!(cancelled(&["None", "ConditionalCheckFailed"]), Cancelled::Item);
        assert_eq!(cancelled(&["TransactionConflict", "None"]), Cancelled::Conflict);
        assert_eq!(cancelled(&["None", "ProvisionedThroughputExceeded"]), Cancelled::Conflict);
        assert_eq!(cancelled(&["ValidationError", "None"]), Cancelled::No);
    }
}
