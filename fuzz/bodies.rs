//! What the fuzz targets do with a text; the tests do the same over the corpus and its mutations.

use std::sync::Arc;

use infra::address::Address;
use infra::diag::render::render;
use infra::remote::ConfigName;
use infra::schema::{Schema, Types};
use infra::stack::source::Memory;
use infra::stack::{Configuration, Host, LoadRequest, Loaded, Program};
use infra::value::{Type, Value};

/// One type, of any attributes that a schema can have.
struct OneType(Schema);

/// A thing.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Thing {
    name: Option<String>,
    size: Option<u16>,
    tags: Option<std::collections::BTreeMap<String, String>>,
    part: Option<Vec<Part>>,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Part {
    port: Option<u16>,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Outputs {
    id: String,
}

impl Types for OneType {
    fn resource(&self, _: &str) -> Option<&Schema> {
        Some(&self.0)
    }
    fn data(&self, _: &str) -> Option<&Schema> {
        Some(&self.0)
    }
    fn names(&self) -> Vec<&str> {
        vec!["thing"]
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

fn load(text: &str) -> Option<Loaded> {
    Some(Program::load(LoadRequest {
        source: Arc::new(Memory::new([("stacks/fuzz/main.hcl", text)])),
        stack: "fuzz".parse().ok()?,
        variables: Vec::new(),
        types: &OneType(Schema::of::<Thing, Outputs>("thing", &[])),
        account: None,
    }))
}

pub fn parse(text: &str) {
    if let Some(loaded) = load(text) {
        let shown = render(&loaded.diagnostics, &loaded.program, true);
        assert_eq!(shown.is_empty(), loaded.diagnostics.is_empty());
    }
}

pub fn evaluate(text: &str) {
    let Some(mut loaded) = load(text) else { return };
    let first = loaded.program.evaluate(&mut Nobody);
    let second = loaded.program.evaluate(&mut Nobody);
    assert_eq!(first.outputs, second.outputs, "evaluation is repeatable");
    render(&first.diagnostics, &loaded.program, false);
    // As an expression of its own as well.
    let _ = loaded.program.evaluate_text(text, &mut Nobody);
}
