//! What keeps a person from the mistake of their life, on the stacks that are worth it.

use std::collections::BTreeMap;

use serde_json::json;

use super::checkout::Checkout;

const REPOSITORY: &str = "module.registry.aws_ecr_repository.this[\"devops-demo-prod\"]";

#[tokio::test(flavor = "multi_thread")]
async fn prod_is_asked_for_by_name_and_keeps_what_is_precious() {
    let here = Checkout::local("700000000009", "700000000010").await;
    let yes = "--auto-approve --confirm prod";
    for answer in ["dev", "yes", ""] {
        let declined = here.asked("prod", "apply prod", answer).ends(1);
        assert!(declined.out.contains("type the name of the stack:"), "{}", declined.out);
        assert!(declined.out.contains("Nothing was changed."), "{}", declined.out);
    }
    for command in ["apply prod --auto-approve", "apply prod --auto-approve --confirm dev"] {
        assert_eq!(here.run(command).ends(1).codes(), ["not-confirmed"]);
    }
    assert!(here.ids("prod").is_empty());
    let applied = here.asked("prod", "apply prod", "prod").ends(0);
    assert!(applied.out.contains("Applied: "), "{}", applied.out);
    here.is_settled("prod");

    what_is_done_by_hand_is_undone_on_demand(&here, yes).await;
    too_many_deletions(&here);
    precious_things(&here, yes);
    for command in ["destroy prod --auto-approve", "destroy prod"] {
        assert_ne!(here.run(command).code, 0);
    }
    let refused = here.run(&format!("destroy prod {yes}")).ends(1);
    assert!(refused.codes().iter().all(|it| *it == "prevent-destroy"), "{}", refused.err);
    assert!(refused.codes().len() >= 3, "key, zone and repository: {}", refused.err);
    here.is_settled("prod");
}

async fn what_is_done_by_hand_is_undone_on_demand(here: &Checkout, yes: &str) {
    let mutability = json!({ "repositoryName": "devops-demo-prod", "imageTagMutability": "MUTABLE" });
    let caller = here.caller("prod");
    let answer = caller.json("ecr", "AmazonEC2ContainerRegistry_V20150921.PutImageTagMutability", &mutability).await;
    answer.unwrap().success("ecr", "PutImageTagMutability").unwrap();
    let puts = || here.cloud().calls().account(here.account("prod")).of("ecr.PutImageTagMutability");
    let before = puts();
    let plan = here.run("plan prod --format json").ends(0).json();
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(plan["withheld"][0]["address"], REPOSITORY);
    assert!(here.run("plan prod").ends(0).out.contains("--repair-drift"));
    here.run(&format!("apply prod {yes}")).ends(0);
    assert_eq!(puts(), before, "nobody asked for it");
    here.run("drift prod").ends(2);
    here.run(&format!("apply prod --repair-drift {yes}")).ends(0);
    assert_eq!(puts(), before + 1);
    here.is_settled("prod");
}

fn too_many_deletions(here: &Checkout) {
    const FILE: &str = "stacks/modules/network/security.hcl";
    let file = here.read(FILE);
    here.edit(FILE, "description = each.value", "description = \"${each.value}.\"");
    for command in ["plan prod", "apply prod --auto-approve --confirm prod"] {
        let refused = here.run(command).ends(1);
        assert_eq!(refused.codes(), ["too-many-deletes"]);
        assert!(refused.err.contains("at most 10 are allowed"), "{}", refused.err);
    }
    here.run("plan prod --max-deletes 100").ends(0);
    here.write(FILE, &file);
}

fn precious_things(here: &Checkout, yes: &str) {
    for (file, from, to, code, address) in [
        (
            "stacks/prod/route53.hcl",
            "\"chene-factory.com\"",
            "\"chene.com\"",
            "prevent-replace",
            "module.dns.aws_route53_zone.main",
        ),
        ("stacks/prod/ecr.hcl", "[\"devops-demo-prod\"]", "[\"other\"]", "prevent-destroy", REPOSITORY),
        (
            "stacks/prod/network.hcl",
            "[\"a\", \"b\", \"c\"]",
            "[\"a\", \"b\"]",
            "prevent-destroy",
            "module.network.aws_eip.nat[\"c\"]",
        ),
    ] {
        let before = here.read(file);
        here.edit(file, from, to);
        let refused = here.run("plan prod").ends(1);
        assert_eq!(refused.codes(), [code], "{address}: {}", refused.err);
        assert!(refused.err.contains(address), "{}", refused.err);
        here.write(file, &before);
    }
    // What protects is taken away first, in a change of its own.
    let (routing, network) = ("stacks/modules/network/routing.hcl", "stacks/prod/network.hcl");
    here.edit(routing, "domain     = \"vpc\"", "domain     = \"vpc\"\n  lifecycle { prevent_destroy = false }");
    let three = here.read(network);
    here.edit(network, "[\"a\", \"b\", \"c\"]", "[\"a\", \"b\"]");
    assert_eq!(here.run("plan prod").ends(1).codes(), ["prevent-destroy"], "both at once");
    let two = here.read(network);
    here.write(network, &three);
    here.run(&format!("apply prod {yes}")).ends(0);
    here.write(network, &two);
    assert_eq!(
        here.planned("prod"),
        [
            "delete module.network.aws_eip.nat[\"c\"]",
            "delete module.network.aws_nat_gateway.main[\"c\"]",
            "update module.network.aws_route.nat[\"c\"]"
        ]
    );
    here.run(&format!("apply prod {yes}")).ends(0);
    here.is_settled("prod");
}

/// Every command that calls anything.
const COMMANDS: &[&str] = &[
    "plan STACK",
    "apply STACK --auto-approve --confirm STACK",
    "drift STACK",
    "destroy STACK --auto-approve --confirm STACK",
    "bootstrap STACK --auto-approve --confirm bootstrap",
    "output STACK",
    "state list STACK",
    "unlock STACK",
];

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_one_account_are_refused_for_the_others_stack() {
    let here = Checkout::new("700000000011", "700000000012").await;
    for (stack, other) in [("dev", "prod"), ("prod", "dev")] {
        for command in COMMANDS {
            let line = command.replace("STACK", stack);
            let refused = here.run_in(here.account(other), &line, &[]).ends(1);
            assert_eq!(refused.codes(), ["wrong-account"], "{line}");
            assert!(refused.err.contains(here.account(stack)) && refused.err.contains(here.account(other)), "{}", refused.err);
        }
        let called = here.cloud().calls().account(here.account(other)).calls;
        assert_eq!(called.keys().collect::<Vec<_>>(), ["sts.GetCallerIdentity"]);
        assert_eq!(here.cloud().calls().account(here.account(stack)).calls.get("s3.ListBuckets"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_calls_nothing() {
    let here = Checkout::new("700000000013", "700000000014").await;
    here.edit("stacks/dev/stack.hcl", ">= 0.1, < 0.2", ">= 7");
    for command in COMMANDS {
        assert_eq!(here.run(&command.replace("STACK", "dev")).ends(1).codes(), ["wrong-version"], "{command}");
    }
    assert_eq!(here.cloud().calls().account(here.account("dev")).calls, BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_of_one_place() {
    let here = Checkout::local("700000000015", "700000000016").await;
    here.run("apply dev --auto-approve --target module.registry").ends(0);
    here.edit("stacks/dev/stack.hcl", "\"eu-west-1\"\n", "\"eu-west-3\"\n");
    for command in ["plan dev", "apply dev --auto-approve", "drift dev", "destroy dev --auto-approve"] {
        assert_eq!(here.run(command).ends(1).codes(), ["wrong-region"], "{command}");
    }
    here.edit("stacks/dev/stack.hcl", "\"eu-west-3\"\n", "\"eu-west-1\"\n");

    // As if it had been made through AWS itself.
    let state = here.read(".infra/dev/state.json");
    let endpoint = format!("\"endpoint\":\"{}\"", here.cloud().endpoint());
    assert!(state.contains(&endpoint), "a stand-in for AWS is remembered: {state}");
    here.write(".infra/dev/state.json", &state.replace(&endpoint, "\"endpoint\":null"));
    for command in ["plan dev", "apply dev --auto-approve", "drift dev", "destroy dev --auto-approve"] {
        assert_eq!(here.run(command).ends(1).codes(), ["endpoint-mismatch"], "{command}");
    }
    here.write(".infra/dev/state.json", &state);

    let expired = here.run_in(here.account("dev"), "apply dev --auto-approve", &[("AWS_SESSION_TOKEN", "expired")]).ends(1);
    assert_eq!(expired.codes(), ["expired-credentials"], "{}", expired.err);
    here.run("destroy dev --auto-approve").ends(0);
}
