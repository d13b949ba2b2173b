//! `localstack demo`: the first minutes with infra, on this repository's own `stacks/dev`, by real commands.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::builder::styling::{AnsiColor, Style};
use localstack::client::Caller;
use localstack::control::Settings;
use localstack::{Cloud, Options, REGION, kube};
use serde_json::json;
use tokio::process::Command;

use crate::infra::{ACCOUNT, BUILD, Infra, ending, is_release, repository};
use crate::{Failure, table};

/// Without a control plane there are no objects.
const NO_OBJECTS: &str = " --var platform=false";

const COMMAND: Style = Style::new().bold();
const SAID: Style = AnsiColor::Cyan.on_default();
const GOOD: Style = AnsiColor::Green.on_default().bold();

/// What the demonstration changes behind infra's back.
const REPOSITORY: &str = "devops-demo-dev";

/// Runs all of it. Ends early when a command does not end as it should. The cluster has a control plane if there is one already, or
/// if one `must` be built.
pub async fn run(must: bool) -> Result<(), Failure> {
    say("infra is built first; the first time takes some minutes.");
    type_in(&format!("cargo build {}{}", BUILD.join(" "), if is_release() { " --release" } else { "" }));
    let infra = Infra::build().await?;
    let kubernetes = must || kube::is_built();
    if kubernetes {
        tokio::task::block_in_place(kube::kubectl)?;
    }
    let settings = Settings { kubernetes, ..Settings::default() };
    let cloud = Cloud::start(Options { settings, ..Options::default() }).await?;
    say(&format!("A local AWS answers at {}: account {ACCOUNT}, region {REGION}.", cloud.endpoint()));
    say("AWS_ENDPOINT_URL points there; on a real account that is the only difference.");
    if kubernetes {
        say(
            "The cluster will have a Kubernetes control plane of its own: etcd, API server, scheduler and controllers as they are.",
        );
    } else {
        say(
            "A Kubernetes control plane was never built here, so that the cluster's objects are left out. To see them too, with\n\
             # five minutes for Go the first time: cargo run -p localstack -- demo --kubernetes",
        );
    }
    let started = Instant::now();
    let mut session = Session { infra, cloud, kubernetes, done: Vec::new() };
    session.play().await?;
    session.summarise(started.elapsed());
    Ok(())
}

/// One command that was run.
struct Done {
    command: String,
    took: Duration,
    calls: u64,
}

struct Session {
    infra: Infra,
    cloud: Cloud,
    /// Whether there is a control plane behind the cluster.
    kubernetes: bool,
    done: Vec<Done>,
}

impl Session {
    async fn play(&mut self) -> Result<(), Failure> {
        let less = if self.kubernetes { "" } else { NO_OBJECTS };
        say("A place for the state first: a bucket, a table for lock and journal, a key.");
        self.infra("bootstrap dev --auto-approve", 0).await?;
        say("What would be made of stacks/dev: a network over three zones, a registry, a DNS zone, a cluster with nodes.");
        self.infra(&format!("plan dev{less}"), 0).await?;
        say("Make it so.");
        self.infra(&format!("apply dev{less} --auto-approve"), 0).await?;
        say("Nothing is left to do: the plan is empty, and the exit code says so to scripts (0, not 2).");
        self.infra(&format!("plan dev{less} --detailed-exitcode"), 0).await?;
        if self.kubernetes {
            say("What is in the cluster, as kubectl sees it: nodes in three zones, and namespaces with their rules.");
            let file = self.kubeconfig();
            self.infra(&format!("kubeconfig dev --kubeconfig {file}"), 0).await?;
            self.kubectl("get nodes -L topology.kubernetes.io/zone").await?;
            self.kubectl("get namespaces -L pod-security.kubernetes.io/enforce").await?;
        }
        say("Somebody changes a setting by hand, with another client.");
        self.meddle().await?;
        say("infra names what was changed (exit code 2) …");
        self.infra(&format!("drift dev{less}"), 2).await?;
        say("… and puts it right.");
        self.infra(&format!("apply dev{less} --auto-approve"), 0).await?;
        say("Nothing is left of it.");
        self.infra(&format!("drift dev{less}"), 0).await?;
        say("Everything goes again, users before what they use. What the state is kept with stays.");
        self.infra(&format!("destroy dev{less} --auto-approve"), 0).await
    }

    /// Where the access to the cluster is written: it goes with the cloud.
    fn kubeconfig(&self) -> String {
        self.cloud.folder().join("kubeconfig").display().to_string()
    }

    /// An invocation of kubectl, which gets its tokens from infra.
    async fn kubectl(&self, arguments: &str) -> Result<(), Failure> {
        type_in(&format!("kubectl {arguments}"));
        let mut words = kube::kubectl()?.into_iter();
        let program = words.next().ok_or("there is no kubectl")?;
        let paths = self.infra.program().parent().map(Path::to_path_buf).into_iter();
        let paths = paths.chain(std::env::var_os("PATH").iter().flat_map(std::env::split_paths)).collect::<Vec<_>>();
        let status = Command::new(program)
            .args(words)
            .args(arguments.split(' '))
            .envs(self.cloud.env(ACCOUNT))
            .env("KUBECONFIG", self.kubeconfig())
            .env("PATH", std::env::join_paths(paths)?)
            .kill_on_drop(true)
            .status()
            .await?;
        if !status.success() {
            return Err(format!("`kubectl {arguments}` {}", ending(status)).into());
        }
        Ok(())
    }

    /// One invocation, its output as it comes. Any other exit code than the expected one ends the demonstration.
    async fn infra(&mut self, arguments: &str, expected: i32) -> Result<(), Failure> {
        let command = format!("infra {arguments}");
        type_in(&command);
        let arguments: Vec<&str> = arguments.split(' ').collect();
        self.cloud.reset_calls();
        let started = Instant::now();
        let status = self.infra.command(&self.cloud, repository(), &arguments).status().await?;
        let (took, calls) = (started.elapsed(), self.cloud.calls().total);
        if status.code() != Some(expected) {
            return Err(format!("`{command}` {}; the demonstration expects {expected}", ending(status)).into());
        }
        self.done.push(Done { command, took, calls });
        Ok(())
    }

    /// Lets images of the registry be overwritten, which stacks/dev forbids, and pods of the service do what they want.
    async fn meddle(&self) -> Result<(), Failure> {
        type_in(&format!("aws ecr put-image-tag-mutability --repository-name {REPOSITORY} --image-tag-mutability MUTABLE"));
        let action = "PutImageTagMutability";
        let change = json!({"repositoryName": REPOSITORY, "imageTagMutability": "MUTABLE"});
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{action}");
        let answer = Caller::new(&self.cloud, ACCOUNT).json("ecr", &target, &change).await?.success("ecr", action)?;
        let setting = answer.json()["imageTagMutability"].as_str().unwrap_or_default().to_owned();
        anstream::println!("imageTagMutability: {setting}");
        if self.kubernetes {
            let label = "pod-security.kubernetes.io/enforce=privileged";
            self.kubectl(&format!("label namespace devops-demo {label} --overwrite")).await?;
        }
        Ok(())
    }

    fn summarise(&self, took: Duration) {
        anstream::println!("\n{GOOD}All of it went as it should, in {}.{GOOD:#}\n", table::seconds(took));
        let rows = self.done.iter().map(|it| [it.command.clone(), table::seconds(it.took), format!("{} calls", it.calls)]);
        table::print(&rows.collect::<Vec<_>>());
        let program = self.infra.program();
        let program = program.strip_prefix(repository()).unwrap_or(program).display();
        anstream::println!(
            "\nThe local cloud is gone, and nothing was written into this repository. To go on by yourself:\n\n  \
             {COMMAND}cargo run -p localstack -- up{COMMAND:#}   a local cloud that stays; export what it prints, and in that shell\n  \
             {COMMAND}alias infra={program}{COMMAND:#}\n  \
             {COMMAND}infra bootstrap dev{COMMAND:#}             and the other commands above; change stacks/dev and plan again\n  \
             {COMMAND}infra state list dev{COMMAND:#}            what there is\n  \
             {COMMAND}infra destroy dev{COMMAND:#}               takes everything away again, and asks first\n  \
             {COMMAND}infra --help{COMMAND:#}                    everything else\n  \
             {COMMAND}cargo test --workspace{COMMAND:#}          proves all this"
        );
    }
}

fn say(text: &str) {
    anstream::println!("\n{SAID}# {text}{SAID:#}");
}

fn type_in(command: &str) {
    anstream::println!("{COMMAND}$ {command}{COMMAND:#}");
}
