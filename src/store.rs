//! Where state, journal and lock are kept: one contract, three implementations (memory, a local folder, S3 with DynamoDB), one
//! test suite.
//!
//! A state is one document, rewritten seldom, and a journal behind it, to which every step adds a commit. The lock gives the
//! right to write for a lease; whoever takes it over rewrites the document first, under a higher epoch, so that nothing of a
//! former holder can be stored any more. `engine.md` §5 has the rules, each implementation says how it keeps them.

pub mod aws;
mod clock;
mod document;
pub mod frame;
mod heartbeat;
mod key;
pub mod lease;
pub mod local;
mod lock;
pub mod memory;
mod sealed;

pub use document::open as parse;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::cloud::Gate;
use crate::secrets::vault::Vault;
use crate::state::ledger::{RunName, RunRecord};
use crate::state::{Entry, Position, State};
use crate::store::lease::Lease;

/// The store of one stack.
pub trait Store: Send + Sync {
    /// For messages: `s3://bucket/dev/state.json`, `.infra/dev`.
    fn place(&self) -> String;
    /// What encrypts and opens all that is stored of the stack, plan files too.
    fn vault(&self) -> &Vault;
    /// The state with the journal folded in, read without the lock: what `plan`, `drift` and `output` see. None when there is
    /// none yet.
    fn read(&self) -> BoxFuture<'_, Result<Option<State>, StoreError>>;
    /// The document alone, as it was written last, for a guess that is checked under the lock: whatever the journal adds to it may
    /// be missing.
    fn glance(&self) -> BoxFuture<'_, Result<Option<State>, StoreError>> {
        self.read()
    }
    /// The digest key for secrets, kept apart from the state. None when it was never used.
    fn known_seal_key(&self) -> BoxFuture<'_, Result<Option<[u8; 32]>, StoreError>>;
    /// The digest key, made on first use: if somebody else does so meanwhile, theirs is the one that is kept.
    fn seal_key(&self) -> BoxFuture<'_, Result<[u8; 32], StoreError>>;
    /// Who holds the lock, without taking it.
    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>>;
    /// Takes the lock. `patience` is how long to wait for a live holder: none watches for one lease (see `engine.md` §5).
    fn lock<'a>(&'a self, owner: &'a Owner, patience: Option<Duration>) -> BoxFuture<'a, Result<Box<dyn Session>, StoreError>>;
    /// Takes the lock away from whoever holds it; for people.
    fn unlock<'a>(&'a self, run: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Earlier versions of the state, newest first.
    fn history(&self) -> BoxFuture<'_, Result<Vec<Version>, StoreError>>;
    fn version<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<State, StoreError>>;
    /// The runs that are on record, newest first.
    fn runs(&self) -> BoxFuture<'_, Result<Vec<RunName>, StoreError>>;
    /// The record of a run; none when it is not kept any more.
    fn run<'a>(&'a self, name: &'a RunName) -> BoxFuture<'a, Result<Option<RunRecord>, StoreError>>;
}

/// What a session found when it took the lock.
pub struct Taken {
    /// With the journal folded in; rewritten under the new epoch already. None for a new stack.
    pub state: Option<State>,
    pub epoch: u64,
    pub lease: Arc<Lease>,
    pub abandoned_at: Option<u64>,
    /// The last that former runs said: what was open in the document, and what the journal added to it.
    pub inherited: Vec<Entry>,
    /// The digest key for secrets: whoever takes a lock makes it if it was never used.
    pub seal_key: [u8; 32],
}

/// What came of what was stored, and of the record of a run that was stored with it.
pub type StoredAndNoted<T> = (Result<T, StoreError>, Result<(), StoreError>);

/// The right to write, for as long as the lease is renewed; renewal goes on in the background until `release`.
pub trait Session: Send {
    fn taken(&self) -> &Taken;
    /// The serial of the document that is stored now; 0 when there is none.
    fn serial(&self) -> u64;
    /// The state as taken over. None for a new stack.
    fn state(&self) -> Option<State> {
        self.taken().state.clone()
    }
    fn epoch(&self) -> u64 {
        self.taken().epoch
    }
    /// How long the right to write outlives its last renewal.
    fn lease(&self) -> Duration {
        self.taken().lease.length()
    }
    /// When the former holder last gave a sign of life, milliseconds since 1970 on this machine's clock, if it did not release
    /// the lock itself. It may have had calls under way until one [`lease`](Self::lease) after.
    fn abandoned_at(&self) -> Option<u64> {
        self.taken().abandoned_at
    }
    /// Whether a mutation may still be sent.
    fn gate(&self) -> Arc<dyn Gate> {
        self.taken().lease.clone()
    }
    /// Stores entries as one commit. When it returns, they and all before them are stored. A new stack's first act is a
    /// [`save`](Self::save): the journal continues a document.
    fn append<'a>(&'a mut self, entries: &'a [Entry]) -> BoxFuture<'a, Result<Position, StoreError>>;
    /// Writes the document, and removes the journal entries that it contains, or begins to: [`release`](Self::release) waits for
    /// that. `state` holds everything appended so far; its
    /// serial, epoch, run and watermark are this session's to set. A state that breaks a law is refused, and the former
    /// document stays.
    fn save<'a>(&'a mut self, state: &'a State) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Puts a run on record, or what became of it: the record of that name is replaced.
    fn note<'a>(&'a mut self, run: &'a RunRecord) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Saves, and puts a run on record with it. Either may be there when the other could not be written.
    fn save_noting<'a>(&'a mut self, state: &'a State, run: &'a RunRecord) -> BoxFuture<'a, StoredAndNoted<()>> {
        async move {
            let saved = self.save(state).await;
            (saved, self.note(run).await)
        }
        .boxed()
    }
    /// Appends, and puts a run on record with it. Whoever calls only after both has its run on record.
    fn append_noting<'a>(&'a mut self, entries: &'a [Entry], run: &'a RunRecord) -> BoxFuture<'a, StoredAndNoted<Position>> {
        async move {
            let noted = self.note(run).await;
            (self.append(entries).await, noted)
        }
        .boxed()
    }
    /// Takes the record of a run away.
    fn forget<'a>(&'a mut self, run: &'a RunName) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Gives the lock back. Only when no call of this run can still be under way; else drop the session, so that the lease runs
    /// out and the next holder knows.
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;
}

/// Who asks for the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Unique to this run.
    pub run: String,
    /// `user@host`, or the caller's ARN once it is known.
    pub who: String,
    /// `infra apply dev`
    pub command: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub owner: Owner,
    pub epoch: u64,
    /// Milliseconds since 1970, on the holder's clock: for people only.
    pub since: u64,
    pub lease_seconds: u64,
}

/// One kept version of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub id: String,
    pub serial: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    pub size: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the state is locked by {} ({})", holder.owner.who, holder.owner.command)]
    Locked { holder: Box<Holder> },
    /// Somebody else took the lock over, or it was taken away: this run may not write any more.
    #[error("the lock was lost: {0}")]
    LockLost(String),
    #[error("the state at {place} is not readable: {why}")]
    Damaged { place: String, why: String },
    #[error("the state at {place} has format {found}; this version of infra reads up to {known}")]
    Newer { place: String, found: u32, known: u32 },
    #[error("the state at {place} belongs to the stack `{found}`")]
    OtherStack { place: String, found: String },
    #[error("{place} holds {what}, not a state of infra")]
    Foreign { place: String, what: &'static str },
    #[error("{place} is not encrypted, and the stack demands it")]
    Unencrypted { place: String },
    #[error("{place} is encrypted, and the stack has no `encryption` block")]
    Encrypted { place: String },
    #[error("none of the keys at hand opens {place}; it is encrypted for {}", recipients.join(", "))]
    NoKey { place: String, recipients: Vec<String> },
    /// Laws of state are broken, by infra or by hand.
    #[error("the state at {place} is inconsistent: {}", problems.join("; "))]
    Unlawful { place: String, problems: Vec<String> },
    /// A state that must not be written; the former one is untouched.
    #[error("this is a bug in infra: the new state for {place} is not good ({}); the former one was kept", problems.join("; "))]
    Refused { place: String, problems: Vec<String> },
    #[error("{place} has no version `{id}`")]
    NoVersion { place: String, id: String },
    /// The process that holds the lock of a local state is alive, and only its end frees the lock.
    #[error("the lock is held by process {pid} on this machine, which is still running: end that process instead")]
    HeldByProcess { pid: u32 },
    /// Somebody else's run holds the lock than the one named.
    #[error("the lock is not held by the run `{wanted}`{}", found.as_ref().map(|it| format!(" but by `{it}`")).unwrap_or_default())]
    NotHeldBy { wanted: String, found: Option<String> },
    #[error("there is no state store yet: {0}")]
    Absent(String),
    #[error("{place}: {source}")]
    Io { place: String, source: std::io::Error },
    #[error(transparent)]
    Cloud(#[from] crate::remote::Fault),
}
