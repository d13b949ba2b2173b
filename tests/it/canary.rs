//! The canary: secrets in variables, files of SOPS, user data, policies, records and outputs, through every command, format,
//! failure and panic there is. They may be in AWS, where they belong, and in nothing that is written besides.

mod panics;
mod planted;
mod seen;

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use localstack::control::{Effect, Fault};

use planted::{ACCOUNT, Planted};

/// Everything that is typed, in this order: the command, how its line goes on, how it ends. `FORMATS` stands for one line in
/// each format.
const STORY: &[(&str, &str, &[u8])] = &[
    ("version", "FORMATS", &[0, 64]),
    ("explain", "sensitive-output", &[0]),
    ("completions", "bash", &[0]),
    ("schema", "aws_launch_template FORMATS", &[0, 64]),
    ("validate", "FORMATS", &[0, 64]),
    ("graph", "FORMATS", &[0, 64]),
    ("rehearse", "dev FORMATS", &[0, 64]),
    ("bootstrap", "--auto-approve", &[0]),
    ("plan", "--all FORMATS", &[0]),
    ("plan", "--out kept.plan", &[0]),
    ("apply", "--plan kept.plan --auto-approve --format json", &[0]),
    ("apply", "--auto-approve", &[0]),
    ("plan", "--detailed-exitcode FORMATS", &[0]),
    ("plan", "--refresh=false --replace aws_vpc.main --var rotated=Zx9-canary-Qw7-rotated FORMATS", &[0]),
    ("output", "FORMATS", &[0, 64]),
    ("output", "dev secret FORMATS", &[1, 64]),
    ("drift", "FORMATS", &[0]),
    ("state list", "FORMATS", &[0, 64]),
    ("state show", "aws_vpc.main FORMATS", &[0, 64]),
    ("state show", "aws_launch_template.nodes FORMATS", &[0, 64]),
    ("state show", "aws_ecr_repository.service FORMATS", &[0, 64]),
    ("state pull", "FORMATS", &[0, 64]),
    ("state history", "FORMATS", &[0, 64]),
    ("runs", "FORMATS", &[0, 64]),
    ("runs", "--address aws_security_group.web FORMATS", &[0, 64]),
    ("import", "aws_vpc.main vpc-0123456789abcdef0 --auto-approve", &[1]),
    ("state mv", "aws_kms_key.main aws_kms_key.moved --auto-approve", &[0]),
    ("state mv", "aws_kms_key.moved aws_kms_key.main --auto-approve", &[0]),
    ("state rm", "aws_kms_key.none --auto-approve", &[1]),
    ("state push", "dev pulled.json --allow-older --auto-approve", &[0]),
    ("state rebuild", "--auto-approve FORMATS", &[0, 64]),
    ("unlock", "FORMATS", &[0, 1, 64]),
    ("kubeconfig", "--kubeconfig - FORMATS", &[1, 64]),
    ("eks-token", "none --region eu-west-1", &[0]),
    ("apply", "--auto-approve --var rotated=Zx9-canary-Qw7-rotated --format json", &[0]),
    ("rollback", "--auto-approve", &[0]),
    ("rollback", "--auto-approve --format json", &[0]),
];

/// How a stack ends.
const END: &[(&str, &str, &[u8])] = &[("destroy", "dev --auto-approve --format json", &[0]), ("runs", "dev FORMATS", &[0, 64])];

fn lines(line: &str) -> Vec<String> {
    match line.strip_suffix("FORMATS") {
        Some(line) => ["", "--format json", "--format markdown"].map(|it| format!("{line}{it}")).into(),
        None => vec![line.to_owned()],
    }
}

/// The commands that can be typed, as `state list`.
fn leaves(command: &clap::Command, path: &str) -> BTreeSet<String> {
    let below = |it: &clap::Command| {
        let path = format!("{path} {}", it.get_name()).trim().to_owned();
        if it.has_subcommands() { leaves(it, &path) } else { [path].into() }
    };
    command.get_subcommands().flat_map(below).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_tells_a_secret() {
    let typed: BTreeSet<String> =
        STORY.iter().chain(END).map(|(command, ..)| (*command).to_owned()).chain(["console".into()]).collect();
    assert_eq!(typed, leaves(&infra::cli::commands(), ""), "a new command belongs into the story");

    let planted = Planted::new().await;
    for (command, rest, codes) in STORY {
        if *command == "state push" {
            let pulled = planted.run("state pull").out;
            planted.here.write("pulled.json", &pulled);
        }
        for line in lines(rest) {
            let line = format!("{command} {line}");
            let said = planted.run(&line);
            assert!(codes.contains(&said.code), "`infra {line}` ends with {}:\n{}{}", said.code, said.out, said.err);
        }
        planted.is_silent_in_the_store(command).await;
    }
    for expression in ["var.secret", "local.sops", "upper(var.file)", "[for it in [var.secret] : it]", "tonumber(var.secret)"] {
        planted.console(expression);
    }
    wrong_files(&planted);
    quoted_by_services(&planted).await;
    killed_in_between(&planted).await;
    for (command, rest, codes) in END {
        for line in lines(rest) {
            let said = planted.run(&format!("{command} {line}"));
            assert!(codes.contains(&said.code), "`infra {command} {line}`: {}{}", said.out, said.err);
        }
    }
    planted.is_silent_in_the_store("destroy").await;
}

/// What is wrong with a secret is said without it.
fn wrong_files(planted: &Planted) {
    for wrong in [
        "output \"plain\" { value = var.secret }",
        "output \"sops\" { value = local.sops }",
        "resource \"aws_vpc\" \"bad\" { cidr_block = var.secret }",
        "resource \"aws_vpc\" \"each\" {\n  for_each   = { (var.secret) = 1 }\n  cidr_block = \"10.0.0.0/16\"\n}",
        "output \"number\" { value = tonumber(var.secret) }",
        "output \"json\" { value = jsondecode(var.secret) }",
        "output \"yaml\" { value = yamldecode(\"a: [${var.secret}\") }",
        "output \"decoded\" { value = base64decode(var.secret) }",
        "output \"file\" { value = file(var.secret) }",
        "output \"sops_file\" { value = sops_decrypt_file(var.secret) }",
        "output \"key\" { value = { a = 1 }[var.secret] }",
        "output \"regex\" { value = regex(\"^x$\", var.secret) }",
        "output \"date\" { value = formatdate(\"YYYY\", var.secret) }",
        "output \"cidr\" { value = cidrsubnet(var.secret, 8, 1) }",
        "resource \"aws_iam_policy\" \"bad\" {\n  name   = \"bad\"\n  policy = var.secret\n}",
        "resource \"aws_vpc\" \"stopped\" {\n  cidr_block = \"10.0.0.0/16\"\n  lifecycle {\n    precondition {\n      condition     \
         = var.secret == \"\"\n      error_message = \"not ${var.secret}\"\n    }\n  }\n}",
    ] {
        planted.here.write("stacks/dev/wrong.hcl", wrong);
        for line in ["validate", "plan", "validate --format json", "plan --format markdown", "apply --auto-approve"] {
            let said = planted.run(line);
            assert_eq!(said.code, 1, "{line} of {wrong}: {}{}", said.out, said.err);
        }
    }
    std::fs::remove_file(planted.here.path().join("stacks/dev/wrong.hcl")).unwrap();
}

/// Services quote what they refuse, and infra shows, records and tells what services say.
async fn quoted_by_services(planted: &Planted) {
    let quotes = |calls: &[(&str, &str)]| {
        let rules = calls.iter().map(|(service, action)| Fault::on(service, action, Effect::Quote)).collect();
        planted.cloud.account_faults(ACCOUNT, rules);
    };
    planted.here.write("stacks/dev/more.hcl", planted::MORE);
    let creations = [
        ("ec2", "CreateVpc"),
        ("ec2", "CreateLaunchTemplate"),
        ("ecr", "SetRepositoryPolicy"),
        ("iam", "CreatePolicy"),
        ("kms", "CreateKey"),
        ("route53", "ChangeResourceRecordSets"),
    ];
    quotes(&creations);
    let failed = planted.run("apply --auto-approve");
    assert_eq!((failed.code, failed.err.matches("is not valid").count() > 4), (3, true), "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("(sensitive)"), "{}", failed.err);
    planted.is_silent_in_the_store("a refused apply").await;
    planted.run("apply --auto-approve --format json").ends(1);
    quotes(&[]);
    planted.run("apply --auto-approve").ends(0);

    let changes = [
        ("ec2", "CreateTags"),
        ("ec2", "CreateLaunchTemplateVersion"),
        ("ecr", "SetRepositoryPolicy"),
        ("iam", "CreatePolicyVersion"),
        ("kms", "UpdateKeyDescription"),
        ("route53", "ChangeResourceRecordSets"),
    ];
    quotes(&changes);
    let failed = planted.run("apply --auto-approve --var rotated=Zx9-canary-Qw7-rotated");
    assert!([1, 3].contains(&failed.code) && failed.err.contains("is not valid"), "{}{}", failed.out, failed.err);
    planted.is_silent_in_the_store("a refused change").await;
    for line in ["runs", "runs --format json", "state pull"] {
        planted.run(line).ends(0);
    }
    quotes(&[]);
    planted.run("apply --auto-approve --var rotated=Zx9-canary-Qw7-rotated").ends(0);
    std::fs::remove_file(planted.here.path().join("stacks/dev/more.hcl")).unwrap();
    planted.run("apply --auto-approve").ends(0);
}

/// The journal of a run that was killed with calls under way, and what the next one makes of it.
async fn killed_in_between(planted: &Planted) {
    planted.here.write("stacks/dev/more.hcl", planted::MORE);
    planted.cloud.account_faults(ACCOUNT, vec![Fault::on("kms", "CreateKey", Effect::Hang)]);
    let mut child = planted.command("apply --auto-approve").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while planted.journal().await == 0 {
        assert!(Instant::now() < end, "nothing is in the journal");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    planted.is_silent_in_the_store("an apply at work").await;
    for line in ["runs", "runs --format json"] {
        planted.run(line).ends(0);
    }
    assert_eq!(planted.run("unlock").code, 64, "nobody can be asked");
    child.kill().unwrap();
    child.wait().unwrap();
    planted.cloud.account_faults(ACCOUNT, Vec::new());
    let healed = planted.run("apply --auto-approve --lock-timeout 2m");
    assert!([0, 1].contains(&healed.code), "{}{}", healed.out, healed.err);
    planted.is_silent_in_the_store("the apply after it").await;
    std::fs::remove_file(planted.here.path().join("stacks/dev/more.hcl")).unwrap();
    planted.run("apply --auto-approve").ends(0);
}
