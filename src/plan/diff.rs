//! Desired, recorded and live, attribute by attribute: what differs, and why.

use std::sync::Arc;

use super::forms::{self, Forms};
use crate::address::{Address, Mode};
use crate::remote::tags;
use crate::schema::equal::Compare;
use crate::schema::{Attribute, Attributes, Equality, Presence, Schema, Shape};
use crate::stack::desired::Lifecycle;
use crate::value::{NULL, Sealer, Value, path};

/// One attribute that is not as desired.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// `ingress[0].from_port`, `tags["Name"]`
    pub path: String,
    /// Live.
    pub before: Value,
    /// Desired; may be unknown.
    pub after: Value,
    pub fixed: bool,
    /// The cloud never hears of it: the record alone changes.
    pub local: bool,
    pub cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    Configuration,
    Drift,
    Both,
    /// Desired is not known before this one is made, replaced or read.
    Follows(Address),
}

impl Difference {
    /// Whether the thing must be replaced for it. What only waits for a data source never replaces what exists.
    pub fn forces_replacement(&self) -> bool {
        self.fixed
            && match &self.cause {
                Cause::Follows(source) => source.mode() == Mode::Managed,
                Cause::Configuration | Cause::Drift | Cause::Both => true,
            }
    }
}

/// How two sides of one type are compared.
#[derive(Clone, Copy)]
pub struct Differ<'a> {
    pub schema: &'a Schema,
    pub sealer: &'a Sealer,
    /// Of what the cloud answers in another form.
    pub forms: Forms<'a>,
}

/// One place in all three values.
#[derive(Clone)]
struct Sides<'v> {
    desired: &'v Value,
    recorded: Option<&'v Value>,
    live: &'v Value,
}

impl<'v> Sides<'v> {
    fn member(&self, name: &str) -> Sides<'v> {
        Sides {
            desired: self.desired.member(name),
            recorded: self.recorded.map(|it| it.member(name)),
            live: self.live.member(name),
        }
    }
}

impl<'a> Differ<'a> {
    pub fn new(schema: &'a Schema, sealer: &'a Sealer) -> Self {
        Self { schema, sealer, forms: Forms::Taken }
    }
}

impl Differ<'_> {
    fn compare(&self) -> Compare<'_> {
        Compare { sealer: self.sealer }
    }

    /// What differs between desired and live, explained by what was last applied. Without `recorded` (a thing that is being
    /// imported, or was just made) everything counts as configuration, and what the cloud never tells counts as applied.
    pub fn differences(&self, desired: &Value, recorded: Option<&Value>, live: &Value) -> Vec<Difference> {
        let mut out = Vec::new();
        self.object(&self.schema.attributes, "", false, &Sides { desired, recorded, live }, &|_| true, &mut out);
        out
    }

    /// The same, of fixed attributes alone.
    pub fn fixed_differences(&self, desired: &Value, recorded: Option<&Value>, live: &Value) -> Vec<Difference> {
        let mut out = Vec::new();
        self.object(&self.schema.attributes, "", false, &Sides { desired, recorded, live }, &has_fixed, &mut out);
        out.retain(|it| it.fixed);
        out
    }

    /// Whether desired and live differ nowhere.
    pub fn agree(&self, desired: &Value, live: &Value) -> bool {
        self.differences(desired, None, live).is_empty()
    }

    fn object(
        &self,
        attributes: &Attributes,
        at: &str,
        fixed: bool,
        sides: &Sides<'_>,
        only: &dyn Fn(&Attribute) -> bool,
        out: &mut Vec<Difference>,
    ) {
        for (name, attribute) in attributes.iter().filter(|(_, it)| it.presence != Presence::Computed && only(it)) {
            let fixed = fixed || attribute.fixed;
            let inner = sides.member(name);
            let path = || path::member(at, name);
            if at.is_empty() && &**name == "tags" {
                let live = without_foreign(inner.live, inner.desired);
                self.attribute(attribute, &path, fixed, &Sides { live: &live, ..inner }, out);
            } else {
                self.attribute(attribute, &path, fixed, &inner, out);
            }
        }
    }

    /// `at` is made into a text for what differs alone.
    fn attribute(
        &self,
        attribute: &Attribute,
        at: &dyn Fn() -> String,
        fixed: bool,
        sides: &Sides<'_>,
        out: &mut Vec<Difference>,
    ) {
        if attribute.presence == Presence::Auto && sides.desired.is_null() {
            return;
        }
        if attribute.applied {
            return forms::differences(self.compare(), self.forms, &at(), (sides.desired, sides.recorded, sides.live), out);
        }
        // What the cloud takes and never tells stands as it was last applied.
        let live = if attribute.is_untold(sides.live) { sides.recorded.unwrap_or(sides.desired) } else { sides.live };
        let sides = &Sides { live, ..sides.clone() };
        if self.compare().same(attribute, sides.desired, sides.live) {
            return;
        }
        let before = out.len();
        self.shape(attribute, &attribute.shape, &at(), fixed, sides, out);
        for it in &mut out[before..] {
            it.local |= attribute.local;
        }
        if attribute.secret {
            for it in &mut out[before..] {
                it.before = std::mem::take(&mut it.before).sensitive();
                it.after = std::mem::take(&mut it.after).sensitive();
            }
        }
    }

    fn shape(&self, of: &Attribute, shape: &Shape, at: &str, fixed: bool, sides: &Sides<'_>, out: &mut Vec<Difference>) {
        let (desired, marked) = sides.desired.unmark();
        match (shape, desired) {
            (Shape::Object(attributes), Value::Object(_) | Value::Map(_)) if !marked => {
                let before = out.len();
                self.object(attributes, at, fixed, sides, &|_| true, out);
                // Nothing is changed in one that was not there before.
                if sides.live.is_null() {
                    for it in &mut out[before..] {
                        it.fixed = fixed || of.lasting;
                    }
                }
            }
            (Shape::Map(inner), Value::Object(_) | Value::Map(_)) if !marked && !matches!(**inner, Shape::Any) => {
                let (Some(desired), live) = (desired.members(), sides.live.members()) else { return };
                let mut keys: Vec<&Arc<str>> = desired.keys().chain(live.into_iter().flat_map(|it| it.keys())).collect();
                keys.sort();
                keys.dedup();
                for key in keys {
                    self.part(of, inner, &path::key(at, key), fixed, &sides.member(key), out);
                }
            }
            (Shape::List(inner), Value::List(_) | Value::Tuple(_)) if !marked && matches!(**inner, Shape::Object(_)) => {
                let (desired, live) = (desired.items().unwrap_or_default(), sides.live.items().unwrap_or_default());
                if desired.len() != live.len() {
                    return out.push(self.difference(of, shape, at, fixed, sides));
                }
                let recorded = sides.recorded.map(|it| it.items().unwrap_or_default());
                for (index, (desired, live)) in desired.into_iter().zip(live).enumerate() {
                    let recorded = recorded.as_ref().map(|it| it.get(index).copied().unwrap_or(&NULL));
                    self.part(of, inner, &format!("{at}[{index}]"), fixed, &Sides { desired, recorded, live }, out);
                }
            }
            _ => {
                let fixed = fixed || of.lasting && desired.is_null();
                let fits = || self.compare().fits(&part_of(of, shape), sides.desired, sides.live);
                if !sides.desired.is_wholly_known() || !fits() {
                    out.push(self.difference(of, shape, at, fixed, sides));
                }
            }
        }
    }

    /// A member of a collection: compared like an attribute of its own.
    fn part(&self, of: &Attribute, shape: &Shape, at: &str, fixed: bool, sides: &Sides<'_>, out: &mut Vec<Difference>) {
        if !self.same(of, shape, sides.desired, sides.live) {
            self.shape(of, shape, at, fixed, sides, out);
        }
    }

    fn same(&self, of: &Attribute, shape: &Shape, a: &Value, b: &Value) -> bool {
        self.compare().same(&part_of(of, shape), a, b)
    }

    fn difference(&self, of: &Attribute, shape: &Shape, at: &str, fixed: bool, sides: &Sides<'_>) -> Difference {
        let waits = sides.desired.waits_for();
        // What waits for things that are made anew is sure to change; a data source may answer as before.
        let source = waits.iter().find(|it| it.address.mode() == Mode::Managed).or(waits.iter().next());
        let cause = match (source, sides.recorded) {
            (Some(source), _) => Cause::Follows(source.address.clone()),
            (None, None) => Cause::Configuration,
            (None, Some(recorded)) => {
                let changed = !self.same(of, shape, sides.desired, recorded);
                let drifted = !self.same(of, shape, recorded, sides.live);
                match (changed, drifted) {
                    (true, true) => Cause::Both,
                    (false, true) => Cause::Drift,
                    (_, false) => Cause::Configuration,
                }
            }
        };
        let hide = sides.desired.has_secret();
        Difference {
            path: at.to_owned(),
            before: sides.live.clone().mark(hide),
            after: sides.desired.clone(),
            fixed,
            local: of.local,
            cause,
        }
    }

    /// Outputs that are not what was recorded.
    pub fn outputs_moved(&self, recorded: &Value, live: &Value) -> bool {
        let compare = self.compare();
        self.schema.outputs().any(|(name, it)| !compare.same(it, recorded.member(name), live.member(name)))
    }

    /// Whether both are the same settings, for what the user can write.
    pub fn same_settings(&self, a: &Value, b: &Value) -> bool {
        let compare = self.compare();
        self.schema.settings().all(|(name, it)| compare.same(it, a.member(name), b.member(name)))
    }
}

/// An attribute's rules for a part of it. What is absent in a part is absent.
fn part_of(of: &Attribute, shape: &Shape) -> Attribute {
    Attribute {
        fixed: of.fixed,
        later: of.later,
        local: of.local,
        secret: of.secret,
        moving: of.moving,
        equality: if matches!(shape, Shape::Object(_)) { Equality::Exact } else { of.equality },
        default: if *shape == of.shape { of.default.clone() } else { Value::Null },
        ..Attribute::new(shape.clone(), Presence::Optional)
    }
}

fn has_fixed(attribute: &Attribute) -> bool {
    attribute.fixed
        || attribute.lasting
        || attribute.applied
        || attribute.shape.block().is_some_and(|it| it.values().any(has_fixed))
}

/// Live tags without our marks and without those of AWS and controllers, unless the stack declares them.
pub fn without_foreign(live: &Value, desired: &Value) -> Value {
    let foreign = |key: &str| key.starts_with(tags::PREFIX) || tags::FOREIGN.iter().any(|it| key.starts_with(it));
    match live.members() {
        Some(all) if all.keys().any(|key| foreign(key)) => {
            let declared = |key: &str| desired.members().is_some_and(|it| it.contains_key(key));
            let kept = all.iter().filter(|(key, _)| !foreign(key) || declared(key));
            Value::map(kept.map(|(key, it)| (key.clone(), it.clone())))
        }
        _ => live.clone(),
    }
}

/// What shall be: `desired`, with what the lifecycle leaves to others taken as it is.
pub fn settled(desired: &Value, live: &Value, lifecycle: &Lifecycle) -> Value {
    if !lifecycle.leaves_something() {
        return desired.clone();
    }
    let tags = live.member("tags");
    let live = &if tags.is_null() { live.clone() } else { live.with("tags", without_foreign(tags, desired.member("tags"))) };
    if lifecycle.ignore_all_changes {
        return live.clone();
    }
    let paths = lifecycle.ignore_changes.iter().chain(&lifecycle.owned_elsewhere);
    path::overlay(desired, live, paths.map(String::as_str))
}
