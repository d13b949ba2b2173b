//! `stacks/dev` and `stacks/prod`: what they say, and whole stories of them on the local cloud, by the binary, each in accounts
//! of its own.

pub mod checkout;
mod differences;
mod edits;
mod guards;
pub mod inventory;
mod rereads;
mod saved;
mod story;

use std::path::Path;
use std::sync::Arc;

use infra::address::{Address, StackName};
use infra::catalog::Catalog;
use infra::diag::render::render;
use infra::remote::ConfigName;
use infra::stack::program::{LoadRequest, Loaded, Program};
use infra::stack::source::Folder;
use infra::stack::{Configuration, Evaluation, Host};
use infra::value::{Type, Value};

/// An empty account.
struct Nothing;

impl Host for Nothing {
    fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        Value::unknown(Type::Any, address.clone(), "")
    }
    fn data(&mut self, address: &Address, config: &ConfigName, arguments: &Value) -> Value {
        self.outputs(address, config, arguments)
    }
}

fn load(stack: &str) -> Loaded {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stack: StackName = stack.parse().unwrap();
    let request = LoadRequest {
        source: Arc::new(Folder::open(root).unwrap()),
        stack,
        variables: Vec::new(),
        types: &Catalog::new(),
        account: None,
    };
    Program::load(request)
}

fn evaluate(stack: &str) -> (Program, Evaluation) {
    let mut loaded = load(stack);
    let mut evaluation = loaded.program.evaluate(&mut Nothing);
    let mut all = std::mem::take(&mut loaded.diagnostics);
    all.append(&mut evaluation.diagnostics);
    assert!(all.is_empty(), "{}", render(&all, &loaded.program, false));
    (loaded.program, evaluation)
}

#[test]
fn both_stacks_are_valid() {
    for stack in ["dev", "prod"] {
        let (_, evaluation) = evaluate(stack);
        assert!(evaluation.deferred.is_empty());
        assert!(evaluation.instances.len() > 50, "{} has {}", stack, evaluation.instances.len());
    }
}
