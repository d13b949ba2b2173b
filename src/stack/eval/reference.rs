//! References: to variables, local values, modules, resources and their attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cells::Item;
use super::{Binding, Cell, Dep, Eval, Evaluator, Expansion, Failure, Frame, InstanceRef};
use crate::address::Mode;
use crate::diag::{Diagnostic, nearest};
use crate::schema::Presence;
use crate::stack::expr::{Place, Step, Target};
use crate::stack::source;
use crate::value::{Type, Value};

impl Evaluator<'_> {
    pub(super) fn reference(&mut self, target: &Target, steps: &[Step], place: Place, frame: &mut Frame) -> Eval<Value> {
        let definition = self.definition(frame.scope);
        match target {
            Target::Variable(name) => {
                let this = frame.variable.as_ref().filter(|(it, _)| it == name).map(|(_, value)| value.clone());
                let value = match (this, definition.variable_names.get(name)) {
                    (Some(value), _) => value,
                    (None, Some(index)) => self.variable(frame.scope, *index, place, frame)?,
                    (None, None) => return self.unknown_name("variable", name, &definition.variable_names, place),
                };
                self.steps_from(value, steps, place, frame)
            }
            Target::Local(name) => match definition.local_names.get(name) {
                Some(index) => self.local(frame.scope, *index, steps, place, frame),
                None => self.unknown_name("local value", name, &definition.local_names, place),
            },
            Target::Module(name) => match definition.module_names.get(name) {
                Some(index) => self.module(*index, steps, place, frame),
                None => self.unknown_name("module", name, &definition.module_names, place),
            },
            Target::Block(mode, type_name, name) => match definition.block_names.get(&(*mode, type_name.clone(), name.clone())) {
                Some(index) => self.block(*index, steps, place, frame),
                None => self.fail(place, "unknown-reference", format!("there is no {type_name}.{name} here")),
            },
            Target::EachKey => match &frame.each {
                Some((key, _)) => {
                    let key = Value::String(key.clone());
                    frame.deps.extend(frame.each_deps.iter().cloned());
                    self.steps_from(key, steps, place, frame)
                }
                None => self.fail(place, "each-outside", "`each` is only known in a block with `for_each`"),
            },
            Target::EachValue => match frame.each.clone() {
                Some((_, binding)) => {
                    frame.deps.extend(frame.each_deps.iter().cloned());
                    self.binding(binding, steps, place, frame)
                }
                None => self.fail(place, "each-outside", "`each` is only known in a block with `for_each`"),
            },
            Target::This => match frame.this.clone() {
                Some(value) => self.steps_from(value, steps, place, frame),
                None => self.fail(place, "self-outside", "`self` is only known in a postcondition"),
            },
            Target::Stack(name) => {
                let value = self.stack_fact(name, place)?;
                self.steps_from(value, steps, place, frame)
            }
            Target::Path(name) => {
                let value = self.path(name, place)?;
                self.steps_from(value, steps, place, frame)
            }
        }
    }

    fn unknown_name(&self, what: &str, name: &str, names: &BTreeMap<Arc<str>, u32>, place: Place) -> Eval<Value> {
        let complaint = Diagnostic::error("unknown-reference", format!("there is no {what} \"{name}\" here"))
            .at(self.model.span(place))
            .did_you_mean(nearest(name, names.keys().map(AsRef::as_ref)));
        Err(Failure::Complaint(Box::new(complaint)))
    }

    fn stack_fact(&self, name: &str, place: Place) -> Eval<Value> {
        let region = self.facts.region.as_deref();
        Ok(match (name, region) {
            ("name", _) => Value::String(self.facts.stack.clone()),
            ("account_id", _) => self.facts.account.clone().map_or_else(|| self.unknown_account(), Value::String),
            ("region", Some(region)) => Value::from(region),
            ("partition", Some(region)) => Value::from(partition(region)),
            ("region" | "partition", None) => return self.fail(place, "missing-argument", "the stack has no `region`"),
            (other, _) => return self.fail(place, "unknown-reference", format!("there is no `stack.{other}`")),
        })
    }

    fn path(&self, name: &str, place: Place) -> Eval<Value> {
        let folder = self.model.files.get(place.file as usize).map(|it| it.folder.clone()).unwrap_or_default();
        let to = match name {
            "module" => folder.clone(),
            "stack" => self.model.definitions.first().map(|it| it.folder.clone()).unwrap_or_default(),
            "root" => "".into(),
            other => return self.fail(place, "unknown-reference", format!("there is no `path.{other}`")),
        };
        Ok(Value::string(source::relative(&folder, &to)))
    }

    fn module(&mut self, index: u32, steps: &[Step], place: Place, frame: &mut Frame) -> Eval<Value> {
        let scope = frame.scope;
        let expansion = self.keys(scope, Item::Module(index), place)?;
        match (&*expansion, steps) {
            (Expansion::Deferred(unknown), _) => Ok(Value::unknown_from(Type::Any, [unknown])),
            (Expansion::Disabled, _) => self.absent(steps, place, frame),
            (Expansion::Single, _) => {
                let child = self.child(scope, index, None);
                self.module_outputs(child, steps, place, frame)
            }
            (Expansion::Each(members), [Step::Index(key), rest @ ..]) => {
                let Some(key) = self.key(key, members, place, frame)? else { return self.absent(rest, place, frame) };
                let key = match key {
                    Ok(key) => key,
                    Err(unknown) => return Ok(unknown),
                };
                let child = self.child(scope, index, Some(key));
                self.module_outputs(child, rest, place, frame)
            }
            (Expansion::Each(members), [Step::Splat(inner), rest @ ..]) => {
                let keys: Vec<Arc<str>> = on(members);
                let mut items = Vec::with_capacity(keys.len());
                for key in keys {
                    let child = self.child(scope, index, Some(key));
                    items.push(self.module_outputs(child, inner, place, frame)?);
                }
                self.steps_from(Value::tuple(items), rest, place, frame)
            }
            (Expansion::Each(members), steps) => {
                let mut all = Vec::new();
                for key in on(members) {
                    let child = self.child(scope, index, Some(key.clone()));
                    all.push((key, self.module_outputs(child, &[], place, frame)?));
                }
                self.steps_from(Value::object(all), steps, place, frame)
            }
        }
    }

    fn module_outputs(&mut self, child: u32, steps: &[Step], place: Place, frame: &mut Frame) -> Eval<Value> {
        let definition = self.definition(child);
        match steps {
            [Step::Attribute(name), rest @ ..] => match definition.output_names.get(name) {
                Some(index) => {
                    let value = self.output(child, *index, place, frame)?;
                    self.steps_from(value, rest, place, frame)
                }
                None => self.unknown_name("output", name, &definition.output_names, place),
            },
            [Step::Splat(inner), rest @ ..] => {
                let one = self.module_outputs(child, inner, place, frame)?;
                self.steps_from(Value::tuple([one]), rest, place, frame)
            }
            _ => {
                let mut all = Vec::new();
                for (name, index) in &definition.output_names {
                    all.push((name.clone(), self.output(child, *index, place, frame)?));
                }
                self.steps_from(Value::object(all), steps, place, frame)
            }
        }
    }

    fn block(&mut self, index: u32, steps: &[Step], place: Place, frame: &mut Frame) -> Eval<Value> {
        let scope = frame.scope;
        let expansion = self.keys(scope, Item::Block(index), place)?;
        let instance = |key| InstanceRef { scope, block: index, key };
        match (&*expansion, steps) {
            (Expansion::Deferred(unknown), _) => Ok(Value::unknown_from(Type::Any, [unknown])),
            (Expansion::Disabled, _) => self.absent(steps, place, frame),
            (Expansion::Single, [Step::Splat(inner), rest @ ..]) => {
                let one = self.instance_steps(&instance(None), inner, place, frame)?;
                self.steps_from(Value::tuple([one]), rest, place, frame)
            }
            (Expansion::Single, _) => self.instance_steps(&instance(None), steps, place, frame),
            (Expansion::Each(members), [Step::Index(key), rest @ ..]) => {
                let Some(key) = self.key(key, members, place, frame)? else { return self.absent(rest, place, frame) };
                match key {
                    Ok(key) => self.instance_steps(&instance(Some(key)), rest, place, frame),
                    Err(unknown) => Ok(unknown),
                }
            }
            (Expansion::Each(members), [Step::Splat(inner), rest @ ..]) => {
                let keys = on(members);
                let mut items = Vec::with_capacity(keys.len());
                for key in keys {
                    items.push(self.instance_steps(&instance(Some(key)), inner, place, frame)?);
                }
                self.steps_from(Value::tuple(items), rest, place, frame)
            }
            (Expansion::Each(members), steps) => {
                let mut all = Vec::new();
                for key in on(members) {
                    all.push((key.clone(), self.instance_steps(&instance(Some(key)), &[], place, frame)?));
                }
                self.steps_from(Value::object(all), steps, place, frame)
            }
        }
    }

    /// What a reference to something disabled yields: null, and no member of it.
    fn absent(&mut self, steps: &[Step], place: Place, frame: &mut Frame) -> Eval<Value> {
        match steps {
            [Step::Attribute(_) | Step::Index(_), ..] => {
                let complaint = Diagnostic::error("disabled-reference", "this refers to something that is not enabled")
                    .at(self.model.span(place))
                    .help("guard it: try(…, null), one(….*.attribute), or a condition");
                Err(Failure::Complaint(Box::new(complaint)))
            }
            _ => self.steps_from(Value::Null, steps, place, frame),
        }
    }

    /// The instance that a key names: nothing for one that is disabled, an unknown for a key that is not known yet.
    fn key(
        &mut self,
        key: &crate::stack::expr::Expr,
        members: &BTreeMap<Arc<str>, Option<Binding>>,
        place: Place,
        frame: &mut Frame,
    ) -> Eval<Option<Result<Arc<str>, Value>>> {
        let value = self.eval(key, frame)?;
        let (bare, marked) = value.unmark();
        if bare.is_unknown() {
            return Ok(Some(Err(Value::unknown_from(Type::Any, [bare]).mark(marked))));
        }
        let Ok(Value::String(text)) = bare.convert(&Type::String) else {
            return self.fail(key.place, "wrong-type", format!("an instance is named by a string, this is {}", bare.kind()));
        };
        match members.get(&text) {
            Some(Some(_)) => Ok(Some(Ok(text))),
            Some(None) => Ok(None),
            None => {
                let complaint = Diagnostic::error("no-instance", format!("there is no instance [\"{text}\"]"))
                    .at(self.model.span(place))
                    .did_you_mean(nearest(&text, members.keys().map(AsRef::as_ref)));
                Err(Failure::Complaint(Box::new(complaint)))
            }
        }
    }

    /// An instance, or one attribute of it: only that is evaluated.
    pub(super) fn instance_steps(
        &mut self,
        instance: &InstanceRef,
        steps: &[Step],
        place: Place,
        frame: &mut Frame,
    ) -> Eval<Value> {
        if let Some(to) = self.address(instance) {
            frame.deps.insert(Dep { to, expression: self.model.text(place).into() });
        }
        match steps {
            [Step::Attribute(name), rest @ ..] => {
                let value = self.attribute(instance, name, place, frame)?;
                self.steps_from(value, rest, place, frame)
            }
            _ => {
                let value = self.whole(instance, place, frame)?;
                self.steps_from(value, steps, place, frame)
            }
        }
    }

    /// Settings and outputs together, without what is only configured once the thing is there: things that refer to each
    /// other as a whole would else need each other first. An attribute of those is referred to by its name.
    fn whole(&mut self, instance: &InstanceRef, place: Place, frame: &mut Frame) -> Eval<Value> {
        let schema = self.definition(instance.scope).blocks[instance.block as usize].schema.clone();
        let mut all = Vec::new();
        for (name, _) in schema.attributes.iter().filter(|(_, it)| !it.later) {
            all.push((name.clone(), self.attribute(instance, name, place, frame)?));
        }
        Ok(Value::object(all))
    }

    /// An attribute as others see it: a setting, what the cloud chose in its place, or an output.
    fn attribute(&mut self, instance: &InstanceRef, name: &Arc<str>, place: Place, frame: &mut Frame) -> Eval<Value> {
        let schema = self.definition(instance.scope).blocks[instance.block as usize].schema.clone();
        let Some(attribute) = schema.attributes.get(name) else {
            let complaint = Diagnostic::error("unknown-attribute", format!("{} has no attribute \"{name}\"", schema.type_name))
                .at(self.model.span(place))
                .did_you_mean(nearest(name, schema.attributes.keys().map(AsRef::as_ref)))
                .help(format!("infra schema {}", schema.type_name));
            return Err(Failure::Complaint(Box::new(complaint)));
        };
        if attribute.presence != Presence::Computed {
            let value = self.setting(instance, name, place, frame)?;
            if !(value.is_null() && attribute.presence == Presence::Auto) {
                return Ok(value);
            }
        }
        let outputs = self.outputs(instance, place)?;
        let (bare, marked) = outputs.unmark();
        let member = bare.members().and_then(|it| it.get(name));
        let ty = attribute.shape.ty();
        let value = match (member, self.address(instance)) {
            (Some(value), _) => value.convert(&ty).unwrap_or_else(|_| value.clone()),
            (None, Some(address)) if !bare.is_wholly_known() => Value::unknown(ty, address, name.clone()),
            (None, _) => Value::Null,
        };
        Ok(value.mark(marked || attribute.secret))
    }

    /// All outputs of an instance, from whoever knows; asked with the settings that its creation needs.
    pub(super) fn outputs(&mut self, instance: &InstanceRef, place: Place) -> Eval<Value> {
        let block = &self.definition(instance.scope).blocks[instance.block as usize];
        let mut frame = Frame::new(instance.scope);
        self.value_cell(Cell::Outputs(instance.clone()), place, &mut frame, |it| {
            let shell = it.settings(instance, place, false)?;
            let Some(address) = it.address(instance) else { return Err(Failure::Reported) };
            let config = it.config(block.aws.as_ref());
            let outputs = match block.mode {
                Mode::Managed => it.host.outputs(&address, &config, &shell),
                Mode::Data => {
                    let pending = it.pending(instance, place)?;
                    // Whatever the arguments say, nothing can be asked yet.
                    let arguments = if pending.is_empty() { shell } else { Value::unknown_from(Type::Any, &pending) };
                    it.host.data(&address, &config, &arguments)
                }
            };
            Ok((outputs, Default::default()))
        })
    }
}

/// The keys that are enabled.
fn on(members: &BTreeMap<Arc<str>, Option<Binding>>) -> Vec<Arc<str>> {
    members.iter().filter(|(_, it)| it.is_some()).map(|(key, _)| key.clone()).collect()
}

/// The partition of a region.
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
pub fn partition(region: &str) -> &'static str {
    match region {
        it if it.starts_with("cn-") => "aws-cn",
        it if it.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}
