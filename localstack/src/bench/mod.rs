//! `localstack bench`: infra on 1,000 resources, through the local cloud with 50 ms added to every answer, beside a client
//! written by hand that makes the fewest calls.
//!
//! The groups' two rules are `ingress` blocks, with AWS's own egress rule written down so that it stays: then one call makes
//! a group's rules, which is the least.

#[path = "../../../benches/by_hand/mod.rs"]
mod by_hand;
mod child;
pub mod objects;
mod report;
mod stack;

use std::path::Path;
use std::time::{Duration, Instant};

use localstack::client::Caller;
use localstack::control::Settings;
use localstack::{Cloud, Options};
use tokio::process::Command;

use crate::Failure;
use crate::infra::{ACCOUNT, Infra, is_release};
pub use by_hand::Deed;
use child::Run;
use report::{Change, Report};

/// Where the client that was written by hand works: an account of its own, as empty as the other.
const BY_HAND: &str = "222222222222";

const SETTINGS: Settings = Settings {
    latency_ms: 50,
    slow: 0.0,
    held_reads: 0,
    late_reads: 0,
    page_size: None,
    shuffle: None,
    kubernetes: true,
    leaks: false,
    stuck_pods: false,
    rates: false,
};

/// So often all is done, each time in a cloud of its own: a machine is never quiet, and what counts is the median. By turns the one
/// and the other goes first.
const ROUNDS: usize = 9;

/// Measures all, prints the table, and fails if a target is missed.
pub async fn run() -> Result<(), Failure> {
    let infra = Infra::build().await?;
    let profile = if is_release() { "release" } else { "debug: the targets are those of a release build" };
    anstream::println!("1,000 resources, 50 ms added to every answer, rates off; {profile}; the median of {ROUNDS} rounds\n");
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        let it = round(&infra, number % 2 == 1).await?;
        anstream::println!("round {number}: {it}");
        rounds.push(it);
    }
    let Some(report) = Report::of(&rounds) else { return Ok(()) };
    let targets = report.targets();
    anstream::println!("\nTargets\n");
    report::print(&targets);
    anstream::println!("\nCalls: infra, and by hand\n");
    report.print_calls();
    report::verdict(&targets)
}

/// Everything once, by hand and by `infra`: each deed of the one right beside the other's.
async fn round(infra: &Infra, hand_first: bool) -> Result<Report, Failure> {
    let cloud = Cloud::start(Options { settings: SETTINGS, ..Options::default() }).await?;
    let caller = Caller::new(&cloud, ACCOUNT);
    warm_up(&caller).await?;
    warm_up(&Caller::new(&cloud, BY_HAND)).await?;
    let root = cloud.folder().join("repository");
    stack::write(&root)?;
    let measure = async |arguments: &[&str]| child::run(infra, &cloud, &root, arguments).await;
    measure(&["bootstrap", stack::NAME, "--auto-approve"]).await?;
    let apply = measure(&["apply", stack::NAME, "--auto-approve"]);
    let apply = beside(hand_first, apply, by_hand(&cloud, "create")).await?;
    let plan = measure(&["plan", stack::NAME, "--detailed-exitcode"]).await?;
    let emulators = reads_alone(&cloud, &caller).await?;
    let destroy = measure(&["destroy", stack::NAME, "--auto-approve"]);
    let destroy = beside(hand_first, destroy, by_hand(&cloud, "destroy")).await?;
    Ok(Report { plan, emulators, apply, destroy })
}

type Measured = Result<Run, Failure>;

async fn beside(
    hand_first: bool,
    infra: impl Future<Output = Measured>,
    hand: impl Future<Output = Measured>,
) -> Result<Change, Failure> {
    let (infra, hand) = match hand_first {
        true => {
            let hand = hand.await?;
            (infra.await?, hand)
        }
        false => (infra.await?, hand.await?),
    };
    Ok(Change::new(infra, hand))
}

/// Starts the account's emulators, which start at the first call.
async fn warm_up(caller: &Caller) -> Result<(), Failure> {
    caller.ec2("DescribeVpcs", &[]).await?.success("ec2", "DescribeVpcs")?;
    caller.query("sts", "GetCallerIdentity", &[]).await?.success("sts", "GetCallerIdentity")?;
    Ok(())
}

/// The client that was written by hand, as a process beside this one, as `infra` is.
async fn by_hand(cloud: &Cloud, deed: &str) -> Measured {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["by-hand", deed]).arg(cloud.folder().join("by-hand.json"));
    command.envs(cloud.env(BY_HAND)).kill_on_drop(true);
    let run = child::measure(command, cloud, BY_HAND, &cloud.folder().join("by-hand.log")).await;
    run.map_err(|failure| format!("by hand: {failure}").into())
}

/// What that process does.
pub async fn as_hand(deed: Deed, made: &Path) -> Result<(), Failure> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL")?;
    deed.run(&Caller::at(&endpoint, BY_HAND), made).await
}

/// How long the emulators take for the reads of a plan, without the added latency.
async fn reads_alone(cloud: &Cloud, caller: &Caller) -> Result<Duration, Failure> {
    cloud.set_settings(Settings { latency_ms: 0, ..SETTINGS });
    let started = Instant::now();
    by_hand::read(caller).await?;
    let took = started.elapsed();
    cloud.set_settings(SETTINGS);
    Ok(took)
}
