//! The journal file: appended to, one write and one `fsync` a commit.

use std::path::{Path, PathBuf};

use crate::secrets::envelope::What;
use crate::secrets::vault::Vault;
use crate::state::Commit;
use crate::store::local::disk::Open;
use crate::store::local::files::{Folder, at};
use crate::store::local::wait;
use crate::store::{StoreError, frame, sealed};

/// The commits in a journal's bytes.
pub fn read(vault: &Vault, path: &Path, bytes: &[u8]) -> Result<Vec<Commit>, StoreError> {
    let place = path.display().to_string();
    let damaged = |why: String| StoreError::Damaged { place: place.clone(), why };
    let payloads = frame::read(bytes).map_err(|error| damaged(error.to_string()))?;
    let commit = |payload: &[u8]| {
        let clear = wait(vault.open(What::Journal, payload)).map_err(|error| sealed::refused(&place, error))?;
        serde_json::from_slice(&clear).map_err(|error| damaged(format!("a record cannot be read: {error}")))
    };
    payloads.into_iter().map(commit).collect()
}

pub struct Journal {
    file: Open,
    path: PathBuf,
    vault: Vault,
    /// How much of the file is known to be stored.
    stored_bytes: u64,
    /// A write failed and could not be undone, or an `fsync` failed: what is in the file is not known any more.
    broken: bool,
}

impl Journal {
    /// An empty journal, in the place of one whose commits the document contains by now.
    pub fn start(folder: &Folder, vault: Vault) -> Result<Self, StoreError> {
        let path = folder.file("journal");
        let file = folder.open("journal")?;
        let mut journal = Self { file, path, vault, stored_bytes: 0, broken: true };
        journal.clear()?;
        folder.sync()?;
        Ok(journal)
    }

    /// Stores a commit.
    pub fn append(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let place = || self.path.display().to_string();
        if self.broken {
            let why = "an earlier record could not be stored".to_owned();
            return Err(StoreError::Damaged { place: place(), why });
        }
        let mut record = Vec::new();
        let refused = |problem: String| StoreError::Refused { place: place(), problems: vec![problem] };
        let clear = serde_json::to_vec(commit).map_err(|error| refused(error.to_string()))?;
        let payload = wait(self.vault.seal(What::Journal, clear)).map_err(|error| sealed::refused(&place(), error))?;
        frame::write(&mut record, &payload).map_err(|error| refused(error.to_string()))?;
        if let Err(error) = self.file.append(&record) {
            // Behind a half-written record nothing would ever be found again.
            self.broken = self.file.cut(self.stored_bytes).is_err();
            return Err(at(&self.path)(error));
        }
        if let Err(error) = self.file.sync() {
            self.broken = true;
            return Err(at(&self.path)(error));
        }
        self.stored_bytes += record.len() as u64;
        Ok(())
    }

    /// Forgets all commits; only after a document that contains them is stored.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        let mut clear = || {
            self.file.cut(0)?;
            self.file.append(frame::HEADER)?;
            self.file.sync()
        };
        clear().map_err(at(&self.path))?;
        self.stored_bytes = frame::HEADER.len() as u64;
        self.broken = false;
        Ok(())
    }
}
