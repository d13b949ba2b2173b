//! [`World`]: everything outside that a command may touch. `main` makes the real one, tests their own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::report::progress::Sink;

pub struct World {
    /// The program's name first.
    pub args: Vec<OsString>,
    pub env: BTreeMap<String, String>,
    /// The working directory.
    pub dir: PathBuf,
    pub stdin: Box<dyn BufRead + Send>,
    pub stdout: Sink,
    pub stderr: Sink,
    pub terminal: Terminal,
    /// One message for each Ctrl-C or SIGTERM.
    pub interrupts: UnboundedReceiver<()>,
    pub nature: Arc<dyn Nature>,
}

/// Which of the three streams a person sits at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
    /// In columns, where one of them is a terminal.
    pub width: Option<usize>,
}

/// What no program can make up: time, chance, and who runs it.
pub trait Nature: Send + Sync {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;
    /// None where the system has no random numbers.
    fn random(&self) -> Option<u128>;
    /// `user@host`
    fn whoami(&self) -> String;
    /// The commit of the repository that holds `folder`, with `-dirty` behind it where files below `folder` differ from it. None
    /// outside of a repository.
    fn commit(&self, folder: &Path) -> Option<String>;
}

impl World {
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|it| !it.is_empty())
    }

    /// Nobody watches: no live lines, no questions.
    pub fn is_unattended(&self) -> bool {
        self.var("CI").is_some_and(|it| it != "false" && it != "0")
    }
}
