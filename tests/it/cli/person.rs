//! Somebody at a keyboard, or a script: runs a command in a folder and keeps what comes of it.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use infra::cli::World;
use infra::cli::world::{Nature, Terminal};
use localstack::Cloud;
use tempfile::TempDir;

/// What a command left behind.
#[derive(Debug)]
pub struct Said {
    pub code: u8,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Fails with everything that was said unless the command ended so.
    #[track_caller]
    pub fn ends(self, code: u8) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The codes of the diagnostics on stderr, in order.
    pub fn codes(&self) -> Vec<&str> {
        let named = self.err.lines().filter_map(|it| it.strip_prefix("error[").or(it.strip_prefix("warning[")));
        named.filter_map(|it| it.split(']').next()).collect()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.out))
    }
}

/// A repository in a folder of its own.
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    /// Of one stack, `dev`, with these files in its folder.
    pub fn of(stack: &str) -> Self {
        Self::new(&[("stacks/dev/stack.hcl", stack)])
    }

    pub fn new(files: &[(&str, &str)]) -> Self {
        let it = Self { folder: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            it.write(name, text);
        }
        it
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A command line, split at blanks, typed by a script: nobody at the keyboard, no terminal.
    pub fn run(&self, line: &str) -> Said {
        self.run_as(line, "", Terminal::default(), &[])
    }

    /// The same by whoever sits at `terminal` and types `stdin`.
    pub fn run_as(&self, line: &str, stdin: &str, terminal: Terminal, env: &[(&str, &str)]) -> Said {
        let (out, err) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        // Nobody presses Ctrl-C.
        let (_, interrupts) = tokio::sync::mpsc::unbounded_channel();
        let world = World {
            args: std::iter::once("infra").chain(line.split(' ').filter(|it| !it.is_empty())).map(Into::into).collect(),
            env: env.iter().map(|(key, it)| ((*key).to_owned(), (*it).to_owned())).collect::<BTreeMap<_, _>>(),
            dir: self.path().to_owned(),
            stdin: Box::new(Cursor::new(stdin.as_bytes().to_vec())),
            stdout: out.clone(),
            stderr: err.clone(),
            terminal,
            interrupts,
            nature: Arc::new(Still),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let code = runtime.block_on(infra::cli::run(world)).code();
        let text = |it: Arc<Mutex<Vec<u8>>>| self.nameless(&String::from_utf8(it.lock().unwrap().clone()).unwrap());
        Said { code, out: text(out), err: text(err) }
    }

    /// The binary, as `account` of a cloud.
    pub fn binary(&self, cloud: &Cloud, account: &str, line: &str) -> Said {
        self.binary_with(cloud, account, line, &[])
    }

    /// The same with more in its environment.
    pub fn binary_with(&self, cloud: &Cloud, account: &str, line: &str, env: &[(&str, &str)]) -> Said {
        let done = self.command(line).envs(cloud.env(account)).envs(env.iter().copied()).output().unwrap();
        let text = |bytes: &[u8]| self.nameless(&String::from_utf8_lossy(bytes));
        let code = done.status.code().and_then(|it| u8::try_from(it).ok()).unwrap_or(u8::MAX);
        Said { code, out: text(&done.stdout), err: text(&done.stderr) }
    }

    /// The binary, in an environment with nothing of this machine's AWS settings in it.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_infra"));
        command.args(line.split(' ').filter(|it| !it.is_empty())).current_dir(self.path()).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.path()).env("USER", "ann").env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// Without the name of the folder, which is another one in every run.
    fn nameless(&self, text: &str) -> String {
        text.replace(&self.path().display().to_string(), "REPOSITORY")
    }
}

/// A person at a terminal of so many columns.
pub fn terminal(width: usize) -> Terminal {
    Terminal { stdin: true, stdout: true, stderr: true, width: Some(width) }
}

/// Time stands still, and chance always throws the same.
struct Still;

impl Nature for Still {
    fn now(&self) -> u64 {
        1_795_572_708_000
    }
    fn random(&self) -> Option<u128> {
        Some(7)
    }
    fn commit(&self, _: &Path) -> Option<String> {
        Some("5d41402abc4b2a76b9719d911017c592a3c1b0f2".into())
    }
    fn whoami(&self) -> String {
        "ann@box".into()
    }
}
