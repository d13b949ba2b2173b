//! The main job on the local cloud, by the binary: plan, apply, plan again, drift, repair, keep a plan, destroy.

use localstack::client::Caller;
use localstack::{Cloud, REGION};

use super::person::Repository;

const ACCOUNT: &str = "800000000001";

fn network(name: &str) -> String {
    format!(
        r#"
stack {{
  region   = "{REGION}"
  accounts = ["{ACCOUNT}"]
  tags     = {{ project = "demo" }}
}}

resource "aws_vpc" "main" {{
  cidr_block           = "10.0.0.0/16"
  enable_dns_hostnames = true
  tags                 = {{ Name = "{name}" }}
}}

resource "aws_subnet" "private" {{
  for_each   = {{ a = 1, b = 2 }}
  vpc_id     = aws_vpc.main.id
  cidr_block = cidrsubnet("10.0.0.0/16", 8, each.value)
}}

output "vpc_id" {{
  value = aws_vpc.main.id
}}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn from_nothing_to_nothing() {
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&network("one"));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    let caller = Caller::new(cloud, ACCOUNT);

    let plan = run("plan --detailed-exitcode").ends(2);
    assert!(plan.out.contains("(known after aws_vpc.main)"), "{}", plan.out);
    assert!(plan.out.ends_with("Plan: 3 to create, 0 to update, 0 to delete, 1 output changes.\n"), "{}", plan.out);
    assert!(plan.err.contains(&format!("endpoint {}", cloud.endpoint())), "an endpoint that is not AWS is named: {}", plan.err);
    assert!(!here.path().join(".infra/dev/state.json").exists(), "a plan changes nothing");

    assert_eq!(run("apply").ends(64).codes(), ["nobody-to-ask"]);
    let applied = run("apply --auto-approve").ends(0);
    assert!(applied.out.contains("Applied: 3 steps done"), "{}", applied.out);
    assert!(applied.err.contains("aws_vpc.main: created vpc-"), "{}", applied.err);
    assert_eq!(run("plan --detailed-exitcode").ends(0).out, "No changes: `dev` is as its files say.\n");
    assert_eq!(run("drift").ends(0).out, "No drift: 3 resources of `dev` are as declared.\n");

    let vpc = run("output dev vpc_id").ends(0).out.trim().to_owned();
    assert!(vpc.starts_with("vpc-"), "{vpc}");
    assert_eq!(run("output --format json").ends(0).json()["outputs"]["vpc_id"]["value"], vpc.as_str());
    let list = run("state list").ends(0).out;
    assert!(list.lines().any(|it| it.starts_with("aws_vpc.main ") && it.ends_with(&vpc)), "{list}");
    assert!(run("state show aws_vpc.main").ends(0).out.contains("cidr_block"));
    assert_eq!(run("state pull").ends(0).json()["stack"], "dev");
    assert_eq!(here.binary(cloud, ACCOUNT, "console").ends(0).out, "");

    // Somebody changes a setting by hand.
    caller
        .ec2("ModifyVpcAttribute", &[("VpcId", &vpc), ("EnableDnsHostnames.Value", "false")])
        .await
        .unwrap()
        .success("ec2", "ModifyVpcAttribute")
        .unwrap();
    let drift = run("drift --format json").ends(2).json();
    assert_eq!(drift["findings"].as_array().unwrap().len(), 1);
    assert_eq!(drift["findings"][0]["verdict"], "changed");
    assert_eq!(drift["findings"][0]["attributes"][0]["path"], "enable_dns_hostnames");
    assert!(run("plan").ends(0).out.contains("changed behind our back: enable_dns_hostnames"));
    run("apply --auto-approve").ends(0);
    run("drift").ends(0);

    // A kept plan does what it showed, once.
    here.write("stacks/dev/stack.hcl", &network("two"));
    run("plan --out kept.plan").ends(0);
    run("apply --plan kept.plan --auto-approve").ends(0);
    assert_eq!(run("apply --plan kept.plan --auto-approve").ends(1).codes(), ["stale-plan"]);
    run("plan --out kept.plan").ends(0);
    here.write("stacks/dev/stack.hcl", &network("three"));
    assert_eq!(run("apply --plan kept.plan --auto-approve").ends(1).codes(), ["stale-plan"], "the files have changed");

    let events = run("destroy dev --auto-approve --format json").ends(0).out;
    let last: serde_json::Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["done"]), (&"summary".into(), &3.into()));
    assert_eq!(run("state list").ends(0).out, "");
    assert_eq!(run("output").ends(0).out, "");
    let left = caller.ec2("DescribeVpcs", &[("VpcId.1", &vpc)]).await.unwrap();
    assert_eq!(left.code(), "InvalidVpcID.NotFound");
}

#[tokio::test(flavor = "multi_thread")]
async fn state_in_a_bucket_that_bootstrap_makes() {
    const ACCOUNT: &str = "800000000002";
    let cloud = Cloud::shared().await.unwrap();
    let state = "state \"s3\" {\n    bucket     = \"demo-state-800000000002\"\n    key        = \"dev/state.json\"\n    lock_table = \"infra-lock\"\n    kms_key    = \"alias/demo-state\"\n  }";
    let here = Repository::of(&format!(
        "stack {{\n  region   = \"{REGION}\"\n  accounts = [\"{ACCOUNT}\"]\n  {state}\n}}\nresource \"aws_vpc\" \"main\" {{\n  cidr_block = \"10.0.0.0/16\"\n}}\n"
    ));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    let refused = run("plan").ends(1);
    assert_eq!(refused.codes(), ["no-store"]);
    assert!(refused.err.contains("infra bootstrap dev"), "{}", refused.err);
    assert_eq!(run("bootstrap").ends(64).codes(), ["nobody-to-ask"]);
    assert!(
        run("bootstrap --auto-approve").ends(0).err.contains("Made the bucket demo-state-800000000002 and the table infra-lock.")
    );
    assert_eq!(run("bootstrap").ends(0).out, "No changes: `bootstrap` is as its files say.\n", "it can be repeated");
    run("apply --auto-approve").ends(0);
    run("plan --detailed-exitcode").ends(0);
    run("destroy dev --auto-approve").ends(0);
    assert!(!here.path().join(".infra").exists());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_is_finished_by_the_next() {
    use std::process::Stdio;
    const ACCOUNT: &str = "800000000003";
    let cloud = Cloud::shared().await.unwrap();
    let many = "for_each = { for at in range(40) : tostring(at) => at }";
    let here = Repository::of(&format!(
        "stack {{\n  region = \"{REGION}\"\n}}\nresource \"aws_vpc\" \"main\" {{\n  cidr_block = \"10.0.0.0/16\"\n}}\nresource \"aws_subnet\" \"a\" {{\n  {many}\n  vpc_id     = aws_vpc.main.id\n  cidr_block = cidrsubnet(\"10.0.0.0/16\", 8, each.value)\n}}\n"
    ));
    let mut command = here.command("apply --auto-approve --parallelism 1");
    command.envs(cloud.env(ACCOUNT)).stderr(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    assert!(lines.any(|it| it.unwrap().starts_with("aws_subnet.a[\"0\"]: creating")));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    // Its progress must be read on, or it would wait for a reader.
    lines.for_each(drop);
    let done = child.wait_with_output().unwrap();
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(130), "{out}");
    assert!(out.contains("Interrupted:"), "{out}");
    here.binary(cloud, ACCOUNT, "apply --auto-approve").ends(0);
    here.binary(cloud, ACCOUNT, "plan --detailed-exitcode").ends(0);
    assert_eq!(here.binary(cloud, ACCOUNT, "state list").ends(0).out.lines().count(), 41);
    here.binary(cloud, ACCOUNT, "destroy dev --auto-approve").ends(0);
}
