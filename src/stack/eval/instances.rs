//! Everything that the files desire: all instances of all scopes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::Item;
use super::{Dep, Eval, Evaluator, Expansion, Frame, InstanceRef};
use crate::address::Address;
use crate::diag::Diagnostic;
use crate::remote::Id;
use crate::stack::desired::{
    DeferredBlock, Evaluation, Import, Instance, Lifecycle, Moved, OutputValue, Reference, Removed, Timeouts, Trigger,
};
use crate::stack::expr::{Expr, Node, Place, Step, Target};
use crate::stack::model::{Block, Definition};
use crate::value::{Type, Value};

/// Evaluates everything.
pub fn collect(it: &mut Evaluator<'_>) -> Evaluation {
    let mut out = Evaluation::default();
    it.scope(0, &BTreeSet::new(), &mut out);
    out.outputs = it.stack_outputs();
    out.diagnostics = std::mem::take(&mut it.diagnostics);
    out
}

impl<'a> Evaluator<'a> {
    /// `inherited`: what a module as a whole depends on.
    fn scope(&mut self, scope: u32, inherited: &BTreeSet<Dep>, out: &mut Evaluation) {
        let definition = self.definition(scope);
        for index in 0..indices(definition.variables.len()) {
            let place = definition.variables[index as usize].place;
            let value = self.variable(scope, index, place, &mut Frame::new(scope));
            self.report(value);
        }
        for &index in &definition.block_order {
            self.block_instances(scope, index, inherited, out);
        }
        for index in 0..indices(definition.modules.len()) {
            self.module_instances(scope, index, inherited, out);
        }
        // Local values that nobody uses may be wrong as well.
        for index in 0..indices(definition.locals.len()) {
            let place = definition.locals[index as usize].place;
            let value = self.local(scope, index, &[], place, &mut Frame::new(scope));
            self.report(value);
        }
        for index in 0..indices(definition.outputs.len()) {
            let place = definition.outputs[index as usize].place;
            let value = self.output(scope, index, place, &mut Frame::new(scope));
            self.report(value);
        }
        self.checks(scope, definition);
        self.moves(scope, definition, out);
        self.imports(scope, definition, out);
    }

    fn module_instances(&mut self, scope: u32, index: u32, inherited: &BTreeSet<Dep>, out: &mut Evaluation) {
        let call = &self.definition(scope).modules[index as usize];
        let keys = self.keys(scope, Item::Module(index), call.place);
        let Some(expansion) = self.report(keys) else { return };
        let mut deps = inherited.clone();
        self.depends_on(&call.meta.depends_on, scope, &mut deps);
        match &*expansion {
            Expansion::Disabled => {}
            Expansion::Single => {
                let child = self.child(scope, index, None);
                self.scope(child, &deps, out);
            }
            Expansion::Each(members) => {
                for key in members.iter().filter(|(_, it)| it.is_some()).map(|(key, _)| key) {
                    let child = self.child(scope, index, Some(key.clone()));
                    self.scope(child, &deps, out);
                }
            }
            Expansion::Deferred(unknown) => {
                let mut path = self.memo.scopes[scope as usize].path.clone();
                path.push(crate::address::ModuleStep { name: call.name.clone(), key: None });
                self.defer_module(call.definition, path, unknown, call.place, out);
            }
        }
    }

    /// Every block of a module that waits for something.
    fn defer_module(
        &mut self,
        definition: u32,
        path: Vec<crate::address::ModuleStep>,
        unknown: &Value,
        place: Place,
        out: &mut Evaluation,
    ) {
        let Some(definition) = self.model.definitions.get(definition as usize) else { return };
        for block in &definition.blocks {
            let address = Address::new(path.clone(), block.mode, block.type_name.clone(), block.name.clone(), None);
            let span = Some(self.model.span(place));
            out.deferred.push(DeferredBlock { address, waits_for: unknown.waits_for(), span });
        }
        for call in &definition.modules {
            let mut path = path.clone();
            path.push(crate::address::ModuleStep { name: call.name.clone(), key: None });
            self.defer_module(call.definition, path, unknown, place, out);
        }
    }

    fn block_instances(&mut self, scope: u32, index: u32, inherited: &BTreeSet<Dep>, out: &mut Evaluation) {
        let block = &self.definition(scope).blocks[index as usize];
        let keys = self.keys(scope, Item::Block(index), block.place);
        let Some(expansion) = self.report(keys) else { return };
        let instance = |key| InstanceRef { scope, block: index, key };
        match &*expansion {
            Expansion::Disabled => {}
            Expansion::Single => self.instance(&instance(None), block, inherited, out),
            Expansion::Each(members) => {
                for key in members.iter().filter(|(_, it)| it.is_some()).map(|(key, _)| key) {
                    self.instance(&instance(Some(key.clone())), block, inherited, out);
                }
            }
            Expansion::Deferred(unknown) => {
                if let Some(address) = self.address(&instance(None)) {
                    let span = Some(self.model.span(block.place));
                    out.deferred.push(DeferredBlock { address, waits_for: unknown.waits_for(), span });
                }
            }
        }
    }

    fn instance(&mut self, id: &InstanceRef, block: &'a Block, inherited: &BTreeSet<Dep>, out: &mut Evaluation) {
        let Some(address) = self.address(id) else { return };
        let before = self.diagnostics.len();
        let made = self.made(id, &address, block, inherited);
        // Where there is one instance, the place says which.
        if address.key().is_some() || !address.module().is_empty() {
            for it in &mut self.diagnostics[before..] {
                it.address.get_or_insert_with(|| address.clone());
            }
        }
        if let Some(instance) = self.report(made) {
            out.instances.insert(address, instance);
        }
    }

    fn made(&mut self, id: &InstanceRef, address: &Address, block: &'a Block, inherited: &BTreeSet<Dep>) -> Eval<Instance> {
        let settings = self.settings(id, block.place, true)?;
        self.exclusive(&settings, block);
        let mut references = BTreeSet::new();
        let mut refer = |deps: BTreeSet<Dep>, from: &Arc<str>, later: bool| {
            let others = deps.into_iter().filter(|it| it.to != *address);
            references.extend(others.map(|it| Reference { to: it.to, from: from.clone(), later, expression: it.expression }));
        };
        let mut spans = BTreeMap::new();
        for setting in &block.body.settings {
            let Some(attribute) = block.schema.attributes.get(&setting.name) else { continue };
            // At hand already: this asks for the references only.
            let mut frame = Frame::new(id.scope);
            self.setting(id, &setting.name, setting.place, &mut frame)?;
            refer(frame.deps, &setting.name, attribute.later);
            spans.insert(setting.name.clone(), self.model.span(setting.place));
        }
        let mut deps = inherited.clone();
        self.depends_on(&block.meta.depends_on, id.scope, &mut deps);
        refer(deps, &"(depends_on)".into(), false);
        let mut frame = self.frame(id.scope, Item::Block(id.block), id.key.as_ref(), block.place)?;
        let lifecycle = self.lifecycle(block, &mut frame)?;
        let timeouts = self.timeouts(block, &mut frame)?;
        refer(frame.deps, &"(lifecycle)".into(), false);
        Ok(Instance {
            address: address.clone(),
            span: Some(self.model.span(block.place)),
            config: self.config(block.aws.as_ref()),
            settings,
            spans,
            references: references.into_iter().collect(),
            lifecycle,
            timeouts,
        })
    }

    /// Attributes of which one may be set, or one must.
    fn exclusive(&mut self, settings: &Value, block: &Block) {
        for rule in &block.schema.exclusive {
            let values: Vec<(&Arc<str>, Value)> = rule.attributes.iter().map(|it| (it, settings.get(it))).collect();
            let set: Vec<&Arc<str>> = values.iter().filter(|(_, it)| is_set(it)).map(|(name, _)| *name).collect();
            let open = values.iter().any(|(_, it)| it.is_unknown());
            let names = rule.attributes.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
            if let [first, second, ..] = set.as_slice() {
                let at = |name: &Arc<str>| block.body.get(name).map_or(block.place, |it| it.place);
                let complaint = Diagnostic::error("conflicting", format!("`{first}` and `{second}` exclude each other"))
                    .at(self.model.span(at(second)))
                    .related(self.model.span(at(first)), "and this")
                    .detail(format!("At most one of {names} may be set."));
                self.diagnostics.push(complaint);
            } else if rule.required && set.is_empty() && !open {
                let complaint = Diagnostic::error("missing-attribute", format!("{} needs one of {names}", block.type_name))
                    .at(self.model.span(block.place))
                    .help(format!("infra schema {}", block.type_name));
                self.diagnostics.push(complaint);
            }
        }
    }

    /// What whole blocks or modules are referred to.
    fn depends_on(&mut self, list: &[Expr], scope: u32, deps: &mut BTreeSet<Dep>) {
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

    fn addresses_of_block(&mut self, scope: u32, block: u32, at: Place, out: &mut Vec<Address>) {
        let keys = self.keys(scope, Item::Block(block), at);
        let Some(expansion) = self.report(keys) else { return };
        let keys: Vec<Option<Arc<str>>> = match &*expansion {
            Expansion::Single => vec![None],
            Expansion::Each(members) => members.iter().filter(|(_, it)| it.is_some()).map(|(key, _)| Some(key.clone())).collect(),
            Expansion::Disabled | Expansion::Deferred(_) => Vec::new(),
        };
        out.extend(keys.into_iter().filter_map(|key| self.address(&InstanceRef { scope, block, key })));
    }

    fn addresses_of_module(&mut self, scope: u32, module: u32, at: Place, out: &mut Vec<Address>) {
        let keys = self.keys(scope, Item::Module(module), at);
        let Some(expansion) = self.report(keys) else { return };
        let keys: Vec<Option<Arc<str>>> = match &*expansion {
            Expansion::Single => vec![None],
            Expansion::Each(members) => members.iter().filter(|(_, it)| it.is_some()).map(|(key, _)| Some(key.clone())).collect(),
            Expansion::Disabled | Expansion::Deferred(_) => Vec::new(),
        };
        for key in keys {
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

    fn lifecycle(&mut self, block: &'a Block, frame: &mut Frame) -> Eval<Lifecycle> {
        let it = &block.lifecycle;
        let mut lifecycle = Lifecycle {
            prevent_destroy: self.known_bool(it.prevent_destroy.as_ref(), frame)?,
            prevent_replace: self.known_bool(it.prevent_replace.as_ref(), frame)?,
            create_before_destroy: self.known_bool(it.create_before_destroy.as_ref(), frame)?.unwrap_or(false),
            retain_on_delete: self.known_bool(it.retain_on_delete.as_ref(), frame)?.unwrap_or(false),
            ignore_changes: it.ignore_changes.iter().map(|it| it.as_ref().to_owned()).collect(),
            ignore_all_changes: it.ignore_all_changes,
            owned_elsewhere: it.owned_elsewhere.iter().map(|it| it.as_ref().to_owned()).collect(),
            replace_triggered_by: Vec::new(),
        };
        for expr in &it.replace_triggered_by {
            self.triggers(expr, frame, &mut lifecycle.replace_triggered_by);
        }
        for condition in &it.preconditions {
            let held = self.must_hold(condition, "precondition", "a precondition does not hold", frame);
            self.report(held);
        }
        Ok(lifecycle)
    }

    fn triggers(&mut self, expr: &Expr, frame: &mut Frame, out: &mut Vec<Trigger>) {
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

    fn timeouts(&mut self, block: &'a Block, frame: &mut Frame) -> Eval<Timeouts> {
        let mut timeouts = Timeouts::default();
        for (name, expr) in &block.timeouts {
            let duration = Some(self.duration(expr, frame)?);
            match name.as_ref() {
                "create" => timeouts.create = duration,
                "update" => timeouts.update = duration,
                _ => timeouts.delete = duration,
            }
        }
        Ok(timeouts)
    }

    /// The stack's outputs; a secret must be marked as one.
    pub fn stack_outputs(&mut self) -> BTreeMap<String, OutputValue> {
        let definition = self.definition(0);
        let mut out = BTreeMap::new();
        for index in 0..indices(definition.outputs.len()) {
            let output = &definition.outputs[index as usize];
            let value = self.output(0, index, output.place, &mut Frame::new(0));
            let Some(value) = self.report(value) else { continue };
            if value.has_secret() && !output.sensitive {
                let complaint = Diagnostic::error("sensitive-output", format!("the output \"{}\" is sensitive", output.name))
                    .at(self.model.span(output.value.place))
                    .detail("Outputs are printed. Say that this one shall not be, or take the secret out.")
                    .help("sensitive = true, or nonsensitive(…) where it is no secret");
                self.diagnostics.push(complaint);
                continue;
            }
            out.insert(output.name.as_ref().to_owned(), OutputValue { value, sensitive: output.sensitive });
        }
        out
    }

    fn checks(&mut self, scope: u32, definition: &'a Definition) {
        for check in &definition.checks {
            for assert in &check.asserts {
                let mut frame = Frame::new(scope);
                let summary = format!("the check \"{}\" failed", check.name);
                match self.broken(assert, &mut frame) {
                    Ok(None) | Err(super::Failure::Reported) => {}
                    Ok(Some(message)) => self
                        .diagnostics
                        .push(Diagnostic::warning("check", summary).at(self.model.span(assert.condition.place)).detail(message)),
                    Err(super::Failure::Complaint(it)) => {
                        let mut warning = Diagnostic::warning("check", summary).detail(it.summary);
                        warning.span = it.span;
                        self.diagnostics.push(warning);
                    }
                }
            }
        }
    }

    fn moves(&mut self, scope: u32, definition: &'a Definition, out: &mut Evaluation) {
        let prefix = self.prefix(scope);
        for it in &definition.moved {
            let span = Some(self.model.span(it.place));
            out.moved.push(Moved { from: format!("{prefix}{}", it.from), to: format!("{prefix}{}", it.to), span });
        }
        for it in &definition.removed {
            let span = Some(self.model.span(it.place));
            out.removed.push(Removed { from: format!("{prefix}{}", it.from), destroy: it.destroy, span });
        }
    }

    /// `module.network.`, or nothing for the stack itself.
    fn prefix(&self, scope: u32) -> String {
        let path = self.memo.scopes.get(scope as usize).map(|it| it.path.clone()).unwrap_or_default();
        let below = Address::new(path, crate::address::Mode::Managed, "x", "x", None).module_path();
        if below.is_empty() { below } else { format!("{below}.") }
    }

    fn imports(&mut self, scope: u32, definition: &'a Definition, out: &mut Evaluation) {
        let prefix = self.prefix(scope);
        for it in &definition.imports {
            let mut frames = vec![Frame::new(scope)];
            if let Some(for_each) = &it.for_each {
                let members = self.members(for_each, &mut frames[0]);
                let Some(members) = self.report(members) else { continue };
                let frame = |(key, binding): (Value, super::Binding)| {
                    let key: Arc<str> = key.as_str().unwrap_or_default().into();
                    Frame { each: Some((key, binding)), ..Frame::new(scope) }
                };
                frames = members.map(|it| it.items).unwrap_or_default().into_iter().map(frame).collect();
            }
            for mut frame in frames {
                let id = self.eval(&it.id, &mut frame);
                let Some(id) = self.report(id) else { continue };
                let key = frame.each.as_ref().map(|(key, _)| serde_json::Value::from(key.as_ref()).to_string());
                let to = key
                    .map_or_else(|| it.to.as_ref().to_owned(), |key| it.to.replace("each.key", &key).replace("each.value", &key));
                let address = format!("{prefix}{to}").parse::<Address>();
                let id = id.convert(&Type::String).ok().and_then(|it| it.as_str().map(str::to_owned));
                let span = self.model.span(it.place);
                match (address, id) {
                    (Ok(to), Some(id)) => out.imports.push(Import { to, id: Id::new(id), span: Some(span) }),
                    (Err(error), _) => self
                        .diagnostics
                        .push(Diagnostic::error("bad-address", error.to_string()).at(self.model.span(it.to_place))),
                    (_, None) => self.diagnostics.push(
                        Diagnostic::error("not-known", "the id of an import is a text that is known when the plan is made")
                            .at(self.model.span(it.id.place)),
                    ),
                }
            }
        }
    }

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

fn is_set(value: &Value) -> bool {
    !value.is_null() && !value.is_unknown() && value.items().is_none_or(|it| !it.is_empty())
}

fn indices(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
