//! `for`, and function calls; among them those that need the evaluator: `try`, `can`, `templatefile`, `templatestring`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Binding, Eval, Evaluator, Failure, Frame, InstanceRef, TEXT_BYTES_MAX, hidden};
use crate::diag::Diagnostic;
use crate::stack::expr::{Call, Expr, For, Node, Place, Target};
use crate::stack::functions;
use crate::stack::lower::Lowering;
use crate::stack::parse;
use crate::value::{Type, Value};

/// What a `for` walks over.
pub(super) struct Members {
    pub items: Vec<(Value, Binding)>,
    pub sensitive: bool,
}

impl Evaluator<'_> {
    /// The members of a collection with their keys; nothing when it is unknown. Instances of a block are not evaluated.
    pub(super) fn members(&mut self, collection: &Expr, frame: &mut Frame) -> Eval<Option<Members>> {
        if let Node::Reference(Target::Block(mode, type_name, name), steps) = &collection.node
            && steps.is_empty()
            && let Some(items) = self.block_members((*mode, type_name.clone(), name.clone()), collection.place, frame)?
        {
            let named = |(key, it): (Arc<str>, InstanceRef)| (Value::String(key), Binding::Instance(it));
            return Ok(Some(Members { items: items.into_iter().map(named).collect(), sensitive: false }));
        }
        let value = self.eval(collection, frame)?;
        let (bare, sensitive) = value.unmark();
        let numbered = |items: &mut dyn Iterator<Item = &Value>| {
            let number = |at: usize| Value::from(i64::try_from(at).unwrap_or(i64::MAX));
            items.enumerate().map(|(at, it)| (number(at), Binding::Value(it.clone()))).collect()
        };
        let items = match bare {
            Value::Unknown(_) => return Ok(None),
            Value::List(items) | Value::Tuple(items) => numbered(&mut items.iter()),
            Value::Set(items) => items.iter().map(|it| (it.clone(), Binding::Value(it.clone()))).collect(),
            Value::Map(items) | Value::Object(items) => {
                items.iter().map(|(key, it)| (Value::String(key.clone()), Binding::Value(it.clone()))).collect()
            }
            other => {
                let summary = format!("`for` walks over a list, set or map, this is {}", other.kind());
                return self.fail(collection.place, "wrong-type", summary);
            }
        };
        Ok(Some(Members { items, sensitive }))
    }

    pub(super) fn for_expr(&mut self, it: &For, place: Place, frame: &mut Frame) -> Eval<Value> {
        let Some(members) = self.members(&it.collection, frame)? else {
            let collection = self.eval(&it.collection, frame)?;
            let (bare, marked) = collection.unmark();
            return Ok(Value::unknown_from(Type::Any, [bare]).mark(marked));
        };
        let before = frame.locals.len();
        let mut out = Gathered { sensitive: members.sensitive, ..Gathered::default() };
        for (key, member) in members.items {
            frame.locals.extend(it.key_name.clone().map(|name| (name, Binding::Value(key))));
            frame.locals.push((it.value_name.clone(), member));
            let one = self.for_member(it, place, frame, &mut out);
            frame.locals.truncate(before);
            one?;
        }
        let value = match (&it.key, out.unknown.is_empty()) {
            (_, false) => Value::unknown_from(Type::Any, &out.unknown),
            (None, true) => Value::tuple(out.items),
            (Some(_), true) if it.group => Value::object(out.groups.into_iter().map(|(k, v)| (k, Value::tuple(v)))),
            (Some(_), true) => Value::object(out.members),
        };
        Ok(value.mark(out.sensitive))
    }

    fn for_member(&mut self, it: &For, place: Place, frame: &mut Frame, out: &mut Gathered) -> Eval<()> {
        if let Some(condition) = &it.condition {
            let value = self.operand(condition, frame)?;
            let (bare, marked) = value.unmark();
            out.sensitive |= marked;
            if bare.is_unknown() {
                out.unknown.push(bare.clone());
                return Ok(());
            }
            if !self.bool(bare, condition.place, "a condition")? {
                return Ok(());
            }
        }
        let Some(key) = &it.key else {
            out.items.push(self.eval(&it.value, frame)?);
            return Ok(());
        };
        let name = self.eval(key, frame)?;
        let value = self.eval(&it.value, frame)?;
        let (bare, marked) = name.unmark();
        out.sensitive |= marked;
        if bare.is_unknown() {
            out.unknown.push(bare.clone());
            return Ok(());
        }
        let Ok(Value::String(name)) = bare.convert(&Type::String) else {
            return self.fail(key.place, "wrong-type", format!("a key is a string, this is {}", bare.kind()));
        };
        if it.group {
            out.groups.entry(name).or_default().push(value);
        } else if out.members.insert(name.clone(), value).is_some() {
            let what = if marked { "a key".to_owned() } else { format!("the key \"{name}\"") };
            let complaint = Diagnostic::error("duplicate-key", format!("{what} comes up twice"))
                .at(self.model.span(place))
                .help("`=> VALUE...` gathers the values of one key in a list");
            return Err(Failure::Complaint(Box::new(complaint)));
        }
        Ok(())
    }

    pub(super) fn call(&mut self, call: &Call, place: Place, frame: &mut Frame) -> Eval<Value> {
        match call.name.as_ref() {
            "try" => self.try_each(call, place, frame),
            "can" => match call.arguments.as_slice() {
                [one] => match self.attempt(one, frame)? {
                    Ok(value) if value.is_unknown() => Ok(Value::unknown_from(Type::Bool, [value.unmark().0])),
                    Ok(_) => Ok(Value::Bool(true)),
                    Err(_) => Ok(Value::Bool(false)),
                },
                _ => self.fail(place, "bad-argument", "`can` takes one expression"),
            },
            "templatefile" | "templatestring" => self.template_call(call, place, frame),
            _ => self.function(call, frame),
        }
    }

    /// A failure inside is a result here; one that was reported elsewhere stays one.
    fn attempt(&mut self, expr: &Expr, frame: &mut Frame) -> Eval<Result<Value, Box<Diagnostic>>> {
        match self.eval(expr, frame) {
            Ok(value) => Ok(Ok(value)),
            Err(Failure::Complaint(complaint)) if !matches!(complaint.code, "too-large" | "too-deep") => Ok(Err(complaint)),
            Err(other) => Err(other),
        }
    }

    fn try_each(&mut self, call: &Call, place: Place, frame: &mut Frame) -> Eval<Value> {
        let mut last = None;
        for argument in &call.arguments {
            match self.attempt(argument, frame)? {
                Ok(value) => return Ok(value),
                Err(complaint) => last = Some(complaint),
            }
        }
        match last {
            Some(complaint) => Err(Failure::Complaint(complaint)),
            None => self.fail(place, "bad-argument", "`try` takes one expression or more"),
        }
    }

    fn function(&mut self, call: &Call, frame: &mut Frame) -> Eval<Value> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for (at, argument) in call.arguments.iter().enumerate() {
            let value = self.eval(argument, frame)?;
            if !(call.expand && at + 1 == call.arguments.len()) {
                arguments.push(value);
                continue;
            }
            let (bare, marked) = value.unmark();
            if bare.is_unknown() {
                return Ok(Value::unknown_from(Type::Any, [bare]).mark(marked));
            }
            let Some(items) = bare.items() else {
                return self.fail(argument.place, "wrong-type", format!("`...` takes a list, this is {}", bare.kind()));
            };
            arguments.extend(items.into_iter().cloned().map(|it| it.mark(marked)));
        }
        let files = self.reading.seen_from(self.model, call.name_place.file);
        let result = functions::call(&call.name, &arguments, &files).map_err(|error| {
            let place = error.argument.and_then(|it| call.arguments.get(it)).map_or(call.name_place, |it| it.place);
            let complaint = Diagnostic::error("bad-argument", format!("{}: {}", call.name, error.message));
            Failure::Complaint(Box::new(complaint.at(self.model.span(place))))
        })?;
        // Nothing to wait for is left only where a digest was made something of.
        Ok(match result.unmark().0 {
            Value::Unknown(it) if it.waits_for.is_empty() => hidden(it.ty.clone(), frame),
            _ => result,
        })
    }

    fn template_call(&mut self, call: &Call, place: Place, frame: &mut Frame) -> Eval<Value> {
        let [subject, variables] = call.arguments.as_slice() else {
            return self.fail(place, "bad-argument", format!("`{}` takes a template and an object of variables", call.name));
        };
        let given = self.eval(subject, frame)?;
        let (bare, marked) = given.unmark();
        let scope = self.eval(variables, frame)?;
        let (bare_scope, marked_scope) = scope.unmark();
        if bare.is_unknown() || bare_scope.is_unknown() {
            return Ok(Value::unknown_from(Type::String, [bare, bare_scope]).mark(marked || marked_scope));
        }
        let (Some(text), Some(members)) = (bare.as_str(), bare_scope.members()) else {
            return self.fail(place, "bad-argument", format!("`{}` takes a text and an object", call.name));
        };
        let template = self.read_template(&call.name, text, subject.place)?;
        // The template sees its variables and nothing else.
        let mut inner = Frame { deps: frame.deps.clone(), ..Frame::new(frame.scope) };
        inner.locals = members.iter().map(|(name, it)| (name.clone(), Binding::Value(it.clone()))).collect();
        let made = self.eval(&template, &mut inner).map_err(|failure| self.within(failure, &call.name, text, place))?;
        match made.convert(&Type::String) {
            Ok(value) => Ok(value.mark(marked || marked_scope)),
            Err(_) => self.fail(place, "wrong-type", format!("the template yields {}, not a text", made.kind())),
        }
    }

    /// Places in a template are not places in a stack file: the complaint points at the call and says the rest.
    fn within(&self, failure: Failure, function: &str, subject: &str, place: Place) -> Failure {
        match failure {
            Failure::Reported => Failure::Reported,
            Failure::Complaint(inner) => {
                let what = if function == "templatefile" { format!("{subject}: ") } else { String::new() };
                let summary = format!("{function}: {what}{}", inner.summary);
                let mut complaint = Diagnostic::error(inner.code, summary).at(self.model.span(place));
                complaint.hints = inner.hints;
                Failure::Complaint(Box::new(complaint))
            }
        }
    }

    fn read_template(&mut self, function: &str, subject: &str, place: Place) -> Eval<Arc<Expr>> {
        let is_file = function == "templatefile";
        let text = if is_file {
            use crate::stack::Files as _;
            let read = self.reading.seen_from(self.model, place.file).read(subject);
            match read.map(String::from_utf8) {
                Ok(Ok(text)) => text,
                Ok(Err(_)) => return self.fail(place, "bad-argument", format!("templatefile: {subject} is not UTF-8")),
                Err(problem) => return self.fail(place, "bad-argument", format!("templatefile: {subject}: {problem}")),
            }
        } else {
            subject.to_owned()
        };
        if text.len() > TEXT_BYTES_MAX {
            return self.fail(place, "too-large", "the template is too large");
        }
        if let Some(known) = self.memo.templates.get(text.as_str()) {
            return Ok(known.clone());
        }
        let syntax = match parse::template(&text) {
            Ok(syntax) => syntax,
            Err(error) => {
                let before = text.get(..error.start).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                let name = if is_file { subject } else { "the template" };
                return self.fail(place, "bad-template", format!("{function}: {name}, line {line}: {}", error.summary));
            }
        };
        let span = |place| self.model.span(place);
        let mut lowering = Lowering::new(place.file, &text, &span);
        lowering.free_names = true;
        let mut expr = lowering.template(&syntax);
        expr.place = place;
        let calls = std::mem::take(&mut lowering.calls);
        let problem = lowering.diagnostics.into_iter().next();
        if let Some(problem) = problem {
            return self.fail(place, problem.code, format!("{function}: {}", problem.summary));
        }
        if let Some(it) = calls.iter().find(|it| it.name.starts_with("template")) {
            return self.fail(place, "bad-template", format!("{function}: a template cannot call `{}`", it.name));
        }
        let expr = Arc::new(expr);
        self.memo.templates.insert(text.into(), expr.clone());
        Ok(expr)
    }
}

#[derive(Default)]
struct Gathered {
    items: Vec<Value>,
    members: BTreeMap<Arc<str>, Value>,
    groups: BTreeMap<Arc<str>, Vec<Value>>,
    unknown: Vec<Value>,
    sensitive: bool,
}
