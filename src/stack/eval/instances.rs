//! Everything that the files desire: all instances of all scopes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::Item;
use super::{Dep, Eval, Evaluator, Expansion, Frame, InstanceRef};
use crate::address::{Address, ModuleStep};
use crate::diag::Diagnostic;
use crate::stack::desired::{DeferredBlock, Evaluation, Instance, Lifecycle, Reference, Timeouts};
use crate::stack::expr::Place;
use crate::stack::model::Block;
use crate::value::Value;

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
        disabled(|| format!("{}module.{}", self.prefix(scope), call.name), &expansion, &mut out.disabled);
        let mut deps = inherited.clone();
        self.depends_on(&call.meta.depends_on, scope, &mut deps);
        if let Expansion::Deferred(unknown) = &*expansion {
            let mut path = self.memo.scopes[scope as usize].path.clone();
            path.push(ModuleStep { name: call.name.clone(), key: None });
            self.defer_module(call.definition, path, unknown, call.place, out);
        }
        for key in expansion.instances() {
            let child = self.child(scope, index, key);
            self.scope(child, &deps, out);
        }
    }

    /// Every block of a module that waits for something.
    fn defer_module(&mut self, definition: u32, path: Vec<ModuleStep>, unknown: &Value, place: Place, out: &mut Evaluation) {
        let Some(definition) = self.model.definitions.get(definition as usize) else { return };
        for block in &definition.blocks {
            let address = Address::new(path.clone(), block.mode, block.type_name.clone(), block.name.clone(), None);
            let span = Some(self.model.span(place));
            out.deferred.push(DeferredBlock { address, waits_for: unknown.waits_for(), span });
        }
        for call in &definition.modules {
            let mut path = path.clone();
            path.push(ModuleStep { name: call.name.clone(), key: None });
            self.defer_module(call.definition, path, unknown, place, out);
        }
    }

    fn block_instances(&mut self, scope: u32, index: u32, inherited: &BTreeSet<Dep>, out: &mut Evaluation) {
        let block = &self.definition(scope).blocks[index as usize];
        let keys = self.keys(scope, Item::Block(index), block.place);
        let Some(expansion) = self.report(keys) else { return };
        let instance = |key| InstanceRef { scope, block: index, key };
        if let Some(address) = self.address(&instance(None)) {
            disabled(|| address.to_string(), &expansion, &mut out.disabled);
            if let Expansion::Deferred(unknown) = &*expansion {
                let span = Some(self.model.span(block.place));
                out.deferred.push(DeferredBlock { address, waits_for: unknown.waits_for(), span });
            }
        }
        for key in expansion.instances() {
            self.instance(&instance(key), block, inherited, out);
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
            let Some(attribute) = block.schema.attributes.get(&setting.name).filter(|it| it.source.is_none()) else { continue };
            // At hand already: this asks for the references only.
            let mut frame = Frame::new(id.scope);
            self.setting(id, &setting.name, setting.place, &mut frame)?;
            refer(frame.deps, &setting.name, attribute.later);
            spans.insert(setting.name.clone(), self.model.span(setting.place));
        }
        let mut object = self.instance_object(id, block.place)?;
        if let Some((object, span, deps)) = &mut object {
            object.home = block.schema.home(&settings);
            refer((**deps).clone(), &object.attribute, false);
            spans.insert(object.attribute.clone(), span.clone());
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
            object: object.map(|(it, ..)| it),
        })
    }

    /// Attributes of which one may be set, or one must. Of parts of one that is left out, nothing is asked.
    fn exclusive(&mut self, settings: &Value, block: &Block) {
        for rule in &block.schema.exclusive {
            let values: Option<Vec<(&Arc<str>, Value)>> =
                rule.attributes.iter().map(|it| Some((it, part(settings, it)?))).collect();
            let Some(values) = values else { continue };
            let set: Vec<&Arc<str>> = values.iter().filter(|(_, it)| is_set(it)).map(|(name, _)| *name).collect();
            let open = values.iter().any(|(_, it)| it.is_unknown());
            let names = rule.attributes.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
            if let [first, second, ..] = set.as_slice() {
                let at = |path: &str| block.body.get(whole(path)).map_or(block.place, |it| it.place);
                let complaint = Diagnostic::error("conflicting", format!("`{first}` and `{second}` exclude each other"))
                    .at(self.model.span(at(second)))
                    .related(self.model.span(at(first)), "and this")
                    .detail(format!("At most one of {names} may be set."));
                self.diagnostics.push(complaint);
            } else if rule.required && set.is_empty() && !open {
                let at = rule.attributes.first().and_then(|it| block.body.get(whole(it))).map_or(block.place, |it| it.place);
                let complaint = Diagnostic::error("missing-attribute", format!("{} needs one of {names}", block.type_name))
                    .at(self.model.span(at))
                    .help(format!("infra schema {}", block.type_name));
                self.diagnostics.push(complaint);
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
}

/// What of a block or module is switched off, as addresses are written.
fn disabled(name: impl Fn() -> String, expansion: &Expansion, out: &mut BTreeSet<String>) {
    match expansion {
        Expansion::Single | Expansion::Deferred(_) => {}
        Expansion::Disabled => drop(out.insert(name())),
        Expansion::Each(members) => {
            let off = members.iter().filter(|(_, it)| it.is_none());
            out.extend(off.map(|(key, _)| format!("{}[{}]", name(), serde_json::Value::from(key.as_ref()))));
        }
    }
}

/// The attribute that a path leads into.
fn whole(path: &str) -> &str {
    path.split_once('.').map_or(path, |(whole, _)| whole)
}

/// What a path leads to; nothing where an attribute on the way is left out.
fn part(settings: &Value, path: &str) -> Option<Value> {
    match path.split_once('.') {
        None => Some(settings.get(path)),
        Some((whole, rest)) => Some(settings.get(whole)).filter(|it| !it.is_null()).and_then(|it| part(&it, rest)),
    }
}

fn is_set(value: &Value) -> bool {
    !value.is_null() && !value.is_unknown() && value.items().is_none_or(|it| !it.is_empty())
}

pub(super) fn indices(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
