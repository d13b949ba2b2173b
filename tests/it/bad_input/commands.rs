//! What is typed wrong, and where it is typed.

use super::{contents, unchanged};
use crate::cli::person::{Repository, terminal};

const STACK: &str = "stack {\n  region = \"eu-west-1\"\n}\n\nvariable \"cidr\" { default = \"10.0.0.0/16\" }\n";

/// What is typed, the exit code, and what the answer must hold: the code, or the words of the parser of the command line.
const TABLE: &[(&str, &str, u8, &[&str])] = &[
    ("unknown command", "aply", 64, &["'apply'"]),
    ("unknown option", "plan --targte x", 64, &["'--target'"]),
    ("option without its value", "plan --target", 64, &["--target <ADDRESS>"]),
    ("no command", "", 64, &["Usage:"]),
    ("a format that does not exist", "plan --format yaml", 64, &["text", "json"]),
    ("a length of time that is none", "apply --lock-timeout soon", 64, &["90s, 10m, 1h30m"]),
    ("no steps at a time", "apply --parallelism 0", 64, &["--parallelism"]),
    ("stack name with ..", "plan ..", 64, &["error[stack-name]"]),
    ("stack name that leads elsewhere", "plan ../prod", 64, &["error[stack-name]"]),
    ("absolute stack name", "plan /etc", 64, &["error[stack-name]"]),
    ("stack that is not there", "plan dve", 64, &["error[no-such-stack]", "did you mean `dev`?"]),
    ("several stacks and none named", "plan", 64, &["error[which-stack]", "dev, prod"]),
    ("folder without stacks", "-C stacks/dev plan", 64, &["error[no-stacks]", "-C DIR"]),
    ("variable without a value", "validate dev --var cidr", 64, &["error[bad-variable]", "--var name=value"]),
    ("variable that is not declared", "validate dev --var cdir=1", 1, &["error[unknown-variable]", "did you mean `cidr`?"]),
    ("file of variables that is not there", "validate dev --var-file nowhere.hcl", 64, &["error[var-file]", "nowhere.hcl"]),
    ("file of variables that is a folder", "validate dev --var-file stacks", 64, &["error[var-file]", "stacks"]),
    ("address that is none", "state show dev vpc", 64, &["error"]),
    ("type that does not exist", "schema aws_vcp", 64, &["did you mean `aws_vpc`?"]),
    ("code that does not exist", "explain stale-pan", 64, &["error[no-such-code]", "did you mean `stale-plan`?"]),
];

#[test]
fn each_is_answered_with_what_to_type_instead() {
    let here = Repository::new(&[("stacks/dev/stack.hcl", STACK), ("stacks/prod/stack.hcl", STACK)]);
    let mut shown = String::new();
    for (what, line, code, parts) in TABLE {
        let said = unchanged(&here, || here.run(line)).ends(*code);
        assert!(said.out.is_empty(), "{what}: {}", said.out);
        for part in *parts {
            assert!(said.err.contains(part), "{what}: {part} is not in\n{}", said.err);
        }
        shown.push_str(&format!("==== {what}: infra {line}\n{}\n", said.err));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn a_place_without_stacks_says_what_is_expected() {
    let empty = Repository::new(&[("readme", "")]);
    for line in ["plan", "apply dev", "validate", "output"] {
        let said = unchanged(&empty, || empty.run(line)).ends(64);
        assert_eq!(said.codes(), ["no-stacks"], "{line}");
    }
    let bare = Repository::new(&[("stacks/modules/net/main.hcl", "")]);
    assert_eq!(bare.run("plan").ends(64).codes(), ["no-such-stack"]);
    let hollow = Repository::new(&[("stacks/dev/readme", "")]);
    let said = hollow.run("validate dev").ends(1);
    assert_eq!(said.codes().first(), Some(&"empty-folder"), "{}", said.err);
    let file = Repository::new(&[("stacks", "a file")]);
    assert_eq!(file.run("plan").ends(64).codes(), ["no-stacks"]);
}

#[test]
fn every_code_has_a_page_that_can_be_read_anywhere() {
    let here = Repository::of(STACK);
    for code in infra::diag::explain::codes() {
        let page = here.run(&format!("explain {code}")).ends(0).out;
        let prose: String = page.lines().filter(|it| !it.starts_with('#')).collect::<Vec<_>>().join("\n");
        let sentences = prose.split_inclusive(['.', ':', '?']).filter(|it| it.split_whitespace().count() > 2).count();
        assert!(sentences >= 3, "{code} says too little:\n{page}");
        for placeholder in ["TODO", "TBD", "lorem", "FIXME", "coming soon"] {
            assert!(!page.contains(placeholder), "{code}: {placeholder}");
        }
    }
}

#[test]
fn a_narrow_terminal_and_a_dumb_one_get_the_same_words() {
    let wrong =
        Repository::of("stack {\n  region = \"eu-west-1\"\n}\nresource \"aws_vpc\" \"a\" {\n  cidr_blok = \"10.0.0.0/16\"\n}\n");
    let plain = wrong.run("validate").ends(1).err;
    for width in [0, 1, 10, 20, 40, 300] {
        let said = wrong.run_as("validate", "", terminal(width), &[("TERM", "dumb")]).ends(1);
        assert_eq!(said.err, plain, "at {width} columns");
        wrong.run_as("schema aws_vpc", "", terminal(width), &[]).ends(0);
        wrong.run_as("--help", "", terminal(width), &[]).ends(0);
    }
    assert_eq!(contents(wrong.path()).len(), 1);
}
