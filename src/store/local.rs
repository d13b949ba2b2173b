//! [`Local`]: a folder `.infra/<stack>/` on this machine, for one person at a time.
//!
//! | File | |
//! |---|---|
//! | `state.json` | the document; replaced by renaming, so whole at any instant |
//! | `journal` | what came after it; a record is one write and one `fsync` (see `frame`) |
//! | `history/` | former documents, the newest 30 |
//! | `runs/` | what each run did (see `state::ledger`) |
//! | `lock` | locked by the operating system while a run holds the lock, so that a dead process holds nothing |
//! | `holder.json` | who holds the lock or held it last, and its last sign of life |
//! | `seal.key` | the digest key for secrets |
//!
//! Only the owner can read any of it. Locks and `fsync` are only as good as the file system: network file systems are not
//! supported.
//!
//! The lock cannot be taken over while its holder lives, even stopped; so a holder that slept may go on. What it has in common
//! with other stores is the gate: nothing is sent unless the last sign of life, which the next holder reads, is recent.

pub mod disk;
mod files;
mod history;
mod holder;
mod journal;
mod runs;
mod session;

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::address::StackName;
use crate::secrets::vault::Vault;
use crate::state::ledger::{RunName, RunRecord};
use crate::state::{Entry, State};
use crate::store::lease::LEASE;
use crate::store::{Holder, Owner, Session, Store, StoreError, Version, document, key, sealed};
use disk::Disk;
use files::Folder;
use holder::FileLock;

/// How often a reader looks again when a writer was faster.
const READS_MAX: u32 = 20;
const READ_PAUSE: Duration = Duration::from_millis(10);
/// The document's file.
const STATE: &str = "state.json";

#[derive(Clone)]
pub struct Local {
    root: Folder,
    folder: Folder,
    stack: StackName,
    vault: Vault,
    lease: Duration,
}

impl Local {
    /// The store of `stack` below `root`, which is named `.infra` by custom.
    pub fn new(root: &Path, stack: StackName) -> Self {
        let root = Folder { path: root.to_owned(), disk: Disk::default() };
        let (folder, vault) = (root.within(stack.as_str()), Vault::none(stack.as_str()));
        Self { root, folder, stack, vault, lease: LEASE }
    }

    /// On a disk that tells what is done to it.
    pub fn with_disk(mut self, disk: Disk) -> Self {
        (self.root.disk, self.folder.disk) = (disk.clone(), disk);
        self
    }

    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    pub fn with_vault(self, vault: Vault) -> Self {
        Self { vault, ..self }
    }

    /// Does blocking work elsewhere.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        finish(tokio::task::spawn_blocking(move || work(&store)).await, &self.place())
    }

    /// The folder, made if it is not there, and kept out of version control.
    fn prepare(&self) -> Result<(), StoreError> {
        self.root.make_unversioned()?;
        self.folder.make()
    }

    fn state_file(&self) -> PathBuf {
        self.folder.file(STATE)
    }

    fn read_document(&self) -> Result<Option<State>, StoreError> {
        let path = self.state_file();
        let Some(bytes) = files::read(&path)? else { return Ok(None) };
        wait(sealed::open(&self.vault, &path.display().to_string(), &self.stack, &bytes)).map(Some)
    }

    /// Journal first, then the document: what the journal had lost by then, the document contains.
    fn read_once(&self) -> Result<Option<State>, StoreError> {
        Ok(self.read_and_last_said()?.map(|(state, _)| state))
    }

    /// The same, and the last that was said.
    fn read_and_last_said(&self) -> Result<Option<(State, Vec<Entry>)>, StoreError> {
        let path = self.folder.file("journal");
        let place = path.display().to_string();
        let bytes = files::read(&path)?.unwrap_or_default();
        let damaged = |why: String| StoreError::Damaged { place: place.clone(), why };
        let commits = journal::read(&self.vault, &path, &bytes)?;
        let Some(mut state) = self.read_document()? else {
            return match commits.is_empty() {
                true => Ok(None),
                false => Err(damaged("the state that it continues is gone; `history` beside it has former ones".to_owned())),
            };
        };
        let said = document::last_said(&state, &commits);
        document::replay(&place, &mut state, &commits)?;
        Ok(Some((state, said)))
    }

    /// Without the lock, a writer may truncate the journal while it is being read: then it is read again.
    fn read_beside_writer(&self) -> Result<Option<State>, StoreError> {
        for _ in 0..READS_MAX {
            match self.read_once() {
                Err(StoreError::Damaged { .. }) => std::thread::sleep(READ_PAUSE),
                other => return other,
            }
        }
        self.read_once()
    }

    fn read_seal_key(&self) -> Result<Option<[u8; 32]>, StoreError> {
        let path = self.folder.file("seal.key");
        let key = |text: Vec<u8>| key::from_text(&path.display().to_string(), &String::from_utf8_lossy(&text));
        files::read(&path)?.map(key).transpose()
    }

    fn known_or_made_seal_key(&self) -> Result<[u8; 32], StoreError> {
        if let Some(key) = self.read_seal_key()? {
            return Ok(key);
        }
        self.prepare()?;
        let place = self.folder.file("seal.key").display().to_string();
        let text = format!("{}\n", hex::encode(key::random(&place)?));
        self.folder.create_whole("seal.key", text.as_bytes())?;
        self.read_seal_key()?.ok_or_else(|| key::vanished(place))
    }

    async fn acquire(&self, owner: &Owner, patience: Option<Duration>) -> Result<Box<dyn Session>, StoreError> {
        let deadline = tokio::time::Instant::now() + patience.unwrap_or_default().max(holder::PROBE_MAX);
        loop {
            let owner = owner.clone();
            if let Some(session) = self.blocking(move |it| session::take(it, owner)).await? {
                return Ok(Box::new(session.start()));
            }
            if tokio::time::Instant::now() >= deadline {
                let note = self.blocking(|it| holder::read(&it.folder)).await?.filter(|it| !it.released);
                if note.is_some() || tokio::time::Instant::now() >= deadline + holder::NAMING_MAX {
                    let holder = note.map_or_else(holder::nameless, |it| it.holder());
                    return Err(StoreError::Locked { holder: Box::new(holder) });
                }
            }
            tokio::time::sleep(holder::POLL_EVERY).await;
        }
    }
}

/// Replaces a file that is for its owner's eyes alone: the old bytes or the new ones are there, never anything else.
pub fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    Disk::default().replace(file, bytes)
}

/// The same in a folder that is kept out of version control, and made if it is not there.
pub fn replace_unversioned(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = Folder { path: folder.to_owned(), disk: Disk::default() };
    folder.make_unversioned()?;
    folder.write_whole(name, bytes)
}

/// Waits on a thread that may block: opening what is encrypted can need a call.
fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(work)
}

/// The result of blocking work; what panicked there goes on here.
fn finish<T>(joined: Result<Result<T, StoreError>, tokio::task::JoinError>, place: &str) -> Result<T, StoreError> {
    match joined {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(StoreError::Io { place: place.to_owned(), source: std::io::Error::other(error) }),
        },
    }
}

impl Store for Local {
    fn place(&self) -> String {
        self.folder.path.display().to_string()
    }

    fn vault(&self) -> &Vault {
        &self.vault
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<State>, StoreError>> {
        self.blocking(Self::read_beside_writer).boxed()
    }

    fn known_seal_key(&self) -> BoxFuture<'_, Result<Option<[u8; 32]>, StoreError>> {
        self.blocking(Self::read_seal_key).boxed()
    }

    fn seal_key(&self) -> BoxFuture<'_, Result<[u8; 32], StoreError>> {
        self.blocking(Self::known_or_made_seal_key).boxed()
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>> {
        self.blocking(|it| match FileLock::is_held(&it.folder)? {
            true => Ok(Some(holder::read(&it.folder)?.map_or_else(holder::nameless, |it| it.holder()))),
            false => Ok(None),
        })
        .boxed()
    }

    fn lock<'a>(&'a self, owner: &'a Owner, patience: Option<Duration>) -> BoxFuture<'a, Result<Box<dyn Session>, StoreError>> {
        self.acquire(owner, patience).boxed()
    }

    /// A dead process holds nothing, so there is never anything to take away; a live one keeps what it has.
    fn unlock<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let wanted = run.to_owned();
        self.blocking(move |it| {
            let last = holder::read(&it.folder)?.filter(|it| !it.released);
            match last {
                Some(last) if last.owner.run == wanted => match FileLock::is_held(&it.folder)? {
                    true => Err(StoreError::HeldByProcess { pid: last.pid }),
                    false => Ok(()),
                },
                other => Err(StoreError::NotHeldBy { wanted, found: other.map(|it| it.owner.run) }),
            }
        })
        .boxed()
    }

    fn history(&self) -> BoxFuture<'_, Result<Vec<Version>, StoreError>> {
        self.blocking(|it| history::list(&it.folder)).boxed()
    }

    fn version<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<State, StoreError>> {
        let id = id.to_owned();
        self.blocking(move |it| {
            let (path, bytes) = history::read(&it.folder, &id)?;
            wait(sealed::open(&it.vault, &path.display().to_string(), &it.stack, &bytes))
        })
        .boxed()
    }

    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunName>, StoreError>> {
        self.blocking(|it| runs::list(&it.folder)).boxed()
    }

    fn run<'a>(&'a self, name: &'a RunName) -> BoxFuture<'a, Result<Option<RunRecord>, StoreError>> {
        let name = name.clone();
        self.blocking(move |it| runs::read(it, &name)).boxed()
    }
}
