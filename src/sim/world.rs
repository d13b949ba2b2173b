//! [`World`]: the simulated cloud. It takes nothing that a real one would refuse, and forgives nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rng::Rng;
use super::types::{Habit, habit};
use crate::apply::{Answer, Effect, Time};
use crate::remote::{Class, Fault, Found, Id, Live, Status, tags};
use crate::value::Value;

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

#[derive(Clone, Debug)]
pub struct World {
    pub things: BTreeMap<Id, Thing>,
    pub weather: Weather,
    made: u64,
    rng: Rng,
    /// What no run may ever do, and one did.
    pub violations: Vec<String>,
}

impl World {
    pub fn new(rng: Rng, weather: Weather) -> Self {
        Self { things: BTreeMap::new(), weather, made: 0, rng, violations: Vec::new() }
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
            Effect::Data { target, .. } => Answer::Data(Err(fault(Class::Refused, "Data", &target.type_name))),
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
        let outputs = Value::object([("id", Value::from(id.as_str())), ("arn", Value::from(format!("arn:sim:{id}")))]);
        // Secrets are taken and never told, and notes not even taken.
        Some(Live { settings: thing.settings.with("secret", Value::Null).with("note", Value::Null), outputs, status })
    }

    fn create(&mut self, now: Time, type_name: &str, settings: &Value, token: &str) -> Result<Id, Fault> {
        let habit = habit(type_name);
        if habit.by_token {
            let twin = self.things.iter().find(|(_, it)| it.type_name == type_name && it.token.as_deref() == Some(token));
            if let Some((id, _)) = twin {
                return Ok(id.clone());
            }
        }
        self.check_parents(now, settings)?;
        self.made += 1;
        let id = match habit.by_name {
            true => Id::new(format!("{}/{}", type_name, settings.get("name").as_str().unwrap_or_default())),
            false => Id::new(format!("{}-{}", type_name, self.made)),
        };
        if self.things.contains_key(&id) {
            return Err(fault(Class::Exists, "Create", id.as_str()));
        }
        let visible = now + self.chance(self.weather.hides);
        let ready = if habit.slow { now + self.chance(self.weather.slow) } else { now };
        let mut settings = settings.unmark_deep().0;
        if habit.shell {
            settings = settings.with("size", Value::Null);
        }
        settings = settings.with("peers", Value::Null);
        if settings.get("zone").is_null() {
            settings = settings.with("zone", format!("zone-{}", self.made % 3).into());
        }
        let broken = habit.slow && self.rng.one_in(self.weather.breaks);
        let token = Some(token.to_owned());
        let type_name = type_name.to_owned();
        let thing = Thing { type_name, settings, token, visible, ready, changing: now, broken, gone: None, foreign: false };
        self.things.insert(id.clone(), thing);
        Ok(id)
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

    fn find(&self, now: Time, type_name: &str, settings: &Value, token: &str) -> Result<Option<Id>, Fault> {
        let habit = habit(type_name);
        let mut all = self.things.iter().filter(|(_, it)| it.type_name == type_name && it.visible <= now && it.gone.is_none());
        if habit.by_name {
            let named = all.find(|(_, it)| it.settings.get("name") == settings.get("name"));
            return match named {
                Some((id, thing)) if is_ours(habit, thing, settings, token) => Ok(Some(id.clone())),
                Some((id, _)) => Err(fault(Class::Exists, "Find", id.as_str())),
                None => Ok(None),
            };
        }
        let mut ours = all.filter(|(_, it)| it.settings.get("tags").get(tags::ID).as_str() == Some(token));
        Ok(ours.next_back().map(|(id, _)| id.clone()))
    }

    fn update(&mut self, now: Time, id: &Id, settings: &Value) -> Result<(), Fault> {
        let spread = self.chance(self.weather.slow / 4);
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
        let fixed: &[&str] = if habit.stepwise { &["parents"] } else { &["flavor", "parents"] };
        for name in fixed {
            let (a, b) = (thing.settings.get(name), settings.get(name));
            if names(&a) != names(&b) || a.as_str() != b.as_str() {
                self.violations.push(format!("{id}: `{name}` is fixed, and was to be changed"));
            }
        }
        let zone = thing.settings.get("zone");
        let wanted = settings.unmark_deep().0.with("zone", zone);
        thing.settings = if habit.stepwise { one_step(&thing.settings, &wanted) } else { wanted };
        if habit.slow {
            thing.changing = now + spread;
        }
        Ok(())
    }

    fn delete(&mut self, now: Time, id: &Id) -> Result<(), Fault> {
        let takes = self.chance(self.weather.slow);
        let child = self.things.iter().find(|(_, it)| names(&it.settings.get("parents")).contains(id)).map(|(id, _)| id.clone());
        let Some(thing) = self.things.get_mut(id).filter(|it| it.visible <= now && it.gone.is_none()) else {
            return Err(fault(Class::Missing, "Delete", id.as_str()));
        };
        if let Some(child) = child {
            return Err(fault(Class::InUse, "Delete", &format!("{id} is used by {child}")));
        }
        if thing.foreign {
            self.violations.push(format!("{id} is somebody else's, and was deleted"));
        }
        thing.gone = Some(if habit(&thing.type_name).slow { now + takes } else { now });
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

    /// Something of somebody else's.
    pub fn add_foreign(&mut self, type_name: &str, name: &str) {
        let settings = Value::object([("name", Value::from(name)), ("flavor", "theirs".into())]);
        let id = Id::new(if habit(type_name).by_name { format!("{type_name}/{name}") } else { format!("foreign-{name}") });
        let (token, visible) = (None, Time::ZERO);
        let type_name = type_name.to_owned();
        let thing = Thing {
            type_name,
            settings,
            token,
            visible,
            ready: visible,
            changing: visible,
            broken: false,
            gone: None,
            foreign: true,
        };
        self.things.insert(id, thing);
    }

    fn chance(&mut self, limit: Duration) -> Duration {
        self.rng.millis(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
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
