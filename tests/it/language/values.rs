//! Conditions, texts and secrets, as Terraform has them.

use infra::address::Address;
use infra::value::{Type, Value};

use super::types::World;
use super::{codes, evaluate, good, value, yields};

#[test]
fn the_branches_of_a_condition_have_one_type() {
    yields("true ? \"a\" : 1", "\"a\"");
    yields("true ? 1 : \"a\"", "\"1\"");
    yields("false ? \"x-${1}\" : true", "\"true\"");
    yields("true ? 1 : upper(\"a\")", "\"1\"");
    yields("true ? null : 1", "null");
    yields("true ? [1, \"a\"] : []", "[ \"1\", \"a\", ]");
    yields("true ? 1 : 1 + 1", "1");
    // Where Terraform finds no common type, the one that was chosen stands.
    yields("true ? { a = 1, b = [2] } : {}", "{ a = 1 b = [ 2, ] }");
    let text = "variable \"s\" {\n type = string\n default = \"\"\n}\noutput \"x\" {\n value = true ? 1 : var.s\n}\n";
    assert_eq!(good(text).outputs["x"].value, Value::from("1"));
}

#[test]
fn a_condition_that_is_not_known_has_a_type_all_the_same() {
    let vpc = "resource \"aws_vpc\" \"m\" {\n cidr_block = \"10.0.0.0/16\"\n}\n";
    let it = good(&format!("{vpc}output \"x\" {{\n value = aws_vpc.m.id == \"x\" ? \"a\" : 1\n}}\n"));
    assert_eq!(it.outputs["x"].value.type_of(), Type::String);
}

#[test]
fn the_branch_that_is_not_taken_is_not_evaluated() {
    let it = good(
        "resource \"aws_vpc\" \"m\" {\n cidr_block = \"10.0.0.0/16\"\n}\nresource \"aws_s3_bucket\" \"b\" {\n bucket = true ? \"abc\" : aws_vpc.m.id\n}\noutput \"x\" {\n value = true ? 1 : [][0]\n}\n",
    );
    assert_eq!(it.instances[&"aws_s3_bucket.b".parse::<Address>().unwrap()].references, []);
    assert_eq!(it.outputs["x"].value, Value::from(1));
}

/// `é` as one character, and as a letter with an accent behind it.
const COMPOSED: &str = "\u{e9}";
const DECOMPOSED: &str = "e\u{301}";

#[test]
fn texts_are_normalised_wherever_they_come_from() {
    assert_eq!(value(&format!("\"{DECOMPOSED}\"")), Value::from(COMPOSED));
    assert_eq!(value(&format!("length(\"{DECOMPOSED}\")")), Value::from(1));
    assert_eq!(value(&format!("\"{DECOMPOSED}\" == \"{COMPOSED}\"")), Value::from(true));
    assert_eq!(value("join(\"\", [\"e\", \"\\u0301\"])"), Value::from(COMPOSED));
    assert_eq!(value("\"e${\"\\u0301\"}\""), Value::from(COMPOSED));
    assert_eq!(
        value("jsondecode(\"{\\\"e\\\\u0301\\\":\\\"e\\\\u0301\\\"}\")"),
        Value::object([(COMPOSED, Value::from(COMPOSED))])
    );
    assert_eq!(value(&format!("{{ \"{DECOMPOSED}\" = 1 }}")), Value::object([(COMPOSED, Value::from(1))]));
    let main = "output \"x\" {\n value = file(\"t.txt\")\n}\n";
    let files = [("stacks/dev/a.hcl", super::STACK), ("stacks/dev/m.hcl", main), ("stacks/dev/t.txt", DECOMPOSED)];
    let mut loaded = super::load(&files);
    let it = infra::stack::Configuration::evaluate(&mut loaded.program, &mut World::default());
    assert_eq!(it.outputs["x"].value, Value::from(COMPOSED));
}

#[test]
fn arithmetic_is_the_functions_own() {
    yields("1 / 3 * 3", "1");
    yields("9223372036854775807 + 1", "9223372036854775808");
    assert_eq!(codes("output \"x\" {\n value = 1 / 0\n}\n"), ["bad-number"]);
}

#[test]
fn functions_that_are_refused_say_why() {
    for name in ["timestamp", "uuid", "bcrypt", "rsadecrypt", "list", "map", "plantimestamp", "provider::x::y"] {
        assert_eq!(codes(&format!("output \"x\" {{\n value = {name}()\n}}\n"))[..1], ["refused-function"], "{name}");
    }
}

/// A secret of which the state holds only the digest passes through as it is; what is made of it waits for it.
#[test]
fn a_digest_is_known_by_nobody_but_its_owner() {
    let mut world = World::default();
    world.known.insert("aws_vpc.m".into(), Value::object([("id", Value::Digest("d".into())), ("arn", Value::from("a"))]));
    for (expression, waits) in [
        ("upper(aws_vpc.m.id)", true),
        ("\"x-${aws_vpc.m.id}\"", true),
        ("aws_vpc.m.id == \"x\"", true),
        ("aws_vpc.m.id + 1", true),
        ("!aws_vpc.m.id", true),
        ("aws_vpc.m.id == \"x\" ? 1 : 2", true),
        ("length([aws_vpc.m.id])", false),
        ("aws_vpc.m.id", false),
    ] {
        let text = format!(
            "resource \"aws_vpc\" \"m\" {{\n cidr_block = \"10.0.0.0/16\"\n}}\noutput \"x\" {{\n value = {expression}\n sensitive = true\n}}\n"
        );
        let (program, it) = evaluate(&text, &mut world);
        assert!(it.diagnostics.is_empty(), "{expression}: {}", super::show(&program, &it.diagnostics));
        let value = &it.outputs["x"].value;
        assert_eq!(value.is_unknown(), waits, "{expression}");
        if waits {
            let names: Vec<String> = value.waits_for().iter().map(|it| it.address.to_string()).collect();
            assert_eq!(names, ["aws_vpc.m"], "{expression}");
        }
    }
}
