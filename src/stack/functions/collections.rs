//! Lists whose members have to be known: they are compared, sorted, counted.

use std::collections::BTreeSet;

use super::function::{Arguments, Body, Function, Parameter, Shape, strings};
use super::limits::Contents;
use super::unify::unify;
use super::{Answer, CallError};
use crate::value::{Type, Value};

const LIST: Parameter = Parameter::new("list", Shape::List);
const BOOLS: Parameter = Parameter::new("list", Shape::Bools);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("alltrue", &[BOOLS], Shape::Bool, Body::Members(alltrue), "Whether every element is true; it is for none."),
    Function::new("anytrue", &[BOOLS], Shape::Bool, Body::Members(anytrue), "Whether an element is true."),
    Function::new(
        "compact",
        &[Parameter::new("list", Shape::Strings)],
        Shape::Strings,
        Body::Known(compact),
        "The list without nulls and empty strings.",
    ),
    Function::new(
        "contains",
        &[Parameter::new("list", Shape::Sequence), Parameter::new("value", Shape::Any).or_null()],
        Shape::Bool,
        Body::Members(contains),
        "Whether the value is an element.",
    ),
    Function::new("distinct", &[LIST], Shape::List, Body::Known(distinct), "The list with the first of equal elements only."),
    Function::new(
        "index",
        &[Parameter::new("list", Shape::Sequence), Parameter::new("value", Shape::Any).or_null()],
        Shape::Number,
        Body::Known(index),
        "Where the value is in the list, from 0.",
    ),
    Function::new(
        "matchkeys",
        &[LIST, Parameter::new("keys", Shape::List), Parameter::new("searchset", Shape::List)],
        Shape::List,
        Body::Members(matchkeys),
        "The elements whose counterpart in the keys is in the search set.",
    ),
    Function::new(
        "sort",
        &[Parameter::new("list", Shape::Strings)],
        Shape::Strings,
        Body::Known(sort),
        "The strings in the order of their characters' numbers.",
    ),
];

/// Whether `decisive` is among the elements; null counts as false.
fn any_is(it: &Arguments, decisive: bool) -> Answer {
    let items = it.items(0);
    let marked = items.iter().any(|it| it.unmark().1);
    let known = |it: &&Value| match it.unmark().0 {
        Value::Bool(it) => Some(*it),
        Value::Null => Some(false),
        _ => None,
    };
    let answer = if items.iter().any(|it| known(it) == Some(decisive)) {
        Value::Bool(decisive)
    } else if items.iter().all(|it| known(it).is_some()) {
        Value::Bool(!decisive)
    } else {
        Value::unknown_from(Type::Bool, items)
    };
    Ok(answer.mark(marked))
}

fn alltrue(it: &Arguments) -> Answer {
    any_is(it, false)
}

fn anytrue(it: &Arguments) -> Answer {
    any_is(it, true)
}

fn compact(it: &Arguments) -> Answer {
    Ok(strings(it.items(0).into_iter().filter_map(Value::as_str).filter(|it| !it.is_empty())))
}

fn contains(it: &Arguments) -> Answer {
    let wanted = Contents::of([it.value(1)])?;
    let value = it.value(1).unmark_deep().0;
    let (mut unknown, mut marked, mut found) = (wanted.unknown, wanted.sensitive, false);
    if !wanted.unknown && matches!(it.value(0), Value::Set(items) if items.contains(&value)) {
        return Ok(Value::Bool(true).mark(marked));
    }
    for item in it.items(0) {
        let contents = Contents::of([item])?;
        marked |= contents.sensitive;
        match contents.unknown {
            true => unknown = true,
            false => found |= !wanted.unknown && (*item == value || contents.sensitive && item.unmark_deep().0 == value),
        }
    }
    Ok(match (found, unknown) {
        (true, _) => Value::Bool(true),
        (false, true) => Value::unknown_from(Type::Bool, it.all()),
        (false, false) => Value::Bool(false),
    }
    .mark(marked))
}

fn distinct(it: &Arguments) -> Answer {
    let mut seen = BTreeSet::new();
    Ok(Value::list(it.items(0).into_iter().filter(|it| seen.insert(*it)).cloned()))
}

fn index(it: &Arguments) -> Answer {
    if matches!(it.value(0), Value::Set(_)) {
        return Err(CallError::at(0, "the elements of a set have no index; convert it with tolist first"));
    }
    let found = it.items(0).into_iter().position(|item| item == it.value(1)).and_then(|at| i64::try_from(at).ok());
    found.map(Value::from).ok_or_else(|| CallError::at(1, "the list has no such element"))
}

fn matchkeys(it: &Arguments) -> Answer {
    let (values, keys, wanted) = (it.items(0), it.value(1), it.value(2));
    let contents = Contents::of([keys, wanted])?;
    let (keys, wanted) = (keys.unmark_deep().0, wanted.unmark_deep().0);
    let count = keys.items().map_or(0, |it| it.len());
    if count != values.len() {
        return Err(CallError::at(
            1,
            format!("there must be a key for each of the {} elements, there are {count}", values.len()),
        ));
    }
    let (keys_type, wanted_type) = (keys.type_of(), wanted.type_of());
    let Some(ty) = unify([&keys_type, &wanted_type]) else {
        return Err(CallError::at(2, "the keys and the search set have no type in common"));
    };
    if contents.unknown {
        return Ok(Value::unknown_from(Type::list(Type::Any), it.all()).mark(contents.sensitive));
    }
    let convert = |at: usize, it: &Value| it.convert(&ty).map_err(|e| CallError::at(at, e.to_string()));
    let (keys, wanted) = (convert(1, &keys)?, convert(2, &wanted)?);
    let wanted: BTreeSet<&Value> = wanted.items().unwrap_or_default().into_iter().collect();
    let pairs = values.into_iter().zip(keys.items().unwrap_or_default());
    let found = pairs.filter(|(_, key)| wanted.contains(key)).map(|(value, _)| value.clone());
    Ok(Value::list(found).mark(contents.sensitive))
}

fn sort(it: &Arguments) -> Answer {
    let mut texts = it.texts(0)?;
    texts.sort_unstable();
    Ok(strings(texts))
}
