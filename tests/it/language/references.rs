//! What is referred to as a whole, what waits for what, and what is switched off.

use infra::address::Address;
use infra::stack::Configuration;
use infra::value::Value;

use super::types::World;
use super::{STACK, good, load, show};

const GROUPS: &str = r#"
resource "aws_security_group" "a" {
  name = "a"
  ingress {
    protocol        = "tcp"
    security_groups = [for it in values(aws_security_group.b) : it.id]
  }
}
resource "aws_security_group" "b" {
  for_each = { x = 1 }
  name     = "b"
  ingress {
    protocol        = "tcp"
    security_groups = values({ only = aws_security_group.a })[*].id
  }
}
"#;

#[test]
fn a_whole_resource_leaves_out_what_is_configured_later() {
    let it = good(GROUPS);
    let a = &it.instances[&"aws_security_group.a".parse::<Address>().unwrap()];
    assert_eq!(
        a.references.iter().map(|it| (it.to.to_string(), it.later)).collect::<Vec<_>>(),
        [("aws_security_group.b[\"x\"]".to_owned(), true)]
    );
    let whole = good(
        "resource \"aws_s3_bucket\" \"b\" {\n bucket = \"abc\"\n policy = {}\n}\noutput \"x\" {\n value = { whole = aws_s3_bucket.b, policy = aws_s3_bucket.b.policy }\n sensitive = true\n}\n",
    );
    let value = &whole.outputs["x"].value;
    assert!(value.get("whole").members().unwrap().get("policy").is_none());
    assert_eq!(value.get("policy"), Value::from("{}"));
}

#[test]
fn a_data_source_is_read_after_what_it_depends_on() {
    let text = r#"
resource "aws_vpc" "m" { cidr_block = "10.0.0.0/16" }
data "aws_availability_zones" "z" {
  state      = "available"
  depends_on = [aws_vpc.m]
}
module "m" {
  source     = "./m"
  depends_on = [aws_vpc.m]
}
"#;
    let module = "data \"aws_availability_zones\" \"z\" {\n state = \"available\"\n}\noutput \"names\" {\n value = data.aws_availability_zones.z.names\n}\n";
    let outputs = "output \"x\" {\n value = [data.aws_availability_zones.z.names, module.m.names]\n}\n";
    let files =
        [("stacks/dev/a.hcl", STACK), ("stacks/dev/b.hcl", text), ("stacks/dev/c.hcl", outputs), ("stacks/dev/m/m.hcl", module)];
    let mut loaded = load(&files);
    assert!(loaded.diagnostics.is_empty(), "{}", show(&loaded.program, &loaded.diagnostics));
    let asked = |world: &World| -> Vec<(String, bool)> {
        let data = world.asked.iter().filter(|(name, _)| name.contains("data."));
        let mut data: Vec<_> = data.map(|(name, arguments)| (name.clone(), arguments.is_wholly_known())).collect();
        data.sort();
        data
    };
    let mut world = World::default();
    loaded.program.evaluate(&mut world);
    let inner = "module.m.data.aws_availability_zones.z".to_owned();
    let outer = "data.aws_availability_zones.z".to_owned();
    assert_eq!(asked(&world), [(outer.clone(), false), (inner.clone(), false)], "nothing is read before the network is there");
    let mut world = World::default();
    world.known.insert("aws_vpc.m".into(), Value::object([("id", Value::from("vpc-1")), ("arn", Value::from("a"))]));
    loaded.program.evaluate(&mut world);
    assert_eq!(asked(&world), [(outer, true), (inner, true)]);
}

#[test]
fn what_is_switched_off_is_told_from_what_is_gone() {
    let main = r#"
resource "aws_vpc" "off" {
  enabled    = false
  cidr_block = "10.0.0.0/16"
}
resource "aws_vpc" "some" {
  for_each   = { a = true, b = false }
  enabled    = each.value
  cidr_block = "10.0.0.0/16"
}
module "off" {
  source  = "./m"
  enabled = false
}
module "some" {
  source   = "./m"
  for_each = { a = true, b = false }
  enabled  = each.value
}
"#;
    let module = "resource \"aws_vpc\" \"m\" {\n cidr_block = \"10.0.0.0/16\"\n}\nresource \"aws_vpc\" \"never\" {\n enabled = false\n cidr_block = \"10.0.0.0/16\"\n}\n";
    let mut loaded = load(&[("stacks/dev/a.hcl", STACK), ("stacks/dev/b.hcl", main), ("stacks/dev/m/m.hcl", module)]);
    let it = loaded.program.evaluate(&mut World::default());
    assert!(loaded.diagnostics.is_empty() && it.diagnostics.is_empty(), "{}", show(&loaded.program, &it.diagnostics));
    assert_eq!(
        it.disabled.iter().map(String::as_str).collect::<Vec<_>>(),
        ["aws_vpc.off", "aws_vpc.some[\"b\"]", "module.off", "module.some[\"a\"].aws_vpc.never", "module.some[\"b\"]"]
    );
}

#[test]
fn every_file_of_a_folder_tells_its_first_mistake() {
    let broken = "output \"x\" {\n value = ]\n}\n";
    let uses = "output \"y\" {\n value = local.z + 1 + aws_vpc.gone.id\n}\n";
    let loaded = load(&[
        ("stacks/dev/a.hcl", STACK),
        ("stacks/dev/b.hcl", broken),
        ("stacks/dev/c.hcl", "locals {\n z = = 1\n}\n"),
        ("stacks/dev/d.hcl", uses),
    ]);
    let found: Vec<_> = loaded.diagnostics.iter().map(|it| (it.span.as_ref().unwrap().file.to_string(), it.code)).collect();
    // What the readable files miss may be in those that are not readable.
    assert_eq!(found, [("stacks/dev/b.hcl".to_owned(), "syntax"), ("stacks/dev/c.hcl".to_owned(), "syntax")]);
}
