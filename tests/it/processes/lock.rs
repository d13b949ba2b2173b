//! The lock: sixteen at once, a holder that was killed, one that was stopped and continued, and a call that arrives when its
//! sender is dead.

use std::time::{Duration, Instant};

use localstack::control::{Effect, Fault};
use rustix::process::Signal;

use super::{APPLY, LEASE, LOOK, PATIENCE, Site};
use crate::cli::running::Running;

const RACERS: usize = 16;

/// Sixteen at once: one gets the lock, and fifteen say at once who has it. The one that has it goes on.
async fn race(site: &Site) -> Running {
    site.fault("CreateVpc", Effect::Throttle);
    let mut runs: Vec<Running> = (0..RACERS).map(|number| site.start(&format!("ann-{number}."))).collect();
    let mut ended = Vec::new();
    while runs.len() > 1 {
        tokio::time::sleep(LOOK).await;
        let done = runs.iter_mut().position(Running::has_ended);
        ended.extend(done.map(|it| runs.remove(it).end()));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut winner = runs.pop().unwrap();
    assert!(!winner.has_ended(), "somebody has the lock");
    assert_eq!(site.networks().await, Vec::<String>::new());
    let named = |said: &str| (0..RACERS).find(|it| said.contains(&format!("ann-{it}.@"))).map(|it| it.to_string());
    let holder = named(&ended[0].1);
    for (code, said) in &ended {
        assert_eq!(*code, Some(1), "{said}");
        assert!(said.contains("error[locked]") && said.contains("infra apply dev"), "{said}");
        assert!(holder.is_some() && named(said) == holder, "{holder:?}:\n{said}");
    }
    winner
}

/// The epoch under which the state was written last.
fn epoch(site: &Site) -> u64 {
    site.run("state pull").ends(0).json()["epoch"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn one_of_sixteen_wins_and_is_followed_when_it_is_killed() {
    let (s3, local) = (Site::s3("800000000701").await, Site::local("800000000702").await);
    let followed = async |site: Site, silent: Duration| {
        let winner = race(&site).await;
        winner.signal(Signal::KILL);
        winner.end();
        site.lift();
        let began = Instant::now();
        site.run(APPLY).ends(0);
        assert!(began.elapsed() >= silent, "{:?}", began.elapsed());
        assert_eq!(epoch(&site), 2);
        site.is_settled().await;
    };
    // A dead process holds no lock of a local state; but the calls that it had sent are waited for all the same.
    let all = [tokio::spawn(followed(s3, LEASE)), tokio::spawn(followed(local, Duration::ZERO))];
    for one in all {
        one.await.unwrap();
    }
}

/// It has looked at what is recorded while it waited, and must not plan with that.
#[tokio::test(flavor = "multi_thread")]
async fn who_waited_sees_what_the_holder_did() {
    let site = Site::s3("800000000706").await;
    // Registries are listed, and a list is kept for the run.
    let registry =
        |name: &str, more: &str| format!("resource \"aws_ecr_repository\" \"{name}\" {{\n  name = \"{name}\"\n{more}}}\n");
    site.here.write("stacks/dev/one.hcl", &registry("one", ""));
    site.run(APPLY).ends(0);
    site.here.write("stacks/dev/two.hcl", &registry("two", "  depends_on = [aws_subnet.more]\n"));
    let more = "resource \"aws_subnet\" \"more\" {\n  vpc_id     = aws_vpc.main.id\n  cidr_block = \"10.0.9.0/24\"\n}\n";
    site.here.write("stacks/dev/more.hcl", more);
    let holder = site.start_and_hold("CreateSubnet").await;
    let looks = |it: &Site| it.cloud.calls().account(it.account).calls.get("ec2.DescribeSubnets").copied().unwrap_or(0);
    let before = looks(&site);
    let waits = format!("{APPLY} --lock-timeout 2m");
    let waiting = Running::start(&site.here, site.cloud, site.account, &[PATIENCE, ("USER", "bob")], &waits);
    site.until(|it| looks(it) > before).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    site.lift();
    let (code, said) = holder.end();
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = waiting.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("The lock is held by ann@") && said.contains("No changes: `dev` is as its files say."), "{said}");
}

/// Stopped past its lease and followed: it writes nothing, and starts no call. (What was between its check and the wire when it
/// was stopped is the window that no lock closes.)
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_holder_does_nothing_once_it_was_followed() {
    let site = Site::s3("800000000703").await;
    let stopped = site.start_and_rest().await;
    stopped.signal(Signal::STOP);
    site.lift();
    let began = Instant::now();
    site.run(APPLY).ends(0);
    assert!(began.elapsed() >= LEASE, "{:?}", began.elapsed());
    let (state, sent) = (site.run("state pull").ends(0).out, site.mutations());
    stopped.signal(Signal::CONT);
    let (code, said) = stopped.end();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("lock was lost") || said.contains("another run has taken the lock over"), "{said}");
    assert_eq!(site.mutations(), sent, "{said}");
    assert_eq!(site.run("state pull").ends(0).out, state);
    site.is_settled().await;
}

/// The lock of a local state stays with a process that is stopped. Continued, it sends nothing before it gave a sign of life.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_holder_of_a_local_state_is_not_followed() {
    let site = Site::local("800000000704").await;
    let stopped = site.start_and_hold("CreateSubnet").await;
    stopped.signal(Signal::STOP);
    site.lift();
    tokio::time::sleep(LEASE).await;
    let sent = site.mutations();
    let refused = site.run(APPLY).ends(1);
    assert!(refused.codes().contains(&"locked") && refused.err.contains("ann@"), "{}", refused.err);
    assert_eq!(site.mutations(), sent);
    stopped.signal(Signal::CONT);
    let (code, said) = stopped.end();
    assert!(matches!(code, Some(0 | 3)), "{code:?} {said}");
    site.run(APPLY).ends(0);
    site.is_settled().await;
}

/// The window that no lock closes: a creation was signed, and arrives when its sender is dead and was followed.
#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_arrives_late_is_found_shown_and_deleted() {
    let site = Site::local("800000000705").await;
    let detained = Fault::on("ec2", "CreateVpc", Effect::Detain).nth(&[1]);
    let put_off = Fault::on("ec2", "CreateSubnet", Effect::Throttle);
    site.cloud.account_faults(site.account, vec![detained, put_off.clone()]);
    let sender = site.start("ann");
    site.until(|it| it.cloud.hits(it.account) > 0).await;
    sender.signal(Signal::KILL);
    sender.end();
    let next = site.start("bob");
    while site.networks().await.is_empty() {
        tokio::time::sleep(LOOK).await;
    }
    site.cloud.account_faults(site.account, vec![put_off]);
    while site.networks().await.len() < 2 {
        tokio::time::sleep(LOOK).await;
    }
    site.lift();
    let (code, said) = next.end();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("arrived late") && said.contains("plan again"), "{said}");
    let planned = site.run("plan --detailed-exitcode").ends(2).out;
    assert!(planned.contains("aws_vpc.main") && planned.contains("1 to delete"), "{planned}");
    site.run(APPLY).ends(0);
    site.is_settled().await;
}
