//! Steps into values: `.name`, `[key]`, `[*]`.

use std::sync::Arc;

use super::{Binding, Eval, Evaluator, Failure, Frame};
use crate::diag::{Diagnostic, nearest};
use crate::stack::expr::{Place, Step};
use crate::value::{Type, Value};

impl Evaluator<'_> {
    pub(super) fn local_name(&mut self, name: &str, steps: &[Step], place: Place, frame: &mut Frame) -> Eval<Value> {
        let found = frame.locals.iter().rev().find(|(it, _)| it.as_ref() == name).map(|(_, binding)| binding.clone());
        match found {
            Some(binding) => self.binding(binding, steps, place, frame),
            None => {
                let names: Vec<&str> = frame.locals.iter().map(|(it, _)| it.as_ref()).collect();
                let complaint = Diagnostic::error("unknown-reference", format!("there is no `{name}` here"))
                    .at(self.model.span(place))
                    .did_you_mean(nearest(name, names));
                Err(Failure::Complaint(Box::new(complaint)))
            }
        }
    }

    pub(super) fn binding(&mut self, binding: Binding, steps: &[Step], place: Place, frame: &mut Frame) -> Eval<Value> {
        match binding {
            Binding::Value(value) => self.steps_from(value, steps, place, frame),
            Binding::Instance(instance) => self.instance_steps(&instance, steps, place, frame),
        }
    }

    pub(super) fn steps_from(&mut self, mut value: Value, steps: &[Step], place: Place, frame: &mut Frame) -> Eval<Value> {
        for step in steps {
            value = match step {
                Step::Attribute(name) => self.attribute_of(&value, name, place)?,
                Step::Index(index) => {
                    let key = self.eval(index, frame)?;
                    self.index_of(&value, &key, place)?
                }
                Step::Splat(inner) => self.splat(&value, inner, place, frame)?,
            };
        }
        Ok(value)
    }

    fn attribute_of(&self, value: &Value, name: &Arc<str>, place: Place) -> Eval<Value> {
        let (bare, marked) = value.unmark();
        match bare {
            Value::Unknown(it) => {
                let ty = match &it.ty {
                    Type::Object(fields) => fields.get(name).map_or(Type::Any, |it| it.ty.clone()),
                    Type::Map(of) => (**of).clone(),
                    _ => Type::Any,
                };
                Ok(Value::unknown_from(ty, [bare]).mark(marked))
            }
            Value::Object(members) | Value::Map(members) => match members.get(name) {
                Some(member) => Ok(member.clone().mark(marked)),
                None => {
                    let names = if marked { None } else { nearest(name, members.keys().map(AsRef::as_ref)) };
                    let complaint = Diagnostic::error("no-member", format!("this object has no `{name}`"))
                        .at(self.model.span(place))
                        .did_you_mean(names);
                    Err(Failure::Complaint(Box::new(complaint)))
                }
            },
            Value::Null => self.fail(place, "null-value", format!("`{name}` is asked of a value that is null")),
            Value::List(_) | Value::Tuple(_) | Value::Set(_) => {
                let complaint = Diagnostic::error("no-member", format!("a list has no `{name}`"))
                    .at(self.model.span(place))
                    .help(format!("of each member: [*].{name}"));
                Err(Failure::Complaint(Box::new(complaint)))
            }
            other => self.fail(place, "no-member", format!("{} has no `{name}`", other.kind())),
        }
    }

    fn index_of(&self, value: &Value, key: &Value, place: Place) -> Eval<Value> {
        let ((bare, marked), (key, marked_key)) = (value.unmark(), key.unmark());
        let marked = marked || marked_key;
        if bare.is_unknown() || key.is_unknown() {
            return Ok(Value::unknown_from(Type::Any, [bare, key]).mark(marked));
        }
        match bare {
            Value::List(items) | Value::Tuple(items) => {
                let Ok(Value::Number(number)) = key.convert(&Type::Number) else {
                    return self.fail(place, "wrong-type", format!("a list is indexed by a number, this is {}", key.kind()));
                };
                let found = number.as_i64().and_then(|it| usize::try_from(it).ok()).and_then(|it| items.get(it));
                match found {
                    Some(item) => Ok(item.clone().mark(marked)),
                    None => {
                        self.fail(place, "no-member", format!("the list has {} members, there is no [{number}]", items.len()))
                    }
                }
            }
            Value::Map(members) | Value::Object(members) => {
                let Ok(Value::String(name)) = key.convert(&Type::String) else {
                    return self.fail(place, "wrong-type", format!("a map is indexed by a string, this is {}", key.kind()));
                };
                match members.get(&name) {
                    Some(member) => Ok(member.clone().mark(marked)),
                    None if marked_key => self.fail(place, "no-member", "the map has no such key"),
                    None => {
                        let near = if marked { None } else { nearest(&name, members.keys().map(AsRef::as_ref)) };
                        let complaint = Diagnostic::error("no-member", format!("there is no [\"{name}\"]"))
                            .at(self.model.span(place))
                            .did_you_mean(near);
                        Err(Failure::Complaint(Box::new(complaint)))
                    }
                }
            }
            Value::Null => self.fail(place, "null-value", "a value that is null has no members"),
            Value::Set(_) => {
                let complaint = Diagnostic::error("wrong-type", "a set has no order, so its members have no numbers")
                    .at(self.model.span(place))
                    .help("tolist(…) sorts it; one(…) takes the only member");
                Err(Failure::Complaint(Box::new(complaint)))
            }
            other => self.fail(place, "wrong-type", format!("{} has no members", other.kind())),
        }
    }

    fn splat(&mut self, value: &Value, steps: &[Step], place: Place, frame: &mut Frame) -> Eval<Value> {
        let (bare, marked) = value.unmark();
        let items: Vec<Value> = match bare {
            Value::Null => Vec::new(),
            Value::Unknown(_) => return Ok(Value::unknown_from(Type::list(Type::Any), [bare]).mark(marked)),
            Value::List(items) | Value::Tuple(items) => items.to_vec(),
            Value::Set(items) => items.iter().cloned().collect(),
            single => vec![single.clone()],
        };
        let items = items.into_iter().map(|it| self.steps_from(it, steps, place, frame)).collect::<Eval<Vec<_>>>()?;
        Ok(Value::tuple(items).mark(marked))
    }
}
