//! `infra rollback`: back to what a former version had applied.

use localstack::Cloud;
use localstack::client::Caller;

use super::{network, steady};
use crate::cli::person::Repository;

/// The serial that the newest run left.
fn serial(here: &Repository, cloud: &Cloud, account: &str) -> u64 {
    here.binary(cloud, account, "runs --format json").ends(0).json()["runs"][0]["serial"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_gone_and_new_things_are_as_they_were() {
    const ACCOUNT: &str = "800000000404";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&network("one"));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    run("apply --auto-approve").ends(0);
    let first = serial(&here, cloud, ACCOUNT);
    let vpc = run("output dev vpc").ends(0).out.trim().to_owned();

    // The whole network is replaced, a subnet is gone, a group is new.
    let group = "resource \"aws_security_group\" \"web\" {\n  name   = \"web\"\n  vpc_id = aws_vpc.main.id\n}\n";
    let other = network("two").replace("10.0.0.0/16", "10.9.0.0/16").replace("{ one = 1, two = 2 }", "{ one = 1 }");
    here.write("stacks/dev/stack.hcl", &format!("{other}{group}"));
    run("apply --auto-approve").ends(0);
    assert_ne!(run("output dev vpc").ends(0).out.trim(), vpc);

    assert_eq!(run(&format!("rollback dev {first}")).ends(64).codes(), ["files-say-otherwise", "nobody-to-ask"]);
    assert_eq!(run("rollback 999").ends(1).codes(), ["no-version"]);
    let back = run("rollback --auto-approve").ends(0);
    assert_eq!(back.codes(), ["files-say-otherwise"]);
    let mut shown = back.out;
    let list = run("state list").ends(0).out;
    assert_eq!(list.lines().count(), 3, "{list}");
    let new = run("output dev vpc").ends(0).out.trim().to_owned();
    let caller = Caller::new(cloud, ACCOUNT);
    let seen = caller.ec2("DescribeSubnets", &[("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", &new)]).await.unwrap();
    assert_eq!(seen.texts("subnetId").len(), 2, "they lie in the network that was made again");
    // Once more: nothing to do. And the files of then agree.
    let again = run(&format!("rollback {first} --auto-approve")).ends(0);
    assert!(again.out.contains("No changes"), "{}", again.out);
    assert!(run("plan").ends(0).out.contains("Plan: "), "the files say otherwise");
    here.write("stacks/dev/stack.hcl", &network("one"));
    run("plan --detailed-exitcode").ends(0);
    shown.push_str(&run("runs").ends(0).out);
    run("destroy dev --auto-approve").ends(0);
    insta::assert_snapshot!(steady(&shown));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_as_they_are_and_are_named() {
    const ACCOUNT: &str = "800000000405";
    const SECRET: &str = "Zx9-canary-Qw7";
    let cloud = Cloud::shared().await.unwrap();
    let stack = |name: &str, secret: bool| {
        let tags = if secret { "Secret = var.secret" } else { "" };
        let text = network(name).replace(&format!("Name = \"{name}\""), &format!("Name = \"{name}\"\n {tags}"));
        format!("{text}variable \"secret\" {{\n  type      = string\n  sensitive = true\n  default   = \"none\"\n}}\n")
    };
    let here = Repository::of(&stack("one", true));
    let run = |line: &str, secret: &str| {
        let said = here.binary_with(cloud, ACCOUNT, line, &[("INFRA_VAR_secret", secret)]);
        for (name, bytes) in crate::bad_input::contents(here.path()) {
            assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "`infra {line}` wrote it to {name}");
        }
        assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET), "`infra {line}`: {}{}", said.out, said.err);
        said
    };
    run("apply --auto-approve", "Zx9-canary-Qw7-first").ends(0);
    let first = serial(&here, cloud, ACCOUNT);
    here.write("stacks/dev/stack.hcl", &stack("one", true).replace("{ one = 1, two = 2 }", "{ one = 1 }"));
    run("apply --auto-approve", "Zx9-canary-Qw7-second").ends(0);
    let back = run("rollback --auto-approve", "").ends(0);
    assert_eq!(back.codes(), ["files-say-otherwise", "secret-kept"]);
    assert!(back.err.contains("aws_vpc.main.tags"), "{}", back.err);
    assert!(back.out.contains("1 to create"), "{}", back.out);
    here.write("stacks/dev/stack.hcl", &stack("one", true));
    run("plan --detailed-exitcode", "Zx9-canary-Qw7-second").ends(0);

    // What held a secret and is gone cannot be made again.
    run("destroy dev --auto-approve", "").ends(0);
    let refused = run(&format!("rollback {first} --auto-approve"), "").ends(1);
    assert_eq!(refused.codes(), ["files-say-otherwise", "secret-gone"], "{}", refused.err);
}
