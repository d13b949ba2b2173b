//! How long planning takes, by the number of resources: `cargo bench --bench plan`.
//!
//! The files are evaluated already; what is measured is comparing, deciding, ordering, and the lint of the result.

use std::collections::BTreeMap;
use std::sync::Arc;

use divan::{Bencher, black_box};
use infra::address::Address;
use infra::diag::Diagnostic;
use infra::plan::{Observed, Options, Outcome, Plan, Request, plan, verify};
use infra::remote::{ConfigName, Id, Live, Status};
use infra::schema::{Attribute, Presence, Schema, Shape, Types};
use infra::stack::desired::{Configuration, Evaluation, Host, Instance, Lifecycle, OutputValue, Reference, Timeouts};
use infra::state::{Lineage, Record, State};
use infra::value::{Sealer, Value};

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

/// Networks of a hundred members each, as a stack with many subnets, rules and records has them.
struct Wide {
    members: Vec<(Address, Option<Address>)>,
    name: &'static str,
}

impl Wide {
    fn of(size: usize, name: &'static str) -> Self {
        let address = |text: String| text.parse::<Address>().unwrap_or_else(|error| panic!("{error}"));
        let member = |at: usize| match at % 100 {
            0 => (address(format!("thing.net[\"{at}\"]")), None),
            _ => (address(format!("module.m.thing.part[\"{at}\"]")), Some(address(format!("thing.net[\"{}\"]", at - at % 100)))),
        };
        Self { members: (0..size).map(member).collect(), name }
    }

    fn written(&self, of: &Option<Address>, host: &mut dyn Host) -> Value {
        let shell = Value::object([("name", Value::from(self.name))]);
        let net = of.as_ref().map(|it| host.outputs(it, &ConfigName::default(), &shell).get("id")).unwrap_or_default();
        Value::object([
            ("name", Value::from(self.name)),
            ("net", net),
            ("tags", Value::map([("project", Value::from("bench")), ("env", Value::from("dev"))])),
            ("zones", Value::set(["a", "b", "c"].map(Value::from))),
        ])
    }
}

impl Configuration for Wide {
    fn evaluate(&mut self, host: &mut dyn Host) -> Evaluation {
        let instance = |(address, of): &(Address, Option<Address>)| {
            let references = of.iter().map(|to| Reference {
                to: to.clone(),
                from: "net".into(),
                later: false,
                expression: Arc::from("thing.net.id"),
            });
            let instance = Instance {
                address: address.clone(),
                span: None,
                config: ConfigName::default(),
                settings: self.written(of, host),
                spans: BTreeMap::new(),
                references: references.collect(),
                lifecycle: Lifecycle::default(),
                timeouts: Timeouts::default(),
                object: None,
            };
            (address.clone(), instance)
        };
        Evaluation { instances: self.members.iter().map(instance).collect(), ..Evaluation::default() }
    }

    fn settings(&mut self, _: &Address, _: &mut dyn Host) -> Result<Value, Vec<Diagnostic>> {
        Ok(Value::Null)
    }
    fn outputs(&mut self, _: &mut dyn Host) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>> {
        Ok(BTreeMap::new())
    }
    fn postconditions(&mut self, _: &Address, _: &Value, _: &mut dyn Host) -> Vec<Diagnostic> {
        Vec::new()
    }
}

struct One(Schema);

impl One {
    fn new() -> Self {
        let attribute = |shape, presence, fixed| Attribute { fixed, ..Attribute::new(shape, presence) };
        let attributes = [
            ("id", attribute(Shape::String, Presence::Computed, false)),
            ("name", attribute(Shape::String, Presence::Optional, false)),
            ("net", attribute(Shape::String, Presence::Optional, true)),
            ("tags", attribute(Shape::Map(Box::new(Shape::String)), Presence::Optional, false)),
            ("zones", attribute(Shape::Set(Box::new(Shape::String)), Presence::Optional, false)),
        ];
        Self(Schema::new("thing", attributes.into_iter().map(|(name, it)| (name.into(), it)).collect()))
    }
}

impl Types for One {
    fn resource(&self, _: &str) -> Option<&Schema> {
        Some(&self.0)
    }
    fn data(&self, _: &str) -> Option<&Schema> {
        None
    }
    fn names(&self) -> Vec<&str> {
        vec!["thing"]
    }
}

/// Everything made, read again, in the form in which the cloud answers.
fn made(size: usize) -> (State, Observed) {
    struct Ids;
    impl Host for Ids {
        fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
            Value::object([("id", Value::from(address.to_string()))])
        }
        fn data(&mut self, _: &Address, _: &ConfigName, _: &Value) -> Value {
            Value::Null
        }
    }
    let mut state = empty();
    let mut observed = Observed::default();
    for (address, instance) in Wide::of(size, "old").evaluate(&mut Ids).instances {
        let outputs = Value::object([("id", Value::from(address.to_string()))]);
        let text = serde_json::to_string(&instance.settings).unwrap_or_default();
        let settings: Value = serde_json::from_str(&text).unwrap_or_default();
        let record = Record {
            config: ConfigName::default(),
            id: Id::new(address.to_string()),
            token: None,
            applied: settings.clone(),
            outputs: outputs.clone(),
            dependencies: instance.references.iter().map(|it| it.to.clone()).collect(),
            lifecycle: Default::default(),
            unfinished: false,
            deposed: Vec::new(),
        };
        observed.live.insert(address.clone(), Some(Live { settings, outputs, status: Status::Ready }));
        state.resources.insert(address, Arc::new(record));
    }
    (state, observed)
}

fn empty() -> State {
    let stack = "bench".parse().unwrap_or_else(|error| panic!("{error}"));
    State::new(stack, Lineage("0".into()))
}

fn make(configuration: &mut Wide, state: &State, observed: &Observed, options: &Options) -> Plan {
    let request = Request {
        configuration,
        types: &One::new(),
        state,
        observed,
        options,
        sealer: &Sealer::new([0; 32]),
        account: "111111111111",
        region: "eu-west-1",
        digest: "",
    };
    match plan(request) {
        Outcome::Planned(it) => it.plan,
        Outcome::Refused(why) => panic!("{why:?}"),
        Outcome::NeedsData(_) | Outcome::NeedsImports(_) | Outcome::NeedsPreviews(_) => panic!("nothing is to be read"),
    }
}

#[divan::bench(args = SIZES, max_time = 2)]
fn nothing_changed(bencher: Bencher, size: usize) {
    let (state, observed) = made(size);
    let mut configuration = Wide::of(size, "old");
    bencher.bench_local(|| black_box(make(&mut configuration, &state, &observed, &Options::default())));
}

#[divan::bench(args = SIZES, max_time = 2)]
fn everything_changed(bencher: Bencher, size: usize) {
    let (state, observed) = made(size);
    let mut configuration = Wide::of(size, "new");
    bencher.bench_local(|| black_box(make(&mut configuration, &state, &observed, &Options::default())));
}

#[divan::bench(args = SIZES, max_time = 2)]
fn everything_is_new(bencher: Bencher, size: usize) {
    let state = empty();
    let mut configuration = Wide::of(size, "new");
    bencher.bench_local(|| black_box(make(&mut configuration, &state, &Observed::default(), &Options::default())));
}

#[divan::bench(args = SIZES, max_time = 2)]
fn everything_goes(bencher: Bencher, size: usize) {
    let (state, observed) = made(size);
    let options = Options { destroy: true, ..Options::default() };
    let mut configuration = Wide::of(size, "old");
    bencher.bench_local(|| black_box(make(&mut configuration, &state, &observed, &options)));
}

#[divan::bench(args = SIZES, max_time = 2)]
fn lint(bencher: Bencher, size: usize) {
    let plan = make(&mut Wide::of(size, "new"), &empty(), &Observed::default(), &Options::default());
    bencher.bench_local(|| black_box(verify::check(&plan, &empty())));
}
