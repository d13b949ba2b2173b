//! What runs did: `runs/<name>.json`.

use std::io;

use crate::state::ledger::{RunName, RunRecord};
use crate::store::local::files::{self, Folder, at};
use crate::store::local::{Local, wait};
use crate::store::{StoreError, sealed};

fn folder(store: &Folder) -> Folder {
    store.within("runs")
}

fn file(store: &Folder, name: &RunName) -> std::path::PathBuf {
    folder(store).file(&format!("{name}.json"))
}

/// Newest first.
pub fn list(store: &Folder) -> Result<Vec<RunName>, StoreError> {
    let found = files::documents(&folder(store))?;
    let mut names: Vec<RunName> = found.iter().filter_map(|(name, _)| name.parse().ok()).collect();
    names.sort_by(|a, b| b.cmp(a));
    Ok(names)
}

pub fn read(store: &Local, name: &RunName) -> Result<Option<RunRecord>, StoreError> {
    let path = file(&store.folder, name);
    let Some(bytes) = files::read(&path)? else { return Ok(None) };
    wait(sealed::open_run(&store.vault, &path.display().to_string(), &store.stack, &bytes)).map(Some)
}

pub fn write(store: &Local, run: &RunRecord) -> Result<(), StoreError> {
    let (folder, name) = (folder(&store.folder), run.name());
    folder.make()?;
    let place = file(&store.folder, &name).display().to_string();
    folder.write_whole(&format!("{name}.json"), &wait(sealed::render_run(&store.vault, &place, run))?)
}

pub fn remove(store: &Folder, name: &RunName) -> Result<(), StoreError> {
    let path = file(store, name);
    match store.disk.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
