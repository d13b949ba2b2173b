//! The stack language as its users meet it: whole stacks in, instances or complaints out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use infra::address::Address;
use infra::diag::Diagnostic;
use infra::diag::render::render_all;
use infra::remote::ConfigName;
use infra::schema::field::{Auto, Cidr, Fixed, Later, Policy, Secret};
use infra::schema::{Schema, Types};
use infra::stack::source::Memory;
use infra::stack::variables::{Given, GivenValue};
use infra::stack::{Configuration, Evaluation, Host, LoadRequest, Loaded, Program, print};
use infra::value::{Type, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Vpc {
    cidr_block: Fixed<Cidr>,
    #[serde(default)]
    enable_dns_hostnames: bool,
    instance_tenancy: Option<Tenancy>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Tenancy {
    Default,
    Dedicated,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Named {
    id: String,
    arn: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Subnet {
    vpc_id: Fixed<String>,
    cidr_block: Fixed<Cidr>,
    availability_zone: Fixed<Auto<String>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Rule {
    protocol: String,
    #[schemars(range(min = 0, max = 65535))]
    from_port: Option<u16>,
    #[schemars(range(min = 0, max = 65535))]
    to_port: Option<u16>,
    #[serde(default)]
    security_groups: BTreeSet<String>,
    #[serde(default)]
    cidr_blocks: Vec<Cidr>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Group {
    #[schemars(length(min = 1, max = 20))]
    name: Fixed<Option<String>>,
    name_prefix: Fixed<Option<String>>,
    vpc_id: Fixed<Option<String>>,
    #[serde(default)]
    ingress: Later<Vec<Rule>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Encryption {
    algorithm: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Bucket {
    #[schemars(regex(pattern = r"^[a-z0-9.-]{3,63}$"))]
    bucket: Fixed<Option<String>>,
    encryption: Option<Encryption>,
    policy: Later<Option<Policy>>,
    password: Option<Secret<String>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Zones {
    state: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct ZoneNames {
    names: Vec<String>,
}

struct Catalogue(Vec<Schema>, Vec<Schema>);

impl Catalogue {
    fn new() -> Self {
        let exclusive: &[(&[&str], bool)] = &[(&["name", "name_prefix"], true)];
        Self(
            vec![
                Schema::of::<Vpc, Named>("aws_vpc", &[]),
                Schema::of::<Subnet, Named>("aws_subnet", &[]),
                Schema::of::<Group, Named>("aws_security_group", exclusive),
                Schema::of::<Bucket, Named>("aws_s3_bucket", &[]),
            ],
            vec![Schema::of::<Zones, ZoneNames>("aws_availability_zones", &[])],
        )
    }
}

impl Types for Catalogue {
    fn resource(&self, type_name: &str) -> Option<&Schema> {
        self.0.iter().find(|it| it.type_name.as_ref() == type_name)
    }
    fn data(&self, type_name: &str) -> Option<&Schema> {
        self.1.iter().find(|it| it.type_name.as_ref() == type_name)
    }
    fn names(&self) -> Vec<&str> {
        self.0.iter().chain(&self.1).map(|it| it.type_name.as_ref()).collect()
    }
}

/// Knows what it was told, and remembers what it was asked.
#[derive(Default)]
struct World {
    known: BTreeMap<String, Value>,
    asked: Vec<(String, Value)>,
}

impl Host for World {
    fn outputs(&mut self, address: &Address, _: &ConfigName, shell: &Value) -> Value {
        self.asked.push((address.to_string(), shell.clone()));
        self.known.get(&address.to_string()).cloned().unwrap_or_else(|| Value::unknown(Type::Any, address.clone(), ""))
    }
    fn data(&mut self, address: &Address, config: &ConfigName, arguments: &Value) -> Value {
        self.outputs(address, config, arguments)
    }
}

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
    render_all(diagnostics, program, false)
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
