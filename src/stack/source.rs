//! [`Source`]: where files come from. The repository in earnest, a map of texts in tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files of the repository. Names are relative to its root, with `/` between folders, without `.` and `..`.
pub trait Source: Send + Sync {
    fn read(&self, name: &str) -> Result<Vec<u8>, String>;
    /// The clear text of a file that SOPS encrypted, of which these are the name and the bytes. Without keys, there is none;
    /// nothing yet where somebody must be asked for the key first.
    fn decrypt(&self, _: &str, _: &[u8]) -> Result<Option<String>, String> {
        Err("no keys are at hand here".to_owned())
    }
    /// `None` when there is nothing of that name.
    fn kind(&self, name: &str) -> Result<Option<Kind>, String>;
    /// Names within a folder, sorted.
    fn list(&self, folder: &str) -> Result<Vec<(String, Kind)>, String>;
    /// The root as the user would write it, for `path.root` and `abspath`.
    fn root(&self) -> String;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
}

/// Follows `path` from `folder`; nothing when it leaves the repository.
pub fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The way from one folder to a name, both relative to the root.
pub fn relative(from: &str, to: &str) -> String {
    let split = |text: &str| -> Vec<String> { text.split('/').filter(|it| !it.is_empty()).map(str::to_owned).collect() };
    let (from, to) = (split(from), split(to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
    let path: Vec<String> = up.chain(to[common..].iter().cloned()).collect();
    if path.is_empty() { ".".into() } else { path.join("/") }
}

/// A folder on disk. Symbolic links are followed as long as they stay within it.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    canonical: PathBuf,
}

impl Folder {
    pub fn open(root: &Path) -> std::io::Result<Self> {
        Ok(Self { root: root.to_owned(), canonical: root.canonicalize()? })
    }

    fn resolve(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.root.join(name).canonicalize().map_err(|error| reason(&error))?;
        if path.starts_with(&self.canonical) { Ok(path) } else { Err("it leads out of the repository".into()) }
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

/// Larger files are not read into an expression.
const READ_BYTES_MAX: u64 = 64 << 20;

impl Source for Folder {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.resolve(name)?;
        let about = path.metadata().map_err(|error| reason(&error))?;
        if !about.is_file() {
            return Err("it is not a file".into());
        }
        if about.len() > READ_BYTES_MAX {
            return Err(format!("it is larger than {} MiB", READ_BYTES_MAX >> 20));
        }
        std::fs::read(path).map_err(|error| reason(&error))
    }

    fn kind(&self, name: &str) -> Result<Option<Kind>, String> {
        if std::fs::symlink_metadata(self.root.join(name)).is_err() {
            return Ok(None);
        }
        let path = self.resolve(name)?;
        Ok(if path.is_dir() { Some(Kind::Folder) } else { path.is_file().then_some(Kind::File) })
    }

    fn list(&self, folder: &str) -> Result<Vec<(String, Kind)>, String> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.resolve(folder)?).map_err(|error| reason(&error))? {
            let entry = entry.map_err(|error| reason(&error))?;
            // What is not UTF-8 cannot be named and is not there.
            let Ok(name) = entry.file_name().into_string() else { continue };
            match self.kind(&if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") }) {
                Ok(Some(kind)) => names.push((name, kind)),
                Ok(None) => {}
                // A broken link, or one out of the repository: reading it says so. Left out, a stack would quietly lose a file.
                Err(_) => names.push((name, Kind::File)),
            }
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(names)
    }

    fn root(&self) -> String {
        self.canonical.display().to_string()
    }
}

/// Texts by name.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Memory {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(files.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect())
    }
}

impl Source for Memory {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.0.get(name).cloned().ok_or_else(|| "there is no such file".into())
    }

    fn kind(&self, name: &str) -> Result<Option<Kind>, String> {
        if self.0.contains_key(name) {
            return Ok(Some(Kind::File));
        }
        let below = format!("{name}/");
        Ok((name.is_empty() || self.0.keys().any(|it| it.starts_with(&below))).then_some(Kind::Folder))
    }

    fn list(&self, folder: &str) -> Result<Vec<(String, Kind)>, String> {
        let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let rest = self.0.keys().filter_map(|it| it.strip_prefix(&below));
        let mut names: Vec<(String, Kind)> = rest
            .map(|it| match it.split_once('/') {
                Some((folder, _)) => (folder.to_owned(), Kind::Folder),
                None => (it.to_owned(), Kind::File),
            })
            .collect();
        names.dedup();
        Ok(names)
    }

    fn root(&self) -> String {
        "/repository".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_do_not_leave_the_repository() {
        assert_eq!(join("stacks/dev", "../modules/./net").as_deref(), Some("stacks/modules/net"));
        assert_eq!(join("stacks/dev", "../../.."), None);
        assert_eq!(join("a", "/etc"), Some("a/etc".into()));
        assert_eq!(relative("stacks/dev", "stacks/modules/net"), "../modules/net");
        assert_eq!(relative("a", "a"), ".");
    }

    #[test]
    fn links_are_followed_only_within_the_repository() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        let inside = tempfile::tempdir().unwrap();
        std::fs::write(inside.path().join("real"), "y").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), inside.path().join("out")).unwrap();
        std::os::unix::fs::symlink("real", inside.path().join("link")).unwrap();
        let folder = Folder::open(inside.path()).unwrap();
        assert!(folder.read("out").unwrap_err().contains("out of the repository"));
        assert_eq!(folder.read("link").unwrap(), b"y");
        // The link that leads out is listed too: what is there and cannot be read is complained of, never passed over.
        assert_eq!(folder.list("").unwrap().len(), 3);
    }
}
