//! The resource types of the simulated cloud: each has one of the habits by which real types trouble an engine.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::address::{Address, Mode};
use crate::remote::Settle;
use crate::schema::{Attribute, Presence, Schema, Shape, Types};

/// What a type does that others do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habit {
    pub name: &'static str,
    /// A repeated creation with the same token is the same creation.
    pub by_token: bool,
    /// The name is the id, and there is only one of it.
    pub by_name: bool,
    pub tagged: bool,
    /// Takes its time to become ready, and to go.
    pub slow: bool,
    /// Its creation cannot set `size`: an update must.
    pub shell: bool,
    /// An update changes one attribute alone, whatever it was asked for.
    pub stepwise: bool,
}

const PLAIN: Habit =
    Habit { name: "sim_instant", by_token: false, by_name: false, tagged: true, slow: false, shell: false, stepwise: false };

/// Every type: `name`, `size`, `flavor` (fixed but where changes go step by step), `zone` (the cloud chooses), `parents` (fixed; must be ready before, and cannot
/// go before), `peers` (later), `secret` (never told), `note` (local), `tags` where it has them; the outputs are `id` and `arn`.
pub const HABITS: [Habit; 7] = [
    PLAIN,
    Habit { name: "sim_slow", slow: true, ..PLAIN },
    Habit { name: "sim_token", by_token: true, ..PLAIN },
    Habit { name: "sim_named", by_name: true, ..PLAIN },
    Habit { name: "sim_bare", by_name: true, tagged: false, ..PLAIN },
    Habit { name: "sim_shell", shell: true, slow: true, ..PLAIN },
    Habit { name: "sim_stepwise", stepwise: true, ..PLAIN },
];

pub fn habit(type_name: &str) -> Habit {
    HABITS.into_iter().find(|it| it.name == type_name).unwrap_or(PLAIN)
}

/// How patient one must be with the types here, at most: what the cloud hides it hides for less than `hidden`.
pub fn settle() -> Settle {
    Settle {
        every: Duration::from_secs(1),
        every_max: Duration::from_secs(8),
        hidden: Duration::from_secs(60),
        create: Duration::from_secs(900),
        update: Duration::from_secs(900),
        delete: Duration::from_secs(900),
        typical: Duration::from_secs(2),
    }
}

pub fn settles() -> BTreeMap<Arc<str>, Settle> {
    HABITS.iter().map(|it| (it.name.into(), settle())).collect()
}

fn attribute(shape: Shape, presence: Presence) -> Attribute {
    Attribute::new(shape, presence)
}

pub fn schema(type_name: &str) -> Schema {
    let habit = habit(type_name);
    let text = || attribute(Shape::String, Presence::Optional);
    let mut attributes = vec![
        ("id", attribute(Shape::String, Presence::Computed)),
        ("arn", attribute(Shape::String, Presence::Computed)),
        ("name", Attribute { fixed: habit.by_name, ..attribute(Shape::String, Presence::Required) }),
        ("size", attribute(Shape::Number, Presence::Optional)),
        ("flavor", Attribute { fixed: !habit.stepwise, ..text() }),
        ("zone", Attribute { fixed: true, ..attribute(Shape::String, Presence::Auto) }),
        ("parents", Attribute { fixed: true, ..attribute(Shape::List(Box::new(Shape::String)), Presence::Optional) }),
        ("peers", Attribute { later: true, ..attribute(Shape::Set(Box::new(Shape::String)), Presence::Optional) }),
        ("secret", Attribute { secret: true, ..text() }),
        ("note", Attribute { local: true, ..text() }),
    ];
    if habit.tagged {
        attributes.push(("tags", attribute(Shape::Map(Box::new(Shape::String)), Presence::Optional)));
    }
    let attributes = attributes.into_iter().map(|(name, it)| (Arc::from(name), it)).collect();
    Schema { deleted_at_once: !habit.slow, ..Schema::new(habit.name, attributes) }
}

/// The one data source: asked `of` something, it answers with an `id` that names it.
pub const LOOKUP: &str = "sim_lookup";

fn lookup() -> Schema {
    let attributes = [("of", attribute(Shape::String, Presence::Optional)), ("id", attribute(Shape::String, Presence::Computed))];
    Schema::new(LOOKUP, attributes.into_iter().map(|(name, it)| (Arc::from(name), it)).collect())
}

/// All of them.
pub struct SimTypes {
    resources: BTreeMap<&'static str, Schema>,
    lookup: Schema,
}

impl Default for SimTypes {
    fn default() -> Self {
        Self { resources: HABITS.into_iter().map(|it| (it.name, schema(it.name))).collect(), lookup: lookup() }
    }
}

impl SimTypes {
    /// Made once: a story asks for them all the time.
    pub fn shared() -> &'static Arc<Self> {
        static SHARED: OnceLock<Arc<SimTypes>> = OnceLock::new();
        SHARED.get_or_init(Arc::default)
    }

    /// The schema of a block.
    pub fn of(&self, address: &Address) -> Option<&Schema> {
        match address.mode() {
            Mode::Managed => self.resource(address.type_name()),
            Mode::Data => self.data(address.type_name()),
        }
    }
}

impl Types for SimTypes {
    fn resource(&self, type_name: &str) -> Option<&Schema> {
        self.resources.get(type_name)
    }
    fn data(&self, type_name: &str) -> Option<&Schema> {
        (type_name == LOOKUP).then_some(&self.lookup)
    }
    fn names(&self) -> Vec<&str> {
        self.resources.keys().copied().chain([LOOKUP]).collect()
    }
}
