//! A checkout of the project's own stacks, in accounts that no other test uses.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use localstack::Cloud;
use localstack::client::Caller;
use localstack::control::Settings;

use crate::cli::person::{Repository, Said};

/// The accounts that the files name.
const DEV: &str = "111111111111";
const PROD: &str = "222222222222";

/// The local cloud takes a thousandth of the time that AWS takes.
const FAST: [(&str, &str); 2] = [("INFRA_RATE_LIMITS", "off"), ("INFRA_PATIENCE", "0.1")];

/// Starts a program at a terminal of its own, feeds it what comes on stdin, and ends as it does.
const AT_A_TERMINAL: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

pub struct Checkout {
    repository: Repository,
    cloud: &'static Cloud,
    dev: &'static str,
    prod: &'static str,
}

impl Checkout {
    /// Clusters with nothing of ours in them, behind which there is nothing: for what is about AWS alone.
    pub async fn new(dev: &'static str, prod: &'static str) -> Self {
        let it = Self::of(dev, prod).await;
        for account in [dev, prod] {
            it.cloud.set_account_settings(account, Self::settings());
        }
        for file in ["stacks/dev/platform.hcl", "stacks/prod/platform.hcl"] {
            it.edit(file, "default = true", "default = false");
        }
        it
    }

    async fn of(dev: &'static str, prod: &'static str) -> Self {
        let it = Self { repository: Repository::new(&[]), cloud: Cloud::shared().await.unwrap(), dev, prod };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut folders = vec![root.join("stacks")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                    continue;
                }
                let text = std::fs::read_to_string(&entry).unwrap().replace(DEV, dev).replace(PROD, prod);
                it.repository.write(entry.strip_prefix(root).unwrap().to_str().unwrap(), &text);
            }
        }
        it
    }

    /// Of its accounts: clusters without a control plane, which would show nothing here and take seconds.
    pub fn settings() -> Settings {
        Settings { kubernetes: false, ..Settings::default() }
    }

    /// The same with states in a folder beside the stacks.
    pub async fn local(dev: &'static str, prod: &'static str) -> Self {
        let it = Self::new(dev, prod).await;
        it.keep_states_here();
        it
    }

    /// All that the stacks say, with a real control plane behind each cluster, and states in a folder beside the stacks.
    pub async fn whole(dev: &'static str, prod: &'static str) -> Self {
        let it = Self::of(dev, prod).await;
        it.keep_states_here();
        it
    }

    fn keep_states_here(&self) {
        for file in ["stacks/dev/stack.hcl", "stacks/prod/stack.hcl"] {
            let text = self.read(file);
            let (head, rest) = text.split_once("  state \"s3\" {").unwrap();
            let (_, tail) = rest.split_once("\n  }\n").unwrap();
            self.write(file, &format!("{head}{tail}"));
        }
    }

    pub fn path(&self) -> &Path {
        self.repository.path()
    }

    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    pub fn cloud(&self) -> &'static Cloud {
        self.cloud
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap()
    }

    pub fn write(&self, file: &str, text: &str) {
        self.repository.write(file, text);
    }

    /// Replaces a text that must be there.
    #[track_caller]
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file} has no {from:?}");
        self.write(file, &text.replace(from, to));
    }

    pub fn account(&self, stack: &str) -> &'static str {
        if stack == "prod" { self.prod } else { self.dev }
    }

    /// Somebody in the stack's account who does not use infra.
    pub fn caller(&self, stack: &str) -> Caller {
        Caller::new(self.cloud, self.account(stack))
    }

    /// A command on the stack that it names second, with that stack's credentials.
    pub fn run(&self, line: &str) -> Said {
        let stack = if line.split(' ').any(|it| it == "prod") { "prod" } else { "dev" };
        self.run_in(self.account(stack), line, &[])
    }

    /// The same with credentials of another account, and more in the environment.
    pub fn run_in(&self, account: &str, line: &str, more: &[(&str, &str)]) -> Said {
        let env: Vec<_> = FAST.into_iter().chain(more.iter().copied()).collect();
        self.repository.binary_with(self.cloud, account, line, &env)
    }

    /// A command by a person at a terminal, who types `answer` when asked. Everything it says is in `out`.
    pub fn asked(&self, stack: &str, line: &str, answer: &str) -> Said {
        let mut python = std::process::Command::new("python3");
        python.args(["-c", AT_A_TERMINAL, env!("CARGO_BIN_EXE_infra")]).args(line.split(' ')).current_dir(self.path());
        python.env_clear().envs(std::env::var("PATH").map(|it| ("PATH", it)));
        python.env("HOME", self.path()).env("USER", "ann").env("AWS_EC2_METADATA_DISABLED", "true");
        python.envs(self.cloud.env(self.account(stack))).envs(FAST).env("NO_COLOR", "1");
        let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(format!("{answer}\n").as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        drop(stdin);
        Said {
            code: done.status.code().and_then(|it| u8::try_from(it).ok()).unwrap_or(u8::MAX),
            out: String::from_utf8_lossy(&done.stdout).into_owned(),
            err: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// What is recorded: ids by address.
    #[track_caller]
    pub fn ids(&self, stack: &str) -> BTreeMap<String, String> {
        let document = self.run(&format!("state list {stack} --format json")).ends(0).json();
        let all = document["resources"].as_array().unwrap().iter();
        all.map(|it| (it["address"].as_str().unwrap().to_owned(), it["id"].as_str().unwrap().to_owned())).collect()
    }

    /// What a plan would do, one line each: `update module.network.aws_vpc.main`.
    #[track_caller]
    pub fn planned(&self, stack: &str) -> Vec<String> {
        let document = self.run(&format!("plan {stack} --format json")).ends(0).json();
        let all = document["changes"].as_array().unwrap().iter();
        all.map(|it| format!("{} {}", it["action"].as_str().unwrap(), it["address"].as_str().unwrap())).collect()
    }

    /// Nothing is to be done, and nothing has drifted.
    #[track_caller]
    pub fn is_settled(&self, stack: &str) {
        let plan = self.run(&format!("plan {stack} --detailed-exitcode")).ends(0);
        assert_eq!(plan.out, format!("No changes: `{stack}` is as its files say.\n"));
        self.run(&format!("drift {stack}")).ends(0);
    }
}
