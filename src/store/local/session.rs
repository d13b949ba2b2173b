//! Holding the lock of a local store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::state::ledger::{RunName, RunRecord};
use crate::state::{Commit, Entry, Position, State};
use crate::store::document::{self, Stamp};
use crate::store::heartbeat::Task;
use crate::store::lease::{Lease, renewal_every};
use crate::store::local::holder::{self, FileLock, Note};
use crate::store::local::journal::Journal;
use crate::store::local::{Local, STATE, finish, history, runs, wait};
use crate::store::{Owner, Session, StoreError, Taken, clock, sealed};

/// What may be touched while the lock is held, and with it the lock: work that is still under way on another thread when the
/// session is dropped keeps both until it is done.
struct Writer {
    store: Local,
    note: Note,
    journal: Journal,
    serial: u64,
    watermark: Option<Position>,
    _lock: FileLock,
}

pub struct Held {
    writer: Arc<Mutex<Writer>>,
    taken: Taken,
    place: String,
    heartbeat: Option<Task>,
}

/// Takes the lock and rewrites the document under the new epoch; nothing when somebody holds it.
pub fn take(store: &Local, owner: Owner) -> Result<Option<Held>, StoreError> {
    store.prepare()?;
    let Some(lock) = FileLock::take(&store.folder)? else { return Ok(None) };
    let now = clock::wall_millis();
    let lease = Arc::new(Lease::new(store.lease, Arc::new(clock::since_boot), clock::since_boot()));
    let (folded, inherited) = store.read_and_last_said()?.unzip();
    let last = holder::read(&store.folder);
    let abandoned_at = match &last {
        Ok(Some(note)) if note.released => None,
        Ok(Some(note)) => Some(note.alive_at.min(now)),
        // A note that is lost or damaged says nothing about its writer: it may have been alive a moment ago.
        Ok(None) | Err(_) => folded.as_ref().map(|_| now),
    };
    let last_epoch = last.ok().flatten().map_or(0, |it| it.epoch);
    let epoch = folded.as_ref().map_or(0, |it| it.epoch).max(last_epoch) + 1;
    let lease_millis = clock::millis(store.lease);
    let note = Note { owner, pid: std::process::id(), epoch, since: now, alive_at: now, lease_millis, released: false };
    note.write(&store.folder)?;
    let mut serial = 0;
    let mut state = None;
    if let Some(folded) = &folded {
        state = Some(write(store, &note, folded, folded.serial, folded.watermark)?);
        serial = folded.serial + 1;
    }
    let journal = Journal::start(&store.folder, store.vault.clone())?;
    let watermark = folded.and_then(|it| it.watermark);
    let place = store.folder.path.display().to_string();
    let writer = Writer { store: store.clone(), note, journal, serial, watermark, _lock: lock };
    let writer = Arc::new(Mutex::new(writer));
    let (inherited, seal_key) = (inherited.unwrap_or_default(), store.known_or_made_seal_key()?);
    let taken = Taken { state, epoch, lease, abandoned_at, inherited, seal_key };
    Ok(Some(Held { writer, taken, place, heartbeat: None }))
}

/// Writes the document that follows the one with `serial`, which is kept in the history.
fn write(store: &Local, note: &Note, state: &State, serial: u64, watermark: Option<Position>) -> Result<State, StoreError> {
    let path = store.state_file();
    let stamp = Stamp { serial: serial + 1, epoch: note.epoch, run: note.owner.run.clone(), watermark };
    let (state, bytes) = wait(sealed::render(&store.vault, &path.display().to_string(), state, stamp))?;
    if serial > 0 {
        history::keep(&store.folder, &path, serial)?;
    }
    store.folder.write_whole(STATE, &bytes)?;
    Ok(state)
}

impl Writer {
    fn append(&mut self, entries: Vec<Entry>) -> Result<Position, StoreError> {
        if self.serial == 0 {
            return Err(document::journal_without_state(&self.store.state_file().display().to_string()));
        }
        let position = Position::next(self.watermark, self.note.epoch);
        self.journal.append(&Commit { position, entries })?;
        self.watermark = Some(position);
        Ok(position)
    }

    fn save(&mut self, state: &State) -> Result<(), StoreError> {
        self.serial = write(&self.store, &self.note, state, self.serial, self.watermark)?.serial;
        self.journal.clear()
    }

    fn beat(&mut self) -> Result<(), StoreError> {
        if self.note.released {
            return Ok(());
        }
        self.note.alive_at = clock::wall_millis();
        self.note.write(&self.store.folder)
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.note.released = true;
        self.note.write(&self.store.folder)
    }
}

fn guard(writer: &Mutex<Writer>) -> MutexGuard<'_, Writer> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    /// With signs of life from now on.
    pub fn start(mut self) -> Self {
        let (writer, lease) = (Arc::downgrade(&self.writer), self.taken.lease.clone());
        self.heartbeat = Some(Task::beat(renewal_every(lease.length()), move || {
            let (writer, lease) = (writer.clone(), lease.clone());
            let beat = move || {
                let Some(writer) = writer.upgrade() else { return false };
                let asked = lease.now();
                // A beat that fails, on a full disk say, closes the gate in time; the next one may succeed.
                if guard(&writer).beat().is_ok() {
                    lease.renewed(asked);
                }
                true
            };
            async move { tokio::task::spawn_blocking(beat).await.unwrap_or(false) }.boxed()
        }));
        self
    }

    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
        let (writer, place) = (self.writer.clone(), self.place.clone());
        async move { finish(tokio::task::spawn_blocking(move || work(&mut guard(&writer))).await, &place) }
    }
}

impl Session for Held {
    fn taken(&self) -> &Taken {
        &self.taken
    }

    fn serial(&self) -> u64 {
        guard(&self.writer).serial
    }

    fn append<'a>(&'a mut self, entries: &'a [Entry]) -> BoxFuture<'a, Result<Position, StoreError>> {
        let entries = entries.to_vec();
        self.blocking(move |it| it.append(entries)).boxed()
    }

    fn save<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<(), StoreError>> {
        let state = state.clone();
        self.blocking(move |it| it.save(&state)).boxed()
    }

    fn note<'a>(&'a mut self, run: &'a RunRecord) -> BoxFuture<'a, Result<(), StoreError>> {
        let run = run.clone();
        self.blocking(move |it| runs::write(&it.store, &run)).boxed()
    }

    fn forget<'a>(&'a mut self, run: &'a RunName) -> BoxFuture<'a, Result<(), StoreError>> {
        let run = run.clone();
        self.blocking(move |it| runs::remove(&it.store.folder, &run)).boxed()
    }

    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        async move {
            self.taken.lease.lose("it was given back");
            self.blocking(Writer::release).await
        }
        .boxed()
    }
}
