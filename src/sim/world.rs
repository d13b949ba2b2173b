//! [`World`]: the simulated cloud. It takes nothing that a real one would refuse, and forgives nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::rng::Rng;
use super::types::{Habit, SimTypes, habit};
use crate::apply::{Answer, Effect, Time};
use crate::object::marks;
use crate::plan::diff::Differ;
use crate::remote::{Blocker, Class, Emptied, Fault, Found, Id, Live, Status, tags};
use crate::schema::{Presence, Schema, Shape, Types};
use crate::value::{Sealer, Value};

/// One thing that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    pub type_name: String,
    /// With every tag.
    pub settings: Value,
    pub token: Option<String>,
    /// Nobody can see it before.
    pub visible: Time,
    pub ready: Time,
    /// A change of it is being made until then.
    pub changing: Time,
    /// It becomes ready never.
    pub broken: bool,
    /// It goes then.
    pub gone: Option<Time>,
    pub foreign: bool,
}

impl Thing {
    fn since_ever(type_name: &str, settings: Value) -> Self {
        Self {
            type_name: type_name.to_owned(),
            settings,
            token: None,
            visible: Time::ZERO,
            ready: Time::ZERO,
            changing: Time::ZERO,
            broken: false,
            gone: None,
            foreign: false,
        }
    }
}

/// How the cloud behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// At most: how long what was just made is hidden; must stay below the types' `hidden`.
    pub hides: Duration,
    /// At most: how long slow types take.
    pub slow: Duration,
    /// One creation in so many never becomes ready; zero for none.
    pub breaks: usize,
}

pub struct World {
    /// What can exist there; those of the simulation have habits, others behave as their schemas say.
    pub types: Arc<dyn Types>,
    pub things: BTreeMap<Id, Thing>,
    pub weather: Weather,
    /// How long things of a type take to be made or to go, where that is the same each time.
    pub typical: BTreeMap<Arc<str>, Duration>,
    made: u64,
    rng: Rng,
    sealer: Sealer,
    /// What no run may ever do, and one did.
    pub violations: Vec<String>,
}

impl World {
    pub fn new(rng: Rng, weather: Weather) -> Self {
        Self::of(SimTypes::shared().clone(), rng, weather)
    }

    /// A world of other types.
    pub fn of(types: Arc<dyn Types>, rng: Rng, weather: Weather) -> Self {
        Self {
            types,
            things: BTreeMap::new(),
            weather,
            typical: BTreeMap::new(),
            made: 0,
            rng,
            sealer: Sealer::new([7; 32]),
            violations: Vec::new(),
        }
    }

    /// Puts a thing there that was made before.
    pub fn place(&mut self, type_name: &str, id: Id, settings: Value) {
        self.things.insert(id, Thing::since_ever(type_name, settings));
    }

    /// Does it, now. Whether anyone hears of it is up to the network.
    pub fn perform(&mut self, now: Time, effect: &Effect) -> Answer {
        self.things.retain(|_, it| it.gone.is_none_or(|at| at > now));
        match effect {
            Effect::Create { target, settings, token } => {
                Answer::Created(self.create(now, &target.type_name, settings, token.as_str()))
            }
            Effect::Find { target, settings, token } => {
                Answer::Found(self.find(now, &target.type_name, settings, token.as_str()))
            }
            Effect::Read { target, query } => {
                let wanted = query.ids.iter().filter_map(|id| Some((id.clone(), self.live(now, &target.type_name, id)?)));
                Answer::Read(Ok(wanted.collect::<Found>()))
            }
            Effect::Update { id, settings, .. } => Answer::Updated(self.update(now, id, settings)),
            Effect::Delete { id, .. } => Answer::Deleted(self.delete(now, id)),
            // Nothing lies in what the simulation makes.
            Effect::Empty { .. } => Answer::Emptied(Ok(Emptied::default())),
            Effect::Blockers { id, .. } => Answer::Blockers(Ok(self.children(id).map(|it| Blocker::new(it.as_str())).collect())),
            Effect::Data { target, arguments } => Answer::Data(self.look_up(&target.type_name, arguments)),
            Effect::Append(_) => Answer::Appended(Err(crate::apply::NotStored::Failed("the cloud keeps no journal".into()))),
        }
    }

    /// As the cloud shows it.
    pub fn live(&self, now: Time, type_name: &str, id: &Id) -> Option<Live> {
        let thing = self.things.get(id).filter(|it| it.type_name == type_name && it.visible <= now)?;
        if thing.gone.is_some_and(|it| it <= now) {
            return None;
        }
        let status = match thing {
            Thing { gone: Some(_), .. } => Status::Pending("deleting".into()),
            Thing { broken: true, ready, .. } if *ready <= now => Status::Failed("broken".into()),
            Thing { ready, .. } if *ready > now => Status::Pending("creating".into()),
            Thing { changing, .. } if *changing > now => Status::Pending("changing".into()),
            Thing { .. } => Status::Ready,
        };
        let schema = self.types.resource(type_name)?;
        let silent = schema.settings().filter(|(name, it)| (it.secret || it.local) && !thing.settings.get(name).is_null());
        let settings = thing.settings.with_all(silent.map(|(name, _)| (name.clone(), Value::Null)));
        Some(Live { settings, outputs: outputs(schema, id), status })
    }

    /// Every question to a data source has an answer, and the same one each time.
    pub fn look_up(&self, type_name: &str, arguments: &Value) -> Result<Value, Fault> {
        let schema = self.types.data(type_name).ok_or_else(|| fault(Class::Refused, "Data", type_name))?;
        Ok(outputs(schema, &Id::new(format!("found-{}", arguments.get("of").as_str().unwrap_or("nothing")))))
    }

    fn create(&mut self, now: Time, type_name: &str, settings: &Value, token: &str) -> Result<Id, Fault> {
        let habit = habit(type_name);
        if habit.by_token {
            let twin = self.things.iter().find(|(_, it)| it.type_name == type_name && it.token.as_deref() == Some(token));
            if let Some((id, _)) = twin {
                return Ok(id.clone());
            }
        }
        self.check_owner(type_name, settings);
        self.check_parents(now, settings)?;
        self.made += 1;
        let id = match habit.by_name {
            true => Id::new(format!("{}/{}", type_name, settings.get("name").as_str().unwrap_or_default())),
            false => Id::new(format!("{}-{}", type_name, self.made)),
        };
        if self.things.get(&id).is_some_and(|it| self.stands(it)) {
            return Err(fault(Class::Exists, "Create", id.as_str()));
        }
        // What can be told from others by nothing but what it is exists once.
        if self.is_nameless(type_name)
            && let Some((twin, _)) = self.alike(type_name, settings).find(|(_, it)| self.stands(it))
        {
            return Err(fault(Class::Exists, "Create", twin.as_str()));
        }
        let visible = now + self.chance(self.weather.hides);
        let ready = now + self.takes(type_name);
        let mut settings = settings.unmark_deep().0;
        if habit.shell {
            settings = settings.with("size", Value::Null);
        }
        for (name, it) in self.types.resource(type_name).into_iter().flat_map(Schema::settings) {
            match it.presence {
                _ if it.later => settings = settings.with(name, it.default.clone()),
                Presence::Auto if it.shape == Shape::String && settings.get(name).is_null() => {
                    settings = settings.with(name, format!("{name}-{}", self.made % 3).into());
                }
                Presence::Auto | Presence::Required | Presence::Optional | Presence::Computed => {}
            }
        }
        let broken = habit.slow && self.rng.one_in(self.weather.breaks);
        let token = Some(token.to_owned());
        let type_name = type_name.to_owned();
        let thing = Thing { type_name, settings, token, visible, ready, changing: now, broken, gone: None, foreign: false };
        self.things.insert(id.clone(), thing);
        Ok(id)
    }

    /// What can be tagged says whose it is, from its creation on.
    fn check_owner(&mut self, type_name: &str, settings: &Value) {
        let tagged = self.types.resource(type_name).is_some_and(Schema::has_tags);
        if tagged && settings.get("tags").get(tags::LINEAGE).is_null() {
            self.violations.push(format!("a {type_name} was left without the tags that say whose it is"));
        }
    }

    fn check_parents(&mut self, now: Time, settings: &Value) -> Result<(), Fault> {
        for parent in names(&settings.get("parents")) {
            match self.things.get(&parent) {
                None => return Err(fault(Class::Refused, "Create", &format!("there is no {parent}"))),
                Some(it) if it.gone.is_some() => {
                    return Err(fault(Class::Refused, "Create", &format!("{parent} is being deleted")));
                }
                Some(it) if it.ready > now => {
                    self.violations.push(format!("something was made before its parent {parent} was ready"));
                }
                Some(it) if it.visible > now => return Err(fault(Class::Settling, "Create", "the parent is not visible yet")),
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn find(&self, now: Time, type_name: &str, settings: &Value, token: &str) -> Result<Vec<Id>, Fault> {
        let habit = habit(type_name);
        // What is found is what is listed.
        let lists_gone = self.is_deleted_at_once(type_name);
        let lists = |it: &Thing| it.visible <= now && (it.gone.is_none() || lists_gone);
        let mut all = self.things.iter().filter(|(_, it)| it.type_name == type_name && lists(it));
        if self.is_nameless(type_name) {
            let alike = self.alike(type_name, settings).filter(|(_, it)| lists(it));
            return Ok(alike.map(|(id, _)| id.clone()).collect());
        }
        if habit.by_name {
            let named = all.find(|(_, it)| it.settings.get("name") == settings.get("name"));
            return match named {
                Some((id, thing)) if is_ours(habit, thing, settings, token) => Ok(vec![id.clone()]),
                Some((id, _)) => Err(fault(Class::Exists, "Find", id.as_str())),
                None => Ok(Vec::new()),
            };
        }
        let ours = all.filter(|(_, it)| self.carries(it, token));
        Ok(ours.map(|(id, _)| id.clone()).collect())
    }

    /// Whether a thing says that it was made with this token; where no creation takes tags, the cloud knows the creation by it.
    fn carries(&self, thing: &Thing, token: &str) -> bool {
        let schema = self.types.resource(&thing.type_name);
        match schema.and_then(|it| it.attributes.get("tags")).is_some_and(|it| it.later) {
            true => thing.token.as_deref() == Some(token),
            false => self.mark(&thing.type_name, &thing.settings).as_str() == Some(token),
        }
    }

    /// The creation token that a thing carries: in its tags, or in an object's own metadata.
    fn mark(&self, type_name: &str, settings: &Value) -> Value {
        match self.types.resource(type_name).and_then(Schema::objects) {
            Some(name) => settings.get(name).get("metadata").get("annotations").get(marks::TOKEN),
            None => settings.get("tags").get(tags::ID),
        }
    }

    /// Whether things of the type have neither tags nor a name that is their id: a route, an attachment.
    fn is_nameless(&self, type_name: &str) -> bool {
        let schema = self.types.resource(type_name).filter(|it| !it.has_tags());
        !habit(type_name).by_name && schema.is_some_and(|it| it.settings().any(|(_, it)| it.fixed))
    }

    /// Things that are the same in all that cannot change.
    fn alike<'w>(&'w self, type_name: &'w str, settings: &'w Value) -> impl Iterator<Item = (&'w Id, &'w Thing)> {
        let schema = self.types.resource(type_name);
        let clear = settings.unmark_deep().0;
        let same = move |it: &Thing| {
            let differ = schema.map(|schema| Differ::new(schema, &self.sealer));
            differ.is_some_and(|differ| differ.fixed_differences(&clear, None, &it.settings).is_empty())
        };
        self.things.iter().filter(move |(_, it)| it.type_name == type_name && same(it))
    }

    fn update(&mut self, now: Time, id: &Id, settings: &Value) -> Result<(), Fault> {
        let spread = self.chance(self.weather.slow / 4);
        if let Some(type_name) = self.things.get(id).map(|it| it.type_name.clone()) {
            self.check_owner(&type_name, settings);
        }
        let Some(thing) = self.things.get_mut(id).filter(|it| it.visible <= now && it.gone.is_none()) else {
            return Err(fault(Class::Missing, "Update", id.as_str()));
        };
        if thing.ready.max(thing.changing) > now {
            self.violations.push(format!("{id} was changed before it was ready"));
        }
        if thing.foreign {
            self.violations.push(format!("{id} is somebody else's, and was changed"));
        }
        let habit = habit(&thing.type_name);
        let mut wanted = settings.unmark_deep().0;
        if let Some(schema) = self.types.resource(&thing.type_name) {
            let differ = Differ::new(schema, &self.sealer);
            for it in differ.fixed_differences(&wanted, None, &thing.settings) {
                self.violations.push(format!("{id}: `{}` is fixed, and was to be changed", it.path));
            }
            for (name, _) in schema.settings().filter(|(_, it)| it.presence == Presence::Auto) {
                if wanted.get(name).is_null() {
                    wanted = wanted.with(name, thing.settings.get(name));
                }
            }
        }
        thing.settings = if habit.stepwise { one_step(&thing.settings, &wanted) } else { wanted };
        if habit.slow {
            thing.changing = now + spread;
        }
        Ok(())
    }

    fn children<'w>(&'w self, id: &'w Id) -> impl Iterator<Item = &'w Id> {
        let is_child = move |it: &Thing| self.stands(it) && names(&it.settings.get("parents")).contains(id);
        self.things.iter().filter(move |(_, it)| is_child(it)).map(|(id, _)| id)
    }

    /// Whether it is more than listed: it has its name, and what it was made on.
    fn stands(&self, thing: &Thing) -> bool {
        thing.gone.is_none() || !self.is_deleted_at_once(&thing.type_name)
    }

    /// What goes with it, as schemas have it.
    fn parts(&self, id: &Id) -> Vec<Id> {
        let is_part = |it: &Thing| {
            let whole = self.types.resource(&it.type_name).and_then(|it| it.part_of.as_deref());
            whole.is_some_and(|name| it.settings.get(name).as_str() == Some(id.as_str()))
        };
        self.things.iter().filter(|(_, it)| is_part(it)).map(|(id, _)| id.clone()).collect()
    }

    fn delete(&mut self, now: Time, id: &Id) -> Result<(), Fault> {
        let takes = self.things.get(id).map(|it| it.type_name.clone()).map_or(Duration::ZERO, |it| self.leaves(&it));
        let child = self.children(id).next().cloned();
        let Some(thing) = self.things.get_mut(id).filter(|it| it.visible <= now && it.gone.is_none()) else {
            return Err(fault(Class::Missing, "Delete", id.as_str()));
        };
        if let Some(child) = child {
            return Err(fault(Class::InUse, "Delete", &format!("{id} is used by {child}")));
        }
        if thing.foreign {
            self.violations.push(format!("{id} is somebody else's, and was deleted"));
        }
        thing.gone = Some(now + takes);
        for part in self.parts(id) {
            self.things.entry(part).and_modify(|it| it.gone = Some(now + takes));
        }
        self.things.retain(|_, it| it.gone.is_none_or(|at| at > now));
        Ok(())
    }

    /// What would break later does not.
    pub fn heal(&mut self, now: Time) {
        for thing in self.things.values_mut() {
            thing.broken &= thing.ready <= now;
        }
    }

    /// Somebody changes or removes one of our things by hand; says what was done.
    pub fn meddle(&mut self, rng: &mut Rng) -> Option<String> {
        let settled = self.things.iter().filter(|(_, it)| !it.foreign && it.gone.is_none());
        let ids: Vec<Id> = settled.map(|(id, _)| id.clone()).collect();
        let id = rng.pick(&ids)?.clone();
        let used = self.things.values().any(|it| names(&it.settings.get("parents")).contains(&id));
        let thing = self.things.get_mut(&id)?;
        match rng.below(4) {
            0 if !used => {
                self.things.remove(&id);
                Some(format!("somebody deletes {id}"))
            }
            1 if habit(&thing.type_name).tagged => {
                let tags = thing.settings.get("tags").with("aws:note", "theirs".into()).with("note", "by hand".into());
                thing.settings = thing.settings.with("tags", tags);
                Some(format!("somebody tags {id}"))
            }
            _ => {
                thing.settings = thing.settings.with("size", Value::from(90 + rng.below(9) as i64));
                Some(format!("somebody changes the size of {id}"))
            }
        }
    }

    /// It is ours from here on.
    pub fn hand_over(&mut self, id: &Id) {
        if let Some(thing) = self.things.get_mut(id) {
            thing.foreign = false;
        }
    }

    /// Something of somebody else's.
    pub fn add_foreign(&mut self, type_name: &str, name: &str) {
        let settings = Value::object([("name", Value::from(name)), ("flavor", "theirs".into())]);
        let id = Id::new(if habit(type_name).by_name { format!("{type_name}/{name}") } else { format!("foreign-{name}") });
        self.things.insert(id, Thing { foreign: true, ..Thing::since_ever(type_name, settings) });
    }

    /// How long a thing of this type is on its way.
    fn takes(&mut self, type_name: &str) -> Duration {
        match self.typical.get(type_name) {
            Some(typical) => *typical,
            None if habit(type_name).slow => self.chance(self.weather.slow),
            None => Duration::ZERO,
        }
    }

    /// How long one that is deleted is still listed.
    fn leaves(&mut self, type_name: &str) -> Duration {
        match self.is_deleted_at_once(type_name) && !self.typical.contains_key(type_name) {
            true => self.chance(self.weather.hides),
            false => self.takes(type_name),
        }
    }

    fn is_deleted_at_once(&self, type_name: &str) -> bool {
        self.types.resource(type_name).is_some_and(|it| it.deleted_at_once)
    }

    fn chance(&mut self, limit: Duration) -> Duration {
        self.rng.millis(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What the cloud answers of a thing: its id, and for all else a text with the id in it.
fn outputs(schema: &Schema, id: &Id) -> Value {
    Value::object(
        schema.outputs().map(|(name, it)| {
            (name.clone(), if &**name == "id" { Value::from(id.as_str()) } else { invented(name, &it.shape, id) })
        }),
    )
}

/// Something of that shape, and different for each thing where it can be.
fn invented(name: &str, shape: &Shape, id: &Id) -> Value {
    let text = |of: &str| Value::from(format!("{of}:sim:{id}"));
    let several = |of: &Shape| match of {
        Shape::String => ["a", "b", "c"].map(|it| text(&format!("{name}-{it}"))).to_vec(),
        other => vec![invented(name, other, id)],
    };
    let ends_with = |word: &str| name.strip_suffix(word).is_some_and(|it| it.is_empty() || it.ends_with('_'));
    match shape {
        // What takes an ARN or an address checks its form.
        Shape::String if ends_with("arn") => Value::from(format!("arn:aws:sim:::{id}")),
        Shape::String if ["issuer", "endpoint", "url"].into_iter().any(ends_with) => Value::from(format!("https://{id}.sim")),
        Shape::String => text(name),
        Shape::Bool => Value::Bool(true),
        Shape::Number => Value::from(1),
        Shape::List(of) => Value::list(several(of)),
        Shape::Set(of) => Value::set(several(of)),
        Shape::Map(_) => Value::map(Vec::<(String, Value)>::new()),
        Shape::Object(attributes) => {
            Value::object(attributes.iter().map(|(name, it)| (name.clone(), invented(name, &it.shape, id))))
        }
        Shape::Any => Value::Null,
    }
}

/// The first attribute that differs, as it is wanted; and the secret with it, since nobody could see that it is still to come.
fn one_step(settings: &Value, wanted: &Value) -> Value {
    let mut differing = wanted.members().into_iter().flatten().filter(|(name, it)| settings.get(name) != **it);
    let first = differing.find(|(name, _)| !matches!(&***name, "secret" | "note"));
    let settings = first.map_or_else(|| settings.clone(), |(name, it)| settings.with(name, it.clone()));
    settings.with("secret", wanted.get("secret"))
}

/// By the tag; where there are none, by all that cannot change.
fn is_ours(habit: Habit, thing: &Thing, settings: &Value, token: &str) -> bool {
    if habit.tagged {
        return thing.settings.get("tags").get(tags::ID).as_str() == Some(token);
    }
    thing.settings.get("flavor") == settings.get("flavor")
        && names(&thing.settings.get("parents")) == names(&settings.get("parents"))
}

/// The ids in a list.
pub fn names(list: &Value) -> Vec<Id> {
    list.items().unwrap_or_default().into_iter().filter_map(|it| it.as_str().map(Id::new)).collect()
}

fn fault(class: Class, call: &str, message: &str) -> Fault {
    Fault::new(class, format!("sim:{call}"), message)
}
