//! The stack language as its users meet it: whole stacks in, instances or complaints out.

mod bounds;
mod objects;
mod references;
mod types;
mod values;

use std::sync::Arc;

use infra::address::Address;
use infra::diag::Diagnostic;
use infra::diag::render::render;
use infra::remote::ConfigName;
use infra::stack::settings::{AssumeRole, AwsSettings};
use infra::stack::source::Memory;
use infra::stack::variables::{Given, GivenValue};
use infra::stack::{Configuration, Evaluation, LoadRequest, Loaded, Program, StateSettings, print};
use infra::value::Value;
use types::{Catalogue, World};

fn load_with(files: &[(&str, &str)], variables: Vec<Given>) -> Loaded {
    Program::load(LoadRequest {
        source: Arc::new(Memory::new(files.iter().copied())),
        stack: "dev".parse().unwrap(),
        variables,
        types: &Catalogue::new(),
        account: None,
    })
}

fn load(files: &[(&str, &str)]) -> Loaded {
    load_with(files, Vec::new())
}

const STACK: &str = "stack {\n  region = \"eu-west-1\"\n  accounts = [\"111111111111\"]\n}\n";

/// Loads and evaluates one file; complaints of both.
fn evaluate(text: &str, world: &mut World) -> (Program, Evaluation) {
    let mut loaded = load(&[("stacks/dev/a.hcl", STACK), ("stacks/dev/main.hcl", text)]);
    let mut evaluation = loaded.program.evaluate(world);
    let mut all = loaded.diagnostics;
    all.append(&mut evaluation.diagnostics);
    evaluation.diagnostics = all;
    (loaded.program, evaluation)
}

fn good(text: &str) -> Evaluation {
    let (program, evaluation) = evaluate(text, &mut World::default());
    assert!(evaluation.diagnostics.is_empty(), "{}", show(&program, &evaluation.diagnostics));
    evaluation
}

fn show(program: &Program, diagnostics: &[Diagnostic]) -> String {
    render(diagnostics, program, false)
}

/// The one value of `output "x"`.
fn value(expression: &str) -> Value {
    good(&format!("output \"x\" {{\n  value = {expression}\n}}\n")).outputs["x"].value.clone()
}

#[track_caller]
fn yields(expression: &str, expected: &str) {
    let printed = print::print(&value(expression)).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(printed, expected, "{expression}");
}

fn codes(text: &str) -> Vec<&'static str> {
    evaluate(text, &mut World::default()).1.diagnostics.iter().map(|it| it.code).collect()
}

#[test]
fn a_stack_with_a_module_becomes_instances() {
    let main = r#"
variable "azs" {
  type    = set(string)
  default = ["a", "b"]
}
locals { name = "demo-${stack.name}" }
resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
module "network" {
  source = "../modules/network"
  vpc_id = aws_vpc.main.id
  azs    = var.azs
}
resource "aws_security_group" "web" {
  name   = "${local.name}-web"
  vpc_id = module.network.vpc
}
output "ids" { value = module.network.ids }
"#;
    let module = r#"
variable "vpc_id" {}
variable "azs" { type = set(string) }
resource "aws_subnet" "private" {
  for_each          = var.azs
  vpc_id            = var.vpc_id
  cidr_block        = "10.0.0.0/24"
  availability_zone = each.key
}
output "ids" { value = { for k, s in aws_subnet.private : k => s.id } }
output "vpc" { value = var.vpc_id }
"#;
    let mut loaded =
        load(&[("stacks/dev/a.hcl", STACK), ("stacks/dev/main.hcl", main), ("stacks/modules/network/main.hcl", module)]);
    assert!(loaded.diagnostics.is_empty(), "{}", show(&loaded.program, &loaded.diagnostics));
    let evaluation = loaded.program.evaluate(&mut World::default());
    assert!(evaluation.diagnostics.is_empty(), "{}", show(&loaded.program, &evaluation.diagnostics));
    let names: Vec<String> = evaluation.instances.keys().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "aws_security_group.web",
            "aws_vpc.main",
            "module.network.aws_subnet.private[\"a\"]",
            "module.network.aws_subnet.private[\"b\"]",
        ]
    );
    let subnet = &evaluation.instances[&names[2].parse().unwrap()];
    assert_eq!(format!("{:?}", subnet.settings.get("vpc_id")), "(known after aws_vpc.main)");
    let edges: Vec<_> =
        subnet.references.iter().map(|it| (it.to.to_string(), it.from.to_string(), it.expression.to_string())).collect();
    assert_eq!(edges, [("aws_vpc.main".into(), "vpc_id".into(), "aws_vpc.main.id".into())]);
    assert_eq!(
        evaluation.instances[&"aws_security_group.web".parse().unwrap()].settings.get("name"),
        Value::from("demo-dev-web")
    );
    assert_eq!(evaluation.outputs["ids"].value.members().unwrap().len(), 2);
}

#[test]
fn expressions_yield_what_terraform_yields() {
    yields("1 + 2 * 3 - 4 / 2", "5");
    yields("10 / 4", "2.5");
    yields("0.1 + 0.2", "0.3");
    yields("-7 % 3", "-1");
    yields("1 < 2 && 2 >= 2 && !false || false", "true");
    yields("\"a\" == \"a\" && [1] == [1] && \"1\" != 1", "true");
    yields("true ? \"yes\" : \"no\"", "\"yes\"");
    yields("\"a${1 + 1}b${true}\"", "\"a2btrue\"");
    yields("\"${[1]}\"", "[ 1, ]");
    yields("\"$${x} %%{y}\"", "\"$${x} %%{y}\"");
    yields("{ a = 1, \"b c\" = 2 }[\"b c\"]", "2");
    yields("[1, 2, 3][1]", "2");
    yields("[{ a = 1 }, { a = 2 }][*].a", "[ 1, 2, ]");
    yields("[{ a = 1 }, { a = 2 }].*.a", "[ 1, 2, ]");
    yields("null[*]", "[]");
    yields("{ a = 1 }[*].a", "[ 1, ]");
    yields("[for x in [1, 2, 3] : x * 2 if x != 2]", "[ 2, 6, ]");
    yields("[for i, x in [\"a\", \"b\"] : \"${i}${x}\"]", "[ \"0a\", \"1b\", ]");
    yields("{ for k, v in { a = 1, b = 2 } : upper(k) => v }", "{ A = 1 B = 2 }");
    yields("{ for x in [\"a\", \"b\", \"ab\"] : substr(x, 0, 1) => x... }", "{ a = [ \"a\", \"ab\", ] b = [ \"b\", ] }");
    yields("try({ a = 1 }.b, \"none\")", "\"none\"");
    yields("can([][0])", "false");
    yields("max([1, 5, 3]...)", "5");
    yields("templatestring(\"$${a}-$${upper(b)}\", { a = 1, b = \"x\" })", "\"1-X\"");
    yields("core::length([1])", "1");
    yields("stack.account_id", "\"111111111111\"");
    yields("\"${stack.name} ${stack.region} ${stack.partition}\"", "\"dev eu-west-1 aws\"");
    yields("path.root", "\"../..\"");
}

#[test]
fn templates_trim_where_they_say_so() {
    yields("<<-EOT\n    a\n      b\n    EOT\n", "\"a\\n b\\n\"");
    yields("\"x  ${~ 1 ~}  y\"", "\"x1y\"");
    yields("\"%{ if true }yes%{ else }no%{ endif }\"", "\"yes\"");
    yields("\"%{ for k, v in { a = 1, b = 2 } }${k}=${v};%{ endfor }\"", "\"a=1;b=2;\"");
    yields("<<EOT\n%{ for x in [1, 2] ~}\n${x}\n%{ endfor ~}\nEOT\n", "\"1\\n2\\n\"");
}

#[test]
fn an_unknown_leaves_its_neighbours_known() {
    let it = good(
        "resource \"aws_vpc\" \"m\" {\n cidr_block = \"10.0.0.0/16\"\n}\noutput \"x\" {\n value = { id = aws_vpc.m.id, n = 1, t = \"a-${aws_vpc.m.id}\", c = aws_vpc.m.cidr_block }\n}\n",
    );
    let value = &it.outputs["x"].value;
    assert_eq!(value.get("n"), Value::from(1));
    assert_eq!(value.get("c"), Value::from("10.0.0.0/16"));
    assert_eq!(format!("{:?}", value.get("t")), "(known after aws_vpc.m)");
}

#[test]
fn later_attributes_make_no_cycle_between_shells() {
    let it = good(
        r#"
resource "aws_security_group" "a" {
  name = "a"
  ingress {
    protocol        = "tcp"
    security_groups = [aws_security_group.b.id]
  }
}
resource "aws_security_group" "b" {
  name = "b"
  ingress {
    protocol        = "tcp"
    security_groups = [aws_security_group.a.id]
  }
}
"#,
    );
    let a = &it.instances[&"aws_security_group.a".parse().unwrap()];
    assert_eq!(a.references.len(), 1);
    assert!(a.references[0].later);
}

#[test]
fn what_is_asked_of_the_world_is_asked_with_the_shell() {
    let mut world = World::default();
    let text = r#"
data "aws_availability_zones" "z" { state = "available" }
resource "aws_s3_bucket" "b" {
  bucket = "abc"
  policy = { Resource = aws_s3_bucket.b.arn }
}
output "arn" { value = aws_s3_bucket.b.arn }
output "zones" { value = data.aws_availability_zones.z.names }
"#;
    world.known.insert("aws_s3_bucket.b".into(), Value::object([("arn", Value::from("arn:aws:s3:::abc"))]));
    world.known.insert("data.aws_availability_zones.z".into(), Value::object([("names", Value::tuple([Value::from("a")]))]));
    let (program, it) = evaluate(text, &mut world);
    assert!(it.diagnostics.is_empty(), "{}", show(&program, &it.diagnostics));
    let (_, shell) = world.asked.iter().find(|(name, _)| name == "aws_s3_bucket.b").unwrap();
    assert!(shell.members().unwrap().get("policy").is_none());
    assert_eq!(it.outputs["arn"].value, Value::from("arn:aws:s3:::abc"));
    assert_eq!(it.outputs["zones"].value, Value::list([Value::from("a")]));
    let settings = &it.instances[&"aws_s3_bucket.b".parse().unwrap()].settings;
    assert_eq!(settings.get("policy"), Value::from("{\"Resource\":\"arn:aws:s3:::abc\"}"));
}

#[test]
fn what_becomes_known_is_seen_the_next_time() {
    let mut world = World::default();
    let text = "resource \"aws_vpc\" \"m\" {\n cidr_block = \"10.0.0.0/16\"\n}\nresource \"aws_subnet\" \"s\" {\n for_each = { x = aws_vpc.m.id }\n vpc_id = each.value\n cidr_block = \"10.0.0.0/24\"\n}\n";
    let (mut program, first) = evaluate(text, &mut world);
    let subnet: Address = "aws_subnet.s[\"x\"]".parse().unwrap();
    assert!(first.instances[&subnet].settings.get("vpc_id").is_unknown());
    world.known.insert("aws_vpc.m".into(), Value::object([("id", Value::from("vpc-1"))]));
    assert_eq!(program.settings(&subnet, &mut world).unwrap().get("vpc_id"), Value::from("vpc-1"));
    let asked = world.asked.len();
    program.settings(&subnet, &mut world).unwrap();
    assert_eq!(world.asked.len(), asked, "what is known is not asked again");
}

#[test]
fn blocks_that_wait_are_deferred_with_the_reason() {
    let it = good(
        r#"
resource "aws_vpc" "m" { cidr_block = "10.0.0.0/16" }
resource "aws_subnet" "s" {
  for_each   = toset([aws_vpc.m.id])
  vpc_id     = each.key
  cidr_block = "10.0.0.0/24"
}
resource "aws_subnet" "t" {
  enabled    = aws_vpc.m.id == "x"
  vpc_id     = "v"
  cidr_block = "10.0.0.0/24"
}
"#,
    );
    let names: Vec<String> = it.deferred.iter().map(|it| it.address.to_string()).collect();
    assert_eq!(names, ["aws_subnet.s", "aws_subnet.t"]);
    assert_eq!(it.deferred[0].waits_for.iter().next().unwrap().address.to_string(), "aws_vpc.m");
}

#[test]
fn disabled_things_are_not_there() {
    let it = good(
        r#"
variable "on" { default = false }
resource "aws_vpc" "m" {
  enabled    = var.on
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  enabled    = var.on
  vpc_id     = aws_vpc.m.id
  cidr_block = "10.0.0.0/24"
}
output "a" { value = try(aws_vpc.m.id, "none") }
output "b" { value = one(aws_vpc.m[*].id) }
output "c" { value = aws_vpc.m == null }
output "d" { value = var.on ? aws_vpc.m.id : "off" }
"#,
    );
    assert!(it.instances.is_empty());
    let values: Vec<String> = it.outputs.values().map(|it| print::print(&it.value)).collect();
    assert_eq!(values, ["\"none\"", "null", "true", "\"off\""]);
    assert!(codes("variable \"on\" {}\nresource \"aws_vpc\" \"m\" {\n enabled = var.on == 1\n cidr_block = \"10.0.0.0/16\"\n}\noutput \"x\" {\n value = aws_vpc.m.id\n}\n").contains(&"unguarded"));
}

#[test]
fn tags_of_the_stack_are_merged_and_the_resource_wins() {
    let stack = "stack {\n region = \"eu-west-1\"\n tags = { a = \"1\", b = \"1\" }\n}\nresource \"aws_vpc\" \"m\" {\n cidr_block = \"10.0.0.0/16\"\n tags = { b = \"2\" }\n}\n";
    let mut loaded = load(&[("stacks/dev/a.hcl", stack)]);
    let it = loaded.program.evaluate(&mut World::default());
    let tags = it.instances[&"aws_vpc.m".parse().unwrap()].settings.get("tags");
    assert_eq!(tags, Value::map([("a", Value::from("1")), ("b", Value::from("2"))]));
}

#[test]
fn blocks_may_be_written_as_values_and_computed() {
    let it = good(
        r#"
resource "aws_s3_bucket" "a" {
  bucket     = "abc"
  encryption = { algorithm = "x" }
}
resource "aws_s3_bucket" "b" {
  bucket     = "abd"
  encryption = [{ algorithm = "x" }]
}
resource "aws_security_group" "g" {
  name = "g"
  dynamic "ingress" {
    for_each = { http = 80, https = 443 }
    iterator = it
    content {
      protocol  = "tcp"
      from_port = it.value
      to_port   = "${it.value}"
    }
  }
}
"#,
    );
    let get = |name: &str, attribute: &str| it.instances[&name.parse().unwrap()].settings.get(attribute);
    assert_eq!(get("aws_s3_bucket.a", "encryption"), get("aws_s3_bucket.b", "encryption"));
    let rules = get("aws_security_group.g", "ingress");
    assert_eq!(rules.items().unwrap().len(), 2);
    assert_eq!(rules.items().unwrap()[1].get("to_port"), Value::from(443));
}

#[test]
fn secrets_stay_marked() {
    let it = good(
        "resource \"aws_s3_bucket\" \"b\" {\n bucket = \"abc\"\n password = \"hunter2\"\n}\noutput \"x\" {\n value = nonsensitive(sensitive(1))\n}\noutput \"y\" {\n sensitive = true\n value = aws_s3_bucket.b.password\n}\n",
    );
    assert!(it.instances[&"aws_s3_bucket.b".parse().unwrap()].settings.get("password").has_secret());
    assert!(it.outputs["y"].value.has_secret());
    assert_eq!(codes("output \"x\" {\n value = sensitive(1)\n}\n"), ["sensitive-output"]);
    assert_eq!(
        codes("resource \"aws_vpc\" \"m\" {\n for_each = sensitive(toset([\"a\"]))\n cidr_block = \"10.0.0.0/16\"\n}\n"),
        ["sensitive-key"]
    );
}

#[test]
fn conditions_stop_and_checks_warn() {
    let text = r#"
variable "azs" {
  default = ["a"]
  validation {
    condition     = length(var.azs) >= 2
    error_message = "A stack spans at least two zones."
  }
}
check "warns" {
  assert {
    condition     = 1 == 2
    error_message = "One is not two."
  }
}
resource "aws_vpc" "m" {
  cidr_block = "10.0.0.0/16"
  lifecycle {
    prevent_destroy = true
    ignore_changes  = [tags["x"], cidr_block]
    precondition {
      condition     = false
      error_message = "Never."
    }
    postcondition {
      condition     = self.id != "vpc-1"
      error_message = "Not that one."
    }
  }
}
"#;
    let (mut program, it) = evaluate(text, &mut World::default());
    let found: Vec<_> = it.diagnostics.iter().map(|it| (it.code, it.is_error())).collect();
    assert_eq!(found, [("validation", true), ("check", false), ("precondition", true)]);
    let vpc: Address = "aws_vpc.m".parse().unwrap();
    assert_eq!(it.instances[&vpc].lifecycle.prevent_destroy, Some(true));
    assert!(it.instances[&vpc].lifecycle.ignore_changes.contains("tags[\"x\"]"));
    let live = Value::object([("id", Value::from("vpc-1"))]);
    let broken = program.postconditions(&vpc, &live, &mut World::default());
    assert_eq!(broken.iter().map(|it| it.code).collect::<Vec<_>>(), ["postcondition"]);
}

#[test]
fn variables_come_from_outside() {
    let text = format!(
        "{STACK}variable \"n\" {{\n type = number\n}}\nvariable \"s\" {{\n type = string\n}}\nvariable \"l\" {{\n type = list(string)\n}}\noutput \"x\" {{\n value = [var.n + 1, var.s, var.l]\n}}\n"
    );
    let given =
        |name: &str, text: &str| Given { name: name.into(), value: GivenValue::Text(text.into()), origin: "--var".into() };
    let mut loaded = load_with(&[("stacks/dev/a.hcl", &text)], vec![given("n", "41"), given("s", "[x]"), given("l", "[\"a\"]")]);
    assert!(loaded.diagnostics.is_empty(), "{}", show(&loaded.program, &loaded.diagnostics));
    let it = loaded.program.evaluate(&mut World::default());
    assert_eq!(it.outputs["x"].value, Value::tuple([Value::from(42), Value::from("[x]"), Value::list([Value::from("a")])]));
    let wrong = load_with(&[("stacks/dev/a.hcl", &text)], vec![given("n", "x"), given("m", "1")]);
    assert_eq!(wrong.diagnostics.iter().map(|it| it.code).collect::<Vec<_>>(), ["bad-variable", "unknown-variable"]);
}

#[test]
fn the_console_sees_the_stack() {
    let (mut program, _) = evaluate("locals {\n a = [1, 2]\n}\n", &mut World::default());
    let mut world = World::default();
    assert_eq!(program.evaluate_text("local.a[1] + 1", &mut world).unwrap(), Value::from(3));
    let complaints = program.evaluate_text("local.b", &mut world).unwrap_err();
    assert_eq!(complaints[0].code, "unknown-reference");
    assert!(program.evaluate_text("1 +", &mut world).is_err());
    assert_eq!(program.evaluate_text("local.a", &mut world).unwrap().items().unwrap().len(), 2);
}

#[test]
fn functions_read_files_of_the_repository_and_no_others() {
    let main = "output \"x\" {\n value = [file(\"t.txt\"), templatefile(\"../t.tpl\", { n = 2 }), fileexists(\"no\")]\n}\n";
    let files =
        [("stacks/dev/a.hcl", STACK), ("stacks/dev/main.hcl", main), ("stacks/dev/t.txt", "hi"), ("stacks/t.tpl", "n=${n}")];
    let mut loaded = load(&files);
    let before = loaded.program.digest();
    let it = loaded.program.evaluate(&mut World::default());
    assert!(it.diagnostics.is_empty(), "{}", show(&loaded.program, &it.diagnostics));
    assert_eq!(it.outputs["x"].value, Value::tuple([Value::from("hi"), Value::from("n=2"), Value::from(false)]));
    assert_ne!(loaded.program.digest(), before, "the digest covers what functions read");
    assert_eq!(codes("output \"x\" {\n value = file(\"../../../etc/passwd\")\n}\n"), ["bad-argument"]);
}

#[test]
fn modules_have_instances_and_see_only_their_own() {
    let main = r#"
module "t" {
  source   = "./t"
  for_each = { a = 1, b = 2 }
  n        = each.value
}
module "off" {
  source  = "./t"
  enabled = false
  n       = 1
}
output "all" { value = [for k, m in module.t : m.n] }
output "one" { value = module.t["a"].n }
"#;
    let module = "variable \"n\" {}\nresource \"aws_vpc\" \"m\" {\n cidr_block = \"10.${var.n}.0.0/16\"\n}\noutput \"n\" {\n value = var.n\n}\nmoved {\n from = aws_vpc.old\n to = aws_vpc.m\n}\n";
    let mut loaded = load(&[("stacks/dev/a.hcl", STACK), ("stacks/dev/m.hcl", main), ("stacks/dev/t/m.hcl", module)]);
    let it = loaded.program.evaluate(&mut World::default());
    assert!(loaded.diagnostics.is_empty() && it.diagnostics.is_empty(), "{}", show(&loaded.program, &it.diagnostics));
    let names: Vec<String> = it.instances.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["module.t[\"a\"].aws_vpc.m", "module.t[\"b\"].aws_vpc.m"]);
    assert_eq!(it.outputs["all"].value, Value::tuple([Value::from(1), Value::from(2)]));
    assert_eq!(it.moved[0].from, "module.t[\"a\"].aws_vpc.old");
}

/// The parts of a corpus file: `# file: NAME` begins another one.
fn parts(text: &str) -> Vec<(String, String)> {
    let mut files = vec![("stacks/dev/main.hcl".to_owned(), String::new())];
    for line in text.lines() {
        match (line.strip_prefix("# file: "), files.last_mut()) {
            (Some(name), _) => files.push((name.to_owned(), String::new())),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    if !text.contains("stack {\n") {
        files.push(("stacks/dev/a.hcl".to_owned(), STACK.to_owned()));
    }
    files
}

/// What a stack comes to, for people: its complaints, or its instances and outputs.
fn outcome(text: &str) -> String {
    let files = parts(text);
    let mut loaded = load(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>());
    let evaluation = loaded.program.evaluate(&mut World::default());
    let mut all = loaded.diagnostics;
    all.extend(evaluation.diagnostics);
    if !all.is_empty() {
        return show(&loaded.program, &all);
    }
    let mut out = String::new();
    for (address, it) in &evaluation.instances {
        out += &format!("{address} {}\n", print::print(&it.settings));
        for it in &it.references {
            out += &format!("  {} -> {} ({})\n", it.from, it.to, it.expression);
        }
    }
    for (name, it) in &evaluation.outputs {
        out += &format!("output {name} = {}\n", print::print(&it.value));
    }
    out
}

/// Each `tests/language/NAME.hcl` comes to `NAME.txt`. `INFRA_BLESS=1` writes them anew.
#[test]
fn the_corpus_comes_to_what_is_on_record() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/language");
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    names.retain(|it| it.extension().is_some_and(|it| it == "hcl"));
    names.sort();
    let mut wrong = Vec::new();
    for path in names {
        let shown = outcome(&std::fs::read_to_string(&path).unwrap());
        let record = path.with_extension("txt");
        if std::env::var_os("INFRA_BLESS").is_some() {
            std::fs::write(&record, &shown).unwrap();
        } else if std::fs::read_to_string(&record).unwrap_or_default() != shown {
            wrong.push(format!("{}:\n{shown}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every input ends in instances or complaints: no panic, no hang, no stack overflow.
#[test]
fn hostile_stacks_are_answered() {
    let many = |it: &dyn Fn(usize) -> String, count: usize| (0..count).map(it).collect::<String>();
    let chain = many(&|it| format!("locals {{\n l{it} = local.l{}\n}}\n", it + 1), 5_000) + "locals {\n l5000 = 1\n}\n";
    let doubling =
        many(&|it| format!("locals {{\n d{it} = [local.d{0}, local.d{0}]\n}}\n", it + 1), 60) + "locals {\n d60 = \"x\"\n}\n";
    let texts = many(&|it| format!("locals {{\n t{it} = \"${{local.t{0}}}${{local.t{0}}}\"\n}}\n", it + 1), 60)
        + "locals {\n t60 = \"xxxx\"\n}\n";
    let nested = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]";
    let steps = format!("output \"x\" {{\n value = length({nested})\n}}\n");
    // Each needs the one after it, by way of its outputs.
    let things = many(
        &|it| {
            format!(
                "resource \"aws_subnet\" \"s{it}\" {{\n vpc_id = \"${{aws_subnet.s{}.id}}\"\n cidr_block = \"10.0.0.0/24\"\n}}\n",
                it + 1
            )
        },
        2_000,
    ) + "resource \"aws_subnet\" \"s2000\" {\n vpc_id = \"v\"\n cidr_block = \"10.0.0.0/24\"\n}\n";
    let instances =
        "resource \"aws_vpc\" \"m\" {\n for_each = toset([for a in range(1024) : \"${a}\"])\n cidr_block = \"10.0.0.0/16\"\n}\n"
            .to_owned();
    for (text, code) in [(chain, "too-deep"), (doubling, "too-large"), (texts, "too-large"), (steps, "too-large")] {
        let found = codes(&text);
        assert!(found.contains(&code), "{code}: {found:?}");
    }
    assert!(codes(&things).is_empty(), "long chains of things are no nesting");
    assert!(codes(&instances).is_empty());
}

#[test]
fn deep_expressions_fit_the_stack_of_a_thread() {
    let deep = |open: &str, close: &str| format!("output \"x\" {{\n value = {}1{}\n}}\n", open.repeat(38), close.repeat(38));
    for text in [deep("[", "]"), deep("(1 + ", ")"), deep("max(", ")"), deep("\"${", "}\""), deep("[for x in [1] : ", "]")] {
        assert!(!codes(&text).contains(&"syntax"), "{text}");
    }
    let operators = format!("output \"x\" {{\n value = 1{}\n}}\n", " + 1".repeat(120));
    assert!(codes(&operators).is_empty());
}

#[path = "../../fuzz/bodies.rs"]
mod bodies;

/// Cuts, doublings and swaps of a text, from a generator that is the same every time.
fn mutation(text: &str, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap()
    };
    let mut chars: Vec<char> = text.chars().collect();
    const ODD: [&str; 14] = ["${", "}", "\"", "{", "[", "(", "%{ if ", "<<-X\n", "for x in ", "é", "\0", "...", "[*]", "null"];
    for _ in 0..1 + next(4) {
        let (a, b) = (next(chars.len() + 1), next(chars.len() + 1));
        let (a, b) = (a.min(b), a.max(b).min(a.min(b) + 40));
        match next(4) {
            0 => drop(chars.drain(a..b)),
            1 => {
                let part: Vec<char> = chars[a..b].to_vec();
                chars.splice(a..a, part);
            }
            2 => {
                let odd = ODD[next(ODD.len())];
                chars.splice(a..a, odd.chars());
            }
            _ if b < chars.len() => chars.swap(a, b),
            _ => chars.truncate(a),
        }
    }
    chars.into_iter().collect()
}

/// The fuzz targets over the corpus and mutations of it.
#[test]
fn no_text_makes_the_language_fall_over() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/language");
    for path in std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
        let text = std::fs::read_to_string(&path).unwrap();
        for seed in 0..60 {
            let text = if seed == 0 { text.clone() } else { mutation(&text, seed) };
            bodies::parse(&text);
            bodies::evaluate(&text);
        }
    }
}

#[test]
fn the_stack_says_where_and_how() {
    let text = r#"
variable "env" { default = "dev" }
stack {
  region      = "eu-west-1"
  accounts    = ["111111111111"]
  confirm     = true
  version     = ">= 0.1, < 0.2"
  max_deletes = 10
  tags        = { env = var.env }
  state "s3" {
    bucket     = "b-${stack.name}"
    key        = "dev/state.json"
    lock_table = "infra-lock"
    lease      = "90s"
  }
}
aws "us_east_1" {
  region = "us-east-1"
  assume_role {
    role_arn = "arn:aws:iam::111111111111:role/x"
  }
}
resource "aws_vpc" "m" {
  aws        = "us_east_1"
  cidr_block = "10.0.0.0/16"
}
"#;
    let mut loaded = load(&[("stacks/dev/stack.hcl", text)]);
    assert!(loaded.diagnostics.is_empty(), "{}", show(&loaded.program, &loaded.diagnostics));
    let it = &loaded.settings;
    assert_eq!((it.region.as_str(), it.confirm, it.max_deletes), ("eu-west-1", true, Some(10)));
    assert!(it.version.as_ref().unwrap().matches(&semver::Version::new(0, 1, 5)));
    assert_eq!(it.tags["env"], "dev");
    let StateSettings::S3 { bucket, lease, .. } = &it.state else { panic!("kept in S3") };
    assert_eq!((bucket.as_str(), lease.as_secs()), ("b-dev", 90));
    let role = AssumeRole { role_arn: "arn:aws:iam::111111111111:role/x".into(), external_id: None, session_name: None };
    let expected = AwsSettings { region: Some("us-east-1".into()), profile: None, assume_role: Some(role) };
    assert_eq!(it.aws[&ConfigName("us_east_1".into())], expected);
    let evaluation = loaded.program.evaluate(&mut World::default());
    assert_eq!(evaluation.instances[&"aws_vpc.m".parse().unwrap()].config, ConfigName("us_east_1".into()));
}

#[test]
fn a_stack_without_state_block_keeps_it_locally_and_says_so() {
    let loaded = load(&[("stacks/dev/a.hcl", STACK)]);
    let StateSettings::Local { path, declared, .. } = loaded.settings.state else { panic!("kept locally") };
    assert_eq!((path.as_str(), declared), (".infra/dev", false));
}

#[test]
fn a_stack_that_is_not_there_is_named() {
    let loaded = load(&[("stacks/dex/a.hcl", STACK)]);
    assert_eq!(loaded.diagnostics.len(), 1);
    assert_eq!(loaded.diagnostics[0].code, "no-such-stack");
    assert!(show(&loaded.program, &loaded.diagnostics).contains("did you mean `dex`?"));
}

#[test]
fn meta_arguments_reach_the_plan() {
    let it = good(
        r#"
resource "aws_vpc" "a" { cidr_block = "10.0.0.0/16" }
resource "aws_vpc" "b" {
  for_each   = { x = "10.1.0.0/16" }
  cidr_block = each.value
  depends_on = [aws_vpc.a]
  timeouts {
    create = "30m"
  }
  lifecycle {
    create_before_destroy = true
    owned_elsewhere       = [tags]
    replace_triggered_by  = [aws_vpc.a.cidr_block]
  }
}
removed {
  from = aws_vpc.gone
  lifecycle {
    destroy = false
  }
}
import {
  for_each = { x = "vpc-1" }
  to       = aws_vpc.b[each.key]
  id       = each.value
}
"#,
    );
    let b = &it.instances[&"aws_vpc.b[\"x\"]".parse().unwrap()];
    assert_eq!(b.timeouts.create, Some(std::time::Duration::from_secs(1_800)));
    assert!(b.lifecycle.create_before_destroy && b.lifecycle.owned_elsewhere.contains("tags"));
    assert_eq!(b.lifecycle.replace_triggered_by[0].path, "cidr_block");
    let from: Vec<&str> = b.references.iter().map(|it| it.from.as_ref()).collect();
    assert_eq!(from, ["(depends_on)", "(lifecycle)"]);
    assert_eq!((it.removed[0].from.as_str(), it.removed[0].destroy), ("aws_vpc.gone", false));
    assert_eq!((it.imports[0].to.to_string(), it.imports[0].id.as_str()), ("aws_vpc.b[\"x\"]".into(), "vpc-1"));
}

/// Large files are parsed in pieces; nobody may notice.
#[test]
fn a_large_file_reads_like_a_small_one() {
    let filler = "variable \"FILL\" {\n  default = <<EOT\nx {\n}\ny\nEOT\n}\n";
    let filler: String = (0..3_000).map(|it| filler.replace("FILL", &format!("v{it}"))).collect();
    let good_text = format!("{filler}output \"x\" {{\n value = var.v2999\n}}\n");
    assert_eq!(good(&good_text).outputs["x"].value, Value::from("x {\n}\ny\n"));
    let (_, wrong) = evaluate(&format!("{filler}output \"x\" {{\n value = ]\n}}\n"), &mut World::default());
    let syntax = wrong.diagnostics.iter().find(|it| it.code == "syntax").unwrap();
    assert_eq!(syntax.span.as_ref().unwrap().start as usize, filler.len() + "output \"x\" {\n value = ".len());
}
