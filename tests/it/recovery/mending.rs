//! `infra state history|show --version|mv|rm|push`.

use localstack::Cloud;

use super::{network, steady};
use crate::cli::person::Repository;

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_looked_at_and_mended() {
    const ACCOUNT: &str = "800000000401";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&network("one"));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    assert_eq!(run("state history").ends(0).out, "`dev` has no state yet.\n");
    run("apply --auto-approve").ends(0);
    here.write("stacks/dev/stack.hcl", &network("two"));
    run("apply --auto-approve").ends(0);
    let mut shown = String::new();
    let mut show = |said: String| shown.push_str(&format!("{}\n", steady(&said)));

    let history = run("state history --format json").ends(0).json();
    let versions = history["versions"].as_array().unwrap();
    assert_eq!(versions[0]["current"], true);
    // What the first apply left.
    let first = versions.iter().rev().find(|it| it["command"] == "infra apply dev").unwrap();
    let serial = first["serial"].as_u64().unwrap();
    assert_eq!(first["result"], "done");
    show(run("state history").ends(0).out);
    let then = run(&format!("state show --version {serial} aws_vpc.main")).ends(0).out;
    assert!(then.contains("\"one\"") && !then.contains("\"two\""), "{then}");
    assert_eq!(run(&format!("state show dev --version {serial}")).ends(0).out.lines().count(), 3);
    assert_eq!(run(&format!("state pull --version {serial}")).ends(0).json()["serial"], serial);
    assert_eq!(run("state show --version 999 aws_vpc.main").ends(1).codes(), ["no-version"]);
    assert_eq!(run("state show").ends(64).codes(), ["address"]);

    // Another address: the files follow, and nothing is to be done but to say so.
    let two = "aws_subnet.a[\"two\"]";
    assert_eq!(run(&format!("state mv {two} aws_subnet.b")).ends(64).codes(), ["nobody-to-ask"]);
    assert_eq!(run(&format!("state mv {two} aws_vpc.b --auto-approve")).ends(1).codes(), ["move-conflict"]);
    assert_eq!(run(&format!("state mv {two} aws_subnet.a[\"one\"] --auto-approve")).ends(1).codes(), ["move-conflict"]);
    assert_eq!(run("state mv aws_subnet.c aws_subnet.d --auto-approve").ends(1).codes(), ["not-recorded"]);
    let moved = run(&format!("state mv dev {two} aws_subnet.b --auto-approve")).ends(0);
    show(format!("{}{}", moved.err, moved.out));
    let files = network("two").replace("{ one = 1, two = 2 }", "{ one = 1 }");
    let other = "resource \"aws_subnet\" \"b\" {\n  vpc_id     = aws_vpc.main.id\n  cidr_block = \"10.0.2.0/24\"\n}\n";
    here.write("stacks/dev/stack.hcl", &format!("{files}{other}"));
    run("plan --detailed-exitcode").ends(0);

    // Forgotten, and brought back by the document that still has it.
    let kept = run("state pull").ends(0).out;
    here.write("kept.json", &kept);
    let forgotten = run("state rm aws_subnet.b --auto-approve").ends(0);
    show(format!("{}{}", forgotten.err, forgotten.out));
    assert!(run("plan").ends(0).out.contains("1 to create"));
    assert_eq!(run("state push kept.json --auto-approve").ends(1).codes(), ["older-state"]);
    let pushed = run("state push kept.json --allow-older --auto-approve").ends(0);
    show(format!("{}{}", pushed.err, pushed.out));
    run("plan --detailed-exitcode").ends(0);

    // Documents that do not fit.
    for (from, to, code) in [
        ("\"lineage\":\"", "\"lineage\":\"0", "state-of-another-stack"),
        ("\"stack\":\"dev\"", "\"stack\":\"prod\"", "state-of-another-stack"),
        ("\"format\":1", "\"format\":7", "state-newer"),
        ("\"10.0.2.0/24\"", "\"10.0.2.0/24", "state-damaged"),
        ("\"aws_subnet.b\":", "\"aws_subnet.c\":{},\"aws_subnet.b\":", "state-damaged"),
    ] {
        assert!(kept.contains(from), "{from} in {kept}");
        here.write("bad.json", &kept.replacen(from, to, 1));
        assert_eq!(run("state push bad.json --allow-older --auto-approve").ends(1).codes(), [code], "{from}");
    }
    assert_eq!(run("state push none.json").ends(64).codes(), ["io"]);

    // A lost state, brought back.
    let last = run("state pull").ends(0).out;
    here.write("last.json", &last);
    std::fs::rename(here.path().join(".infra"), here.path().join("lost")).unwrap();
    assert_eq!(run("plan").ends(1).codes(), ["lost-state"]);
    run("state push last.json --auto-approve").ends(0);
    run("plan --detailed-exitcode").ends(0);
    run("destroy dev --auto-approve").ends(0);
    insta::assert_snapshot!(shown);
}
