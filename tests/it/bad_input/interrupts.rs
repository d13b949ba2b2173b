//! Runs that are cut off: Ctrl-C once and twice, and readers that go away.

#![cfg(unix)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use localstack::client::Caller;
use localstack::control::{Effect, Fault};
use localstack::{Cloud, Options, REGION};
use rustix::process::Signal;

use crate::cli::person::Repository;
use crate::cli::running::Running;

fn network(subnets: u32) -> Repository {
    Repository::of(&format!(
        "stack {{\n  region = \"{REGION}\"\n  state \"local\" {{\n    path  = \".infra/dev\"\n    lease = \"15s\"\n  }}\n}}\n\nresource \"aws_vpc\" \"main\" {{\n  cidr_block = \"10.0.0.0/16\"\n}}\n\nresource \"aws_subnet\" \"a\" {{\n  for_each   = {{ for at in range({subnets}) : tostring(at) => at }}\n  vpc_id     = aws_vpc.main.id\n  cidr_block = cidrsubnet(\"10.0.0.0/16\", 8, each.value)\n}}\n"
    ))
}

/// One plain re-run converges, and nothing was made twice. Its patience with late visibility is scaled as the local cloud's is.
async fn converges(here: &Repository, cloud: &Cloud, account: &str, things: usize) {
    here.binary_with(cloud, account, "apply --auto-approve", &[("INFRA_PATIENCE", "0.01")]).ends(0);
    here.binary(cloud, account, "plan --detailed-exitcode").ends(0);
    assert_eq!(here.binary(cloud, account, "state list").ends(0).out.lines().count(), things);
    let tag = [("Filter.1.Name", "tag:infra:stack"), ("Filter.1.Value.1", "dev")];
    let made = Caller::new(cloud, account).ec2("DescribeSubnets", &tag).await.unwrap();
    assert_eq!(made.texts("subnetId").len(), things - 1, "{}", made.body);
}

fn creations(cloud: &Cloud, account: &str) -> u64 {
    cloud.calls().account(account).calls.get("ec2.CreateSubnet").copied().unwrap_or(0)
}

/// What is announced and not sent when the signal comes is not sent any more.
async fn until_sent(cloud: &Cloud, account: &str, count: u64) {
    while creations(cloud, account) < count {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_finishes_what_is_in_flight() {
    const ACCOUNT: &str = "800000000120";
    let cloud = Cloud::start(Options::default()).await.unwrap();
    let here = network(6);
    cloud.faults(vec![Fault::on("ec2", "CreateSubnet", Effect::LatencyMs(1500))]);
    for (signal, subnet) in [(Signal::INT, "aws_subnet.a[\"0\"]: creating"), (Signal::TERM, "aws_subnet.a")] {
        let mut run = Running::start(&here, &cloud, ACCOUNT, &[], "apply --auto-approve --parallelism 1");
        let before = creations(&cloud, ACCOUNT);
        run.until(subnet);
        until_sent(&cloud, ACCOUNT, before + 1).await;
        run.signal(signal);
        run.until("Stopping:");
        let (code, said) = run.end();
        assert_eq!(code, Some(130), "{said}");
        assert!(said.contains("Interrupted:"), "{said}");
    }
    let recorded = here.binary(&cloud, ACCOUNT, "state list").ends(0).out.lines().count();
    assert!((2..7).contains(&recorded), "what was in flight is recorded, the rest was not begun: {recorded}");
    cloud.faults(Vec::new());
    converges(&here, &cloud, ACCOUNT, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twice_stops_waiting_with_everything_on_record() {
    const ACCOUNT: &str = "800000000121";
    let cloud = Cloud::start(Options::default()).await.unwrap();
    let here = network(3);
    cloud.faults(vec![Fault::on("ec2", "CreateSubnet", Effect::LatencyMs(5000))]);
    let mut run = Running::start(&here, &cloud, ACCOUNT, &[], "apply --auto-approve");
    run.until("aws_subnet.a[\"2\"]: creating");
    until_sent(&cloud, ACCOUNT, 3).await;
    run.signal(Signal::INT);
    run.until("Stopping:");
    let pressed = Instant::now();
    run.signal(Signal::INT);
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(pressed.elapsed() < Duration::from_secs(4), "it did not wait: {:?}\n{said}", pressed.elapsed());
    let pending = here.binary(&cloud, ACCOUNT, "plan").ends(0);
    assert!(format!("{}{}", pending.out, pending.err).contains("aws_subnet.a[\"0\"]"), "{}{}", pending.out, pending.err);
    cloud.faults(Vec::new());
    converges(&here, &cloud, ACCOUNT, 4).await;
}

/// `infra … | head -1`: the run goes on, and its exit code tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_stops_nothing() {
    const ACCOUNT: &str = "800000000122";
    let cloud = Cloud::shared().await.unwrap();
    let here = network(3);
    let deaf = |line: &str| {
        let mut child =
            here.command(line).envs(cloud.env(ACCOUNT)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        child.wait().unwrap().code()
    };
    assert_eq!(deaf("plan --detailed-exitcode"), Some(2));
    assert_eq!(deaf("schema"), Some(0));
    assert_eq!(deaf("apply --auto-approve"), Some(0));
    assert_eq!(deaf("validate nowhere"), Some(64));
    converges(&here, cloud, ACCOUNT, 4).await;
    assert_eq!(deaf("apply --auto-approve --format json"), Some(0));
}
