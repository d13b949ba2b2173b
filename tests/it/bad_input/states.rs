//! States, locks and kept plans that do not fit.

use localstack::{Cloud, REGION};

use super::{mutations, steady, unchanged};
use crate::cli::person::Repository;

fn stack(cidr: &str) -> String {
    format!("stack {{\n  region = \"{REGION}\"\n}}\n\nresource \"aws_vpc\" \"main\" {{\n  cidr_block = \"{cidr}\"\n}}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_does_not_fit_is_left_alone() {
    const ACCOUNT: &str = "800000000110";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&stack("10.0.0.0/16"));
    here.binary(cloud, ACCOUNT, "apply --auto-approve").ends(0);
    let file = here.path().join(".infra/dev/state.json");
    let good = std::fs::read_to_string(&file).unwrap();
    let before = mutations(cloud, ACCOUNT);
    // In the middle of a text that comes before what tells of the journal, which may hold nothing of so short a run.
    let truncated = good.find("\"dev\"").unwrap() + 2;
    let rows = [
        ("truncated", good[..truncated].to_owned(), "state-damaged"),
        ("empty", String::new(), "state-damaged"),
        ("noise", "\u{1}\u{2}{".to_owned(), "state-damaged"),
        ("newer format", good.replacen("\"format\":1", "\"format\":9", 1), "state-newer"),
        ("state of another stack", good.replacen("\"stack\":\"dev\"", "\"stack\":\"prod\"", 1), "state-of-another-stack"),
        ("state of Terraform", "{\"version\":4,\"terraform_version\":\"1.9\"}".to_owned(), "state-foreign"),
        ("some other document", "[]".to_owned(), "state-foreign"),
        ("state of another account", good.replace(ACCOUNT, "999999999999"), "wrong-account"),
        ("state of another region", good.replacen("\"region\":\"eu-west-1\"", "\"region\":\"us-east-1\"", 1), "wrong-region"),
    ];
    let mut shown = String::new();
    for (what, text, code) in rows {
        for command in ["plan", "drift", "apply --auto-approve", "destroy dev --auto-approve"] {
            std::fs::write(&file, &text).unwrap();
            let said = here.binary(cloud, ACCOUNT, command);
            // Who takes the lock writes its epoch into a state that can be read, and nothing else.
            let left = std::fs::read_to_string(&file).unwrap();
            assert_eq!(without_epoch(&left), without_epoch(&text), "{what}, {command}: it is left alone");
            assert_eq!((said.code, said.codes()), (1, vec![code]), "{what}, {command}:\n{}", said.err);
            if command == "plan" {
                shown.push_str(&format!("==== {what}\n{}\n", steady(&said.err)));
            }
        }
    }
    assert_eq!(mutations(cloud, ACCOUNT), before);
    std::fs::write(&file, &good).unwrap();
    here.binary(cloud, ACCOUNT, "plan --detailed-exitcode").ends(0);
    insta::assert_snapshot!(shown);
}

/// A state without the marks of the runs that held it; other text as it is.
fn without_epoch(text: &str) -> String {
    let Ok(mut document) = serde_json::from_str::<serde_json::Value>(text) else { return text.to_owned() };
    if let Some(members) = document.as_object_mut() {
        members.retain(|name, _| !["serial", "epoch", "run", "watermark"].contains(&name.as_str()));
    }
    document.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_plan_that_does_not_fit_is_refused() {
    const ACCOUNT: &str = "800000000111";
    let cloud = Cloud::shared().await.unwrap();
    let here =
        Repository::new(&[("stacks/dev/stack.hcl", &stack("10.0.0.0/16")), ("stacks/prod/stack.hcl", &stack("10.1.0.0/16"))]);
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    run("plan dev --out good.plan").ends(0);
    let good = std::fs::read(here.path().join("good.plan")).unwrap();
    let keep = |name: &str, bytes: &[u8]| std::fs::write(here.path().join(name), bytes).unwrap();
    keep("cut.plan", &good[..good.len() - 7]);
    keep("short.plan", &good[..6]);
    keep("empty.plan", &[]);
    keep(
        "flipped.plan",
        &good.iter().enumerate().map(|(at, it)| if at == good.len() / 2 { it ^ 4 } else { *it }).collect::<Vec<_>>(),
    );
    keep("text.plan", b"resource \"aws_vpc\" \"a\" {}");
    let mut shown = String::new();
    let mut refused = |what: &str, line: &str, code: &str| {
        let said = run(line).ends(1);
        assert_eq!(said.codes(), [code], "{what}:\n{}", said.err);
        shown.push_str(&format!("==== {what}\n{}\n", steady(&said.err)));
    };
    refused("truncated", "apply dev --auto-approve --plan cut.plan", "plan-file-damaged");
    refused("truncated in its head", "apply dev --auto-approve --plan short.plan", "plan-file-foreign");
    refused("changed", "apply dev --auto-approve --plan flipped.plan", "plan-file-damaged");
    refused("empty", "apply dev --auto-approve --plan empty.plan", "plan-file-foreign");
    refused("not a plan", "apply dev --auto-approve --plan text.plan", "plan-file-foreign");
    refused("of another stack", "apply prod --auto-approve --plan good.plan", "plan-file-other-stack");
    here.write("stacks/dev/stack.hcl", &stack("10.9.0.0/16"));
    refused("stale: the files have changed", "apply dev --auto-approve --plan good.plan", "stale-plan");
    assert_eq!(mutations(cloud, ACCOUNT), 0);
    here.write("stacks/dev/stack.hcl", &stack("10.0.0.0/16"));
    run("apply dev --auto-approve --plan good.plan").ends(0);
    refused("stale: it was carried out", "apply dev --auto-approve --plan good.plan", "stale-plan");
    insta::assert_snapshot!(shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_kept_whole_or_not_at_all() {
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&stack("10.0.0.0/16"));
    // The key that digests are made with comes with the first plan.
    here.binary(cloud, "800000000112", "plan").ends(0);
    for place in ["nowhere/new.plan", "stacks"] {
        let said = unchanged(&here, || here.binary(cloud, "800000000112", &format!("plan --out {place}")));
        assert!([1, 64].contains(&said.code), "{place}: {}", said.err);
        assert_eq!(said.codes(), ["io"], "{place}: {}", said.err);
        assert!(said.err.contains(place), "{}", said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_says_whose_since_when_and_what_to_do() {
    const ACCOUNT: &str = "800000000113";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&stack("10.0.0.0/16"));
    let store = infra::store::local::Local::new(&here.path().join(".infra"), "dev".parse().unwrap());
    let owner = infra::store::Owner { run: "other".into(), who: "bob@desk".into(), command: "infra apply dev".into() };
    let session = infra::store::Store::lock(&store, &owner, None).await.unwrap();
    let mut shown = String::new();
    for line in ["apply --auto-approve --lock-timeout 0s", "destroy dev --auto-approve --lock-timeout 0s", "unlock"] {
        let said = unchanged(&here, || here.binary(cloud, ACCOUNT, line));
        assert!([1, 64].contains(&said.code), "{line}: {}", said.err);
        for part in ["bob@desk", "infra apply dev"] {
            assert!(said.err.contains(part), "{line}: {part} is not in\n{}", said.err);
        }
        shown.push_str(&format!("==== {line}\n{}\n", steady(&said.err)));
    }
    assert_eq!(mutations(cloud, ACCOUNT), 0);
    session.release().await.unwrap();
    insta::assert_snapshot!(shown);
}
