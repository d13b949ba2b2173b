//! Variables, local values, outputs; the keys of blocks, and the scopes of module instances.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::{Held, Item};
use super::{Binding, Cell, Dep, Eval, Evaluator, Expansion, Frame, InstanceRef, Scope};
use crate::address::{Address, Mode, ModuleStep};
use crate::diag::Diagnostic;
use crate::stack::expr::{Expr, Node, Place, Step, Target};
use crate::stack::model::{Content, Meta};
use crate::value::{Type, Value};

/// Instances of one block.
pub(super) const INSTANCES_MAX: usize = 100_000;

/// By key.
pub(super) type Instances = Vec<(Arc<str>, InstanceRef)>;

impl<'a> Evaluator<'a> {
    pub(super) fn variable(&mut self, scope: u32, index: u32, at: Place, frame: &mut Frame) -> Eval<Value> {
        self.value_cell(Cell::Variable(scope, index), at, frame, |it| {
            let mut frame = Frame::new(scope);
            let value = it.variable_value(scope, index, &mut frame)?;
            Ok((value, frame.deps))
        })
    }

    fn variable_value(&mut self, scope: u32, index: u32, frame: &mut Frame) -> Eval<Value> {
        let variable = &self.definition(scope).variables[index as usize];
        let mut place = variable.place;
        let caller = self.memo.scopes.get(scope as usize).and_then(|it| it.caller.clone());
        let of_module = caller.is_some();
        let given = match caller {
            None => self.facts.variables.get(&variable.name).cloned(),
            Some((parent, module, key)) => {
                let call = &self.definition(parent).modules[module as usize];
                match call.arguments.iter().find(|it| it.name == variable.name) {
                    None => None,
                    Some(argument) => {
                        let Content::Value(expr) = &argument.content else { return Ok(Value::Null) };
                        place = expr.place;
                        let mut outer = self.frame(parent, Item::Module(module), key.as_ref(), expr.place)?;
                        let value = self.eval(expr, &mut outer)?;
                        frame.deps.append(&mut outer.deps);
                        Some(value)
                    }
                }
            }
        };
        let given = given.filter(|it| variable.nullable || !it.is_null());
        let value = match (given, &variable.default) {
            (Some(value), _) => value,
            (None, Some(default)) => {
                place = default.place;
                self.eval(default, frame)?
            }
            // A module that is not given all was complained about where it is called.
            (None, None) if of_module => return Err(super::Failure::Reported),
            (None, None) => {
                let name = &variable.name;
                let complaint =
                    crate::diag::Diagnostic::error("missing-variable", format!("the variable \"{name}\" has no value"))
                        .at(self.model.span(variable.place))
                        .help(format!("--var {name}=…, INFRA_VAR_{name}=…, or a `default`"));
                return Err(super::Failure::Complaint(Box::new(complaint)));
            }
        };
        self.sized([&value], place)?;
        let value = match value.convert(&variable.ty) {
            Ok(value) => value,
            Err(error) => return self.fail(place, "wrong-type", format!("the variable \"{}\": {error}", variable.name)),
        };
        let value = value.mark(variable.sensitive);
        let mut inner = Frame::new(scope);
        inner.variable = Some((variable.name.clone(), value.clone()));
        for validation in &variable.validations {
            self.must_hold(validation, "validation", &format!("the variable \"{}\" is not valid", variable.name), &mut inner)?;
        }
        Ok(value)
    }

    /// A local value, and steps from there. Of an object that is written out, only the member is evaluated that is used.
    pub(super) fn local(&mut self, scope: u32, index: u32, steps: &[Step], at: Place, frame: &mut Frame) -> Eval<Value> {
        let local = &self.definition(scope).locals[index as usize];
        if let (Some(Step::Attribute(name)), Node::Object(members)) = (steps.first(), &local.value.node)
            && let Some((_, member)) = members.iter().find(|(key, _)| key.literal_text() == Some(name))
            && members.iter().all(|(key, _)| key.literal_text().is_some())
        {
            let value = self.value_cell(Cell::Member(scope, index, name.clone()), at, frame, |it| {
                let mut frame = Frame::new(scope);
                let value = it.eval(member, &mut frame)?;
                Ok((value, frame.deps))
            })?;
            return self.steps_from(value, &steps[1..], at, frame);
        }
        let value = self.value_cell(Cell::Local(scope, index), at, frame, |it| {
            let mut frame = Frame::new(scope);
            let value = it.eval(&local.value, &mut frame)?;
            Ok((value, frame.deps))
        })?;
        self.steps_from(value, steps, at, frame)
    }

    pub(super) fn output(&mut self, scope: u32, index: u32, at: Place, frame: &mut Frame) -> Eval<Value> {
        let output = &self.definition(scope).outputs[index as usize];
        self.value_cell(Cell::Output(scope, index), at, frame, |it| {
            let mut frame = Frame::new(scope);
            for condition in &output.preconditions {
                it.must_hold(condition, "precondition", &format!("the output \"{}\" may not be", output.name), &mut frame)?;
            }
            let value = it.eval(&output.value, &mut frame)?;
            Ok((value.mark(output.sensitive), frame.deps))
        })
    }

    /// The names that a block's expressions see in one of its instances.
    pub(super) fn frame(&mut self, scope: u32, item: Item, key: Option<&Arc<str>>, at: Place) -> Eval<Frame> {
        let mut frame = Frame::new(scope);
        let base = match item {
            Item::Block(block) if self.makes_objects(scope, block) => self.base_of(scope, block, key, at)?,
            Item::Block(_) | Item::Module(_) => key.cloned(),
        };
        let Some(key) = &base else { return Ok(frame) };
        let (expansion, deps) = self.base_keys(scope, item, at)?;
        if let Expansion::Each(members) = &*expansion
            && let Some(Some(binding)) = members.get(key)
        {
            frame.each = Some((key.clone(), binding.clone()));
            frame.each_deps = deps;
        }
        Ok(frame)
    }

    /// The instances of a block.
    pub(super) fn keys(&mut self, scope: u32, item: Item, at: Place) -> Eval<Arc<Expansion>> {
        self.keys_and_deps(scope, item, at).map(|(expansion, _)| expansion)
    }

    /// The same, and what they were made of.
    fn keys_and_deps(&mut self, scope: u32, item: Item, at: Place) -> Eval<(Arc<Expansion>, Arc<BTreeSet<Dep>>)> {
        match item {
            Item::Block(block) if self.makes_objects(scope, block) => {
                let (objects, deps) = self.objects(scope, block, at)?;
                Ok((objects.expansion.clone(), deps))
            }
            Item::Block(_) | Item::Module(_) => self.base_keys(scope, item, at),
        }
    }

    /// What a block says itself of its instances, whatever objects each leads to.
    pub(super) fn base_keys(&mut self, scope: u32, item: Item, at: Place) -> Eval<(Arc<Expansion>, Arc<BTreeSet<Dep>>)> {
        let definition = self.definition(scope);
        let meta: &'a Meta = match item {
            Item::Block(index) => &definition.blocks[index as usize].meta,
            Item::Module(index) => {
                let call = &definition.modules[index as usize];
                // Its source could not be read, which was said.
                if self.model.definitions.get(call.definition as usize).is_none() {
                    return Err(super::Failure::Reported);
                }
                &call.meta
            }
        };
        let (held, deps) = self.cell(Cell::Keys(scope, item), at, |it| {
            let mut frame = Frame::new(scope);
            let expansion = it.expand(meta, &mut frame)?;
            Ok((Held::Expansion(Arc::new(expansion)), frame.deps))
        })?;
        match held {
            Held::Expansion(it) => Ok((it, deps)),
            Held::Value(_) | Held::Objects(_) => Ok((Arc::new(Expansion::Single), deps)),
        }
    }

    fn expand(&mut self, meta: &Meta, frame: &mut Frame) -> Eval<Expansion> {
        let Some(for_each) = &meta.for_each else {
            return Ok(match self.enabled(meta.enabled.as_ref(), frame)? {
                Ok(true) => Expansion::Single,
                Ok(false) => Expansion::Disabled,
                Err(unknown) => Expansion::Deferred(unknown),
            });
        };
        let members = match self.each(for_each, frame)? {
            Ok(members) => members,
            Err(unknown) => return Ok(Expansion::Deferred(unknown)),
        };
        if members.len() > INSTANCES_MAX {
            return self.fail(for_each.place, "too-large", format!("`for_each` makes more than {INSTANCES_MAX} instances"));
        }
        let mut out = BTreeMap::new();
        for (key, binding) in members {
            frame.each = Some((key.clone(), binding.clone()));
            match self.enabled(meta.enabled.as_ref(), frame)? {
                Ok(on) => out.insert(key, on.then_some(binding)),
                Err(unknown) => return Ok(Expansion::Deferred(unknown)),
            };
        }
        Ok(Expansion::Each(out))
    }

    fn enabled(&mut self, enabled: Option<&Expr>, frame: &mut Frame) -> Eval<Result<bool, Value>> {
        let Some(enabled) = enabled else { return Ok(Ok(true)) };
        let value = self.eval(enabled, frame)?;
        let (bare, marked) = value.unmark();
        if marked {
            return self.fail(enabled.place, "sensitive-key", "`enabled` cannot be sensitive: whether the thing exists tells it");
        }
        if bare.is_unknown() {
            return Ok(Err(bare.clone()));
        }
        Ok(Ok(self.bool(bare, enabled.place, "`enabled`")?))
    }

    /// Keys and values of a `for_each`; the unknown that it waits for when they are not known.
    fn each(&mut self, for_each: &Expr, frame: &mut Frame) -> Eval<Result<BTreeMap<Arc<str>, Binding>, Value>> {
        if let Node::Reference(Target::Block(mode, type_name, name), steps) = &for_each.node
            && steps.is_empty()
            && let Some(items) = self.block_members((*mode, type_name.clone(), name.clone()), for_each.place, frame)?
        {
            return Ok(Ok(items.into_iter().map(|(key, it)| (key, Binding::Instance(it))).collect()));
        }
        let value = self.eval(for_each, frame)?;
        let (bare, marked) = value.unmark();
        if marked {
            return self.fail(for_each.place, "sensitive-key", "`for_each` cannot be sensitive: its keys are part of addresses");
        }
        let place = for_each.place;
        match bare {
            Value::Unknown(_) => Ok(Err(bare.clone())),
            Value::Map(members) | Value::Object(members) => {
                Ok(Ok(members.iter().map(|(key, it)| (key.clone(), Binding::Value(it.clone()))).collect()))
            }
            Value::Set(items) => {
                let mut out = BTreeMap::new();
                for item in items.iter() {
                    let (key, marked) = item.unmark();
                    if marked {
                        return self.fail(place, "sensitive-key", "`for_each` cannot hold sensitive keys");
                    }
                    match key {
                        Value::Unknown(_) => return Ok(Err(key.clone())),
                        Value::Null => return self.fail(place, "null-value", "a key of `for_each` is null"),
                        _ => match key.convert(&Type::String) {
                            Ok(Value::String(text)) => {
                                out.insert(text.clone(), Binding::Value(Value::String(text)));
                            }
                            _ => return self.fail(place, "wrong-type", format!("a key of `for_each` is {}", key.kind())),
                        },
                    }
                }
                Ok(Ok(out))
            }
            Value::List(_) | Value::Tuple(_) => {
                let complaint = Diagnostic::error("for-each-list", "`for_each` takes a map or a set, this is a list")
                    .at(self.model.span(place))
                    .detail("The keys are part of the addresses of the instances, so they must be named, not numbered.")
                    .help("for_each = toset(…)");
                Err(super::Failure::Complaint(Box::new(complaint)))
            }
            other => self.fail(place, "wrong-type", format!("`for_each` takes a map or a set, this is {}", other.kind())),
        }
    }

    /// The instances of a block with `for_each`, unevaluated; nothing when it has none, or is deferred.
    pub(super) fn block_members(
        &mut self,
        name: (Mode, Arc<str>, Arc<str>),
        at: Place,
        frame: &mut Frame,
    ) -> Eval<Option<Instances>> {
        let Some(block) = self.definition(frame.scope).block_names.get(&name).copied() else { return Ok(None) };
        let scope = frame.scope;
        let Expansion::Each(members) = &*self.keys(scope, Item::Block(block), at)? else { return Ok(None) };
        let on = members.iter().filter(|(_, it)| it.is_some());
        Ok(Some(on.map(|(key, _)| (key.clone(), InstanceRef { scope, block, key: Some(key.clone()) })).collect()))
    }

    /// The scope of a module instance, made when it is asked for first.
    pub(super) fn child(&mut self, scope: u32, module: u32, key: Option<Arc<str>>) -> u32 {
        let id = (scope, module, key);
        if let Some(known) = self.memo.children.get(&id) {
            return *known;
        }
        let call = &self.definition(scope).modules[module as usize];
        let mut path = self.memo.scopes.get(scope as usize).map(|it| it.path.clone()).unwrap_or_default();
        path.push(ModuleStep { name: call.name.clone(), key: id.2.clone() });
        let child = u32::try_from(self.memo.scopes.len()).unwrap_or(u32::MAX);
        self.memo.scopes.push(Scope { path, definition: call.definition, caller: Some(id.clone()) });
        self.memo.children.insert(id, child);
        child
    }

    /// The account, when neither the stack nor the caller knows it: as if a data source were to tell.
    pub(super) fn unknown_account(&self) -> Value {
        let address = Address::new(Vec::new(), Mode::Data, "aws_caller_identity", "stack", None);
        Value::unknown(Type::String, address, "account_id")
    }
}
