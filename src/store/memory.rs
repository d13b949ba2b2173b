//! [`Memory`]: a store that lives as long as the process, for tests and rehearsals. It behaves as S3 with DynamoDB does:
//! leases run out (on tokio's clock, so also in virtual time), documents are written under the condition that they are the
//! ones last seen, and what is kept are bytes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::address::StackName;
use crate::secrets::vault::Vault;
use crate::state::ledger::{RunName, RunRecord};
use crate::state::{Commit, Entry, Position, State};
use crate::store::document::{self, Stamp};
use crate::store::heartbeat::Task;
use crate::store::lease::{Clock, LEASE, Lease, renewal_every};
use crate::store::lock::{LockRecord, Standing, Verdict, Watch, random_version};
use crate::store::{Holder, Owner, Session, Store, StoreError, Taken, Version, clock};

/// Clones share what they hold.
#[derive(Clone)]
pub struct Memory {
    stack: StackName,
    vault: Vault,
    lease: Duration,
    clock: Clock,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    /// Every version ever written, the current one last. Numbered from 1.
    versions: Vec<(Version, Vec<u8>)>,
    journal: Vec<Commit>,
    lock: Option<LockRecord>,
    seal_key: Option<[u8; 32]>,
    runs: BTreeMap<RunName, Vec<u8>>,
}

impl Kept {
    fn generation(&self) -> usize {
        self.versions.len()
    }

    fn document(&self) -> Option<&[u8]> {
        self.versions.last().map(|(_, bytes)| bytes.as_slice())
    }

    fn seal_key(&mut self, place: &str) -> Result<[u8; 32], StoreError> {
        let key = crate::store::key::random(place)?;
        Ok(*self.seal_key.get_or_insert(key))
    }

    fn write(&mut self, serial: u64, bytes: Vec<u8>) {
        let id = (self.generation() + 1).to_string();
        let size = bytes.len() as u64;
        self.versions.push((Version { id, serial, at: clock::wall_millis(), size }, bytes));
    }
}

impl Memory {
    pub fn new(stack: StackName) -> Self {
        let started = tokio::time::Instant::now();
        Self {
            vault: Vault::none(stack.as_str()),
            stack,
            lease: LEASE,
            clock: Arc::new(move || started.elapsed()),
            kept: Arc::default(),
        }
    }

    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// Puts bytes in the place of the document, as somebody else might.
    pub fn overwrite(&self, bytes: Vec<u8>) {
        self.kept().write(0, bytes);
    }

    /// Loses the lock record, as somebody else might.
    pub fn lose_lock(&self) {
        self.kept().lock = None;
    }

    /// The bytes of the document.
    pub fn document(&self) -> Option<Vec<u8>> {
        self.kept().document().map(<[u8]>::to_vec)
    }

    /// What the journal holds.
    pub fn journal(&self) -> Vec<Commit> {
        self.kept().journal.clone()
    }

    /// Puts commits in the place of the journal, as a crash before it was tidied up leaves them.
    pub fn set_journal(&self, journal: Vec<Commit>) {
        self.kept().journal = journal;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The document with the journal folded in, and the last that was said.
    fn fold(&self, kept: &Kept) -> Result<Option<(State, Vec<Entry>)>, StoreError> {
        let Some(bytes) = kept.document() else { return Ok(None) };
        let mut state = document::open(&self.place(), &self.stack, bytes)?;
        let said = document::last_said(&state, &kept.journal);
        document::replay(&self.place(), &mut state, &kept.journal)?;
        Ok(Some((state, said)))
    }

    async fn acquire(&self, owner: &Owner, patience: Option<Duration>) -> Result<Box<dyn Session>, StoreError> {
        let mut watch = Watch::new(patience, (self.clock)());
        loop {
            let pause = {
                let mut kept = self.kept();
                match watch.look(kept.lock.as_ref(), (self.clock)()) {
                    Verdict::Take { idle } => return self.take(&mut kept, owner, idle),
                    Verdict::Wait(pause) => pause,
                    Verdict::Refuse(holder) => return Err(StoreError::Locked { holder }),
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn take(&self, kept: &mut Kept, owner: &Owner, idle: Option<Duration>) -> Result<Box<dyn Session>, StoreError> {
        let (folded, inherited) = self.fold(kept)?.unzip();
        let lost = kept.lock.is_none() && folded.is_some();
        let before = [kept.lock.as_ref().map(|it| it.epoch), folded.as_ref().map(|it| it.epoch)];
        let epoch = before.into_iter().flatten().max().unwrap_or(0) + 1;
        let mut session = Held {
            store: self.clone(),
            owner: owner.clone(),
            taken: Taken {
                state: None,
                epoch,
                lease: Arc::new(Lease::new(self.lease, self.clock.clone(), (self.clock)())),
                abandoned_at: idle
                    .or(lost.then_some(Duration::ZERO))
                    .map(|it| clock::wall_millis().saturating_sub(clock::millis(it))),
                inherited: inherited.unwrap_or_default(),
                seal_key: kept.seal_key(&self.place())?,
            },
            generation: kept.generation(),
            serial: folded.as_ref().map_or(0, |it| it.serial),
            watermark: folded.as_ref().and_then(|it| it.watermark),
            heartbeat: None,
        };
        if let Some(folded) = folded {
            session.taken.state = Some(session.write(kept, &folded)?);
        }
        kept.lock = Some(LockRecord {
            version: random_version(),
            epoch,
            lease: self.lease,
            owner: owner.clone(),
            since: clock::wall_millis(),
            standing: Standing::Held,
        });
        session.heartbeat = Some(session.beat());
        Ok(Box::new(session))
    }
}

impl Store for Memory {
    fn place(&self) -> String {
        format!("memory/{}", self.stack)
    }

    fn vault(&self) -> &Vault {
        &self.vault
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<State>, StoreError>> {
        async { Ok(self.fold(&self.kept())?.map(|(state, _)| state)) }.boxed()
    }

    fn known_seal_key(&self) -> BoxFuture<'_, Result<Option<[u8; 32]>, StoreError>> {
        async { Ok(self.kept().seal_key) }.boxed()
    }

    fn seal_key(&self) -> BoxFuture<'_, Result<[u8; 32], StoreError>> {
        async { self.kept().seal_key(&self.place()) }.boxed()
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>> {
        async { Ok(self.kept().lock.as_ref().and_then(LockRecord::holder)) }.boxed()
    }

    fn lock<'a>(&'a self, owner: &'a Owner, patience: Option<Duration>) -> BoxFuture<'a, Result<Box<dyn Session>, StoreError>> {
        self.acquire(owner, patience).boxed()
    }

    fn unlock<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let mut kept = self.kept();
            match kept.lock.as_mut().filter(|it| it.standing == Standing::Held) {
                Some(lock) if lock.owner.run == run => {
                    lock.version = random_version();
                    lock.standing = Standing::Broken;
                    Ok(())
                }
                other => Err(StoreError::NotHeldBy { wanted: run.to_owned(), found: other.map(|it| it.owner.run.clone()) }),
            }
        }
        .boxed()
    }

    fn history(&self) -> BoxFuture<'_, Result<Vec<Version>, StoreError>> {
        async { Ok(self.kept().versions.iter().rev().skip(1).map(|(version, _)| version.clone()).collect()) }.boxed()
    }

    fn version<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<State, StoreError>> {
        async move {
            let place = format!("{} version {id}", self.place());
            let kept = self.kept();
            let found = kept.versions.iter().find(|(version, _)| version.id == id);
            let (_, bytes) = found.ok_or_else(|| StoreError::NoVersion { place: self.place(), id: id.to_owned() })?;
            document::open(&place, &self.stack, bytes)
        }
        .boxed()
    }

    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunName>, StoreError>> {
        async { Ok(self.kept().runs.keys().rev().cloned().collect()) }.boxed()
    }

    fn run<'a>(&'a self, name: &'a RunName) -> BoxFuture<'a, Result<Option<RunRecord>, StoreError>> {
        async move {
            let kept = self.kept();
            kept.runs.get(name).map(|bytes| document::open_run(&self.place(), &self.stack, bytes)).transpose()
        }
        .boxed()
    }
}

struct Held {
    store: Memory,
    owner: Owner,
    taken: Taken,
    generation: usize,
    serial: u64,
    watermark: Option<Position>,
    heartbeat: Option<Task>,
}

impl Held {
    fn beat(&self) -> Task {
        let (store, run, epoch) = (self.store.clone(), self.owner.run.clone(), self.taken.epoch);
        let lease = self.taken.lease.clone();
        Task::beat(renewal_every(lease.length()), move || {
            let renewed = renew(&mut store.kept(), &run, epoch, &lease);
            async move { renewed.is_ok() }.boxed()
        })
    }

    fn write(&mut self, kept: &mut Kept, state: &State) -> Result<State, StoreError> {
        if kept.generation() != self.generation {
            return Err(StoreError::LockLost("somebody else wrote the state".to_owned()));
        }
        let stamp =
            Stamp { serial: self.serial + 1, epoch: self.taken.epoch, run: self.owner.run.clone(), watermark: self.watermark };
        let (state, bytes) = document::render(&self.store.place(), state, stamp)?;
        kept.write(state.serial, bytes);
        self.generation = kept.generation();
        self.serial = state.serial;
        kept.journal.retain(|it| Some(it.position) > self.watermark);
        Ok(state)
    }
}

/// Checks that the run still holds the lock, and renews it.
fn renew(kept: &mut Kept, run: &str, epoch: u64, lease: &Lease) -> Result<(), StoreError> {
    let why = match &mut kept.lock {
        Some(lock) if lock.is_held_by(run, epoch) => {
            lock.version = random_version();
            lease.renewed(lease.now());
            return Ok(());
        }
        Some(lock) => lock.loss(),
        None => "it is gone".to_owned(),
    };
    lease.lose(why.clone());
    Err(StoreError::LockLost(why))
}

impl Session for Held {
    fn taken(&self) -> &Taken {
        &self.taken
    }

    fn serial(&self) -> u64 {
        self.serial
    }

    fn append<'a>(&'a mut self, entries: &'a [Entry]) -> BoxFuture<'a, Result<Position, StoreError>> {
        async move {
            let store = self.store.clone();
            let mut kept = store.kept();
            if self.serial == 0 {
                return Err(document::journal_without_state(&store.place()));
            }
            renew(&mut kept, &self.owner.run, self.taken.epoch, &self.taken.lease)?;
            let position = Position::next(self.watermark, self.taken.epoch);
            kept.journal.push(Commit { position, entries: entries.to_vec() });
            self.watermark = Some(position);
            Ok(position)
        }
        .boxed()
    }

    fn save<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let store = self.store.clone();
            let mut kept = store.kept();
            self.write(&mut kept, state).map(drop)
        }
        .boxed()
    }

    fn note<'a>(&'a mut self, run: &'a RunRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let bytes = document::render_run(&self.store.place(), run)?;
            self.store.kept().runs.insert(run.name(), bytes);
            Ok(())
        }
        .boxed()
    }

    fn forget<'a>(&'a mut self, run: &'a RunName) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.store.kept().runs.remove(run);
            Ok(())
        }
        .boxed()
    }

    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        async move {
            let mut kept = self.store.kept();
            renew(&mut kept, &self.owner.run, self.taken.epoch, &self.taken.lease)?;
            if let Some(lock) = &mut kept.lock {
                lock.standing = Standing::Released;
            }
            self.taken.lease.lose("it was given back");
            Ok(())
        }
        .boxed()
    }
}
