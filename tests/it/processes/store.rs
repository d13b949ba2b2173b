//! A store that fails in the middle of a run.

use localstack::control::{Effect, Fault};

use super::{APPLY, Site};

/// The role loses its rights on bucket and table while three creations are on their way: they are finished, what became of them
/// is kept as a hint, nothing new is begun, and the next run goes on from there.
#[tokio::test(flavor = "multi_thread")]
async fn access_that_is_taken_away_in_the_middle_costs_a_repeated_command() {
    let site = Site::s3("800000000711").await;
    site.cloud.account_faults(site.account, vec![Fault::on("ec2", "CreateSubnet", Effect::LatencyMs(2_000))]);
    let run = site.start("ann");
    site.until(|it| it.cloud.calls().account(it.account).of("ec2.CreateSubnet") == 3).await;
    let denied = [("dynamodb", "*"), ("s3", "*")].map(|(service, action)| Fault::on(service, action, Effect::Deny));
    site.cloud.account_faults(site.account, denied.to_vec());
    let (code, said) = run.end();
    assert_eq!(code, Some(3), "{said}");
    let wanted =
        ["error[not-stored]", "AccessDenied", "s3:PutObject", "a policy must", "aws_subnet.a[\"a\"] (subnet-", "infra apply dev"];
    for part in wanted {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    let hint = site.here.path().join(".infra/dev.unwritten.json");
    assert!(hint.exists(), "{said}");
    let sent = site.mutations();
    site.lift();
    // The lease of the run that could not give its lock back runs out first.
    let next = site.run(APPLY).ends(0);
    assert!(next.err.contains("Taken in from"), "{}", next.err);
    assert!(!hint.exists());
    assert_eq!(site.mutations(), sent, "everything was there already");
    site.is_settled().await;
}
