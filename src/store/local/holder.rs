//! Who holds the lock: the operating system's lock on a file, and a note beside it that says who it is.

use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::store::local::disk::Open;
use crate::store::local::files::{self, Folder, at};
use crate::store::{Holder, Owner, StoreError};

/// How often somebody who waits for the lock tries again.
pub const POLL_EVERY: Duration = Duration::from_millis(20);
/// Looking whether the lock is held takes it for a moment; whoever wants it tries for longer than that.
pub const PROBE_MAX: Duration = Duration::from_millis(100);
/// Who has taken the lock reads the state before it says who it is; whoever wants it waits so long for the name.
pub const NAMING_MAX: Duration = Duration::from_secs(2);

/// Held until dropped, or until the process ends in whatever way.
pub struct FileLock {
    _file: Open,
}

impl FileLock {
    /// The lock, or nothing when somebody holds it.
    pub fn take(folder: &Folder) -> Result<Option<Self>, StoreError> {
        Ok(Self::attempt(folder, FlockOperation::NonBlockingLockExclusive)?.map(|file| Self { _file: file }))
    }

    pub fn is_held(folder: &Folder) -> Result<bool, StoreError> {
        let exists = folder.file("lock").exists();
        Ok(exists && Self::attempt(folder, FlockOperation::NonBlockingLockShared)?.is_none())
    }

    fn attempt(folder: &Folder, operation: FlockOperation) -> Result<Option<Open>, StoreError> {
        let file = folder.open("lock")?;
        match flock(file.file(), operation) {
            Ok(()) => Ok(Some(file)),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(at(&folder.file("lock"))(error.into())),
        }
    }
}

/// `holder.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    #[serde(flatten)]
    pub owner: Owner,
    pub pid: u32,
    pub epoch: u64,
    /// Milliseconds since 1970, as the next.
    pub since: u64,
    /// Its last sign of life: no call was sent later than that and a lease.
    pub alive_at: u64,
    pub lease_millis: u64,
    pub released: bool,
}

impl Note {
    pub fn holder(&self) -> Holder {
        let lease_seconds = self.lease_millis / 1_000;
        Holder { owner: self.owner.clone(), epoch: self.epoch, since: self.since, lease_seconds }
    }

    pub fn write(&self, folder: &Folder) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| at(&folder.file("holder.json"))(error.into()))?;
        folder.write_whole("holder.json", &bytes)
    }
}

pub fn read(folder: &Folder) -> Result<Option<Note>, StoreError> {
    let path = folder.file("holder.json");
    let Some(bytes) = files::read(&path)? else { return Ok(None) };
    let damaged = |error: serde_json::Error| StoreError::Damaged { place: path.display().to_string(), why: error.to_string() };
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

/// Somebody who has not said yet who it is.
pub fn nameless() -> Holder {
    let owner = Owner { run: String::new(), who: "somebody".to_owned(), command: "just starting".to_owned() };
    Holder { owner, epoch: 0, since: 0, lease_seconds: 0 }
}
