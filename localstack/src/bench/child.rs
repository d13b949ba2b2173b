//! One measured run of a program.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use localstack::Cloud;
use localstack::control::Count;
use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval};

use crate::Failure;
use crate::infra::{ACCOUNT, Infra, ending};

/// How often the memory is looked at. The kernel keeps the peak, so that only the last moments can be missed.
const LOOK: Duration = Duration::from_millis(20);

/// What a run took.
#[derive(Clone, Debug)]
pub struct Run {
    pub took: Duration,
    /// By `service.Action`; state, lock and journal apart.
    pub calls: Count,
    /// Those of state, lock and journal.
    pub state_calls: u64,
    pub most_in_flight: u64,
    /// The most memory that was resident at once, in bytes. Only Linux tells.
    pub peak: Option<u64>,
}

/// Runs `infra` in `root` to its end, which must be a success.
pub async fn run(infra: &Infra, cloud: &Cloud, root: &Path, arguments: &[&str]) -> Result<Run, Failure> {
    let mut command = infra.command(cloud, root, arguments);
    command.env("INFRA_RATE_LIMITS", "off");
    let run = measure(command, cloud, ACCOUNT, &root.join("output.log")).await;
    run.map_err(|failure| format!("`infra {}`: {failure}", arguments.join(" ")).into())
}

/// Runs what is to be a success in an account that only it uses. What it says goes into `log`.
pub async fn measure(mut command: Command, cloud: &Cloud, account: &str, log: &Path) -> Result<Run, Failure> {
    cloud.reset_calls();
    let output = File::create(log)?;
    command.stdout(output.try_clone()?).stderr(output);
    let started = Instant::now();
    let mut child = command.spawn()?;
    let (status, peak) = watch(&mut child).await?;
    let took = started.elapsed();
    if !status.success() {
        let said = std::fs::read_to_string(log)?;
        let lines: Vec<&str> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(30)..].join("\n");
        return Err(format!("{}; it said last:\n{last}", ending(status)).into());
    }
    let counts = cloud.calls();
    let all = counts.account(account);
    let (state, calls) = all.calls.into_iter().partition(|(name, _)| is_of_state(name));
    let state: std::collections::BTreeMap<String, u64> = state;
    let state_calls = state.values().sum();
    Ok(Run {
        took,
        calls: Count { total: all.total - state_calls, calls },
        state_calls,
        most_in_flight: counts.max_in_flight,
        peak,
    })
}

/// The stack itself has neither buckets nor tables.
fn is_of_state(name: &str) -> bool {
    name.starts_with("s3.") || name.starts_with("dynamodb.")
}

async fn watch(child: &mut Child) -> std::io::Result<(std::process::ExitStatus, Option<u64>)> {
    let id = child.id();
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut peak = None;
    loop {
        tokio::select! {
            status = child.wait() => return Ok((status?, peak)),
            _ = look.tick() => peak = id.and_then(peak_of).or(peak),
        }
    }
}

/// `VmHWM` of `proc_pid_status(5)`, in bytes.
fn peak_of(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
