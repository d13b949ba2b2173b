//! What AWS refuses, and how one finds out at three in the morning: which call, on what, why, and what to do.

use localstack::control::{Effect, Fault};
use localstack::{Cloud, Options, REGION};

use super::{mutations, steady, unchanged};
use crate::cli::person::Repository;

const ACCOUNT: &str = "800000000101";

fn stack(head: &str) -> String {
    format!(
        "stack {{\n  region = \"{REGION}\"\n  {head}\n}}\n\nresource \"aws_vpc\" \"main\" {{\n  cidr_block = \"10.0.0.0/16\"\n}}\n"
    )
}

fn refuse(status: u16, code: &str, message: &str) -> Effect {
    let refusal = serde_json::json!({ "refuse": { "status": status, "code": code, "message": message } });
    serde_json::from_value(refusal).unwrap()
}

struct Row {
    what: &'static str,
    head: &'static str,
    env: &'static [(&'static str, &'static str)],
    fault: Option<(&'static str, &'static str, Effect)>,
    command: &'static str,
    /// The code of the first diagnostic.
    code: &'static str,
    /// What the answer must name.
    names: &'static [&'static str],
}

impl Row {
    fn new(what: &'static str, code: &'static str, names: &'static [&'static str]) -> Self {
        Self { what, head: "", env: &[], fault: None, command: "apply --auto-approve", code, names }
    }
    fn head(self, head: &'static str) -> Self {
        Self { head, ..self }
    }
    fn env(self, env: &'static [(&'static str, &'static str)]) -> Self {
        Self { env, ..self }
    }
    fn on(self, service: &'static str, action: &'static str, effect: Effect) -> Self {
        Self { fault: Some((service, action, effect)), ..self }
    }
    fn command(self, command: &'static str) -> Self {
        Self { command, ..self }
    }
}

/// What stops a command before it changes anything.
fn at_the_door() -> Vec<Row> {
    let expired = || refuse(403, "ExpiredToken", "The security token included in the request is expired");
    vec![
        Row::new("wrong account", "wrong-account", &[ACCOUNT, "999999999999", "AWS_PROFILE"])
            .head("accounts = [\"999999999999\"]"),
        Row::new("no credentials", "no-credentials", &["AWS_PROFILE"])
            .env(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")]),
        Row::new("a profile that does not exist", "no-credentials", &["nobody"]).env(&[
            ("AWS_ACCESS_KEY_ID", ""),
            ("AWS_SECRET_ACCESS_KEY", ""),
            ("AWS_PROFILE", "nobody"),
        ]),
        Row::new("a wrong secret", "no-credentials", &["SignatureDoesNotMatch", "AWS_PROFILE"])
            .env(&[("AWS_SECRET_ACCESS_KEY", "wrong")]),
        Row::new("expired credentials", "credentials-expired", &["aws sso login"]).on("sts", "GetCallerIdentity", expired()),
        Row::new("credentials that expire on the way", "credentials-expired", &["aws sso login"]).on("tagging", "*", expired()),
        Row::new("endpoint unreachable", "unreachable", &["AWS_ENDPOINT_URL", "nothing was sent"])
            .env(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]),
        Row::new("endpoint that is no address", "unreachable", &["AWS_ENDPOINT_URL"]).env(&[("AWS_ENDPOINT_URL", "nonsense")]),
        Row::new("another version", "wrong-version", &[">=99", env!("CARGO_PKG_VERSION")]).head("version = \">= 99\""),
        Row::new("state in a folder of a build machine", "ci-local-state", &["state \"s3\""]).env(&[("CI", "true")]),
        Row::new("target of nothing", "unknown-address", &["aws_vpc.mian", "aws_vpc.main"])
            .command("apply --auto-approve --target aws_vpc.mian"),
        Row::new("replace of nothing", "unknown-address", &["aws_vpc.mian"])
            .command("apply --auto-approve --replace aws_vpc.mian"),
        Row::new("plan file that is not there", "io", &["nowhere.plan"]).command("apply --auto-approve --plan nowhere.plan"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_at_the_door_nothing_is_changed() {
    let cloud = Cloud::start(Options::default()).await.unwrap();
    let mut shown = String::new();
    for row in at_the_door() {
        let here = Repository::of(&stack(row.head));
        let fault = row.fault.map(|(service, action, effect)| Fault::on(service, action, effect));
        cloud.faults(fault.into_iter().collect());
        let said = here.binary_with(&cloud, ACCOUNT, row.command, row.env);
        let text = steady(&said.err);
        shown.push_str(&format!("==== {} (exit {})\n{text}\n", row.what, said.code));
        assert!([1, 64].contains(&said.code), "{}: exit {}\n{text}", row.what, said.code);
        assert_eq!(said.codes().first(), Some(&row.code), "{}:\n{text}", row.what);
        for name in row.names {
            assert!(text.contains(name), "{}: {name} is not in\n{text}", row.what);
        }
        assert!(!here.path().join(".infra/dev/state.json").exists(), "{} left a state", row.what);
    }
    assert_eq!(mutations(&cloud, ACCOUNT), 0, "{:?}", cloud.calls());
    insta::assert_snapshot!(shown);
}

/// What AWS says to the first call that would change something: nothing is made, and a plain re-run does it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_creation_is_told_and_done_by_the_next_run() {
    let cloud = Cloud::start(Options::default()).await.unwrap();
    let expired = refuse(403, "RequestExpired", "Request has expired.");
    let rows = [
        ("access denied", Effect::Deny, &["ec2:CreateVpc", "UnauthorizedOperation", "grant the action"][..]),
        ("quota exceeded", Effect::Quota, &["VpcLimitExceeded", "Service Quotas"]),
        ("throttled for good", Effect::Throttle, &["RequestLimitExceeded", "--parallelism"]),
        ("credentials that expire in the middle", expired, &["RequestExpired", "aws sso login"]),
        ("refused", refuse(400, "InvalidVpcRange", "The CIDR '10.0.0.0/16' is invalid."), &["InvalidVpcRange", "10.0.0.0/16"]),
    ];
    let mut shown = String::new();
    for (at, (what, effect, names)) in rows.into_iter().enumerate() {
        let account = format!("8000000002{at:02}");
        let here = Repository::of(&stack(""));
        cloud.faults(vec![Fault::on("ec2", "CreateVpc", effect)]);
        let said = here.binary_with(&cloud, &account, "apply --auto-approve", &[("INFRA_PATIENCE", "0.001")]).ends(1);
        let summary = steady(said.out.split("Plan:").last().unwrap_or_default());
        for name in names {
            assert!(summary.contains(name), "{what}: {name} is not in\n{summary}");
        }
        shown.push_str(&format!("==== {what}\n{summary}\n"));
        assert_eq!(here.binary(&cloud, &account, "state list").ends(0).out, "", "{what}");
        cloud.faults(Vec::new());
        here.binary(&cloud, &account, "apply --auto-approve").ends(0);
        here.binary(&cloud, &account, "plan --detailed-exitcode").ends(0);
    }
    insta::assert_snapshot!(shown);
}

/// What may not or cannot be read stops a plan: half a look is none.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_not_planned() {
    const ACCOUNT: &str = "800000000103";
    let cloud = Cloud::start(Options::default()).await.unwrap();
    let here = Repository::of(&stack(""));
    here.binary(&cloud, ACCOUNT, "apply --auto-approve").ends(0);
    cloud.reset_calls();
    let mut shown = String::new();
    let rows = [(
        "access denied",
        Effect::Deny,
        "access-denied",
        &["plan", "drift", "apply --auto-approve", "destroy dev --auto-approve"][..],
    )];
    for (what, effect, code, commands) in rows {
        cloud.faults(vec![Fault::on("ec2", "DescribeVpcs", effect)]);
        for command in commands {
            let said = unchanged_state(&here, || here.binary(&cloud, ACCOUNT, command)).ends(1);
            let text = steady(&said.err);
            assert_eq!(said.codes(), [code], "{what}, {command}:\n{text}");
            assert!(text.contains("ec2:DescribeVpcs"), "{what}, {command}:\n{text}");
            if *command == "plan" {
                shown.push_str(&format!("==== {what}\n{text}\n"));
            }
        }
    }
    assert_eq!(mutations(&cloud, ACCOUNT), 0, "{:?}", cloud.calls());
    cloud.faults(Vec::new());
    here.binary(&cloud, ACCOUNT, "plan --detailed-exitcode").ends(0);
    insta::assert_snapshot!(shown);
}

/// The lock leaves its traces; what is recorded stays as it is, to the byte.
fn unchanged_state(here: &Repository, run: impl FnOnce() -> crate::cli::person::Said) -> crate::cli::person::Said {
    let state = || std::fs::read(here.path().join(".infra/dev/state.json")).unwrap();
    let before = state();
    let said = run();
    let of = |bytes: &[u8]| {
        let document: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        (document["resources"].clone(), document["outputs"].clone())
    };
    assert_eq!(of(&before), of(&state()), "{}", said.err);
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_writes_nothing_at_all() {
    const ACCOUNT: &str = "800000000104";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&stack(""));
    // The key that digests are made with comes with the first plan.
    here.binary(cloud, ACCOUNT, "plan").ends(0);
    for command in ["plan", "output", "state list", "validate", "graph"] {
        unchanged(&here, || here.binary(cloud, ACCOUNT, command)).ends(0);
    }
    // What is not applied yet differs from what is declared.
    unchanged(&here, || here.binary(cloud, ACCOUNT, "drift")).ends(2);
    assert_eq!(mutations(cloud, ACCOUNT), 0);
}
