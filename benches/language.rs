//! How long loading and evaluating a stack takes, by the number of resources: `cargo bench --bench language`.

use std::collections::BTreeMap;
use std::sync::Arc;

use divan::{Bencher, black_box};
use infra::address::Address;
use infra::remote::ConfigName;
use infra::schema::field::{Auto, Cidr, Fixed};
use infra::schema::{Schema, Types};
use infra::stack::source::Memory;
use infra::stack::{Configuration, Host, LoadRequest, Loaded, Program};
use infra::value::{Type, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const SIZES: [usize; 3] = [100, 1_000, 10_000];

fn main() {
    divan::main();
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Subnet {
    vpc_id: Fixed<String>,
    cidr_block: Fixed<Cidr>,
    availability_zone: Fixed<Auto<String>>,
    #[serde(default)]
    map_public_ip_on_launch: bool,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Outputs {
    id: String,
    arn: String,
}

struct Catalogue(Schema);

impl Types for Catalogue {
    fn resource(&self, _: &str) -> Option<&Schema> {
        Some(&self.0)
    }
    fn data(&self, _: &str) -> Option<&Schema> {
        None
    }
    fn names(&self) -> Vec<&str> {
        vec!["aws_subnet"]
    }
}

/// Nothing exists yet.
struct Nobody;

impl Host for Nobody {
    fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        Value::unknown(Type::Any, address.clone(), "")
    }
    fn data(&mut self, address: &Address, config: &ConfigName, arguments: &Value) -> Value {
        self.outputs(address, config, arguments)
    }
}

/// Each refers to one of a hundred, and is about as long as people's are.
fn stack(size: usize) -> String {
    let mut text = "stack {\n  region = \"eu-west-1\"\n  tags   = { project = \"bench\" }\n}\nlocals {\n  name = \"bench-${stack.name}\"\n}\n".to_owned();
    for at in 0..size {
        let vpc = if at < 100 { "\"vpc-1\"".to_owned() } else { format!("aws_subnet.s{}.id", at % 100) };
        text += &format!(
            "\n# A subnet among others.\nresource \"aws_subnet\" \"s{at}\" {{\n  vpc_id            = {vpc}\n  cidr_block        = \
             cidrsubnet(\"10.0.0.0/8\", 16, {at})\n  availability_zone = \"eu-west-1${{{at} % 2 == 0 ? \"a\" : \"b\"}}\"\n\n  tags = {{\n    \
             Name  = \"${{local.name}}-s{at}\"\n    Owner = \"platform\"\n  }}\n}}\n"
        );
    }
    text
}

fn load(text: &str) -> Loaded {
    Program::load(LoadRequest {
        source: Arc::new(Memory::new([("stacks/bench/stack.hcl", text)])),
        stack: "bench".parse().expect("a stack's name"),
        variables: Vec::new(),
        types: &Catalogue(Schema::of::<Subnet, Outputs>("aws_subnet", &[])),
        account: None,
    })
}

#[divan::bench(args = SIZES, max_time = 2)]
fn parse_and_check(bencher: Bencher<'_, '_>, size: usize) {
    let text = stack(size);
    bencher.bench(|| black_box(load(&text)));
}

#[divan::bench(args = SIZES, max_time = 2)]
fn evaluate(bencher: Bencher<'_, '_>, size: usize) {
    let text = stack(size);
    bencher.with_inputs(|| load(&text).program).bench_values(|mut program| {
        let evaluation = program.evaluate(&mut Nobody);
        assert_eq!(evaluation.instances.len(), size);
        evaluation
    });
}
