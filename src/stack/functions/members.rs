//! Sequences whose members are passed on as they are, known or not, sensitive or not.

use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::limits::{Contents, elements};
use super::unify::{to_list, unify};
use super::{Answer, CallError};
use crate::value::{Type, Value};

const LIST: Parameter = Parameter::new("list", Shape::Sequence);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "chunklist",
        &[Parameter::new("list", Shape::List), Parameter::new("size", Shape::Number)],
        Shape::List,
        Body::Members(chunklist),
        "The list cut into lists of the size; 0 cuts nothing.",
    ),
    Function::new("coalesce", &[], Shape::Any, Body::Raw(coalesce), "The first value that is neither null nor an empty string.")
        .variadic(Parameter::new("values", Shape::Any).or_null()),
    Function::new("coalescelist", &[], Shape::Any, Body::Raw(coalescelist), "The first list that is not empty.")
        .variadic(Parameter::new("lists", Shape::Sequence).or_null()),
    Function::new("concat", &[], Shape::Sequence, Body::Members(concat), "The elements of all lists, one list after the other.")
        .variadic(Parameter::new("lists", Shape::Sequence)),
    Function::new(
        "element",
        &[LIST, Parameter::new("index", Shape::Number)],
        Shape::Any,
        Body::Members(element),
        "The element at the index, which starts anew behind the end; a negative one counts from there.",
    ),
    Function::new(
        "flatten",
        &[LIST],
        Shape::Sequence,
        Body::Members(flatten),
        "The list with the elements of its lists, at any depth.",
    ),
    Function::new(
        "length",
        &[Parameter::new("value", Shape::Any)],
        Shape::Number,
        Body::Members(length),
        "How many members a collection, or characters a string, has.",
    ),
    Function::new("one", &[LIST], Shape::Any, Body::Members(one), "The only element, or null for an empty list."),
    Function::new("reverse", &[LIST], Shape::Sequence, Body::Members(reverse), "The list from its end to its start."),
    Function::new(
        "slice",
        &[LIST, Parameter::new("start", Shape::Number), Parameter::new("end", Shape::Number)],
        Shape::Sequence,
        Body::Members(slice),
        "The elements from the start index up to, but without, the end index.",
    ),
];

/// A sequence of the same kind as `like`; of a set's elements, a list.
fn alike(like: &Value, items: Vec<Value>) -> Value {
    if matches!(like, Value::Tuple(_)) { Value::tuple(items) } else { Value::list(items) }
}

fn chunklist(it: &Arguments) -> Answer {
    let items: Vec<Value> = it.items(0).into_iter().cloned().collect();
    let size = match it.size(1)? {
        0 => items.len(),
        size => size,
    };
    Ok(Value::list(items.chunks(size.max(1)).map(|it| Value::list(it.iter().cloned()))))
}

fn coalesce(it: &Arguments) -> Answer {
    Contents::of(it.all())?;
    let types: Vec<Type> = it.all().iter().map(Value::type_of).collect();
    let Some(ty) = unify(&types) else {
        return Err(CallError::new("the values have no type in common"));
    };
    let mut marked = false;
    for value in it.all() {
        let (clear, secret) = value.unmark();
        marked |= secret;
        match clear {
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::Unknown(_) => return Ok(Value::unknown_from(ty, [clear]).mark(marked)),
            known => {
                let converted = known.convert(&ty).map_err(|e| CallError::new(e.to_string()))?;
                return Ok(converted.mark(marked));
            }
        }
    }
    Err(CallError::new("all values are null or empty strings"))
}

fn coalescelist(it: &Arguments) -> Answer {
    let mut marked = false;
    for value in it.all() {
        let (clear, secret) = value.unmark();
        marked |= secret;
        match clear {
            Value::Unknown(_) | Value::Digest(_) => return Ok(Value::unknown_from(Type::Any, [clear]).mark(marked)),
            list if list.items().is_some_and(|it| !it.is_empty()) => return Ok(list.clone().mark(marked)),
            _ => {}
        }
    }
    Err(CallError::new("all lists are null or empty"))
}

fn concat(it: &Arguments) -> Answer {
    let mut items = Vec::new();
    for (at, list) in it.all().iter().enumerate() {
        let (Value::List(more) | Value::Tuple(more)) = list else {
            return Err(CallError::at(at, "a set has no order; convert it with tolist first"));
        };
        elements(items.len().checked_add(more.len()))?;
        items.extend(more.iter().cloned());
    }
    let all = Value::tuple(items);
    let lists = it.count() > 0 && it.all().iter().all(|it| matches!(it, Value::List(_)));
    Ok(if lists { to_list(&all).unwrap_or(all) } else { all })
}

fn element(it: &Arguments) -> Answer {
    if matches!(it.value(0), Value::Set(_)) {
        return Err(CallError::at(0, "the elements of a set have no index; convert it with tolist first"));
    }
    let items = it.items(0);
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let at = it.whole(1)?.checked_rem_euclid(count).and_then(|at| usize::try_from(at).ok());
    let found = at.and_then(|at| items.get(at).copied().cloned());
    found.ok_or_else(|| CallError::at(0, "an empty list has no elements"))
}

fn flatten(it: &Arguments) -> Answer {
    let mut flat = Flat { items: Vec::new(), seen: 0, marked: false };
    let waits = flat.add(it.value(0))?;
    Ok(if waits { Value::unknown_from(Type::Any, it.all()) } else { Value::tuple(flat.items) }.mark(flat.marked))
}

struct Flat {
    items: Vec<Value>,
    /// Lists too: a few that are shared often could hold no element and take forever.
    seen: usize,
    marked: bool,
}

impl Flat {
    /// Adds the elements of `list`; whether how many there are is not known yet.
    fn add(&mut self, list: &Value) -> Result<bool, CallError> {
        let mut waits = false;
        for item in list.items().unwrap_or_default() {
            self.seen = elements(self.seen.checked_add(1))?;
            let (clear, secret) = item.unmark();
            match clear {
                Value::List(_) | Value::Tuple(_) | Value::Set(_) => {
                    self.marked |= secret;
                    waits |= self.add(clear)?;
                }
                Value::Unknown(it)
                    if !matches!(it.ty, Type::Bool | Type::Number | Type::String | Type::Map(_) | Type::Object(_)) =>
                {
                    self.marked |= secret;
                    waits = true;
                }
                _ => self.items.push(item.clone()),
            }
        }
        Ok(waits)
    }
}

fn length(it: &Arguments) -> Answer {
    use unicode_segmentation::UnicodeSegmentation;
    let count = match it.value(0) {
        // Members that are not known yet may turn out to be equal.
        Value::Set(items) if items.len() > 1 && items.iter().any(|it| !it.is_wholly_known()) => {
            return Ok(Value::unknown_from(Type::Number, it.all()));
        }
        Value::List(items) | Value::Tuple(items) => items.len(),
        Value::Set(items) => items.len(),
        Value::Map(items) | Value::Object(items) => items.len(),
        Value::String(text) => text.graphemes(true).count(),
        other => {
            let problem = format!("a collection or a string has a length, {} has none", other.kind());
            return Err(CallError::at(0, problem));
        }
    };
    Ok(Value::from(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn one(it: &Arguments) -> Answer {
    match it.items(0).as_slice() {
        [] => Ok(Value::Null),
        [only] => Ok((*only).clone()),
        more => Err(CallError::at(0, format!("at most one element is allowed, there are {}", more.len()))),
    }
}

fn reverse(it: &Arguments) -> Answer {
    Ok(alike(it.value(0), it.items(0).into_iter().rev().cloned().collect()))
}

fn slice(it: &Arguments) -> Answer {
    if matches!(it.value(0), Value::Set(_)) {
        return Err(CallError::at(0, "the elements of a set have no index; convert it with tolist first"));
    }
    let (items, start, end) = (it.items(0), it.size(1)?, it.size(2)?);
    let count = items.len();
    if end > count {
        return Err(CallError::at(2, format!("the end index is {end}, but there are {count} elements")));
    }
    if start > end {
        return Err(CallError::at(1, "the start index must not be greater than the end index"));
    }
    Ok(alike(it.value(0), items.into_iter().skip(start).take(end - start).cloned().collect()))
}
