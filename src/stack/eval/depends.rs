//! References to whole blocks and modules: `depends_on`, `replace_triggered_by`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::cells::Item;
use super::instances::indices;
use super::{Dep, Eval, Evaluator, Frame, InstanceRef};
use crate::address::Address;
use crate::diag::Diagnostic;
use crate::stack::desired::Trigger;
use crate::stack::expr::{Expr, Node, Place, Step, Target};
use crate::value::Value;

impl Evaluator<'_> {
    /// What whole blocks or modules are referred to.
    pub(super) fn depends_on(&mut self, list: &[Expr], scope: u32, deps: &mut BTreeSet<Dep>) {
        for expr in list {
            let Node::Reference(target, steps) = &expr.node else { continue };
            let expression: Arc<str> = self.model.text(expr.place).into();
            let mut found = Vec::new();
            match target {
                Target::Block(mode, type_name, name) => {
                    if let Some(block) = self.definition(scope).block_names.get(&(*mode, type_name.clone(), name.clone())) {
                        self.addresses_of_block(scope, *block, expr.place, &mut found);
                    }
                }
                Target::Module(name) => {
                    if let Some(module) = self.definition(scope).module_names.get(name) {
                        self.addresses_of_module(scope, *module, expr.place, &mut found);
                    }
                }
                _ => self.diagnostics.push(
                    Diagnostic::error("bad-reference", "`depends_on` names resources, data sources and modules")
                        .at(self.model.span(expr.place)),
                ),
            }
            let key = match steps.first() {
                Some(Step::Index(key)) => key.literal_text(),
                _ => None,
            };
            found.retain(|it: &Address| key.is_none() || it.key() == key || matches!(target, Target::Module(_)));
            deps.extend(found.into_iter().map(|to| Dep { to, expression: expression.clone() }));
        }
    }

    /// The outputs of what an instance waits for by `depends_on`, its own or that of a module around it, as far as it is yet
    /// to be made: a data source is not asked before.
    pub(super) fn pending(&mut self, instance: &InstanceRef, at: Place) -> Eval<Vec<Value>> {
        let mut deps = BTreeSet::new();
        let own = &self.definition(instance.scope).blocks[instance.block as usize].meta.depends_on;
        self.depends_on(own, instance.scope, &mut deps);
        let mut caller = self.memo.scopes.get(instance.scope as usize).and_then(|it| it.caller.clone());
        while let Some((scope, module, _)) = caller {
            self.depends_on(&self.definition(scope).modules[module as usize].meta.depends_on, scope, &mut deps);
            caller = self.memo.scopes.get(scope as usize).and_then(|it| it.caller.clone());
        }
        let mut pending = Vec::new();
        for dep in deps {
            let Some(other) = self.find(&dep.to) else { continue };
            let outputs = self.outputs(&other, at)?;
            if self.sized([&outputs], at)?.unknown {
                pending.push(outputs);
            }
        }
        Ok(pending)
    }

    fn addresses_of_block(&mut self, scope: u32, block: u32, at: Place, out: &mut Vec<Address>) {
        let keys = self.keys(scope, Item::Block(block), at);
        let Some(expansion) = self.report(keys) else { return };
        out.extend(expansion.instances().into_iter().filter_map(|key| self.address(&InstanceRef { scope, block, key })));
    }

    fn addresses_of_module(&mut self, scope: u32, module: u32, at: Place, out: &mut Vec<Address>) {
        let keys = self.keys(scope, Item::Module(module), at);
        let Some(expansion) = self.report(keys) else { return };
        for key in expansion.instances() {
            let child = self.child(scope, module, key);
            let definition = self.definition(child);
            for block in 0..indices(definition.blocks.len()) {
                self.addresses_of_block(child, block, at, out);
            }
            for inner in 0..indices(definition.modules.len()) {
                self.addresses_of_module(child, inner, at, out);
            }
        }
    }

    pub(super) fn triggers(&mut self, expr: &Expr, frame: &mut Frame, out: &mut Vec<Trigger>) {
        let Node::Reference(Target::Block(mode, type_name, name), steps) = &expr.node else {
            return self.diagnostics.push(
                Diagnostic::error("bad-reference", "`replace_triggered_by` names resources and their attributes")
                    .at(self.model.span(expr.place)),
            );
        };
        let scope = frame.scope;
        let Some(block) = self.definition(scope).block_names.get(&(*mode, type_name.clone(), name.clone())) else { return };
        let mut addresses = Vec::new();
        self.addresses_of_block(scope, *block, expr.place, &mut addresses);
        let mut rest = steps.as_slice();
        if let [Step::Index(key), after @ ..] = rest {
            let key = self.eval(key, frame);
            let Some(key) = self.report(key) else { return };
            addresses.retain(|it| it.key() == key.as_str());
            rest = after;
        }
        let mut path = String::new();
        for step in rest {
            match step {
                Step::Attribute(name) if path.is_empty() => path.push_str(name),
                Step::Attribute(name) => path.push_str(&format!(".{name}")),
                Step::Index(key) => {
                    let text = key.literal_text().map(|it| serde_json::Value::from(it).to_string());
                    path.push_str(&text.map(|it| format!("[{it}]")).unwrap_or_default());
                }
                Step::Splat(_) => {}
            }
        }
        let expression: Arc<str> = self.model.text(expr.place).into();
        for address in addresses {
            frame.deps.insert(Dep { to: address.clone(), expression: expression.clone() });
            out.push(Trigger { address, path: path.clone() });
        }
    }
}
