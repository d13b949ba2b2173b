//! Files that are whole at any instant, also after a power failure.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::StoreError;
use crate::store::local::disk::{Disk, Open};

/// A folder of the store.
#[derive(Clone)]
pub struct Folder {
    pub path: PathBuf,
    pub disk: Disk,
}

impl Folder {
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn within(&self, name: &str) -> Self {
        Self { path: self.path.join(name), disk: self.disk.clone() }
    }

    /// Makes it, and the folders above it, if they are not there. Their names are durable then.
    pub fn make(&self) -> Result<(), StoreError> {
        let missing: Vec<&Path> = self.path.ancestors().take_while(|it| !it.as_os_str().is_empty() && !it.is_dir()).collect();
        for path in missing.into_iter().rev() {
            match self.disk.make_folder(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => return Err(at(path)(error)),
                Ok(()) | Err(_) => sync_parent(&self.disk, path)?,
            }
        }
        Ok(())
    }

    /// The same, and kept out of version control.
    pub fn make_unversioned(&self) -> Result<(), StoreError> {
        self.make()?;
        match self.file(".gitignore").exists() {
            true => Ok(()),
            false => self.write_whole(".gitignore", b"*\n"),
        }
    }

    /// A file that is there, empty at first, for reading and appending.
    pub fn open(&self, name: &str) -> Result<Open, StoreError> {
        let path = self.file(name);
        self.disk.open(&path).map_err(at(&path))
    }

    /// Replaces a file: the old bytes or the new ones are there, never anything else, and when this returns the new ones.
    pub fn write_whole(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.file(name);
        self.disk.replace(&path, bytes).map_err(at(&path))?;
        self.sync()
    }

    /// Makes a file unless there is one already; whoever is first wins.
    pub fn create_whole(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.file(name);
        let temporary = self.disk.write_beside(&path, bytes).map_err(at(&path))?;
        let linked = self.disk.link(&temporary, &path);
        self.disk.remove(&temporary).map_err(at(&temporary))?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(at(&path)(error)),
            Ok(()) | Err(_) => {}
        }
        self.sync()
    }

    /// Makes the names in it durable.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.disk.sync_folder(&self.path).map_err(at(&self.path))
    }
}

fn sync_parent(disk: &Disk, path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk.sync_folder(parent).map_err(at(parent))
}

/// Names the file in an error.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let place = path.display().to_string();
    move |source| StoreError::Io { place, source }
}

/// The bytes of a file, or nothing when there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

/// The `.json` files of a folder, by name without the ending; none where there is no folder.
pub fn documents(folder: &Folder) -> Result<Vec<(String, fs::DirEntry)>, StoreError> {
    let entries = match fs::read_dir(&folder.path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(&folder.path)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(&folder.path))?;
        let name = entry.file_name();
        let name = name.to_str().and_then(|it| it.strip_suffix(".json")).map(str::to_owned);
        found.extend(name.map(|it| (it, entry)));
    }
    Ok(found)
}
