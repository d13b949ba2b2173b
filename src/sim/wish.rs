//! [`Wish`]: a configuration that is given instead of parsed.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use super::types::SimTypes;
use crate::address::{Address, Mode};
use crate::diag::Diagnostic;
use crate::remote::ConfigName;
use crate::schema::Schema;
use crate::stack::desired::{
    Configuration, Evaluation, Host, Import, Instance, Lifecycle, Moved, OutputValue, Reference, Timeouts,
};
use crate::value::{NULL, Value};

/// One block. `parents` and `peers` name others; parents must not run in circles. Of a data source, the parent is what is
/// looked up.
#[derive(Clone, Debug, Default)]
pub struct Block {
    pub settings: Settings,
    pub parents: Vec<Address>,
    pub peers: Vec<Address>,
    /// The data source that says its flavor.
    pub looks: Option<Address>,
    pub lifecycle: Lifecycle,
}

/// What a block says without the help of others. It is made into a value once, and evaluated all the time.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    said: BTreeMap<&'static str, Value>,
    whole: OnceLock<Value>,
}

impl<const N: usize> From<[(&'static str, Value); N]> for Settings {
    fn from(said: [(&'static str, Value); N]) -> Self {
        Self { said: said.into(), whole: OnceLock::new() }
    }
}

impl Settings {
    pub fn insert(&mut self, name: &'static str, value: Value) {
        self.said.insert(name, value);
        self.whole.take();
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.said.iter().map(|(name, it)| (*name, it))
    }

    /// Everything that can be said, absent or not.
    fn whole(&self, schema: &Schema) -> &Value {
        self.whole.get_or_init(|| {
            Value::object(schema.settings().map(|(name, it)| match self.said.get(&**name) {
                Some(value) => (name.clone(), value.clone().mark(it.secret && !value.is_null())),
                None => (name.clone(), Value::Null),
            }))
        })
    }
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
    of: Arc<str>,
    parents: Arc<str>,
    flavor: Arc<str>,
    peers: Arc<str>,
}

static NAMES: LazyLock<Names> =
    LazyLock::new(|| Names { of: "of".into(), parents: "parents".into(), flavor: "flavor".into(), peers: "peers".into() });

/// What the host said so far.
struct Telling<'a> {
    host: &'a mut dyn Host,
    /// At apply it goes without shells.
    with_shells: bool,
    told: BTreeMap<Address, Told>,
}

/// What the host said of a block, and what it was told for that: the settings without those that come later.
struct Told {
    id: Value,
    shell: Option<Value>,
}

impl Wish {
    pub fn new(blocks: BTreeMap<Address, Block>) -> Self {
        Self { blocks, ..Self::default() }
    }

    /// The id of another, as its host knows it.
    fn id_of(&self, address: &Address, telling: &mut Telling<'_>) -> Value {
        if let Some(told) = telling.told.get(address) {
            return told.id.clone();
        }
        let needed = telling.with_shells || address.mode() == Mode::Data;
        let shell = needed.then(|| self.shell_of(address, telling));
        let shown = shell.as_ref().unwrap_or(&NULL);
        let answers = match address.mode() {
            Mode::Managed => telling.host.outputs(address, &ConfigName::default(), shown),
            Mode::Data => telling.host.data(address, &ConfigName::default(), shown),
        };
        let id = answers.get("id");
        telling.told.insert(address.clone(), Told { id: id.clone(), shell });
        id
    }

    /// The settings without those that come later.
    fn shell_of(&self, address: &Address, telling: &mut Telling<'_>) -> Value {
        let (Some(block), Some(schema)) = (self.blocks.get(address), SimTypes::shared().of(address)) else {
            return Value::Null;
        };
        let flavor = block.looks.as_ref().map(|it| (NAMES.flavor.clone(), self.id_of(it, telling)));
        let parents = match (address.mode(), &*block.parents) {
            (_, []) => None,
            (Mode::Data, [.., it]) => Some((NAMES.of.clone(), self.id_of(it, telling))),
            (Mode::Managed, all) => Some((NAMES.parents.clone(), Value::list(all.iter().map(|it| self.id_of(it, telling))))),
        };
        block.settings.whole(schema).with_all(flavor.into_iter().chain(parents))
    }

    /// All of the settings.
    fn settings_of(&self, address: &Address, telling: &mut Telling<'_>) -> Value {
        let known = telling.told.get(address).and_then(|it| it.shell.clone());
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
        let Names { parents, flavor, peers, .. } = &*NAMES;
        let first = block.parents.iter().map(|it| one(it, parents, false));
        let looks = block.looks.iter().map(|it| one(it, flavor, false));
        first.chain(looks).chain(block.peers.iter().map(|it| one(it, peers, true))).collect()
    }
}

impl Configuration for Wish {
    fn evaluate(&mut self, host: &mut dyn Host) -> Evaluation {
        let mut telling = Telling { host, with_shells: true, told: BTreeMap::new() };
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
        Ok(self.settings_of(address, &mut Telling { host, with_shells: false, told: BTreeMap::new() }))
    }

    fn outputs(&mut self, _: &mut dyn Host) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>> {
        Ok(BTreeMap::new())
    }

    fn postconditions(&mut self, _: &Address, _: &Value, _: &mut dyn Host) -> Vec<Diagnostic> {
        Vec::new()
    }
}
