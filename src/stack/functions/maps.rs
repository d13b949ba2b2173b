//! Maps and objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::function::{Arguments, Body, Function, Parameter, Shape, strings};
use super::limits::{Contents, elements};
use super::unify::to_map;
use super::{Answer, CallError};
use crate::value::{Members, Type, Value};

const MAP: Parameter = Parameter::new("map", Shape::Map);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("keys", &[MAP], Shape::Strings, Body::Members(keys), "The keys, sorted."),
    Function::new(
        "lookup",
        &[MAP, Parameter::new("key", Shape::String), Parameter::new("default", Shape::Any).or_null()],
        Shape::Any,
        Body::Raw(lookup),
        "The member of that key, or the default when there is none.",
    )
    .optional(1),
    Function::new("merge", &[], Shape::Map, Body::Members(merge), "The members of all maps; later ones win.")
        .variadic(Parameter::new("maps", Shape::Map).or_null()),
    Function::new(
        "transpose",
        &[Parameter::new("map", Shape::StringLists)],
        Shape::StringLists,
        Body::Known(transpose),
        "The map with keys and list elements exchanged.",
    ),
    Function::new("values", &[MAP], Shape::Sequence, Body::Members(values), "The members, in the order of their keys."),
    Function::new(
        "zipmap",
        &[Parameter::new("keys", Shape::Strings), Parameter::new("values", Shape::Sequence)],
        Shape::Map,
        Body::Members(zipmap),
        "A map of the keys to the values at the same index.",
    ),
];

fn members(value: &Value) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> {
    static NONE: Members = Members::new_vec();
    value.members().unwrap_or(&NONE).iter()
}

fn keys(it: &Arguments) -> Answer {
    let keys = members(it.value(0)).map(|(key, _)| Value::String(key.clone()));
    Ok(if matches!(it.value(0), Value::Object(_)) { Value::tuple(keys) } else { Value::list(keys) })
}

fn values(it: &Arguments) -> Answer {
    let values = members(it.value(0)).map(|(_, value)| value.clone());
    Ok(if matches!(it.value(0), Value::Object(_)) { Value::tuple(values) } else { Value::list(values) })
}

/// Looks at one member only: the others may be unknown, and the map large.
fn lookup(it: &Arguments) -> Answer {
    let ((map, map_marked), (key, key_marked)) = (it.value(0).unmark(), it.value(1).unmark());
    let marked = map_marked || key_marked;
    let (Some(members), Value::String(name)) = (map.members(), key) else {
        Contents::of([map, key])?;
        let ty = match map.type_of() {
            Type::Map(of) => (*of).clone(),
            _ => Type::Any,
        };
        return Ok(Value::unknown_from(ty, [map, key]).mark(marked));
    };
    let default = || match (map, members.values().next()) {
        (Value::Map(_), Some(member)) => {
            let secret = Contents::of([member, it.value(2)])?.sensitive;
            it.value(2).convert(&member.type_of()).map_err(|e| {
                let why = if secret { String::new() } else { format!(": {e}") };
                CallError::at(2, format!("the default is not of the type of the map's members{why}"))
            })
        }
        _ => Ok(it.value(2).clone()),
    };
    match (members.get(name), it.count()) {
        (Some(found), _) => Ok(found.clone().mark(marked)),
        (None, 3) => Ok(default()?.mark(marked)),
        (None, _) if marked => Err(CallError::at(1, "the map has no such key, and no default is given")),
        (None, _) => Err(CallError::at(1, format!("the map has no key {name:?}, and no default is given"))),
    }
}

fn merge(it: &Arguments) -> Answer {
    let given: Vec<&Value> = it.all().iter().filter(|it| !it.is_null()).collect();
    if given.is_empty() && it.count() > 0 {
        return Ok(Value::Null);
    }
    let mut merged = Members::new();
    for map in &given {
        merged.extend(members(map).map(|(key, value)| (key.clone(), value.clone())));
        elements(Some(merged.len()))?;
    }
    let all = Value::Object(Arc::new(merged));
    let maps = !given.is_empty() && given.iter().all(|it| matches!(it, Value::Map(_)));
    Ok(if maps { to_map(&all).unwrap_or(all) } else { all })
}

fn transpose(it: &Arguments) -> Answer {
    let mut out: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
    for (key, list) in members(it.value(0)) {
        for item in list.items().unwrap_or_default() {
            let Value::String(text) = item else {
                return Err(CallError::at(0, format!("an element of {key:?} is null")));
            };
            out.entry(text.clone()).or_default().push(key.clone());
        }
    }
    Ok(Value::map(out.into_iter().map(|(key, texts)| (key, strings(texts)))))
}

fn zipmap(it: &Arguments) -> Answer {
    let contents = Contents::of([it.value(0)])?;
    let (keys, _) = it.value(0).unmark_deep();
    let (keys, values) = (keys.items().unwrap_or_default(), it.items(1));
    if keys.len() != values.len() {
        return Err(CallError::at(
            1,
            format!("there must be a value for each of the {} keys, there are {}", keys.len(), values.len()),
        ));
    }
    if contents.unknown {
        return Ok(Value::unknown_from(Type::Any, it.all()).mark(contents.sensitive));
    }
    let mut members = Vec::with_capacity(keys.len());
    for (at, (key, value)) in keys.into_iter().zip(values).enumerate() {
        let Value::String(key) = key else {
            return Err(CallError::at(0, format!("key {at} is null")));
        };
        members.push((key.clone(), value.clone()));
    }
    let zipped = if matches!(it.value(1), Value::Tuple(_)) { Value::object(members) } else { Value::map(members) };
    Ok(zipped.mark(contents.sensitive))
}
