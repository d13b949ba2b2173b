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

use std::time::{Duration, Instant};

use localstack::client::Caller;
use localstack::control::{Count, Settings};
use localstack::{Cloud, Options};

use crate::Failure;
use crate::infra::{ACCOUNT, Infra, is_release};
use report::Report;

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

/// What the client that was written by hand took.
#[derive(Clone, Debug)]
struct Hand {
    took: Duration,
    calls: Count,
}

/// So often all is done, each time in a cloud of its own: a machine is never quiet, and what counts is the median.
const ROUNDS: usize = 5;

/// Measures all, prints the table, and fails if a target is missed.
pub async fn run() -> Result<(), Failure> {
    let infra = Infra::build().await?;
    let profile = if is_release() { "release" } else { "debug: the targets are those of a release build" };
    anstream::println!("1,000 resources, 50 ms added to every answer, rates off; {profile}; the median of {ROUNDS} rounds\n");
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        let it = round(&infra).await?;
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

/// Everything once: by hand, then by `infra`.
async fn round(infra: &Infra) -> Result<Report, Failure> {
    let cloud = Cloud::start(Options { settings: SETTINGS, ..Options::default() }).await?;
    let hand = Caller::new(&cloud, BY_HAND);
    warm_up(&hand).await?;
    let (hand_apply, made) = by_hand(&cloud, by_hand::create(&hand)).await?;
    let (hand_destroy, ()) = by_hand(&cloud, by_hand::destroy(&hand, made)).await?;

    let caller = Caller::new(&cloud, ACCOUNT);
    warm_up(&caller).await?;
    let root = cloud.folder().join("repository");
    stack::write(&root)?;
    let measure = async |arguments: &[&str]| child::run(infra, &cloud, &root, arguments).await;
    measure(&["bootstrap", stack::NAME, "--auto-approve"]).await?;
    let apply = measure(&["apply", stack::NAME, "--auto-approve"]).await?;
    let plan = measure(&["plan", stack::NAME, "--detailed-exitcode"]).await?;
    let emulators = reads_alone(&cloud, &caller).await?;
    let destroy = measure(&["destroy", stack::NAME, "--auto-approve"]).await?;
    Ok(Report { plan, emulators, apply, destroy, hand_apply, hand_destroy })
}

/// Starts the account's emulators, which start at the first call.
async fn warm_up(caller: &Caller) -> Result<(), Failure> {
    caller.ec2("DescribeVpcs", &[]).await?.success("ec2", "DescribeVpcs")?;
    caller.query("sts", "GetCallerIdentity", &[]).await?.success("sts", "GetCallerIdentity")?;
    Ok(())
}

async fn by_hand<T>(
    cloud: &Cloud,
    work: impl Future<Output = Result<T, localstack::client::CallError>>,
) -> Result<(Hand, T), Failure> {
    cloud.reset_calls();
    let started = Instant::now();
    let made = work.await?;
    Ok((Hand { took: started.elapsed(), calls: cloud.calls().account(BY_HAND) }, made))
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
