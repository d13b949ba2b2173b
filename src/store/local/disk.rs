//! [`Disk`]: all that the store ever does to files and folders, one system call at a time, and told to a [`Witness`]. So a
//! test can play every power failure that may come in between.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::lock::random_version;

/// Only the owner may look.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What was done. Bytes count as stored once their file was synced, names once their folder was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    MadeFolder(PathBuf),
    /// A new file, empty.
    Made(PathBuf),
    /// Behind what is in the file.
    Appended {
        file: PathBuf,
        bytes: Vec<u8>,
    },
    Cut {
        file: PathBuf,
        length: u64,
    },
    Synced(PathBuf),
    SyncedFolder(PathBuf),
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    Linked {
        from: PathBuf,
        to: PathBuf,
    },
    Removed(PathBuf),
}

/// Hears what was done to the disk, in order.
pub trait Witness: Send + Sync {
    fn hear(&self, act: Act);
}

#[derive(Clone, Default)]
pub struct Disk(Option<Arc<dyn Witness>>);

impl Disk {
    pub fn watched(witness: Arc<dyn Witness>) -> Self {
        Self(Some(witness))
    }

    fn tell(&self, act: impl FnOnce() -> Act) {
        if let Some(witness) = &self.0 {
            witness.hear(act());
        }
    }

    /// Not those above it.
    pub fn make_folder(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(FOLDER_MODE).create(path)?;
        self.tell(|| Act::MadeFolder(path.to_owned()));
        Ok(())
    }

    /// A file that is not there yet.
    pub fn make(&self, path: &Path) -> io::Result<Open> {
        let file = OpenOptions::new().append(true).read(true).create_new(true).mode(FILE_MODE).open(path)?;
        self.tell(|| Act::Made(path.to_owned()));
        Ok(Open { disk: self.clone(), file, path: path.to_owned() })
    }

    /// A file that is there, or is made.
    pub fn open(&self, path: &Path) -> io::Result<Open> {
        match self.make(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let file = OpenOptions::new().append(true).read(true).open(path)?;
                Ok(Open { disk: self.clone(), file, path: path.to_owned() })
            }
            other => other,
        }
    }

    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)?;
        self.tell(|| Act::Renamed { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    pub fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)?;
        self.tell(|| Act::Linked { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    pub fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)?;
        self.tell(|| Act::Removed(path.to_owned()));
        Ok(())
    }

    /// Replaces a file: the old bytes or the new ones are there, never anything else. Which of them after a power failure, the
    /// [sync of its folder](Self::sync_folder) settles.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let draft = self.write_beside(path, bytes)?;
        self.rename(&draft, path).inspect_err(|_| self.give_up(&draft))
    }

    /// A stored file beside `path`, of a name that no other process or thread uses.
    pub fn write_beside(&self, path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(format!(".{}", random_version()));
        let draft = PathBuf::from(draft);
        let write = || {
            let mut file = self.make(&draft)?;
            file.append(bytes)?;
            file.sync()
        };
        write().inspect_err(|_| self.give_up(&draft))?;
        Ok(draft)
    }

    /// What is left of a draft is of no use to anybody; the first error is the one to tell.
    fn give_up(&self, draft: &Path) {
        let _ = self.remove(draft);
    }

    /// Makes the names in a folder durable.
    pub fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()?;
        self.tell(|| Act::SyncedFolder(path.to_owned()));
        Ok(())
    }
}

/// A file that is written at its end alone.
pub struct Open {
    disk: Disk,
    file: File,
    path: PathBuf,
}

impl Open {
    /// For the system's locks.
    pub fn file(&self) -> &File {
        &self.file
    }

    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.disk.tell(|| Act::Appended { file: self.path.clone(), bytes: bytes.to_owned() });
        Ok(())
    }

    pub fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.disk.tell(|| Act::Cut { file: self.path.clone(), length });
        Ok(())
    }

    /// Makes its bytes and its length durable.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.disk.tell(|| Act::Synced(self.path.clone()));
        Ok(())
    }
}
