//! Values share their parts, so that a line a level makes one with more parts than any memory has: it is told, not walked.

use infra::value::Value;

use super::{codes, evaluate};
use crate::language::types::World;

/// `local.l40`, of 2^40 parts.
fn shared() -> String {
    let levels: String = (1..=40).map(|at| format!("  l{at} = [local.l{}, local.l{}]\n", at - 1, at - 1)).collect();
    format!("locals {{\n  l0 = [\"a\", \"b\"]\n{levels}}}\n")
}

/// Many large values in one expression, each within bounds.
fn wide() -> String {
    let many = vec!["local.m"; 400].join(", ");
    format!("locals {{\n  m = [for i in range(100000) : i]\n  w = {{ a = [{many}] }}\n}}\n")
}

#[track_caller]
fn refused(text: &str) {
    let found = codes(text);
    assert!(found.iter().all(|it| matches!(*it, "too-large" | "bad-argument")) && !found.is_empty(), "{found:?}\n{text}");
}

#[test]
fn values_that_are_shared_over_and_over_are_told_wherever_they_are_used() {
    for uses in [
        "output \"x\" {\n value = local.l40\n}\n",
        "output \"x\" {\n value = jsonencode(local.l40)\n}\n",
        "output \"x\" {\n value = local.l40 == local.l40\n}\n",
        "output \"x\" {\n value = true ? local.l40 : []\n}\n",
        "output \"x\" {\n value = \"${local.l40}-\"\n}\n",
        "resource \"aws_vpc\" \"m\" {\n cidr_block = local.l40\n}\n",
        "resource \"aws_vpc\" \"m\" {\n cidr_block = \"10.0.0.0/16\"\n tags = { a = local.l40 }\n}\n",
        "variable \"v\" {\n default = []\n type = list(any)\n}\nresource \"aws_vpc\" \"m\" {\n for_each = local.l40\n cidr_block = \"10.0.0.0/16\"\n}\n",
    ] {
        refused(&format!("{}{uses}", shared()));
    }
}

#[test]
fn what_one_expression_makes_is_measured_before_it_is_walked() {
    let many = vec!["local.m"; 400].join(", ");
    for uses in [
        format!("output \"x\" {{\n value = true ? [{many}] : []\n}}\n"),
        format!("output \"x\" {{\n value = [{many}] == [{many}]\n}}\n"),
        format!("resource \"aws_s3_bucket\" \"m\" {{\n bucket = \"abc\"\n policy = {{ a = [{many}] }}\n}}\n"),
        "output \"x\" {\n value = local.w\n}\n".to_owned(),
    ] {
        refused(&format!("{}{uses}", wide()));
    }
}

#[test]
fn a_value_of_the_prompt_is_measured_too() {
    let text = "locals {\n m = [for i in range(100000) : i]\n}\n";
    let (mut program, _) = evaluate(text, &mut World::default());
    let many = vec!["local.m"; 400].join(", ");
    let complaints = program.evaluate_text(&format!("[{many}]"), &mut World::default()).unwrap_err();
    assert_eq!(complaints[0].code, "too-large");
}

#[test]
fn a_value_tells_its_size_without_walking_all_of_it() {
    let deep = (0..60).fold(Value::from("a"), |it, _| Value::tuple([it.clone(), it]));
    assert!(deep.size().is_err());
    assert_eq!(Value::tuple([Value::from("a"), Value::from(1)]).size().unwrap().parts, 3);
    assert_eq!(deep.kind(), "a list", "the word for it needs no look at its members");
    assert!(deep.convert(&infra::value::Type::String).is_err());
}
