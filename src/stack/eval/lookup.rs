//! One instance by its address, for the driver.

use std::sync::Arc;

use super::cells::Item;
use super::{Eval, Evaluator, Expansion, InstanceRef};
use crate::address::Address;
use crate::value::Value;

impl Evaluator<'_> {
    /// The conditions of an instance that hold only once it is there.
    pub fn postconditions(&mut self, id: &InstanceRef, live: &Value) {
        let block = &self.definition(id.scope).blocks[id.block as usize];
        let frame = self.frame(id.scope, Item::Block(id.block), id.key.as_ref(), block.place);
        let Some(mut frame) = self.report(frame) else { return };
        frame.this = Some(live.clone());
        for condition in &block.lifecycle.postconditions {
            let held = self.must_hold(condition, "postcondition", "a postcondition does not hold", &mut frame);
            self.report(held);
        }
    }

    /// The settings of one instance.
    pub fn instance_settings(&mut self, id: &InstanceRef) -> Eval<Value> {
        let place = self.definition(id.scope).blocks[id.block as usize].place;
        self.settings(id, place, true)
    }

    /// The instance of an address, when the files have it.
    pub fn find(&mut self, address: &Address) -> Option<InstanceRef> {
        let mut scope = 0;
        for step in address.module() {
            let module = *self.definition(scope).module_names.get(&step.name)?;
            let place = self.definition(scope).modules[module as usize].place;
            let expansion = self.keys(scope, Item::Module(module), place).ok()?;
            if !has(&expansion, step.key.as_ref()) {
                return None;
            }
            scope = self.child(scope, module, step.key.clone());
        }
        let name = (address.mode(), address.type_name().into(), address.name().into());
        let block = *self.definition(scope).block_names.get(&name)?;
        let place = self.definition(scope).blocks[block as usize].place;
        let key: Option<Arc<str>> = address.key().map(Into::into);
        let expansion = self.keys(scope, Item::Block(block), place).ok()?;
        has(&expansion, key.as_ref()).then_some(InstanceRef { scope, block, key })
    }
}

fn has(expansion: &Expansion, key: Option<&Arc<str>>) -> bool {
    match (expansion, key) {
        (Expansion::Single, None) => true,
        (Expansion::Each(members), Some(key)) => members.get(key).is_some_and(Option::is_some),
        _ => false,
    }
}
