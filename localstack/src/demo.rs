//! `localstack demo`: the first minutes with infra, on this repository's own `stacks/dev`, by real commands.

use std::time::{Duration, Instant};

use clap::builder::styling::{AnsiColor, Style};
use localstack::client::Caller;
use localstack::control::Settings;
use localstack::{Cloud, Options, REGION};
use serde_json::json;

use crate::infra::{ACCOUNT, BUILD, Infra, ending, is_release, repository};
use crate::{Failure, table};

const COMMAND: Style = Style::new().bold();
const SAID: Style = AnsiColor::Cyan.on_default();
const GOOD: Style = AnsiColor::Green.on_default().bold();

/// What the demonstration changes behind infra's back.
const REPOSITORY: &str = "devops-demo-dev";

/// Runs all of it. Ends early when a command does not end as it should.
pub async fn run() -> Result<(), Failure> {
    say("infra is built first; the first time takes some minutes.");
    type_in(&format!("cargo build {}{}", BUILD.join(" "), if is_release() { " --release" } else { "" }));
    let infra = Infra::build().await?;
    // A control plane is of no use to what is shown here, and is built with Go the first time.
    let settings = Settings { kubernetes: false, ..Settings::default() };
    let cloud = Cloud::start(Options { settings, ..Options::default() }).await?;
    say(&format!("A local AWS answers at {}: account {ACCOUNT}, region {REGION}.", cloud.endpoint()));
    say("AWS_ENDPOINT_URL points there; on a real account that is the only difference.");
    let started = Instant::now();
    let mut session = Session { infra, cloud, done: Vec::new() };
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
    done: Vec<Done>,
}

impl Session {
    async fn play(&mut self) -> Result<(), Failure> {
        say("A place for the state first: a bucket, a table for lock and journal, a key.");
        self.infra("bootstrap dev --auto-approve", 0).await?;
        say("What would be made of stacks/dev: a network over three zones, a registry, a DNS zone, a cluster with nodes.");
        self.infra("plan dev", 0).await?;
        say("Make it so.");
        self.infra("apply dev --auto-approve", 0).await?;
        say("Nothing is left to do: the plan is empty, and the exit code says so to scripts (0, not 2).");
        self.infra("plan dev --detailed-exitcode", 0).await?;
        say("Somebody changes a setting by hand, with another client.");
        self.meddle().await?;
        say("infra names what was changed (exit code 2) …");
        self.infra("drift dev", 2).await?;
        say("… and puts it right.");
        self.infra("apply dev --auto-approve", 0).await?;
        say("Nothing is left of it.");
        self.infra("drift dev", 0).await?;
        say("Everything goes again, users before what they use. What the state is kept with stays.");
        self.infra("destroy dev --auto-approve", 0).await
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

    /// Lets images of the registry be overwritten, which stacks/dev forbids.
    async fn meddle(&self) -> Result<(), Failure> {
        type_in(&format!("aws ecr put-image-tag-mutability --repository-name {REPOSITORY} --image-tag-mutability MUTABLE"));
        let action = "PutImageTagMutability";
        let change = json!({"repositoryName": REPOSITORY, "imageTagMutability": "MUTABLE"});
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{action}");
        let answer = Caller::new(&self.cloud, ACCOUNT).json("ecr", &target, &change).await?.success("ecr", action)?;
        let setting = answer.json()["imageTagMutability"].as_str().unwrap_or_default().to_owned();
        anstream::println!("imageTagMutability: {setting}");
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
