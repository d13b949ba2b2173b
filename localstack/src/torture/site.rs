//! [`Site`]: an account, a folder with the stack, and the `infra` that works there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::kills::{Kill, Moment};
use super::secret::{SECRET, Search};
use super::{Broken, Listing, list};
use crate::client::Caller;
use crate::control::{Effect, Fault};
use crate::{Cloud, REGION};

/// The name of the stack.
const STACK: &str = "dev";
/// A part of what infra waits for late answers of AWS. The local cloud is as much faster.
const PATIENCE: &str = "0.02";
/// The shortest that a stack can ask for: a killed holder's lock is free after it.
const LEASE: &str = "15s";
/// Longer than any run takes that goes on at all.
const RUN_MAX: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(2);

/// Where the state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    Local,
    S3,
}

impl Backend {
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::S3 => "s3",
        }
    }

    /// The bucket and the table, where there are such.
    fn store(self, account: &str) -> Option<(String, String)> {
        match self {
            Self::Local => None,
            Self::S3 => Some((format!("torture-state-{account}"), "torture-lock".to_owned())),
        }
    }

    fn block(self, account: &str) -> String {
        match self.store(account) {
            None => format!("state \"local\" {{ lease = \"{LEASE}\" }}"),
            Some((bucket, table)) => format!(
                "state \"s3\" {{\n    bucket     = \"{bucket}\"\n    key        = \"{STACK}/state.json\"\n    \
                 lock_table = \"{table}\"\n    lease      = \"{LEASE}\"\n  }}"
            ),
        }
    }
}

/// An account of its own, so that sites can be worked at side by side.
pub struct Site<'c> {
    cloud: &'c Cloud,
    pub(super) caller: Caller,
    program: PathBuf,
    pub(super) folder: PathBuf,
    account: String,
    /// The bucket and the table of the state, where there are such.
    pub(super) store: Option<(String, String)>,
    /// What lies there without the stack.
    before: Listing,
    pub(super) searched: Mutex<Search>,
}

/// How a run ended.
struct Ending {
    code: Option<i32>,
    said: String,
}

impl<'c> Site<'c> {
    /// Writes the stack's files below `folder`, makes the place for its state, and looks what is there.
    pub async fn open(cloud: &'c Cloud, program: &Path, folder: &Path, account: &str, backend: Backend) -> Result<Self, Broken> {
        let stack = folder.join("stacks").join(STACK);
        fs::create_dir_all(&stack)?;
        let state = backend.block(account);
        let settings = format!("stack {{\n  region   = \"{REGION}\"\n  accounts = [\"{account}\"]\n\n  {state}\n}}\n");
        fs::write(stack.join("stack.hcl"), settings)?;
        fs::write(stack.join("things.hcl"), include_str!("stack.hcl").replace("ACCOUNT", account))?;
        let mut site = Self {
            cloud,
            caller: Caller::new(cloud, account),
            program: program.to_owned(),
            folder: folder.to_owned(),
            account: account.to_owned(),
            store: backend.store(account),
            before: Listing::default(),
            searched: Mutex::default(),
        };
        site.turn(1)?;
        if backend == Backend::S3 {
            site.run(&format!("bootstrap {STACK} --auto-approve")).await?;
        }
        site.before = list(&site.caller).await?;
        Ok(site)
    }

    /// Which of its two turns the stack's files say.
    pub fn turn(&self, turn: u32) -> Result<(), Broken> {
        let file = self.folder.join("stacks").join(STACK).join("turn.hcl");
        Ok(fs::write(file, format!("locals {{ turn = {turn} }}\n"))?)
    }

    /// What lies in the account because of the stack.
    pub async fn things(&self) -> Result<Listing, Broken> {
        Ok(list(&self.caller).await?.beyond(&self.before))
    }

    /// How the account differs from what lay there before and `wanted` beside it.
    pub(super) async fn differences(&self, wanted: &Listing) -> Result<String, Broken> {
        let all = Listing([self.before.0.as_slice(), &wanted.0].concat());
        Ok(list(&self.caller).await?.differences(&all))
    }

    /// An invocation that must succeed. Returns how many calls it made.
    pub async fn run(&self, line: &str) -> Result<u64, Broken> {
        let (before, log) = (self.calls(), self.log());
        let ending = self.finish(line, self.spawn(line, &log)?, &log).await?;
        match ending.code {
            Some(0) => Ok(self.calls() - before),
            code => Err(Broken::new(format!("`infra {line}` ended with {code:?}:\n{}", ending.said))),
        }
    }

    /// One of many invocations at once. Returns whether it got through; else it must say who has the lock.
    pub(super) async fn compete(&self, line: &str, number: usize) -> Result<bool, Broken> {
        let log = self.folder.join(format!("output-{number}.log"));
        let ending = self.finish(line, self.spawn(line, &log)?, &log).await?;
        match ending.code {
            Some(0) => Ok(true),
            Some(1) if ending.said.contains("error[locked]") => Ok(false),
            code => Err(Broken::new(format!("`infra {line}` ended with {code:?}:\n{}", ending.said))),
        }
    }

    /// An invocation that is killed at a call. Returns whether it was: a run may be over before it makes so many calls.
    pub async fn run_killed(&self, line: &str, kill: Kill) -> Result<bool, Broken> {
        let effect = match kill.moment {
            Moment::Before => Effect::Hang,
            Moment::After => Effect::Unanswered,
        };
        self.cloud.account_faults(&self.account, vec![Fault::on_any(effect).nth(&[kill.call])]);
        let mut child = self.spawn(line, &self.log())?;
        let hit = loop {
            if self.cloud.hits(&self.account) > 0 {
                break true;
            }
            if child.try_wait()?.is_some() {
                break false;
            }
            sleep(LOOK).await;
        };
        if hit && kill.moment == Moment::After {
            // The call at hand is done before its caller dies.
            self.settle().await;
        }
        child.start_kill()?;
        child.wait().await?;
        self.cloud.account_faults(&self.account, Vec::new());
        self.settle().await;
        Ok(hit)
    }

    /// AWS carries out in seconds what it has taken; infra waits for that, scaled down as here. An emulator on a busy machine
    /// may take longer than a scaled second.
    async fn settle(&self) {
        while self.cloud.under_way(&self.account) > 0 {
            sleep(LOOK).await;
        }
    }

    fn calls(&self) -> u64 {
        self.cloud.calls().account(&self.account).total
    }

    fn log(&self) -> PathBuf {
        self.folder.join("output.log")
    }

    fn spawn(&self, line: &str, log: &Path) -> Result<tokio::process::Child, Broken> {
        let output = File::create(log)?;
        let mut command = Command::new(&self.program);
        command.args(line.split(' ')).current_dir(&self.folder).env_clear().envs(self.cloud.env(&self.account));
        command.env("HOME", &self.folder).env("USER", "torture").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("INFRA_PATIENCE", PATIENCE).env("INFRA_RATE_LIMITS", "off").env("INFRA_VAR_secret", SECRET);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
        Ok(command.spawn()?)
    }

    async fn finish(&self, line: &str, mut child: tokio::process::Child, log: &Path) -> Result<Ending, Broken> {
        let ended = timeout(RUN_MAX, child.wait()).await;
        let said = String::from_utf8_lossy(&fs::read(log)?).into_owned();
        match ended {
            Ok(status) => Ok(Ending { code: status?.code(), said }),
            Err(_) => Err(Broken::new(format!("`infra {line}` did not end within {} s:\n{said}", RUN_MAX.as_secs()))),
        }
    }
}
