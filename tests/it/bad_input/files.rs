//! What people get wrong in files: each gets a code, a place, and something to do.

use super::unchanged;
use crate::cli::person::Repository;

/// A stack around one mistake.
fn stack(mistake: &str) -> Repository {
    Repository::of(&format!("stack {{\n  region = \"eu-west-1\"\n}}\n\n{mistake}\n"))
}

const TABLE: &[(&str, &str, &str)] = &[
    ("wrong type", "resource \"aws_vpc\" \"a\" {\n  cidr_block = [\"10.0.0.0/16\"]\n}", "wrong-type"),
    ("misspelt attribute", "resource \"aws_vpc\" \"a\" {\n  cidr_blok = \"10.0.0.0/16\"\n}", "unknown-attribute"),
    ("missing attribute", "resource \"aws_vpc\" \"a\" {}", "missing-attribute"),
    ("unknown reference", "output \"a\" { value = aws_vpc.nowhere.id }", "unknown-reference"),
    ("unknown type", "resource \"aws_vcp\" \"a\" {}", "unknown-type"),
    ("unknown function", "output \"a\" { value = uper(\"a\") }", "unknown-function"),
    ("cycle", "locals {\n  a = local.b\n  b = local.a\n}\noutput \"a\" { value = local.a }", "cycle"),
    ("duplicate block", "variable \"a\" { default = 1 }\nvariable \"a\" { default = 2 }", "duplicate-block"),
    ("bad CIDR", "resource \"aws_vpc\" \"a\" {\n  cidr_block = \"10.0.0.1/16\"\n}", "bad-cidr"),
    ("bad JSON", "resource \"aws_s3_bucket\" \"a\" {\n  bucket = \"abc\"\n  policy = \"{\"\n}", "bad-json"),
    (
        "bad port",
        "resource \"aws_vpc\" \"v\" { cidr_block = \"10.0.0.0/16\" }\nresource \"aws_security_group\" \"a\" {\n  vpc_id = aws_vpc.v.id\n  name = \"a\"\n  description = \"a\"\n  ingress {\n    protocol = \"tcp\"\n    from_port = 70000\n    to_port = 70000\n    cidr_blocks = [\"10.0.0.0/8\"]\n  }\n}",
        "bad-value",
    ),
    ("module not found", "module \"a\" { source = \"../modules/nowhere\" }", "module-not-found"),
    ("module from a registry", "module \"a\" { source = \"terraform-aws-modules/vpc/aws\" }", "module-source"),
    (
        "for_each on a list",
        "resource \"aws_vpc\" \"a\" {\n  for_each = [\"x\"]\n  cidr_block = \"10.0.0.0/16\"\n}",
        "for-each-list",
    ),
    ("count", "resource \"aws_vpc\" \"a\" {\n  count = 2\n  cidr_block = \"10.0.0.0/16\"\n}", "no-count"),
    ("provider", "provider \"aws\" { region = \"eu-west-1\" }", "not-terraform"),
    ("terraform and backend", "terraform {\n  backend \"s3\" {}\n}", "not-terraform"),
    ("missing variable", "variable \"a\" { type = string }\noutput \"a\" { value = var.a }", "missing-variable"),
    (
        "variable of the wrong type",
        "variable \"a\" {\n  type    = number\n  default = \"many\"\n}\noutput \"a\" { value = var.a }",
        "wrong-type",
    ),
    ("split resource", "resource \"aws_s3_bucket_versioning\" \"a\" {\n  bucket = \"abc\"\n}", "part-of-another"),
    ("module that needs itself", "module \"a\" { source = \".\" }", "module-cycle"),
    (
        "cycle of resources",
        "resource \"aws_vpc\" \"a\" {\n  cidr_block = aws_vpc.b.cidr_block\n}\nresource \"aws_vpc\" \"b\" {\n  cidr_block = aws_vpc.a.cidr_block\n}",
        "cycle",
    ),
    (
        "duplicate resource",
        "resource \"aws_vpc\" \"a\" { cidr_block = \"10.0.0.0/16\" }\nresource \"aws_vpc\" \"a\" { cidr_block = \"10.1.0.0/16\" }",
        "duplicate-block",
    ),
    ("file that leads out", "output \"a\" { value = file(\"../../../etc/passwd\") }", "bad-argument"),
    ("impure function", "output \"a\" { value = timestamp() }", "refused-function"),
    ("broken syntax", "resource \"aws_vpc\" {", "syntax"),
];

#[test]
fn each_mistake_is_named_and_placed() {
    for (what, mistake, code) in TABLE {
        let here = stack(mistake);
        for command in ["validate", "plan"] {
            let said = unchanged(&here, || here.run(command)).ends(1);
            assert!(said.codes().contains(code), "{what}: {}", said.err);
            assert!(said.err.contains("stacks/dev/stack.hcl:"), "{what} has no place: {}", said.err);
            here.run(&format!("explain {code}")).ends(0);
        }
    }
}

#[test]
fn all_of_them_come_at_once() {
    let here =
        stack("resource \"aws_vpc\" \"a\" {\n  cidr_blok = 1\n}\nprovider \"aws\" {}\noutput \"x\" { value = local.nowhere }");
    let said = here.run("validate").ends(1);
    for code in ["unknown-attribute", "missing-attribute", "not-terraform", "unknown-reference"] {
        assert!(said.codes().contains(&code), "{code}: {}", said.err);
    }
    let document = here.run("validate --format json").ends(1).json();
    assert_eq!(document["valid"], false);
    assert_eq!(document["errors"], document["diagnostics"].as_array().unwrap().len());
}

#[test]
fn mistakes_as_they_are_shown() {
    let all: Vec<String> =
        TABLE.iter().map(|(what, mistake, _)| format!("==== {what}\n{}", stack(mistake).run("validate").err)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

/// Files that are no stack files at all. Each is put beside a good one.
#[test]
fn files_that_cannot_be_read() {
    let good = "stack {\n  region = \"eu-west-1\"\n}\n";
    let noise: Vec<u8> = (0..4096_u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let nested = format!("locals {{\n  a = {}1{}\n}}\n", "[".repeat(50_000), "]".repeat(50_000));
    let blocks = "a {\n".repeat(50_000);
    let huge = format!("locals {{\n  a = \"{}\"\n}}\n", "x".repeat(20 << 20));
    let rows: [(&str, &[u8], &str); 6] = [
        ("noise", &noise, "unreadable"),
        ("zeros", &[0; 64], "syntax"),
        ("half a letter", b"locals {\n  a = \"\xc3\n", "unreadable"),
        ("deep values", nested.as_bytes(), "too-deep"),
        ("deep blocks", blocks.as_bytes(), "too-deep"),
        ("20 MiB", huge.as_bytes(), "too-large"),
    ];
    let mut shown = String::new();
    for (what, bytes, code) in rows {
        let here = Repository::of(good);
        std::fs::write(here.path().join("stacks/dev/odd.hcl"), bytes).unwrap();
        for command in ["validate", "plan"] {
            let said = unchanged(&here, || here.run(command)).ends(1);
            assert!(said.codes().contains(&code), "{what}: {}", said.err);
            assert!(said.err.contains("stacks/dev/odd.hcl"), "{what} has no place: {}", said.err);
            assert!(said.err.len() < 4000, "{what}: as much as a person reads");
        }
        shown.push_str(&format!("==== {what}\n{}\n", here.run("validate").err));
    }
    insta::assert_snapshot!(shown);
}

#[cfg(unix)]
#[test]
fn things_that_are_no_files() {
    use std::os::unix::fs::symlink;
    let good = "stack {\n  region = \"eu-west-1\"\n}\n";
    let here = Repository::of(good);
    let odd = here.path().join("stacks/dev/odd.hcl");
    for (what, target) in [("a link to nothing", "nowhere"), ("a link to itself", "odd.hcl"), ("a link out", "/etc/passwd")] {
        symlink(target, &odd).unwrap();
        let said = unchanged(&here, || here.run("validate")).ends(1);
        assert!(said.codes().contains(&"unreadable"), "{what}: {}", said.err);
        assert!(said.err.contains("stacks/dev/odd.hcl"), "{what}: {}", said.err);
        std::fs::remove_file(&odd).unwrap();
    }
    std::fs::create_dir(&odd).unwrap();
    let said = unchanged(&here, || here.run("validate"));
    assert!(said.code == 0 || said.err.contains("odd.hcl"), "a folder: {}", said.err);
}
