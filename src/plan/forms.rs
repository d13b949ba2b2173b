//! Objects that the cloud takes as a whole and answers in another form (`Applied`): what of them differs.
//!
//! Written and recorded are the author's form, live and previewed the cloud's. Only like forms are compared: as long as the files
//! are as recorded and the imprint as recorded nothing differs, whatever the two forms look like beside each other. Where one of
//! them is not, a preview says what the cloud would make of what is written, and that is compared with what is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::diff::{Cause, Difference};
use crate::address::Mode;
use crate::object::{marks, secret};
use crate::remote::Preview;
use crate::schema::equal::Compare;
use crate::schema::{Attribute, Presence, Schema, Shape};
use crate::value::{NULL, Value, path};

/// What is known of such an object beside its forms.
#[derive(Clone, Copy, Debug)]
pub enum Forms<'a> {
    /// The cloud took what is desired.
    Taken,
    /// It is about to be given it.
    Given,
    Seen {
        /// The imprint is not as recorded.
        moved: bool,
        preview: Option<&'a Preview>,
    },
}

/// One place in all of them.
struct Place<'v> {
    /// What it would become, and what it is, in like forms.
    after: &'v Value,
    before: &'v Value,
    written: &'v Value,
    recorded: Option<&'v Value>,
}

pub(super) struct Walk<'a> {
    pub compare: Compare<'a>,
    pub fixed: &'a BTreeSet<String>,
    pub out: &'a mut Vec<Difference>,
}

/// The differences of the attribute `name`, which is `applied`.
pub(super) fn differences(
    compare: Compare<'_>,
    forms: Forms<'_>,
    name: &str,
    (desired, recorded, live): (&Value, Option<&Value>, &Value),
    out: &mut Vec<Difference>,
) {
    let (moved, preview) = match forms {
        Forms::Taken => return,
        Forms::Given => {
            let before = secret::like(&secret::mark(live), desired);
            return out.push(Difference {
                path: name.to_owned(),
                before,
                after: desired.clone(),
                fixed: false,
                local: false,
                cause: Cause::Configuration,
            });
        }
        Forms::Seen { moved, preview } => (moved, preview),
    };
    let changed = recorded.is_none_or(|it| !same(compare, desired, it));
    if !changed && !moved {
        return;
    }
    let foreseen = preview.and_then(|it| it.settings.as_ref()).map(|it| marks::strip(&it.get(name)));
    // A secret is one in every form of the object.
    let veiled = |it: &Value| {
        let it = secret::like(&secret::mark(it), desired);
        recorded.map_or_else(|| it.clone(), |recorded| secret::like(&it, recorded))
    };
    let (after, before) = match (&foreseen, recorded) {
        (Some(it), _) => (veiled(it), veiled(&marks::strip(live))),
        (None, Some(recorded)) if !moved => (desired.clone(), recorded.clone()),
        (None, _) => (desired.clone(), veiled(&marks::strip(live))),
    };
    let none = BTreeSet::new();
    let mut walk = Walk { compare, fixed: preview.map_or(&none, |it| &it.fixed), out };
    walk.value(name, &Place { after: &after, before: &before, written: desired, recorded });
}

/// Whether both are the same text of an author, for what of it is known. Nothing and an absent member are one.
pub(super) fn same(compare: Compare<'_>, a: &Value, b: &Value) -> bool {
    compare.same(&Attribute::new(Shape::Any, Presence::Optional), a, b)
}

/// Whether what the cloud made of the objects is no longer as recorded.
pub(super) fn moved(compare: Compare<'_>, schema: &Schema, recorded: &Value, live: &Value) -> bool {
    let mut imprints = schema.attributes.iter().filter(|(_, it)| it.imprint);
    imprints.any(|(name, it)| !compare.same(it, &recorded.get(name), &live.get(name).mark(true)))
}

impl Walk<'_> {
    fn value(&mut self, at: &str, place: &Place<'_>) {
        if same(self.compare, place.after, place.before) {
            return;
        }
        match (place.after, place.before) {
            (Value::Object(after) | Value::Map(after), Value::Object(before) | Value::Map(before)) => {
                let names: BTreeSet<&Arc<str>> = after.keys().chain(before.keys()).collect();
                for name in names {
                    self.value(&path::member(at, name), &place.member(name));
                }
            }
            (Value::List(after) | Value::Tuple(after), Value::List(before) | Value::Tuple(before))
                if after.len() == before.len() =>
            {
                for index in 0..after.len() {
                    self.value(&path::item(at, index), &place.item(index));
                }
            }
            _ => self.leaf(at, place),
        }
    }

    fn leaf(&mut self, at: &str, place: &Place<'_>) {
        let waits = place.after.waits_for();
        let source = waits.iter().find(|it| it.address.mode() == Mode::Managed).or(waits.iter().next());
        let as_recorded = place.recorded.is_some_and(|it| same(self.compare, place.written, it));
        let cause = match (source, as_recorded) {
            (Some(source), _) => Cause::Follows(source.address.clone()),
            (None, true) => Cause::Drift,
            (None, false) => Cause::Configuration,
        };
        let hide = place.after.has_secret() || place.before.has_secret();
        self.out.push(Difference {
            path: at.to_owned(),
            before: place.before.clone().mark(hide && !place.before.is_null()),
            after: place.after.clone().mark(hide && !place.after.is_null()),
            fixed: self.fixed.iter().any(|it| path::is_within(at, it) || path::is_within(it, at)),
            local: false,
            cause,
        });
    }
}

impl<'v> Place<'v> {
    fn each(&self, of: impl Fn(&'v Value) -> &'v Value) -> Self {
        Self { after: of(self.after), before: of(self.before), written: of(self.written), recorded: self.recorded.map(&of) }
    }

    fn member(&self, name: &str) -> Self {
        self.each(|it| it.member(name))
    }

    fn item(&self, index: usize) -> Self {
        self.each(|it| match it {
            Value::List(items) | Value::Tuple(items) => items.get(index).unwrap_or(&NULL),
            _ => &NULL,
        })
    }
}
