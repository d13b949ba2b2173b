//! The settings of one instance: its block's attributes and nested blocks, given the shape of the schema.

use std::sync::Arc;

use super::cells::Item;
use super::{Binding, Cell, Eval, Evaluator, Failure, Frame, InstanceRef};
use crate::address::Mode;
use crate::diag::Diagnostic;
use crate::schema::{Attribute, Attributes, Presence, Shape, Source};
use crate::stack::check;
use crate::stack::expr::{Expr, Place};
use crate::stack::model::{Body, Content, Nested, Setting};
use crate::value::Value;

impl Evaluator<'_> {
    /// One setting, as the cloud gets it.
    pub(super) fn setting(&mut self, instance: &InstanceRef, name: &Arc<str>, place: Place, frame: &mut Frame) -> Eval<Value> {
        let block = &self.definition(instance.scope).blocks[instance.block as usize];
        let Some(attribute) = block.schema.attributes.get(name) else { return Ok(Value::Null) };
        match attribute.source {
            None => {}
            Some(Source::Objects) => return self.object_of(instance, place, frame),
            // What leads to objects is no part of them.
            Some(Source::File | Source::Folder | Source::Glob | Source::Variables) => return Ok(Value::Null),
        }
        let managed = block.mode == Mode::Managed;
        let merged = managed && name.as_ref() == "tags" && !self.facts.tags.is_empty() && block.schema.has_tags();
        let Some(setting) = block.body.get(name) else {
            let default = attribute.default.clone();
            return Ok(if merged { self.with_tags(&default) } else { default });
        };
        self.value_cell(Cell::Attribute(instance.clone(), name.clone()), place, frame, |it| {
            let mut frame = it.frame(instance.scope, Item::Block(instance.block), instance.key.as_ref(), place)?;
            let value = it.content(setting, attribute, &block.type_name, &mut frame)?;
            Ok((if merged { it.with_tags(&value) } else { value }, frame.deps))
        })
    }

    fn with_tags(&self, own: &Value) -> Value {
        let (bare, marked) = own.unmark();
        let mut tags = self.facts.tags.clone();
        match (bare, bare.members()) {
            (Value::Unknown(_), _) => return own.clone(),
            (_, Some(own)) if !own.is_empty() => Arc::make_mut(&mut tags).extend(own.clone()),
            _ => {}
        }
        Value::Map(tags).mark(marked)
    }

    /// All settings together, with or without those that its creation does not need.
    pub(super) fn settings(&mut self, instance: &InstanceRef, place: Place, with_later: bool) -> Eval<Value> {
        let schema = self.definition(instance.scope).blocks[instance.block as usize].schema.clone();
        let mut frame = Frame::new(instance.scope);
        let mut out = Vec::new();
        let mut failed = None;
        for (name, _) in schema.settings().filter(|(_, it)| with_later || !it.later) {
            match self.setting(instance, name, place, &mut frame) {
                Ok(value) => {
                    out.push((name.clone(), value));
                }
                Err(Failure::Complaint(it)) => return Err(Failure::Complaint(it)),
                // The others may have something to complain about as well.
                Err(Failure::Reported) => failed = Some(Failure::Reported),
            }
        }
        failed.map_or(Ok(Value::object(out)), Err)
    }

    fn content(&mut self, setting: &Setting, attribute: &Attribute, owner: &str, frame: &mut Frame) -> Eval<Value> {
        match &setting.content {
            Content::Value(expr) => {
                let value = self.eval(expr, frame)?;
                self.checked(value, attribute, owner, &setting.name, expr.place)
            }
            Content::Blocks(blocks) => {
                let value = self.blocks(blocks, attribute, setting, owner, frame)?;
                self.checked(value, attribute, owner, &setting.name, setting.place)
            }
        }
    }

    /// The value in the attribute's shape, or everything that is wrong with it.
    fn checked(&mut self, value: Value, attribute: &Attribute, owner: &str, name: &str, place: Place) -> Eval<Value> {
        self.sized([&value], place)?;
        let mut problems = Vec::new();
        let value = check::conform(
            &value,
            attribute,
            name,
            &mut check::Checker { patterns: &mut self.patterns, problems: &mut problems },
        );
        if problems.is_empty() {
            return Ok(value);
        }
        for problem in problems {
            let mut complaint = problem.to_diagnostic(owner);
            complaint.span = Some(self.model.span(place));
            self.diagnostics.push(complaint);
        }
        Err(Failure::Reported)
    }

    fn blocks(
        &mut self,
        blocks: &[Nested],
        attribute: &Attribute,
        setting: &Setting,
        owner: &str,
        frame: &mut Frame,
    ) -> Eval<Value> {
        if let Shape::Map(of) = &attribute.shape
            && let [Nested::Block { body, .. }] = blocks
        {
            // A map written as a block: `tags { Name = "x" }`.
            let member = |name: &Arc<str>| (name.clone(), check::plain_attribute((**of).clone()));
            let attributes: Attributes = body.settings.iter().map(|it| member(&it.name)).collect();
            return self.body(body, &attributes, owner, frame);
        }
        let Some(attributes) = attribute.shape.block() else {
            // Said when the files were read.
            return Err(Failure::Reported);
        };
        let mut items = Vec::with_capacity(blocks.len());
        for nested in blocks {
            match nested {
                Nested::Block { body, .. } => items.push(self.body(body, attributes, owner, frame)?),
                Nested::Dynamic { for_each, iterator, body, .. } => {
                    let Some(members) = self.members(for_each, frame)? else {
                        let unknown = self.eval(for_each, frame)?;
                        return Ok(Value::unknown_from(attribute.shape.ty(), [unknown.unmark().0]));
                    };
                    for (key, binding) in members.items {
                        let value = match binding {
                            Binding::Value(value) => value,
                            Binding::Instance(instance) => self.instance_steps(&instance, &[], for_each.place, frame)?,
                        };
                        let one = Value::object([("key", key), ("value", value)]);
                        frame.locals.push((iterator.clone(), Binding::Value(one)));
                        let item = self.body(body, attributes, owner, frame);
                        frame.locals.pop();
                        items.push(item?.mark(members.sensitive));
                    }
                }
            }
        }
        if !matches!(attribute.shape, Shape::Object(_)) {
            return Ok(Value::tuple(items));
        }
        let mut items = items.into_iter();
        match (items.next(), items.next()) {
            (None, _) => Ok(Value::Null),
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => {
                self.fail(setting.place, "duplicate-block", format!("{owner} takes one `{}` block at most", setting.name))
            }
        }
    }

    fn body(&mut self, body: &Body, attributes: &Attributes, owner: &str, frame: &mut Frame) -> Eval<Value> {
        let mut out = Vec::new();
        let mut failed = false;
        for setting in &body.settings {
            // A name that the schema has not was said when the files were read.
            let Some(attribute) = attributes.get(&setting.name).filter(|it| it.presence != Presence::Computed) else {
                failed = true;
                continue;
            };
            match self.content(setting, attribute, owner, frame) {
                Ok(value) => {
                    out.push((setting.name.clone(), value));
                }
                Err(failure) => {
                    self.report::<()>(Err(failure));
                    failed = true;
                }
            }
        }
        if failed { Err(Failure::Reported) } else { Ok(Value::object(out)) }
    }

    /// A `true` or `false` that must be known when the plan is made.
    pub(super) fn known_bool(&mut self, expr: Option<&Expr>, frame: &mut Frame) -> Eval<Option<bool>> {
        let Some(expr) = expr else { return Ok(None) };
        let value = self.eval(expr, frame)?;
        let bare = value.unmark().0;
        if bare.is_unknown() {
            let complaint = Diagnostic::error("not-known", "this must be known when the plan is made")
                .at(self.model.span(expr.place))
                .detail(format!("It is {bare:?}."));
            return Err(Failure::Complaint(Box::new(complaint)));
        }
        if bare.is_null() {
            return Ok(None);
        }
        Ok(Some(self.bool(bare, expr.place, "this")?))
    }

    /// `"30m"`, `"1h30m"`, or a number of seconds.
    pub(super) fn duration(&mut self, expr: &Expr, frame: &mut Frame) -> Eval<std::time::Duration> {
        let value = self.eval(expr, frame)?;
        let text = value.convert(&crate::value::Type::String).ok().and_then(|it| it.as_str().map(str::to_owned));
        match text.as_deref().and_then(check::duration) {
            Some(duration) => Ok(duration),
            None => {
                let complaint = Diagnostic::error("wrong-type", format!("a time is needed here, this is {}", value.kind()))
                    .at(self.model.span(expr.place))
                    .help("\"90s\", \"30m\", \"1h30m\"");
                Err(Failure::Complaint(Box::new(complaint)))
            }
        }
    }
}
