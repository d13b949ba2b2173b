//! Files that are whole at any instant, also after a power failure.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// Only the owner may look.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

#[derive(Clone)]
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes it, and the folders above it, if they are not there.
    pub fn make(&self) -> Result<(), StoreError> {
        if self.0.is_dir() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.0).map_err(at(&self.0))?;
        sync_parent(&self.0)
    }
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
    let entries = match fs::read_dir(&folder.0) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(&folder.0)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(&folder.0))?;
        let name = entry.file_name();
        let name = name.to_str().and_then(|it| it.strip_suffix(".json")).map(str::to_owned);
        found.extend(name.map(|it| (it, entry)));
    }
    Ok(found)
}

/// A file that is there, empty at first, for reading and appending.
pub fn open_append(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new().create(true).read(true).append(true).mode(FILE_MODE).open(path).map_err(at(path))
}

/// Replaces a file: the old bytes or the new ones are there, never anything else, and when this returns the new ones.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = write_beside(path, bytes)?;
    fs::rename(&temporary, path).map_err(at(path))?;
    sync_parent(path)
}

/// Makes a file unless there is one already; whoever is first wins.
pub fn create_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = write_beside(path, bytes)?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary).map_err(at(&temporary))?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(at(path)(error)),
        Ok(()) | Err(_) => {}
    }
    sync_parent(path)
}

/// A stored file beside `path`, of a name that no other process or thread uses.
fn write_beside(path: &Path, bytes: &[u8]) -> Result<PathBuf, StoreError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", crate::store::lock::random_version()));
    let temporary = PathBuf::from(temporary);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    match write() {
        Ok(()) => Ok(temporary),
        Err(error) => {
            // What is left of it is of no use to anybody; the first error is the one to tell.
            let _ = fs::remove_file(&temporary);
            Err(at(path)(error))
        }
    }
}

/// Makes the names in the folder of `path` durable.
pub fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|it| it.sync_all()).map_err(at(parent))
}
