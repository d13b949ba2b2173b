//! The `encryption` block: everything that is kept is encrypted, for those who are named, from the day on which it is demanded.

use localstack::client::Caller;
use localstack::{Cloud, REGION};
use serde_json::json;

use super::network;
use crate::bad_input::contents;
use crate::cli::person::{Repository, Said};

const ONE: &str = include_str!("../../secrets/key.txt");
const OTHER: &str = include_str!("../../secrets/other.txt");

fn recipient(key: &str) -> String {
    infra::secrets::age::Identity::parse_all(key)[0].recipient().to_string()
}

fn with_block(text: &str, block: &str) -> String {
    let region = format!("region = \"{REGION}\"\n");
    text.replacen(&region, &format!("{region}  state \"local\" {{\n    {block}\n  }}\n"), 1)
}

/// The files that are kept and say something of the stack's things. Former versions stay as they were.
fn in_clear(here: &Repository) -> Vec<String> {
    let kept = |name: &str| name.ends_with(".plan") || (name.contains("/.infra/") && !name.contains("/history/"));
    let tells = |bytes: &[u8]| bytes.starts_with(b"\x89infra") || String::from_utf8_lossy(bytes).contains("aws_vpc");
    contents(here.path()).into_iter().filter(|(name, it)| kept(name) && tells(it)).map(|(name, _)| name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_kept_is_encrypted_for_those_who_are_named() {
    const ACCOUNT: &str = "800000000431";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::new(&[("one.txt", ONE), ("other.txt", OTHER), ("stacks/dev/stack.hcl", "")]);
    let stack = |name: &str, block: &str| here.write("stacks/dev/stack.hcl", &with_block(&network(name), block));
    let with = |key: &str, line: &str| -> Said { here.binary_with(cloud, ACCOUNT, line, &[("SOPS_AGE_KEY_FILE", key)]) };
    let demanded = format!("encryption {{\n age {{ recipients = [\"{}\"] }}\n}}", recipient(ONE));

    // A new stack, from the first plan on.
    stack("one", &demanded);
    with("one.txt", "plan --out kept.plan").ends(0);
    assert_eq!(with("none.txt", "apply --plan kept.plan --auto-approve").ends(1).codes(), ["no-key"]);
    with("one.txt", "apply --plan kept.plan --auto-approve").ends(0);
    assert_eq!(in_clear(&here), Vec::<String>::new());
    for line in ["state list", "state pull", "state history", "runs", "drift", "plan --detailed-exitcode", "output"] {
        with("one.txt", line).ends(0);
    }
    for line in ["plan", "state list", "state pull", "output", "apply --auto-approve"] {
        let refused = with("other.txt", line).ends(1);
        assert_eq!(refused.codes(), ["no-key"], "{line}");
        assert!(refused.err.contains(&recipient(ONE)), "{}", refused.err);
    }

    // What is pulled can be looked at, changed and put back; a rollback works on former versions.
    let pulled = with("one.txt", "state pull").ends(0).out;
    here.write("pulled.json", &pulled);
    with("one.txt", "state push dev pulled.json --allow-older --auto-approve").ends(0);
    let serial = with("one.txt", "runs --format json").ends(0).json()["runs"][0]["serial"].to_string();
    stack("two", &demanded);
    with("one.txt", "apply --auto-approve").ends(0);
    with("one.txt", &format!("rollback {serial} --auto-approve")).ends(0);
    assert_eq!(in_clear(&here), Vec::<String>::new());

    // Another recipient takes over: whoever has the old key writes once.
    stack("one", &demanded.replace(&recipient(ONE), &recipient(OTHER)));
    with("one.txt", "apply --auto-approve").ends(0);
    assert_eq!(with("one.txt", "state list").ends(1).codes(), ["no-key"]);
    with("other.txt", "plan --detailed-exitcode").ends(0);
    with("other.txt", "destroy dev --auto-approve").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_in_and_the_way_out_are_said() {
    const ACCOUNT: &str = "800000000432";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::new(&[("one.txt", ONE), ("stacks/dev/stack.hcl", "")]);
    let stack = |block: &str| here.write("stacks/dev/stack.hcl", &with_block(&network("one"), block));
    let run = |line: &str| here.binary_with(cloud, ACCOUNT, line, &[("SOPS_AGE_KEY_FILE", "one.txt")]);
    let demanded = |word: &str| format!("encryption {{\n age {{ recipients = [\"{}\"] }}\n {word}\n}}", recipient(ONE));

    stack("");
    run("apply --auto-approve").ends(0);
    assert!(!in_clear(&here).is_empty());
    stack(&demanded(""));
    for line in ["plan", "state list", "apply --auto-approve"] {
        assert_eq!(run(line).ends(1).codes(), ["not-encrypted"], "{line}");
    }
    stack(&demanded("unencrypted = \"read\""));
    run("plan --detailed-exitcode").ends(0);
    run("apply --auto-approve").ends(0);
    stack(&demanded(""));
    run("plan --detailed-exitcode").ends(0);

    stack("");
    for line in ["plan", "state list", "apply --auto-approve"] {
        assert_eq!(run(line).ends(1).codes(), ["encrypted"], "{line}");
    }
    stack(&demanded("unencrypted = \"write\""));
    run("apply --auto-approve").ends(0);
    stack("");
    run("plan --detailed-exitcode").ends(0);
    run("destroy dev --auto-approve").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_in_a_bucket_is_encrypted_with_the_key_that_bootstrap_makes() {
    const ACCOUNT: &str = "800000000433";
    let cloud = Cloud::shared().await.unwrap();
    let state = "state \"s3\" {\n    bucket     = \"demo-state-800000000433\"\n    key        = \"dev/state.json\"\n    \
                 lock_table = \"infra-lock\"\n    kms_key    = \"alias/demo-state\"\n    \
                 encryption {\n      kms { key = \"alias/demo-state\" }\n    }\n  }";
    let region = format!("region = \"{REGION}\"\n");
    let here = Repository::of(&network("one").replacen(&region, &format!("{region}  {state}\n"), 1));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    run("bootstrap --auto-approve").ends(0);
    run("plan --out kept.plan").ends(0);
    run("apply --plan kept.plan --auto-approve").ends(0);
    for line in ["plan --detailed-exitcode", "state list", "state history", "runs", "drift"] {
        run(line).ends(0);
    }
    assert_eq!(in_clear(&here), Vec::<String>::new());
    run("destroy dev --auto-approve").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_of_kms_gives_way_to_another_and_either_recipient_opens() {
    const ACCOUNT: &str = "800000000434";
    let cloud = Cloud::shared().await.unwrap();
    let caller = Caller::new(cloud, ACCOUNT);
    let key = async || {
        let made = caller.json("kms", "TrentService.CreateKey", &json!({})).await.unwrap();
        made.json()["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    };
    let (old, new) = (key().await, key().await);
    let here = Repository::new(&[("one.txt", ONE), ("stacks/dev/stack.hcl", "")]);
    let stack = |kms: &str| {
        let age = format!("age {{ recipients = [\"{}\"] }}", recipient(ONE));
        here.write("stacks/dev/stack.hcl", &with_block(&network("one"), &format!("encryption {{\n {age}\n {kms}\n}}")));
    };
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    let disable = async |key: &str, action: &str| {
        let target = format!("TrentService.{action}");
        caller.json("kms", &target, &json!({ "KeyId": key })).await.unwrap().success("kms", action).unwrap();
    };

    stack(&format!("kms {{ key = \"{old}\" }}"));
    run("apply --auto-approve").ends(0);
    assert_eq!(in_clear(&here), Vec::<String>::new());
    // Either recipient is enough: KMS without the age key, the age key without KMS.
    run("plan --detailed-exitcode").ends(0);
    disable(&old, "DisableKey").await;
    here.binary_with(cloud, ACCOUNT, "state list", &[("SOPS_AGE_KEY_FILE", "one.txt")]).ends(0);
    assert_ne!(run("state list").code, 0);
    disable(&old, "EnableKey").await;

    // Rotation: the former key is named until the next write has wrapped everything anew.
    stack(&format!("kms {{ key = \"{new}\" }}"));
    assert_eq!(run("state list").ends(1).codes(), ["no-key"]);
    stack(&format!("kms {{\n key = \"{new}\"\n previous = [\"{old}\"]\n}}"));
    run("plan --detailed-exitcode").ends(0);
    run("apply --auto-approve").ends(0);
    stack(&format!("kms {{ key = \"{new}\" }}"));
    disable(&old, "DisableKey").await;
    run("plan --detailed-exitcode").ends(0);
    run("destroy dev --auto-approve").ends(0);
}
