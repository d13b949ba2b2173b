//! A configuration without a language, and a small catalogue, for tests of whatever works on plans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::diff::Differ;
use super::{Act, Action, Plan, Step};
use crate::address::{Address, Mode};
use crate::diag::Diagnostic;
use crate::remote::{ConfigName, Id, Live, Status};
use crate::schema::{Attribute, Equality, Presence, Schema, Shape, Types};
use crate::stack::desired::{Configuration, Evaluation, Host, Instance, Lifecycle, OutputValue, Reference, Timeouts};
use crate::state::{Deposed, Lineage, Record, State};
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
    /// What comes besides instances: `moved`, `removed`, `imports`, `deferred`, `disabled`, `outputs`.
    pub extra: Extra,
    pub types: Catalogue,
}

#[derive(Clone, Default)]
pub struct Extra {
    pub moved: Vec<crate::stack::desired::Moved>,
    pub removed: Vec<crate::stack::desired::Removed>,
    pub imports: Vec<crate::stack::desired::Import>,
    pub deferred: Vec<crate::stack::desired::DeferredBlock>,
    pub disabled: BTreeSet<String>,
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
                object: None,
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
            disabled: self.extra.disabled.clone(),
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
    Attribute::new(shape, presence)
}

pub fn schema(name: &str, attributes: impl IntoIterator<Item = (&'static str, Attribute)>) -> Schema {
    let common = [
        ("id", attribute(Shape::String, Presence::Computed)),
        ("name", attribute(Shape::String, Presence::Optional)),
        ("tags", attribute(Shape::Map(Box::new(Shape::String)), Presence::Optional)),
    ];
    let all = common.into_iter().chain(attributes).map(|(name, it)| (name.into(), it));
    Schema::new(name, all.collect())
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
            state.resources.insert(address, Arc::new(Record { dependencies, ..record(id, instance.settings, &[]) }));
        }
    }
    state
}

/// A cloud in which everything works at once: carries a plan out step by step, in order, and complains of every step that a
/// strict cloud, or a reader of the plan, would complain of.
pub struct Performance<'p> {
    pub plan: &'p Plan,
    pub double: &'p mut Double,
    pub state: State,
    /// What exists, by id.
    pub things: BTreeMap<Id, Live>,
    pub complaints: Vec<String>,
    pending: BTreeSet<Address>,
    minted: usize,
}

impl Host for BTreeMap<Address, Value> {
    fn outputs(&mut self, address: &Address, _: &ConfigName, _: &Value) -> Value {
        let unknown = || Value::object([("id", Value::unknown(crate::value::Type::String, address.clone(), "id"))]);
        self.get(address).cloned().unwrap_or_else(unknown)
    }
    fn data(&mut self, _: &Address, _: &ConfigName, _: &Value) -> Value {
        Value::object([("id", Value::from("looked"))])
    }
}

impl<'p> Performance<'p> {
    pub fn new(plan: &'p Plan, double: &'p mut Double, state: State, things: BTreeMap<Id, Live>) -> Self {
        let makes = plan.steps.iter().filter(|it| matches!(it.act, Act::Create { .. }));
        let pending = makes.map(|it| it.address.clone()).collect();
        Self { plan, double, state, things, complaints: Vec::new(), pending, minted: 0 }
    }

    /// All steps, in order.
    pub fn run(&mut self) {
        for step in &self.plan.steps {
            self.step(step);
        }
    }

    /// What is known now of everything that exists and is not about to be made anew.
    fn settings(&mut self, address: &Address) -> Value {
        let there = self.state.resources.iter().filter(|(it, _)| !self.pending.contains(it));
        let mut known: BTreeMap<Address, Value> = there.map(|(it, record)| (it.clone(), record.outputs.clone())).collect();
        self.double.settings(address, &mut known).unwrap_or_default()
    }

    /// The same; of a shell, without what is known only later.
    fn settings_for(&mut self, address: &Address, shell: bool) -> Value {
        let mut settings = self.settings(address);
        for (name, it) in self.double.types.clone().resource(address.type_name()).unwrap().settings() {
            if shell && it.later && !settings.get(name).is_wholly_known() {
                settings = settings.with(name, Value::Null);
            }
        }
        settings
    }

    fn step(&mut self, step: &Step) {
        let address = &step.address;
        match &step.act {
            Act::Create { planned, dependencies, lifecycle, replaces, shell } => {
                let settings = self.settings_for(address, *shell);
                self.expect(address, planned, &settings);
                self.minted += 1;
                let id = format!("{address}#new{}", self.minted);
                self.things.insert(Id::new(id.as_str()), live(&id, settings.clone()));
                let mut made = record(&id, settings, &[]);
                (made.dependencies, made.lifecycle) = (dependencies.clone(), lifecycle.clone());
                if let Some(old) = self.state.resources.remove(address) {
                    made.deposed.clone_from(&old.deposed);
                    if replaces.as_ref() == Some(&old.id) {
                        let Record { id, config, applied, outputs, .. } = (*old).clone();
                        let old = Deposed { id, config, applied, outputs };
                        made.deposed.push(old);
                    }
                }
                self.state.resources.insert(address.clone(), Arc::new(made));
                self.pending.remove(address);
            }
            Act::Configure { planned, dependencies, lifecycle } | Act::Update { planned, dependencies, lifecycle, .. } => {
                let settings = self.settings_for(address, step.act.is_shell());
                self.expect(address, planned, &settings);
                let Some(record) = self.state.record_mut(address) else {
                    return self.complaints.push(format!("{address} is changed and not there"));
                };
                let schema = self.double.types.resources.get(address.type_name()).unwrap();
                let sealer_of_all = sealer();
                let differ = Differ::new(schema, &sealer_of_all);
                let thing = self.things.get_mut(&record.id).unwrap();
                let fixed = differ.fixed_differences(&settings, Some(&record.applied), &thing.settings);
                self.complaints.extend(fixed.iter().map(|it| format!("{address}: {} changes in place", it.path)));
                thing.settings = settings.clone();
                record.applied = sealer().seal(&settings);
                record.unfinished = false;
                (record.dependencies, record.lifecycle) = (dependencies.clone(), lifecycle.clone());
            }
            Act::Delete { id, deposed, .. } => {
                self.delete(address, id);
                match self.state.record_mut(address) {
                    Some(record) if *deposed => record.deposed.retain(|it| it.id != *id),
                    Some(record) if record.deposed.is_empty() => drop(self.state.resources.remove(address)),
                    _ => self.complaints.push(format!("{address} goes and takes the record of a former instance with it")),
                }
            }
            Act::DeleteReplaced { id, .. } => {
                self.delete(address, id);
                self.state.record_mut(address).unwrap().deposed.retain(|it| it.id != *id);
            }
            Act::Forget => drop(self.state.resources.remove(address)),
            Act::Protect { lifecycle, dependencies } => {
                let record = self.state.record_mut(address).unwrap();
                (record.dependencies, record.lifecycle) = (dependencies.clone(), lifecycle.clone());
            }
            Act::Refresh { record } => drop(self.state.resources.insert(address.clone(), record.clone())),
            Act::Move { .. } | Act::Import { .. } | Act::Read => self.complaints.push(format!("{address}: not performed here")),
        }
    }

    /// What the plan showed must come out the same, and all must be known.
    fn expect(&mut self, address: &Address, planned: &Value, settings: &Value) {
        if !settings.is_wholly_known() {
            self.complaints.push(format!("{address} is made or changed while {settings:?} is not known"));
        }
        for (name, planned) in planned.members().into_iter().flatten() {
            let now = sealer().seal(&settings.get(name));
            if planned.is_wholly_known() && *planned != now && !now.is_null() {
                self.complaints.push(format!("{address}: {name} comes out as {now:?}, the plan showed {planned:?}"));
            }
        }
    }

    /// A strict cloud deletes nothing that is built upon.
    fn delete(&mut self, address: &Address, id: &Id) {
        self.things.remove(id);
        let change = self.plan.changes.iter().find(|it| it.address == *address && !it.is_deposed());
        // Users of what is deleted first and made again turn to the new one afterwards.
        let strict = change.is_none_or(|it| it.action == Action::Delete || it.create_first);
        for (user, thing) in &self.things {
            let refers = |name: &str| thing.settings.get(name).any(&mut |it| it.as_str() == Some(id.as_str()));
            if refers("net") || strict && refers("uses") {
                self.complaints.push(format!("{id} goes while {user} uses it"));
            }
        }
    }
}
