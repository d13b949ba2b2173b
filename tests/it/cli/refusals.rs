//! What is refused at the edge, with its code and exit code, and nothing changed.

use localstack::control::{Effect, Fault};
use localstack::{Cloud, REGION};

use super::person::Repository;

fn one_vpc(head: &str) -> String {
    format!(
        "stack {{\n  region = \"{REGION}\"\n  {head}\n}}\nresource \"aws_vpc\" \"main\" {{\n  cidr_block = \"10.0.0.0/16\"\n}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn before_anything_is_called() {
    let cloud = Cloud::shared().await.unwrap();
    let run = |stack: &str, line: &str, env: &[(&str, &str)]| Repository::of(stack).binary_with(cloud, "800000000010", line, env);
    let wrong = run(&one_vpc("accounts = [\"999999999999\"]"), "apply --auto-approve", &[]).ends(1);
    assert_eq!(wrong.codes(), ["wrong-account"]);
    assert!(wrong.err.contains("800000000010") && wrong.err.contains("999999999999"), "{}", wrong.err);
    assert_eq!(run(&one_vpc("version = \">= 99\""), "plan", &[]).ends(1).codes(), ["wrong-version"]);
    assert_eq!(run(&one_vpc(""), "plan", &[("CI", "true")]).ends(1).codes(), ["ci-local-state"]);
    assert_eq!(run(&one_vpc(""), "plan", &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]).ends(1).codes(), ["unreachable"]);
    assert_eq!(run(&one_vpc(""), "plan", &[("AWS_SECRET_ACCESS_KEY", "")]).ends(1).codes(), ["no-credentials"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_refuses_is_told_with_the_action() {
    const ACCOUNT: &str = "800000000011";
    let cloud = Cloud::start(localstack::Options::default()).await.unwrap();
    let here = Repository::of(&one_vpc(""));
    let with = |fault: Option<(&str, Effect)>, line: &str| {
        let faults =
            fault.map(|(action, effect)| Fault { account: Some(ACCOUNT.to_owned()), ..Fault::on("ec2", action, effect) });
        cloud.faults(faults.into_iter().collect());
        here.binary(&cloud, ACCOUNT, line)
    };
    let denied = with(Some(("CreateVpc", Effect::Deny)), "apply --auto-approve").ends(1);
    assert!(denied.out.contains("failed aws_vpc.main") && denied.out.contains("ec2:CreateVpc"), "{}", denied.out);
    assert!(denied.out.contains("help: grant the action"), "{}", denied.out);
    let quota = with(Some(("CreateVpc", Effect::Quota)), "apply --auto-approve").ends(1);
    assert!(quota.out.contains("help: ask for a higher quota"), "{}", quota.out);
    with(None, "apply --auto-approve").ends(0);
    let read = with(Some(("DescribeVpcs", Effect::Deny)), "plan").ends(1);
    assert_eq!(read.codes(), ["access-denied"]);
    assert!(read.err.contains("ec2:DescribeVpcs"), "{}", read.err);
    with(None, "plan --detailed-exitcode").ends(0);
    with(None, "destroy dev --auto-approve").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guarded_stack_wants_its_name() {
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&one_vpc("confirm = true"));
    let run = |line: &str| here.binary(cloud, "800000000012", line);
    let refused = run("apply --auto-approve").ends(1);
    assert_eq!(refused.codes(), ["not-confirmed"]);
    assert!(refused.err.contains("--confirm dev"), "{}", refused.err);
    assert_eq!(run("apply --auto-approve --confirm prod").ends(1).codes(), ["not-confirmed"]);
    assert_eq!(run("state list").ends(0).out, "");
    run("apply --auto-approve --confirm dev").ends(0);
    assert_eq!(run("destroy dev --auto-approve").ends(1).codes(), ["not-confirmed"]);
    run("destroy dev --auto-approve --confirm dev").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn states_that_do_not_fit() {
    const ACCOUNT: &str = "800000000013";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&one_vpc(""));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    run("apply --auto-approve").ends(0);
    let file = here.path().join(".infra/dev/state.json");
    let good = std::fs::read_to_string(&file).unwrap();
    let with = |text: String| {
        std::fs::write(&file, &text).unwrap();
        let said = run("apply --auto-approve");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "a state that cannot be read is left alone");
        said.ends(1)
    };
    assert_eq!(with(good[..good.len() / 2].to_owned()).codes(), ["state-damaged"]);
    assert_eq!(with(good.replacen("\"format\":1", "\"format\":9", 1)).codes(), ["state-newer"]);
    assert_eq!(with(good.replacen("\"stack\":\"dev\"", "\"stack\":\"prod\"", 1)).codes(), ["state-of-another-stack"]);
    assert_eq!(with("{\"version\":4,\"terraform_version\":\"1.9\"}".into()).codes(), ["state-foreign"]);
    std::fs::write(&file, &good).unwrap();

    let elsewhere = here.binary(cloud, "800000000014", "plan").ends(1);
    assert_eq!(elsewhere.codes(), ["wrong-account"]);
    std::fs::remove_dir_all(here.path().join(".infra")).unwrap();
    let lost = run("apply --auto-approve").ends(1);
    assert_eq!(lost.codes(), ["lost-state"], "{}", lost.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_writer_at_a_time() {
    const ACCOUNT: &str = "800000000015";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&one_vpc(""));
    here.binary(cloud, ACCOUNT, "apply --auto-approve").ends(0);
    let store = infra::store::local::Local::new(&here.path().join(".infra"), "dev".parse().unwrap());
    let owner = infra::store::Owner { run: "other".into(), who: "bob@desk".into(), command: "infra apply dev".into() };
    let session = infra::store::Store::lock(&store, &owner, None).await.unwrap();
    let locked = here.binary(cloud, ACCOUNT, "apply --auto-approve --lock-timeout 0s").ends(1);
    assert_eq!(locked.codes(), ["locked"]);
    for part in ["bob@desk", "infra apply dev", "infra unlock dev"] {
        assert!(locked.err.contains(part), "{part}: {}", locked.err);
    }
    here.binary(cloud, ACCOUNT, "plan --detailed-exitcode").ends(0);
    let asked = here.binary(cloud, ACCOUNT, "unlock").ends(64);
    assert!(asked.err.contains("bob@desk") && asked.codes() == ["nobody-to-ask"], "{}", asked.err);
    session.release().await.unwrap();
    here.binary(cloud, ACCOUNT, "destroy dev --auto-approve").ends(0);
}
