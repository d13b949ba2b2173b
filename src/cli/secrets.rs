//! Age keys, from where SOPS itself takes them; and the repository's files, with the keys that open its secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cli::world::World;
use crate::secrets::age::Identity;
use crate::secrets::sops::{self, Form, Keys, SopsError, Unwrapped, Wrapped};
use crate::stack::source::{Folder, Kind, Source};

/// The age keys at hand.
pub struct AgeKeys {
    /// The keys in `SOPS_AGE_KEY`.
    given: Vec<Identity>,
    /// `SOPS_AGE_KEY_FILE`, or else SOPS's own place below the user's configuration. Read when it is needed.
    file: Option<PathBuf>,
}

impl AgeKeys {
    pub fn of(world: &World) -> Self {
        let configuration = || {
            let own = world.var("XDG_CONFIG_HOME").map(PathBuf::from);
            Some(own.or_else(|| Some(Path::new(world.var("HOME")?).join(".config")))?.join("sops/age/keys.txt"))
        };
        let file = world.var("SOPS_AGE_KEY_FILE").map(|it| world.dir.join(it)).or_else(configuration);
        let given = Identity::parse_all(world.var("SOPS_AGE_KEY").unwrap_or_default());
        Self { given, file }
    }

    pub fn read(&self) -> Vec<Identity> {
        let text = self.file.as_ref().and_then(|it| std::fs::read_to_string(it).ok()).unwrap_or_default();
        self.given.iter().cloned().chain(Identity::parse_all(&text)).collect()
    }
}

/// Data keys that only KMS can unwrap: which are needed, and what it said.
#[derive(Default)]
pub struct KmsKeys(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    wanted: BTreeSet<Wrapped>,
    answers: BTreeMap<Wrapped, Unwrapped>,
}

impl KmsKeys {
    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are needed and were not asked for.
    pub fn wanted(&self) -> Vec<Wrapped> {
        let asked = self.lock();
        asked.wanted.iter().filter(|it| !asked.answers.contains_key(it)).cloned().collect()
    }

    pub fn answered(&self, key: Wrapped, answer: Unwrapped) {
        self.lock().answers.insert(key, answer);
    }
}

pub struct Repository {
    folder: Folder,
    keys: AgeKeys,
    kms: Arc<KmsKeys>,
}

impl Repository {
    /// `kms` learns which keys are needed, and is asked for them.
    pub fn open(root: &Path, world: &World, kms: Arc<KmsKeys>) -> std::io::Result<Self> {
        Ok(Self { folder: Folder::open(root)?, keys: AgeKeys::of(world), kms })
    }
}

impl Source for Repository {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.folder.read(name)
    }

    fn decrypt(&self, name: &str, bytes: &[u8]) -> Result<Option<String>, String> {
        let unwrapped = self.kms.lock().answers.clone();
        let keys = Keys { identities: self.keys.read(), unwrapped };
        match sops::decrypt(Form::of(name), bytes, &keys) {
            Ok(clear) => Ok(Some(clear)),
            Err(SopsError::NotAsked { keys }) => {
                self.kms.lock().wanted.extend(keys);
                Ok(None)
            }
            Err(error @ SopsError::NoKey { .. }) => {
                Err(format!("{error}; age keys are taken from SOPS_AGE_KEY and SOPS_AGE_KEY_FILE"))
            }
            Err(other) => Err(other.to_string()),
        }
    }

    fn kind(&self, name: &str) -> Result<Option<Kind>, String> {
        self.folder.kind(name)
    }

    fn list(&self, folder: &str) -> Result<Vec<(String, Kind)>, String> {
        self.folder.list(folder)
    }

    fn root(&self) -> String {
        self.folder.root()
    }
}
