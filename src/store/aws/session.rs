//! Taking the lock, and holding it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, OptionFuture};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::state::ledger::{RunName, RunRecord};
use crate::state::{Entry, Position, State};
use crate::store::aws::journal::Journal;
use crate::store::aws::lock::{self, Holding};
use crate::store::aws::object::{Etag, Mark, Read};
use crate::store::aws::writer::{Order, Stored, Writer};
use crate::store::aws::{Aws, journal, runs, seal};
use crate::store::document::{self, Stamp};
use crate::store::heartbeat::Task;
use crate::store::lease::Lease;
use crate::store::lock::{LockRecord, Standing, Verdict, Watch, random_version};
use crate::store::{Owner, Session, StoreError, StoredAndNoted, Taken, clock, sealed};

/// How often a document that somebody else wrote meanwhile is read again at takeover. A former holder can write once more at
/// most, with its last save.
const REWRITES_MAX: u32 = 5;

pub struct Held {
    store: Aws,
    run: String,
    taken: Taken,
    etag: Option<Etag>,
    serial: u64,
    watermark: Option<Position>,
    /// Journal items that are to be removed once a document contains them.
    items: Vec<String>,
    /// Removes such items meanwhile; yields those that it could not remove.
    tidying: Option<JoinHandle<Vec<String>>>,
    orders: mpsc::Sender<Order>,
    _writer: Task,
}

/// The document and which one it is.
pub type Found = Option<(State, Etag)>;

/// Waits for the lock, takes it, and rewrites the document under the new epoch.
pub async fn take(store: &Aws, owner: &Owner, patience: Option<Duration>) -> Result<Held, StoreError> {
    let mut watch = Watch::new(patience, clock::since_boot());
    let (seen, found, key) = futures::join!(lock::read(&store.table), find(store), seal::read(&store.table));
    let (mut seen, mut found, key) = (seen?, Some(found), key?);
    loop {
        match watch.look(seen.as_ref(), clock::since_boot()) {
            Verdict::Wait(pause) => tokio::time::sleep(pause).await,
            Verdict::Refuse(holder) => return Err(StoreError::Locked { holder }),
            Verdict::Take { idle } => {
                // Read before it is locked: a document that cannot be read need not be locked.
                let found = match found.take() {
                    Some(found) => found?,
                    None => find(store).await?,
                };
                let known = [seen.as_ref().map(|it| it.epoch), found.as_ref().map(|(state, _)| state.epoch)];
                let epoch = known.into_iter().flatten().max().unwrap_or(0) + 1;
                // A lock record that is lost says nothing about its holder: it may have been alive a moment ago.
                let idle = idle.or((seen.is_none() && found.is_some()).then_some(Duration::ZERO));
                let record = LockRecord {
                    version: random_version(),
                    epoch,
                    lease: store.lease,
                    owner: owner.clone(),
                    since: clock::wall_millis(),
                    standing: Standing::Held,
                };
                let asked = clock::since_boot();
                // Nobody adds to the journal but with a new version of the lock: where the lock is still as it was seen, the
                // journal is too. And whoever else takes it makes the key that is missing.
                let beside = async {
                    let journal = journal::read(&store.table, &store.vault);
                    futures::try_join!(journal, seal::known_or_made(&store.table, key))
                };
                let (replaced, beside) = futures::join!(lock::replace(&store.table, seen.as_ref(), &record), beside);
                if replaced? {
                    let holding = Holding { run: owner.run.clone(), epoch };
                    let (journal, key) = match beside {
                        Ok(it) => it,
                        Err(error) => {
                            // Nobody need wait for the lease of a run that did nothing; the error is what counts.
                            let _ = holding.update(&store.table, Standing::Released).await;
                            return Err(error);
                        }
                    };
                    let lease = Arc::new(Lease::new(store.lease, Arc::new(clock::since_boot), asked));
                    let mut held = hold(store, holding, lease, key);
                    held.taken.abandoned_at = idle.map(|it| clock::wall_millis().saturating_sub(clock::millis(it)));
                    // Nothing can have been written where nobody ever had the lock; else a document is looked for again.
                    let found = (found.is_some() || seen.is_none()).then_some(found);
                    return match held.take_over(journal, found).await {
                        Ok(()) => Ok(held),
                        Err(error) => {
                            let _ = Box::new(held).release().await;
                            Err(error)
                        }
                    };
                }
            }
        }
        // What was read with the first look is old by now.
        found = None;
        seen = lock::read(&store.table).await?;
    }
}

/// Reads the document, and nothing of the journal.
pub async fn find(store: &Aws) -> Result<Found, StoreError> {
    let Some(Read { bytes, etag }) = store.object.read().await? else { return Ok(None) };
    let state = sealed::open(&store.vault, &store.object.place(), &store.stack, &bytes).await?;
    Ok(Some((state, etag)))
}

fn hold(store: &Aws, holding: Holding, lease: Arc<Lease>, seal_key: [u8; 32]) -> Held {
    let (orders, received) = mpsc::channel(1);
    let (run, epoch) = (holding.run.clone(), holding.epoch);
    let writer = Writer { table: store.table.clone(), holding, lease: lease.clone(), last: None };
    Held {
        store: store.clone(),
        run,
        taken: Taken { state: None, epoch, lease, abandoned_at: None, inherited: Vec::new(), seal_key },
        etag: None,
        serial: 0,
        watermark: None,
        items: Vec::new(),
        tidying: None,
        orders,
        _writer: Task::spawn(writer.run(received)),
    }
}

impl Held {
    /// Folds the journal in and writes the document, so that no former holder can write it any more. `found` was read before
    /// the lock was taken; if it is out of date, writing it fails and it is read again. The journal stays as it is, because nobody
    /// but this run adds to it.
    async fn take_over(&mut self, journal: Journal, mut found: Option<Found>) -> Result<(), StoreError> {
        let place = self.store.object.place();
        self.items = journal.items;
        for _ in 0..REWRITES_MAX {
            let now = match found.take() {
                Some(found) => found,
                None => find(&self.store).await?,
            };
            let Some((mut state, etag)) = now else {
                return if journal.commits.is_empty() { Ok(()) } else { Err(self.store.without_state()) };
            };
            if state.epoch >= self.taken.epoch {
                return Err(self.lose("somebody else wrote the state under a later epoch"));
            }
            let said = document::last_said(&state, &journal.commits);
            if document::replay(&place, &mut state, &journal.commits).is_ok() {
                self.etag = Some(etag);
                self.serial = state.serial;
                self.watermark = state.watermark;
                if let Some(written) = self.write(&state).await? {
                    (self.taken.state, self.taken.inherited) = (Some(written), said);
                    return Ok(());
                }
            }
        }
        // One last look, for the error that says what is wrong.
        if let Some((mut state, _)) = find(&self.store).await? {
            document::replay(&place, &mut state, &journal.commits)?;
        }
        Err(self.lose("somebody else keeps writing the state"))
    }

    /// None when the document is not the one last seen any more.
    async fn write(&mut self, state: &State) -> Result<Option<State>, StoreError> {
        let stamp = Stamp { serial: self.serial + 1, epoch: self.taken.epoch, run: self.run.clone(), watermark: self.watermark };
        let (state, bytes) = sealed::render(&self.store.vault, &self.store.object.place(), state, stamp).await?;
        let mark = Mark { run: self.run.clone(), serial: state.serial };
        let Some(etag) = self.store.object.write(bytes, self.etag.as_ref(), &mark).await? else { return Ok(None) };
        self.etag = Some(etag);
        self.serial = state.serial;
        self.tidy().await;
        Ok(Some(state))
    }

    /// Begins to remove what the document contains. What could not be removed does no harm: it is skipped when read, and removed
    /// after the next document.
    async fn tidy(&mut self) {
        self.tidied().await;
        let (table, items) = (self.store.table.clone(), std::mem::take(&mut self.items));
        if items.is_empty() {
            return;
        }
        self.tidying = Some(tokio::spawn(async move {
            match journal::remove(&table, &items).await {
                Ok(()) => Vec::new(),
                Err(error) => {
                    tracing::warn!(%error, "journal items that the state contains could not be removed yet");
                    items
                }
            }
        }));
    }

    async fn tidied(&mut self) {
        if let Some(tidying) = self.tidying.take() {
            self.items.extend(tidying.await.unwrap_or_default());
        }
    }

    fn lose(&self, why: &str) -> StoreError {
        self.taken.lease.lose(why);
        StoreError::LockLost(why.to_owned())
    }

    async fn order<T>(&self, order: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Order) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let gone = || self.lose("the task that renews it ended");
        self.orders.send(order(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    async fn store_entries(&mut self, entries: &[Entry]) -> Result<Position, StoreError> {
        if self.serial == 0 {
            return Err(document::journal_without_state(&self.store.object.place()));
        }
        let (place, vault) = (self.store.table.place("journal"), &self.store.vault);
        for entries in journal::split(&place, entries, journal::commit_bytes(vault))? {
            let entries = journal::seal(vault, &place, entries).await?;
            let Stored { position, items } = self.order(|reply| Order::Append { entries, reply }).await?;
            self.watermark = Some(position);
            self.items.extend(items);
        }
        Ok(self.watermark.unwrap_or(Position { epoch: self.taken.epoch, seq: 0 }))
    }

    async fn save_state(&mut self, state: &State) -> Result<(), StoreError> {
        if let Some(why) = self.taken.lease.lost() {
            return Err(StoreError::LockLost(why));
        }
        match self.write(state).await? {
            Some(_) => Ok(()),
            None => Err(self.lose("somebody else wrote the state")),
        }
    }
}

impl Session for Held {
    fn taken(&self) -> &Taken {
        &self.taken
    }

    fn serial(&self) -> u64 {
        self.serial
    }

    fn append<'a>(&'a mut self, entries: &'a [Entry]) -> BoxFuture<'a, Result<Position, StoreError>> {
        self.store_entries(entries).boxed()
    }

    fn save<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<(), StoreError>> {
        self.save_state(state).boxed()
    }

    fn note<'a>(&'a mut self, run: &'a RunRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        runs::write(&self.store, run).boxed()
    }

    fn save_noting<'a>(&'a mut self, state: &'a State, run: &'a RunRecord) -> BoxFuture<'a, StoredAndNoted<()>> {
        async move {
            let store = self.store.clone();
            futures::join!(self.save_state(state), runs::write(&store, run))
        }
        .boxed()
    }

    fn append_noting<'a>(&'a mut self, entries: &'a [Entry], run: &'a RunRecord) -> BoxFuture<'a, StoredAndNoted<Position>> {
        async move {
            let store = self.store.clone();
            futures::join!(self.store_entries(entries), runs::write(&store, run))
        }
        .boxed()
    }

    fn forget<'a>(&'a mut self, run: &'a RunName) -> BoxFuture<'a, Result<(), StoreError>> {
        runs::remove(&self.store.object, run).boxed()
    }

    fn release(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        async move {
            // Whoever takes over meanwhile skips what the document contains, and removes what is left of it.
            let tidied = OptionFuture::from(self.tidying.take());
            futures::join!(tidied, self.order(|reply| Order::Release { reply })).1
        }
        .boxed()
    }
}
