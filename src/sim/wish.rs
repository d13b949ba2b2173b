//! [`Wish`]: a configuration that is given instead of parsed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::types::SimTypes;
use crate::address::Address;
use crate::diag::Diagnostic;
use crate::remote::ConfigName;
use crate::schema::Types;
use crate::stack::desired::{
    Configuration, Evaluation, Host, Import, Instance, Lifecycle, Moved, OutputValue, Reference, Timeouts,
};
use crate::value::Value;

/// One resource block. `parents` and `peers` name others; parents must not run in circles.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    pub settings: BTreeMap<&'static str, Value>,
    pub parents: Vec<Address>,
    pub peers: Vec<Address>,
    pub lifecycle: Lifecycle,
}

/// A configuration of the simulated types.
#[derive(Clone, Default)]
pub struct Wish {
    pub blocks: BTreeMap<Address, Block>,
    pub moved: Vec<Moved>,
    pub imports: Vec<Import>,
}

impl Wish {
    pub fn new(blocks: BTreeMap<Address, Block>) -> Self {
        Self { blocks, ..Self::default() }
    }

    /// The id of another, as its host knows it.
    fn id_of(&self, address: &Address, host: &mut dyn Host, memo: &mut BTreeMap<Address, Value>) -> Value {
        if let Some(known) = memo.get(address) {
            return known.clone();
        }
        let shell = self.settings_of(address, false, host, memo);
        let id = host.outputs(address, &ConfigName::default(), &shell).get("id");
        memo.insert(address.clone(), id.clone());
        id
    }

    fn settings_of(&self, address: &Address, later: bool, host: &mut dyn Host, memo: &mut BTreeMap<Address, Value>) -> Value {
        let (Some(block), Some(schema)) = (self.blocks.get(address), SimTypes::shared().resource(address.type_name())) else {
            return Value::Null;
        };
        let mut members: BTreeMap<Arc<str>, Value> =
            block.settings.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect();
        if !block.parents.is_empty() {
            let ids: Vec<Value> = block.parents.iter().map(|it| self.id_of(it, host, memo)).collect();
            members.insert("parents".into(), Value::list(ids));
        }
        if later && !block.peers.is_empty() {
            let ids: Vec<Value> = block.peers.iter().map(|it| self.id_of(it, host, memo)).collect();
            members.insert("peers".into(), Value::set(ids));
        }
        for (name, it) in schema.settings() {
            let value = members.remove(name).unwrap_or_default();
            members.insert(name.clone(), if value.is_null() { value } else { value.mark(it.secret) });
        }
        members.retain(|name, _| schema.is_setting(name));
        let value = Value::Object(Arc::new(members));
        let ty = SimTypes::shared().ty(address.type_name());
        ty.and_then(|it| value.convert(it).ok()).unwrap_or(value)
    }

    fn references(&self, block: &Block) -> Vec<Reference> {
        let one = |to: &Address, from: &str, later: bool| Reference {
            to: to.clone(),
            from: from.into(),
            later,
            expression: format!("{to}.id").into(),
        };
        let parents = block.parents.iter().map(|it| one(it, "parents", false));
        parents.chain(block.peers.iter().map(|it| one(it, "peers", true))).collect()
    }
}

impl Configuration for Wish {
    fn evaluate(&mut self, host: &mut dyn Host) -> Evaluation {
        let mut memo = BTreeMap::new();
        let (moved, imports) = (self.moved.clone(), self.imports.clone());
        let mut out = Evaluation { moved, imports, ..Evaluation::default() };
        for (address, block) in &self.blocks {
            self.id_of(address, host, &mut memo);
            let instance = Instance {
                address: address.clone(),
                span: None,
                config: ConfigName::default(),
                settings: self.settings_of(address, true, host, &mut memo),
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
        Ok(self.settings_of(address, true, host, &mut BTreeMap::new()))
    }

    fn outputs(&mut self, _: &mut dyn Host) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>> {
        Ok(BTreeMap::new())
    }

    fn postconditions(&mut self, _: &Address, _: &Value, _: &mut dyn Host) -> Vec<Diagnostic> {
        Vec::new()
    }
}
