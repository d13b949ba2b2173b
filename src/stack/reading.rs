//! What expressions read of the repository, and a record of it: the configuration's digest covers it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::files::Files;
use super::model::Model;
use super::source::{self, Kind, Source};

/// Files that a pattern is matched against.
const GLOB_FILES_MAX: usize = 100_000;

pub struct Reading {
    source: Arc<dyn Source>,
    /// Digest of each file that was read, by name; of each question that was asked, its answer's.
    seen: Mutex<BTreeMap<String, [u8; 32]>>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reading")
    }
}

impl Reading {
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self { source, seen: Mutex::default() }
    }

    pub fn source(&self) -> &dyn Source {
        &*self.source
    }

    pub fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let bytes = self.source.read(name)?;
        self.note(name.to_owned(), &bytes);
        Ok(bytes)
    }

    fn note(&self, what: String, answer: &[u8]) {
        let digest = Sha256::digest(answer).into();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(what, digest);
    }

    /// Of everything that was read so far.
    pub fn digest(&self, hasher: &mut Sha256) {
        for (name, digest) in self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            hasher.update(name.len().to_be_bytes());
            hasher.update(name);
            hasher.update(digest);
        }
    }

    /// As seen from one of the program's files.
    pub fn seen_from<'a>(&'a self, model: &Model, file: u32) -> Window<'a> {
        let folder = model.files.get(file as usize).map(|it| it.folder.clone()).unwrap_or_default();
        Window { reading: self, folder }
    }
}

/// The repository as seen from one folder.
pub struct Window<'a> {
    reading: &'a Reading,
    folder: Arc<str>,
}

impl Window<'_> {
    /// The file's name from the root of the repository.
    pub fn name(&self, path: &str) -> Result<String, String> {
        let outside = || "it leads out of the repository".to_owned();
        match path.starts_with('/') {
            false => source::join(&self.folder, path).ok_or_else(outside),
            true => {
                let root = self.reading.source.root();
                let below = path.strip_prefix(&root).filter(|it| it.is_empty() || it.starts_with('/')).ok_or_else(outside)?;
                source::join("", below).ok_or_else(outside)
            }
        }
    }
}

impl Files for Window<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.reading.read(&self.name(path)?)
    }

    fn decrypt(&self, path: &str) -> Result<Option<String>, String> {
        let name = self.name(path)?;
        // What the plan depends on is the encrypted file.
        let bytes = self.reading.read(&name)?;
        self.reading.source.decrypt(&name, &bytes)
    }

    fn exists(&self, path: &str) -> Result<bool, String> {
        let name = self.name(path)?;
        let exists = self.reading.source.kind(&name)? == Some(Kind::File);
        self.reading.note(format!("exists {name}"), &[u8::from(exists)]);
        Ok(exists)
    }

    fn glob(&self, dir: &str, pattern: &str) -> Result<Vec<String>, String> {
        let root = self.name(dir)?;
        let glob = globset::GlobBuilder::new(pattern).literal_separator(true).build();
        let matcher = glob.map_err(|error| format!("{pattern:?} is not a pattern: {}", error.kind()))?.compile_matcher();
        let mut found = Vec::new();
        let mut open = vec![String::new()];
        let mut count = 0;
        while let Some(below) = open.pop() {
            let join = |name: &str| if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            let folder = if below.is_empty() { root.clone() } else { format!("{root}/{below}") };
            if below.split('/').count() > 32 {
                continue;
            }
            for (name, kind) in self.reading.source.list(&folder)? {
                count += 1;
                if count > GLOB_FILES_MAX {
                    return Err(format!("there are more than {GLOB_FILES_MAX} files below {dir}"));
                }
                match kind {
                    Kind::Folder => open.push(join(&name)),
                    Kind::File if matcher.is_match(join(&name)) => found.push(join(&name)),
                    Kind::File => {}
                }
            }
        }
        found.sort();
        self.reading.note(format!("glob {root} {pattern}"), found.join("\0").as_bytes());
        Ok(found)
    }

    fn absolute(&self, path: &str) -> Result<String, String> {
        let name = self.name(path)?;
        let root = self.reading.source.root();
        Ok(if name.is_empty() { root } else { format!("{root}/{name}") })
    }
}
