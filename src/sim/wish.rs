//! [`Wish`]: a configuration that is given instead of parsed.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::types::SimTypes;
use crate::address::{Address, Mode};
use crate::diag::Diagnostic;
use crate::remote::ConfigName;
use crate::stack::desired::{
    Configuration, Evaluation, Host, Import, Instance, Lifecycle, Moved, OutputValue, Reference, Timeouts,
};
use crate::value::Value;

/// One block. `parents` and `peers` name others; parents must not run in circles. Of a data source, the parent is what is
/// looked up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    pub settings: BTreeMap<&'static str, Value>,
    pub parents: Vec<Address>,
    pub peers: Vec<Address>,
    /// The data source that says its flavor.
    pub looks: Option<Address>,
    pub lifecycle: Lifecycle,
}

impl Block {
    /// What must be there before it is whole.
    pub fn needs(&self) -> impl Iterator<Item = &Address> {
        self.parents.iter().chain(&self.peers).chain(&self.looks)
    }

    /// Whether it refers to another one.
    pub fn names(&self, other: &Address) -> bool {
        self.needs().any(|it| it == other)
    }
}

/// A configuration of the simulated types.
#[derive(Clone, Default)]
pub struct Wish {
    pub blocks: BTreeMap<Address, Block>,
    pub moved: Vec<Moved>,
    pub imports: Vec<Import>,
}

/// The attributes that refer to others.
struct Names {
    parents: Arc<str>,
    flavor: Arc<str>,
    peers: Arc<str>,
}

static NAMES: LazyLock<Names> =
    LazyLock::new(|| Names { parents: "parents".into(), flavor: "flavor".into(), peers: "peers".into() });

/// What the host said so far.
struct Telling<'a> {
    host: &'a mut dyn Host,
    ids: BTreeMap<Address, Value>,
    /// The settings of what was asked for, without those that come later. At apply the host goes without.
    shells: Option<BTreeMap<Address, Value>>,
}

impl Wish {
    pub fn new(blocks: BTreeMap<Address, Block>) -> Self {
        Self { blocks, ..Self::default() }
    }

    /// The id of another, as its host knows it.
    fn id_of(&self, address: &Address, telling: &mut Telling<'_>) -> Value {
        if let Some(id) = telling.ids.get(address) {
            return id.clone();
        }
        let needed = telling.shells.is_some() || address.mode() == Mode::Data;
        let shell = if needed { self.shell_of(address, telling) } else { Value::Null };
        let answers = match address.mode() {
            Mode::Managed => telling.host.outputs(address, &ConfigName::default(), &shell),
            Mode::Data => telling.host.data(address, &ConfigName::default(), &shell),
        };
        let id = answers.get("id");
        telling.ids.insert(address.clone(), id.clone());
        if let Some(all) = &mut telling.shells {
            all.insert(address.clone(), shell);
        }
        id
    }

    /// The settings without those that come later.
    fn shell_of(&self, address: &Address, telling: &mut Telling<'_>) -> Value {
        let (Some(block), Some(schema)) = (self.blocks.get(address), SimTypes::shared().of(address)) else {
            return Value::Null;
        };
        let members = schema.settings().map(|(name, it)| {
            let value = match (&**name, &block.looks) {
                ("of", _) => block.parents.last().map(|it| self.id_of(it, telling)).unwrap_or_default(),
                ("parents", _) if !block.parents.is_empty() => {
                    Value::list(block.parents.iter().map(|it| self.id_of(it, telling)))
                }
                ("flavor", Some(looks)) => self.id_of(looks, telling),
                (name, _) => block.settings.get(name).cloned().unwrap_or_default(),
            };
            (name.clone(), if value.is_null() { value } else { value.mark(it.secret) })
        });
        Value::object(members)
    }

    /// All of the settings.
    fn settings_of(&self, address: &Address, telling: &mut Telling<'_>) -> Value {
        let known = telling.shells.as_ref().and_then(|it| it.get(address)).cloned();
        let shell = known.unwrap_or_else(|| self.shell_of(address, telling));
        let peers = self.blocks.get(address).map(|it| it.peers.as_slice()).unwrap_or_default();
        match peers {
            [] => shell,
            peers => shell.with("peers", Value::set(peers.iter().map(|it| self.id_of(it, telling)))),
        }
    }

    /// Nobody reads what is referred to: the attribute stands for it.
    fn references(&self, block: &Block) -> Vec<Reference> {
        let one = |to: &Address, from: &Arc<str>, later: bool| Reference {
            to: to.clone(),
            from: from.clone(),
            later,
            expression: from.clone(),
        };
        let Names { parents, flavor, peers } = &*NAMES;
        let first = block.parents.iter().map(|it| one(it, parents, false));
        let looks = block.looks.iter().map(|it| one(it, flavor, false));
        first.chain(looks).chain(block.peers.iter().map(|it| one(it, peers, true))).collect()
    }
}

impl Configuration for Wish {
    fn evaluate(&mut self, host: &mut dyn Host) -> Evaluation {
        let mut telling = Telling { host, ids: BTreeMap::new(), shells: Some(BTreeMap::new()) };
        let (moved, imports) = (self.moved.clone(), self.imports.clone());
        let mut out = Evaluation { moved, imports, ..Evaluation::default() };
        for (address, block) in &self.blocks {
            self.id_of(address, &mut telling);
            let settings = self.settings_of(address, &mut telling);
            let instance = Instance {
                address: address.clone(),
                span: None,
                config: ConfigName::default(),
                settings,
                spans: BTreeMap::new(),
                references: self.references(block),
                lifecycle: block.lifecycle.clone(),
                timeouts: Timeouts::default(),
                object: None,
            };
            out.instances.insert(address.clone(), instance);
        }
        out
    }

    fn settings(&mut self, address: &Address, host: &mut dyn Host) -> Result<Value, Vec<Diagnostic>> {
        Ok(self.settings_of(address, &mut Telling { host, ids: BTreeMap::new(), shells: None }))
    }

    fn outputs(&mut self, _: &mut dyn Host) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>> {
        Ok(BTreeMap::new())
    }

    fn postconditions(&mut self, _: &Address, _: &Value, _: &mut dyn Host) -> Vec<Diagnostic> {
        Vec::new()
    }
}
