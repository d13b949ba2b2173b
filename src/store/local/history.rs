//! Former documents: `history/<serial>.json`, hard links to what `state.json` was.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::local::files::{self, Folder, at};
use crate::store::{StoreError, Version, clock};

/// How many are kept.
const KEPT: usize = 30;

fn folder(store: &Folder) -> Folder {
    store.within("history")
}

/// Keeps the current document of that serial, about to be replaced.
pub fn keep(store: &Folder, document: &Path, serial: u64) -> Result<(), StoreError> {
    let folder = folder(store);
    folder.make()?;
    let kept = folder.file(&format!("{serial:012}.json"));
    match folder.disk.link(document, &kept) {
        // Kept already by a run that died before it wrote the next one, or another document had that serial once.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let replace = || folder.disk.remove(&kept).and_then(|()| folder.disk.link(document, &kept));
            replace().map_err(at(&kept))?;
        }
        other => other.map_err(at(&kept))?,
    }
    for old in list(store)?.iter().skip(KEPT) {
        let path = folder.file(&format!("{}.json", old.id));
        folder.disk.remove(&path).map_err(at(&path))?;
    }
    folder.sync()
}

/// Newest first.
pub fn list(store: &Folder) -> Result<Vec<Version>, StoreError> {
    let mut versions = Vec::new();
    for (id, entry) in files::documents(&folder(store))? {
        let Ok(serial) = id.parse() else { continue };
        let about = entry.metadata().map_err(at(&entry.path()))?;
        let at = about.modified().map(clock::millis_of).unwrap_or_default();
        versions.push(Version { id, serial, at, size: about.len() });
    }
    versions.sort_by_key(|it| std::cmp::Reverse(it.serial));
    Ok(versions)
}

/// `id` is a serial, with or without leading zeros.
pub fn read(store: &Folder, id: &str) -> Result<(PathBuf, Vec<u8>), StoreError> {
    let none = || StoreError::NoVersion { place: store.path.display().to_string(), id: id.to_owned() };
    let serial: u64 = id.parse().map_err(|_| none())?;
    let path = folder(store).file(&format!("{serial:012}.json"));
    let bytes = files::read(&path)?.ok_or_else(none)?;
    Ok((path, bytes))
}
