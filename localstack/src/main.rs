//! The local cloud from a shell: `up`, `run`, `kube`, `schemas`, `demo`, `bench`, `torture`.

mod bench;
mod demo;
mod infra;
mod kill;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use localstack::control::Settings;
use localstack::kube::{ControlPlane, Node, Version};
use localstack::{Cloud, Options};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::infra::ACCOUNT;

#[derive(Parser)]
#[command(name = "localstack", about = "A local AWS for development and tests")]
struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start, print the environment to export, and run until Ctrl-C.
    Up(How),
    /// Start, run a command in that environment, and stop again.
    Run {
        #[command(flatten)]
        how: How,
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Start a Kubernetes control plane alone, with a node in each of three zones, and run until Ctrl-C.
    Kube {
        /// The version that it is, as EKS writes it.
        #[arg(long, default_value_t = Version::default())]
        version: Version,
    },
    /// Write what infra knows of Kubernetes versions without a cluster: src/object/schemas/VERSION.json.gz of each.
    Schemas {
        /// The versions, as EKS writes them; all that are served here when there are none.
        versions: Vec<Version>,
    },
    /// Build infra, and show it at work on this repository's own stacks/dev.
    Demo {
        /// Build the cluster's control plane first where it was never built: Go, about five minutes. Without it, and without a
        /// build, the objects in the cluster are left out.
        #[arg(long)]
        kubernetes: bool,
    },
    /// Build infra, and measure it on 1,000 resources with 50 ms added to every answer.
    Bench {
        /// Measure it on 300 objects of Kubernetes instead, in a control plane of their own.
        #[arg(long)]
        objects: bool,
    },
    /// The client that `bench` measures infra against.
    #[command(hide = true)]
    ByHand {
        deed: bench::Deed,
        /// Where what was made is written down.
        made: PathBuf,
    },
    /// Build infra, and kill it at every call it makes.
    Torture(kill::Torture),
}

#[derive(Args)]
struct How {
    /// The port to listen on; a free one unless given.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Added to every answer, on top of what the emulator takes (`50ms`, `1s`).
    #[arg(long, default_value = "0ms", value_parser = duration)]
    latency: Duration,
    /// How slowly things become ready, as a part of what AWS takes: 1 is real time.
    #[arg(long, default_value_t = Settings::default().slow)]
    slow: f64,
    /// Throttle at AWS's published rates.
    #[arg(long)]
    rates: bool,
}

impl How {
    fn options(&self) -> Options {
        Options {
            port: self.port,
            settings: Settings {
                latency_ms: u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX),
                slow: self.slow,
                rates: self.rates,
                ..Settings::default()
            },
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(""), 1.0),
    };
    let number: f64 = number.parse().map_err(|_| "expected 50ms or 1.5s")?;
    Duration::try_from_secs_f64(number * unit).map_err(|failure| failure.to_string())
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Verb::Up(how) => up(&how).await,
        Verb::Run { how, command } => run(&how, &command).await,
        Verb::Kube { version } => kube(version).await,
        Verb::Schemas { versions } => schemas(versions).await,
        Verb::Demo { kubernetes } => until_interrupted(demo::run(kubernetes)).await,
        Verb::Bench { objects: false } => until_interrupted(bench::run()).await,
        Verb::Bench { objects: true } => until_interrupted(bench::objects::run()).await,
        Verb::ByHand { deed, made } => until_interrupted(bench::as_hand(deed, &made)).await,
        Verb::Torture(how) => until_interrupted(kill::run(&how)).await,
    };
    outcome.unwrap_or_else(|failure| {
        anstream::eprintln!("localstack: {failure}");
        ExitCode::FAILURE
    })
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

type Outcome = Result<ExitCode, Failure>;

/// Gives up on Ctrl-C. What was started stops by being dropped, so that nothing is left behind.
async fn until_interrupted(work: impl Future<Output = Result<(), Failure>>) -> Outcome {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = work => outcome.map(|()| ExitCode::SUCCESS),
        _ = interrupt.recv() => Ok(ExitCode::from(130)),
        _ = terminate.recv() => Ok(ExitCode::from(143)),
    }
}

async fn up(how: &How) -> Outcome {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cloud = Cloud::start(how.options()).await?;
    for (name, value) in cloud.env(ACCOUNT) {
        anstream::println!("export {name}={value}");
    }
    anstream::eprintln!("localstack: running; Ctrl-C stops it");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn kube(version: Version) -> Outcome {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let serve = async {
        let options = localstack::kube::Options { version, ..localstack::kube::Options::default() };
        let plane = ControlPlane::start(options).await?;
        plane.add_nodes(&["a", "b", "c"].map(|zone| Node::sample(zone, version))).await?;
        anstream::println!("export KUBECONFIG={}", plane.kubeconfig_file().display());
        anstream::eprintln!("localstack: Kubernetes {} at {}; Ctrl-C stops it", version.full(), plane.endpoint());
        std::future::pending::<()>().await;
        Ok::<(), Failure>(())
    };
    tokio::select! {
        outcome = serve => outcome.map(|()| ExitCode::SUCCESS),
        _ = interrupt.recv() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::SUCCESS),
    }
}

/// From a control plane of each version. One that is emulated serves the kinds of its version with the fields of the build.
async fn schemas(versions: Vec<Version>) -> Outcome {
    let versions = if versions.is_empty() { Version::all().collect() } else { versions };
    let folder = infra::repository().join("src/object/schemas");
    std::fs::create_dir_all(&folder)?;
    for version in versions {
        let options = localstack::kube::Options { version, ..localstack::kube::Options::default() };
        let plane = ControlPlane::start(options).await?;
        let data = localstack::kube::schemas(&plane, &version.to_string()).await?;
        let file = folder.join(format!("{version}.json.gz"));
        std::fs::write(&file, &data)?;
        anstream::eprintln!("localstack: {} ({} kB)", file.display(), data.len() / 1000);
    }
    Ok(ExitCode::SUCCESS)
}

async fn run(how: &How, command: &[String]) -> Outcome {
    let [program, arguments @ ..] = command else {
        return Err("no command given".into());
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cloud = Cloud::start(how.options()).await?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(cloud.env(ACCOUNT))
        .kill_on_drop(true)
        .spawn()
        .map_err(|failure| format!("{program}: {failure}"))?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            // Ctrl-C reaches the whole process group by itself; the command decides when it ends.
            _ = interrupt.recv() => {}
            _ = terminate.recv() => forward(&child, rustix::process::Signal::TERM),
        }
    };
    Ok(exit_code(status))
}

fn forward(child: &tokio::process::Child, signal: rustix::process::Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
        // It fails only when the command has ended, which `wait` will tell.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// The command's own exit code, or 128 + signal as a shell has it.
fn exit_code(status: std::process::ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
