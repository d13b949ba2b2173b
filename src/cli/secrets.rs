//! Age keys, from where SOPS itself takes them; and the repository's files, with the keys that open its secrets.

use std::path::{Path, PathBuf};

use crate::cli::world::World;
use crate::secrets::age::Identity;
use crate::secrets::sops::{self, Form};
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

pub struct Repository {
    folder: Folder,
    keys: AgeKeys,
}

impl Repository {
    pub fn open(root: &Path, world: &World) -> std::io::Result<Self> {
        Ok(Self { folder: Folder::open(root)?, keys: AgeKeys::of(world) })
    }
}

impl Source for Repository {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.folder.read(name)
    }

    fn decrypt(&self, name: &str, bytes: &[u8]) -> Result<String, String> {
        let clear = sops::decrypt(Form::of(name), bytes, &self.keys.read());
        clear.map_err(|error| match error {
            sops::SopsError::NoKey { .. } => format!("{error}; keys are taken from SOPS_AGE_KEY and SOPS_AGE_KEY_FILE"),
            other => other.to_string(),
        })
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
