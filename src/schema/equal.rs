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
        if alike(a, b) {
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
                (Some(left), Some(right)) => {
                    let names: BTreeSet<_> = left.keys().chain(right.keys()).collect();
                    names.into_iter().all(|name| self.same_sealed(&a.get(name), &b.get(name)))
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

/// Whether both are the same but for the kinds of sequences and maps: what is equal in most cases, without any copy. In a
/// set, other orders may still be equal. What was stored and read again is alike what it was.
pub fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Sensitive(_), _) | (_, Value::Sensitive(_)) => a == b,
        (Value::Map(a) | Value::Object(a), Value::Map(b) | Value::Object(b)) => {
            let one_by_one = || a.iter().zip(b.iter()).all(|((a, x), (b, y))| a == b && alike(x, y));
            Arc::ptr_eq(a, b) || a.len() == b.len() && one_by_one()
        }
        (Value::List(a) | Value::Tuple(a), Value::List(b) | Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| alike(a, b))
        }
        (Value::Set(set), Value::List(items) | Value::Tuple(items))
        | (Value::List(items) | Value::Tuple(items), Value::Set(set)) => {
            set.len() == items.len() && set.iter().zip(items.iter()).all(|(a, b)| alike(a, b))
        }
        _ => a == b,
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
        (Shape::Object(attributes), Value::Map(_) | Value::Object(_)) => canonical_settings(attributes, value),
        (Shape::List(of), _) => match value.items() {
            Some(items) => Value::list(items.into_iter().map(|it| inner(of, it))),
            None => plain(value),
        },
        (Shape::Set(of), _) => match value.items() {
            Some(items) if equality == Equality::SecurityGroupRules => {
                rules::one_by_one(items.into_iter().map(|it| inner(of, it)))
            }
            Some(items) => Value::set(items.into_iter().map(|it| inner(of, it))),
            None => plain(value),
        },
        (Shape::Map(of), _) => match value.members() {
            Some(members) => {
                let members = members.iter().filter(|(_, it)| !it.is_null());
                Value::map(members.map(|(key, it)| (key.clone(), inner(of, it))))
            }
            None => plain(value),
        },
        (Shape::String, Value::String(text)) if equality == Equality::Exact => Value::String(text.clone()),
        (Shape::String, Value::String(text)) => Value::string(normal(equality, text)),
        (Shape::String, Value::Map(_) | Value::Object(_) | Value::List(_) | Value::Set(_) | Value::Tuple(_)) => {
            match value.to_json() {
                Some(json) => Value::string(normal(equality, &json.to_string())),
                None => plain(value),
            }
        }
        (Shape::String | Shape::Number | Shape::Bool, _) => value.convert(&shape.ty()).unwrap_or_else(|_| plain(value)),
        (Shape::Any, _) => plain(value),
        (Shape::Object(_), _) => plain(value),
    }
}

/// [`canonical`] of an object: what is empty is left out, and so are outputs.
pub fn canonical_settings(attributes: &Attributes, value: &Value) -> Value {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attribute(shape: Shape, presence: Presence) -> Attribute {
        Attribute::new(shape, presence)
    }

    fn texts() -> Shape {
        Shape::Set(Box::new(Shape::String))
    }

    fn rules() -> Shape {
        let members = [
            ("port".into(), attribute(Shape::Number, Presence::Required)),
            ("note".into(), attribute(Shape::String, Presence::Auto)),
            ("peers".into(), attribute(texts(), Presence::Optional)),
            ("open".into(), Attribute { default: Value::Bool(false), ..attribute(Shape::Bool, Presence::Optional) }),
        ];
        Shape::Set(Box::new(Shape::Object(members.into())))
    }

    fn same(shape: Shape, a: &Value, b: &Value) -> bool {
        let sealer = Sealer::new([1; 32]);
        Compare { sealer: &sealer }.same(&attribute(shape, Presence::Optional), a, b)
    }

    #[test]
    fn nothing_an_empty_collection_and_the_default_are_one() {
        assert!(same(texts(), &Value::Null, &Value::tuple([])));
        let short = Value::tuple([Value::object([("port", Value::from(1))])]);
        let long = Value::tuple([Value::object([
            ("port", Value::from("1")),
            ("peers", Value::tuple([])),
            ("open", Value::from(false)),
        ])]);
        assert!(same(rules(), &short, &long));
        assert!(!same(Shape::String, &Value::Null, &Value::from("")));
    }

    #[test]
    fn a_secret_is_compared_with_its_digest() {
        let sealer = Sealer::new([1; 32]);
        let compare = Compare { sealer: &sealer };
        let it = attribute(Shape::List(Box::new(Shape::String)), Presence::Optional);
        let clear = Value::list([Value::from("a").sensitive(), "b".into()]);
        assert!(compare.same(&it, &clear, &sealer.seal(&clear)) && compare.same(&it, &sealer.seal(&clear), &clear));
        assert!(compare.same(&it, &sealer.seal(&clear), &Value::tuple(["a".into(), "b".into()])));
        assert!(!compare.same(&it, &sealer.seal(&clear), &Value::tuple(["x".into(), "b".into()])));
        assert!(compare.same(&it, &clear, &Value::tuple(["a".into(), "b".into()])));
    }

    #[test]
    fn what_is_left_to_the_cloud_fits_anything() {
        let sealer = Sealer::new([1; 32]);
        let compare = Compare { sealer: &sealer };
        let rule = |port: i64, note: Value| Value::object([("port", Value::from(port)), ("note", note)]);
        let it = attribute(rules(), Presence::Optional);
        let desired = Value::set([rule(1, Value::Null), rule(2, "mine".into())]);
        assert!(compare.fits(&it, &desired, &Value::tuple([rule(2, "mine".into()), rule(1, "chosen".into())])));
        assert!(!compare.fits(&it, &desired, &Value::tuple([rule(2, "other".into()), rule(1, "chosen".into())])));
        assert!(!compare.fits(&it, &desired, &Value::tuple([rule(1, "a".into()), rule(1, "b".into())])));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0i64..3).prop_map(Value::from),
            "[ab1]{0,2}".prop_map(Value::from),
            "[ab]".prop_map(|it| Value::from(it).sensitive()),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let name = prop::sample::select(vec!["port", "note", "peers", "open", "other"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::tuple),
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::set),
                prop::collection::vec((name, inner), 0..4).prop_map(Value::object),
            ]
        })
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        prop::sample::select(vec![
            Shape::Any,
            Shape::String,
            Shape::Number,
            texts(),
            rules(),
            Shape::List(Box::new(rules())),
            Shape::Map(Box::new(Shape::String)),
        ])
    }

    proptest! {
        #[test]
        fn comparing_is_reflexive_and_symmetric(shape in any_shape(), a in any_value(), b in any_value()) {
            prop_assert!(same(shape.clone(), &a, &a));
            prop_assert_eq!(same(shape.clone(), &a, &b), same(shape, &b, &a));
        }

        #[test]
        fn a_canonical_value_is_its_own(shape in any_shape(), a in any_value()) {
            let once = canonical(&shape, Equality::Exact, &Value::Null, &a);
            prop_assert_eq!(canonical(&shape, Equality::Exact, &Value::Null, &once), once);
        }

        #[test]
        fn what_is_stored_compares_as_before(shape in any_shape(), a in any_value()) {
            let sealed = Sealer::new([1; 32]).seal(&a);
            let back: Value = serde_json::from_str(&serde_json::to_string(&sealed).unwrap()).unwrap();
            prop_assert!(same(shape, &a, &back));
        }
    }
}
