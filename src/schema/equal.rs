//! Whether two values mean the same, as the schema has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::normal::normal;
use super::{Attribute, Attributes, Equality, Presence, Shape, rules};
use crate::value::{Sealer, Value};

/// Compares by meaning. The sealer lets a secret in clear be compared with the digest that was stored of it.
#[derive(Clone, Copy)]
pub struct Compare<'a> {
    pub sealer: &'a Sealer,
}

impl Compare<'_> {
    /// Whether both mean the same for this attribute: sets have no order, documents are compared by what they say, nothing
    /// and an empty collection are one, and nothing is the default where there is one. Symmetric.
    pub fn same(&self, attribute: &Attribute, a: &Value, b: &Value) -> bool {
        self.same_shape(&attribute.shape, attribute.equality, &attribute.default, a, b)
    }

    fn same_shape(&self, shape: &Shape, equality: Equality, default: &Value, a: &Value, b: &Value) -> bool {
        if a == b {
            return true;
        }
        if is_sealed(a) || is_sealed(b) {
            return self.same_sealed(a, b);
        }
        canonical(shape, equality, default, a) == canonical(shape, equality, default, b)
    }

    /// Digests were made of values as they stand, so they are compared as they stand.
    fn same_sealed(&self, a: &Value, b: &Value) -> bool {
        let (a, b) = (self.sealer.seal(a), self.sealer.seal(b));
        match (&a, &b) {
            (Value::Digest(a), Value::Digest(b)) => a == b,
            (Value::Digest(digest), clear) | (clear, Value::Digest(digest)) => {
                clear.is_wholly_known() && !clear.is_null() && self.sealer.digest(clear) == *digest
            }
            _ => match (a.members(), b.members()) {
                (Some(a), Some(b)) => {
                    let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
                    let at = |it: &BTreeMap<Arc<str>, Value>, name| it.get(name).cloned().unwrap_or(Value::Null);
                    names.into_iter().all(|name| self.same_sealed(&at(a, name), &at(b, name)))
                }
                _ => match (a.items(), b.items()) {
                    (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| self.same_sealed(a, b)),
                    _ => a == b,
                },
            },
        }
    }

    /// Whether `live` has all that `desired` asks for: like [`same`](Self::same), except that what is left to the cloud may
    /// be anything.
    pub fn fits(&self, attribute: &Attribute, desired: &Value, live: &Value) -> bool {
        match (attribute.presence, desired) {
            (Presence::Computed, _) => true,
            (Presence::Auto, it) if it.is_null() => true,
            _ => self.same(attribute, desired, live) || self.fits_shape(&attribute.shape, attribute.equality, desired, live),
        }
    }

    fn fits_shape(&self, shape: &Shape, equality: Equality, desired: &Value, live: &Value) -> bool {
        if self.same_shape(shape, equality, &Value::Null, desired, live) {
            return true;
        }
        match shape {
            Shape::Object(attributes) => {
                desired.members().is_some()
                    && attributes.iter().all(|(name, it)| self.fits(it, &desired.get(name), &live.get(name)))
            }
            Shape::List(of) => match (desired.items(), live.items()) {
                (Some(desired), Some(live)) => {
                    desired.len() == live.len() && desired.iter().zip(live).all(|(a, b)| self.fits_shape(of, equality, a, b))
                }
                _ => false,
            },
            Shape::Set(of) => match (desired.items(), live.items()) {
                (Some(desired), Some(live)) => self.fits_set(of, equality, &desired, &live),
                _ => false,
            },
            Shape::Any | Shape::Bool | Shape::Number | Shape::String | Shape::Map(_) => false,
        }
    }

    /// Members that are equal pair off in order; only what is left over is tried against each other.
    fn fits_set(&self, of: &Shape, equality: Equality, desired: &[&Value], live: &[&Value]) -> bool {
        if desired.len() != live.len() {
            return false;
        }
        let mut left: BTreeMap<Value, usize> = BTreeMap::new();
        for it in live {
            *left.entry(canonical(of, equality, &Value::Null, it)).or_default() += 1;
        }
        let mut unpaired = Vec::new();
        for it in desired {
            match left.get_mut(&canonical(of, equality, &Value::Null, it)) {
                Some(count) if *count > 0 => *count -= 1,
                _ => unpaired.push(*it),
            }
        }
        let mut left: Vec<Value> = left.into_iter().flat_map(|(it, count)| std::iter::repeat_n(it, count)).collect();
        unpaired.into_iter().all(|it| match left.iter().position(|live| self.fits_shape(of, equality, it, live)) {
            Some(at) => {
                left.swap_remove(at);
                true
            }
            None => false,
        })
    }
}

fn is_sealed(value: &Value) -> bool {
    value.any(&mut |it| matches!(it, Value::Digest(_)))
}

/// The one form of all values that mean the same. Marks are dropped: the result is for comparing alone.
pub fn canonical(shape: &Shape, equality: Equality, default: &Value, value: &Value) -> Value {
    let value = match value.unmark().0 {
        Value::Null if !default.is_null() => default,
        it => it,
    };
    let inner = |of: &Shape, it: &Value| canonical(of, equality, &Value::Null, it);
    match (shape, value) {
        (_, Value::Unknown(_) | Value::Digest(_)) => value.clone(),
        (Shape::List(_), Value::Null) => Value::list([]),
        (Shape::Set(_), Value::Null) => Value::set([]),
        (Shape::Map(_), Value::Null) => Value::map::<Arc<str>>([]),
        (Shape::Object(attributes), Value::Map(_) | Value::Object(_)) => object(attributes, value),
        (Shape::List(of), _) => match value.items() {
            Some(items) => Value::list(items.into_iter().map(|it| inner(of, it))),
            None => value.clone(),
        },
        (Shape::Set(of), _) => match value.items() {
            Some(items) if equality == Equality::SecurityGroupRules => {
                rules::one_by_one(items.into_iter().map(|it| inner(of, it)))
            }
            Some(items) => Value::set(items.into_iter().map(|it| inner(of, it))),
            None => value.clone(),
        },
        (Shape::Map(of), _) => match value.members() {
            Some(members) => {
                let members = members.iter().filter(|(_, it)| !it.is_null());
                Value::map(members.map(|(key, it)| (key.clone(), inner(of, it))))
            }
            None => value.clone(),
        },
        (Shape::String, Value::String(text)) if equality == Equality::Exact => Value::String(text.clone()),
        (Shape::String, Value::String(text)) => Value::string(normal(equality, text)),
        (Shape::String, Value::Map(_) | Value::Object(_) | Value::List(_) | Value::Tuple(_)) => match value.to_json() {
            Some(json) => Value::string(normal(equality, &json.to_string())),
            None => value.clone(),
        },
        (Shape::String | Shape::Number | Shape::Bool, _) => value.convert(&shape.ty()).unwrap_or_else(|_| value.clone()),
        (Shape::Any, _) => plain(value),
        (Shape::Object(_), _) => value.clone(),
    }
}

fn object(attributes: &Attributes, value: &Value) -> Value {
    let members = attributes.iter().filter(|(_, it)| it.presence != Presence::Computed).filter_map(|(name, it)| {
        let member = canonical(&it.shape, it.equality, &it.default, &value.get(name));
        let empty = member.is_null() || member.items().is_some_and(|it| it.is_empty());
        (!empty && member.members().is_none_or(|it| !it.is_empty())).then(|| (name.clone(), member))
    });
    Value::object(members)
}

/// Sequences as tuples, maps as objects: what is left when nothing is known of the type.
fn plain(value: &Value) -> Value {
    match value.unmark().0 {
        Value::List(items) | Value::Tuple(items) => Value::tuple(items.iter().map(plain)),
        Value::Set(items) => Value::tuple(items.iter().map(plain)),
        Value::Map(items) | Value::Object(items) => Value::object(items.iter().map(|(key, it)| (key.clone(), plain(it)))),
        leaf => leaf.clone(),
    }
}
