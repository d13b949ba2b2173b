//! A configuration without a language, and a small catalogue, for tests of whatever works on plans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::{Address, Mode};
use crate::diag::Diagnostic;
use crate::remote::{ConfigName, Id, Live, Status};
use crate::schema::{Attribute, Equality, Presence, Schema, Shape, Types};
use crate::stack::desired::{Configuration, Evaluation, Host, Instance, Lifecycle, OutputValue, Reference, Timeouts};
use crate::state::{Lineage, Record, State};
use crate::value::{Sealer, Value};

/// An expression: a value, or one with references in it.
#[derive(Clone, Debug)]
pub enum Expr {
    Is(Value),
    Output(Address, &'static str),
    List(Vec<Expr>),
}

impl<T: Into<Value>> From<T> for Expr {
    fn from(it: T) -> Self {
        Self::Is(it.into())
    }
}

/// `vpc.main.id`
pub fn output(text: &'static str) -> Expr {
    let (address, path) = text.rsplit_once('.').unwrap();
    Expr::Output(address.parse().unwrap(), path)
}

/// One block of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Block {
    pub settings: BTreeMap<&'static str, Expr>,
    pub depends_on: Vec<Address>,
    pub lifecycle: Lifecycle,
    pub config: ConfigName,
}

impl Block {
    pub fn with(mut self, name: &'static str, it: impl Into<Expr>) -> Self {
        self.settings.insert(name, it.into());
        self
    }
    pub fn after(mut self, address: &str) -> Self {
        self.depends_on.push(address.parse().unwrap());
        self
    }
    pub fn lifecycle(mut self, change: impl FnOnce(&mut Lifecycle)) -> Self {
        change(&mut self.lifecycle);
        self
    }
}

/// A configuration that is given instead of parsed. References must not run in circles, except through `later` attributes.
#[derive(Clone, Default)]
pub struct Double {
    pub blocks: BTreeMap<Address, Block>,
    /// What comes besides instances: `moved`, `removed`, `imports`, `deferred`, `outputs`.
    pub extra: Extra,
    pub types: Catalogue,
}

#[derive(Clone, Default)]
pub struct Extra {
    pub moved: Vec<crate::stack::desired::Moved>,
    pub removed: Vec<crate::stack::desired::Removed>,
    pub imports: Vec<crate::stack::desired::Import>,
    pub deferred: Vec<crate::stack::desired::DeferredBlock>,
    pub outputs: BTreeMap<String, Expr>,
}

impl Double {
    pub fn with(mut self, address: &str, block: Block) -> Self {
        self.blocks.insert(address.parse().unwrap(), block);
        self
    }

    fn schema(&self, address: &Address) -> Option<&Schema> {
        match address.mode() {
            Mode::Managed => self.types.resource(address.type_name()),
            Mode::Data => self.types.data(address.type_name()),
        }
    }

    fn value(&self, it: &Expr, host: &mut dyn Host, memo: &mut BTreeMap<Address, Value>) -> Value {
        match it {
            Expr::Is(it) => it.clone(),
            Expr::List(items) => Value::list(items.iter().map(|it| self.value(it, host, memo)).collect::<Vec<_>>()),
            Expr::Output(address, path) => self.outputs_of(address, host, memo).get(path),
        }
    }

    fn outputs_of(&self, address: &Address, host: &mut dyn Host, memo: &mut BTreeMap<Address, Value>) -> Value {
        if let Some(known) = memo.get(address) {
            return known.clone();
        }
        let Some(block) = self.blocks.get(address) else { panic!("no block {address}") };
        let shell = self.settings_of(address, false, host, memo);
        let out = match address.mode() {
            Mode::Managed => host.outputs(address, &block.config, &shell),
            Mode::Data => host.data(address, &block.config, &shell),
        };
        memo.insert(address.clone(), out.clone());
        out
    }

    fn settings_of(&self, address: &Address, later: bool, host: &mut dyn Host, memo: &mut BTreeMap<Address, Value>) -> Value {
        let (Some(block), Some(schema)) = (self.blocks.get(address), self.schema(address)) else { return Value::Null };
        let wanted = schema.settings().filter(|(_, it)| later || !it.later);
        let members: Vec<_> = wanted
            .map(|(name, it)| {
                let written = block.settings.get(&**name).map(|expr| self.value(expr, host, memo));
                (
                    name.clone(),
                    written.unwrap_or_else(|| it.default.clone()).mark(it.secret && block.settings.contains_key(&**name)),
                )
            })
            .collect();
        Value::object(members).convert(&Shape::Object(schema.attributes.clone()).ty()).unwrap_or(Value::Null)
    }

    fn references(&self, address: &Address) -> Vec<Reference> {
        fn collect(it: &Expr, out: &mut Vec<(Address, &'static str)>) {
            match it {
                Expr::Is(_) => {}
                Expr::Output(address, path) => out.push((address.clone(), path)),
                Expr::List(items) => items.iter().for_each(|it| collect(it, out)),
            }
        }
        let (Some(block), Some(schema)) = (self.blocks.get(address), self.schema(address)) else { return Vec::new() };
        let mut out = Vec::new();
        for (name, expr) in &block.settings {
            let mut found = Vec::new();
            collect(expr, &mut found);
            let later = schema.attributes.get(*name).is_some_and(|it| it.later);
            for (to, path) in found {
                out.push(Reference { expression: format!("{to}.{path}").into(), to, from: (*name).into(), later });
            }
        }
        for to in &block.depends_on {
            out.push(Reference { to: to.clone(), from: "(depends_on)".into(), later: false, expression: to.to_string().into() });
        }
        out
    }
}

impl Configuration for Double {
    fn evaluate(&mut self, host: &mut dyn Host) -> Evaluation {
        let mut memo = BTreeMap::new();
        let mut instances = BTreeMap::new();
        for (address, block) in &self.blocks {
            self.outputs_of(address, host, &mut memo);
            let instance = Instance {
                address: address.clone(),
                span: None,
                config: block.config.clone(),
                settings: self.settings_of(address, true, host, &mut memo),
                spans: BTreeMap::new(),
                references: self.references(address),
                lifecycle: block.lifecycle.clone(),
                timeouts: Timeouts::default(),
            };
            instances.insert(address.clone(), instance);
        }
        let outputs = self.extra.outputs.iter();
        let outputs =
            outputs.map(|(name, it)| (name.clone(), OutputValue { value: self.value(it, host, &mut memo), sensitive: false }));
        Evaluation {
            outputs: outputs.collect(),
            instances,
            deferred: self.extra.deferred.clone(),
            moved: self.extra.moved.clone(),
            removed: self.extra.removed.clone(),
            imports: self.extra.imports.clone(),
            diagnostics: Vec::new(),
        }
    }

    fn settings(&mut self, address: &Address, host: &mut dyn Host) -> Result<Value, Vec<Diagnostic>> {
        Ok(self.settings_of(address, true, host, &mut BTreeMap::new()))
    }

    fn outputs(&mut self, host: &mut dyn Host) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>> {
        Ok(self.evaluate(host).outputs)
    }

    fn postconditions(&mut self, _: &Address, _: &Value, _: &mut dyn Host) -> Vec<Diagnostic> {
        Vec::new()
    }
}

/// Types `net` (fixed `cidr`, `zone` that the cloud chooses), `part` (fixed `net`, `peers` set later, `policy`, `secret`) and
/// the data source `look`; all with `name`, `tags`, and the output `id`.
#[derive(Clone)]
pub struct Catalogue {
    resources: Arc<BTreeMap<Arc<str>, Schema>>,
    data: Arc<BTreeMap<Arc<str>, Schema>>,
}

pub fn attribute(shape: Shape, presence: Presence) -> Attribute {
    Attribute {
        doc: String::new(),
        shape,
        presence,
        fixed: false,
        later: false,
        local: false,
        secret: false,
        equality: Equality::Exact,
        default: Value::Null,
        limits: Default::default(),
    }
}

pub fn schema(name: &str, attributes: impl IntoIterator<Item = (&'static str, Attribute)>) -> Schema {
    let common = [
        ("id", attribute(Shape::String, Presence::Computed)),
        ("name", attribute(Shape::String, Presence::Optional)),
        ("tags", attribute(Shape::Map(Box::new(Shape::String)), Presence::Optional)),
    ];
    let all = common.into_iter().chain(attributes).map(|(name, it)| (name.into(), it));
    Schema { type_name: name.into(), doc: String::new(), attributes: all.collect(), exclusive: Vec::new() }
}

impl Default for Catalogue {
    fn default() -> Self {
        let text = || attribute(Shape::String, Presence::Optional);
        let rule = Shape::Object(
            [
                ("port".into(), attribute(Shape::Number, Presence::Required)),
                ("note".into(), attribute(Shape::String, Presence::Auto)),
            ]
            .into(),
        );
        let net = schema(
            "net",
            [
                ("cidr", Attribute { fixed: true, ..attribute(Shape::String, Presence::Required) }),
                ("zone", Attribute { fixed: true, ..attribute(Shape::String, Presence::Auto) }),
                ("zones", attribute(Shape::Set(Box::new(Shape::String)), Presence::Optional)),
                ("rule", attribute(Shape::Set(Box::new(rule.clone())), Presence::Optional)),
                ("step", attribute(Shape::List(Box::new(rule)), Presence::Optional)),
            ],
        );
        let part = schema(
            "part",
            [
                ("net", Attribute { fixed: true, ..text() }),
                ("uses", attribute(Shape::List(Box::new(Shape::String)), Presence::Optional)),
                ("peers", Attribute { later: true, ..attribute(Shape::Set(Box::new(Shape::String)), Presence::Optional) }),
                ("policy", Attribute { equality: Equality::Policy, ..text() }),
                ("secret", Attribute { secret: true, ..text() }),
            ],
        );
        Self {
            resources: Arc::new([("net".into(), net), ("part".into(), part)].into()),
            data: Arc::new([("look".into(), schema("look", [("of", text())]))].into()),
        }
    }
}

impl Types for Catalogue {
    fn resource(&self, type_name: &str) -> Option<&Schema> {
        self.resources.get(type_name)
    }
    fn data(&self, type_name: &str) -> Option<&Schema> {
        self.data.get(type_name)
    }
    fn names(&self) -> Vec<&str> {
        self.resources.keys().chain(self.data.keys()).map(|it| &**it).collect()
    }
}

pub fn sealer() -> Sealer {
    Sealer::new([7; 32])
}

pub fn empty_state() -> State {
    State::new("dev".parse().unwrap(), Lineage("l-1".into()))
}

/// A record of a thing as applied, with the outputs that go with the id.
pub fn record(id: &str, applied: Value, dependencies: &[&str]) -> Record {
    Record {
        config: ConfigName::default(),
        id: Id::new(id),
        token: None,
        applied: sealer().seal(&applied),
        outputs: Value::object([("id", Value::from(id))]),
        dependencies: dependencies.iter().map(|it| it.parse().unwrap()).collect(),
        lifecycle: Default::default(),
        unfinished: false,
        deposed: Vec::new(),
    }
}

pub fn live(id: &str, settings: Value) -> Live {
    Live { settings, outputs: Value::object([("id", Value::from(id))]), status: Status::Ready }
}

/// Knows what a world of things says of its outputs: what a finished apply leaves.
pub struct World<'w>(pub &'w BTreeMap<Address, Id>);

impl Host for World<'_> {
    fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        let id = self.0.get(address).map(|it| Value::from(it.as_str())).unwrap_or_default();
        Value::object([("id", id)])
    }
    fn data(&mut self, _: &Address, _: &ConfigName, _: &Value) -> Value {
        Value::object([("id", Value::from("looked"))])
    }
}

/// The state that an apply of this configuration leaves, everything made from nothing.
pub fn applied(double: &mut Double) -> State {
    let ids: BTreeMap<Address, Id> = double.blocks.keys().map(|it| (it.clone(), Id::new(format!("{it}#1")))).collect();
    let mut state = empty_state();
    for (address, instance) in double.evaluate(&mut World(&ids)).instances {
        if address.mode() == Mode::Managed {
            let dependencies: BTreeSet<Address> = instance
                .references
                .iter()
                .filter(|it| !it.later && it.to.mode() == Mode::Managed)
                .map(|it| it.to.clone())
                .collect();
            let id = ids[&address].as_str();
            state.resources.insert(address, Record { dependencies, ..record(id, instance.settings, &[]) });
        }
    }
    state
}
