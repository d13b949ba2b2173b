//! What becomes of each address, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::{Action, AttributeChange, Change, Reason};
use super::diff::{Cause, Difference, settled};
use super::purge;
use super::sight::{Seen, Sight, There};
use crate::address::{Address, Mode};
use crate::object::{Key, ObjectId};
use crate::remote::{ConfigName, Id};
use crate::schema::{Presence, Schema};
use crate::stack::desired::{Instance, Lifecycle};
use crate::state::{Deposed, Record, Recorded};
use crate::value::{Sealer, Value};

/// What is done, in the terms of steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Work {
    Nothing,
    Create,
    Replace { id: Id, create_first: bool },
    Update { id: Id },
    Import { id: Id, update: bool },
    Delete { id: Id, purge: bool },
    Forget,
    Read,
    Protect,
    Refresh(Arc<Record>),
}

/// One address, decided.
#[derive(Debug)]
pub(super) struct Decision<'a> {
    pub change: Change,
    pub work: Work,
    pub config: ConfigName,
    pub record: Option<&'a Record>,
    pub instance: Option<&'a Instance>,
    pub moved_from: Option<Address>,
    /// Sealed.
    pub planned: Value,
    pub lifecycle: Recorded,
    pub dependencies: BTreeSet<Address>,
    /// As they were.
    pub recorded_dependencies: BTreeSet<Address>,
    /// What it is a part of, as recorded: the cloud deletes it with that.
    pub part_of: Option<Address>,
    /// Former instances that go.
    pub deposed: &'a [Deposed],
    pub object: Option<Placed>,
}

/// What an object is, as far as its order goes.
#[derive(Debug)]
pub(super) struct Placed {
    /// The settings that say in which cluster.
    pub home: Value,
    pub key: Key,
    /// A Service that makes a load balancer.
    pub balances: bool,
}

impl Placed {
    fn desired(instance: &Instance) -> Option<Self> {
        let object = instance.object.as_ref()?;
        let balances = balances(&instance.settings.get(&object.attribute));
        Some(Self { home: object.home.clone(), key: object.key.clone(), balances })
    }

    fn recorded(schema: &Schema, record: &Record) -> Option<Self> {
        let object = record.applied.get(schema.objects()?);
        let key = record.id.as_str().parse::<ObjectId>().ok()?.key;
        Some(Self { home: schema.home(&record.applied), key, balances: balances(&object) })
    }
}

fn balances(object: &Value) -> bool {
    object.get("spec").get("type").as_str() == Some("LoadBalancer")
}

impl Decision<'_> {
    pub fn address(&self) -> &Address {
        &self.change.address
    }

    /// Whether its outputs are new.
    pub fn is_made(&self) -> bool {
        matches!(self.work, Work::Create | Work::Replace { .. })
    }
}

/// A decision about a data source or a managed instance of the files. `dependencies` are what will be recorded.
pub(super) fn instance<'a>(
    sight: &Sight<'a>,
    schema: &Schema,
    instance: &'a Instance,
    dependencies: BTreeSet<Address>,
) -> Decision<'a> {
    let address = &instance.address;
    let seen = sight.see(address);
    let record = sight.record(address);
    let mut out = Decision {
        change: Change {
            address: address.clone(),
            type_name: address.type_name().to_owned(),
            action: Action::Noop,
            create_first: false,
            id: record.map(|it| it.id.clone()),
            reasons: Vec::new(),
            attributes: Vec::new(),
            repairs_drift: false,
            span: instance.span.clone(),
        },
        work: Work::Nothing,
        config: instance.config.clone(),
        record,
        instance: Some(instance),
        moved_from: Some(sight.recorded_at(address)).filter(|it| *it != address && record.is_some()).cloned(),
        planned: Value::Null,
        lifecycle: recorded_lifecycle(sight, instance, record),
        dependencies,
        recorded_dependencies: record.map(|it| sight.dependencies(it)).unwrap_or_default(),
        part_of: None,
        deposed: record.map(|it| it.deposed.as_slice()).unwrap_or_default(),
        object: Placed::desired(instance),
    };
    if address.mode() == Mode::Data {
        if sight.waiting.contains(address) {
            out.change.action = Action::Read;
            out.work = Work::Read;
            out.change.attributes = everything(schema, &instance.settings, sight.sealer);
            out.change.reasons = follows(&instance.settings);
        }
        return out;
    }
    match seen {
        Seen::Nothing => create(sight, schema, &mut out, Reason::New),
        Seen::Gone => {
            create(sight, schema, &mut out, Reason::Missing);
        }
        Seen::There(there) => keep(sight, schema, instance, there, &mut out),
    }
    if out.moved_from.is_some() {
        out.change.reasons.push(Reason::Block);
        if out.change.action == Action::Noop {
            out.change.action = Action::Move;
        }
    }
    out
}

fn create(sight: &Sight<'_>, schema: &Schema, out: &mut Decision<'_>, reason: Reason) {
    let settings = out.instance.map(|it| it.settings.clone()).unwrap_or_default();
    out.change.action = Action::Create;
    out.change.reasons = vec![reason];
    out.change.attributes = everything(schema, &settings, sight.sealer);
    out.planned = sight.sealer.seal(&settings);
    out.work = Work::Create;
}

/// Something exists: it stays as it is, is changed, or is replaced.
fn keep<'a>(sight: &Sight<'a>, schema: &Schema, instance: &'a Instance, there: There<'a>, out: &mut Decision<'a>) {
    let desired = settled(&instance.settings, there.settings, &instance.lifecycle);
    let differ = sight.differ(schema, &instance.address, &desired, &there);
    let recorded = there.record.map(|it| &it.applied);
    let mut differences = differ.differences(&desired, recorded, there.settings);
    differences.retain(|it| sight.is_real(it));
    out.planned = sight.sealer.seal(&desired);
    out.change.id = Some(there.id.clone());
    let forced = forced(sight, instance, there);
    let replaces = !forced.is_empty() || differences.iter().any(Difference::forces_replacement);
    let id = there.id.clone();

    out.change.reasons = forced;
    for it in differences.iter().filter(|it| it.forces_replacement()) {
        out.change.reasons.push(match &it.cause {
            Cause::Follows(source) => Reason::Follows { path: it.path.clone(), address: source.clone() },
            Cause::Configuration | Cause::Drift | Cause::Both => Reason::Fixed { path: it.path.clone() },
        });
    }
    let unfinished = there.record.is_some_and(|it| it.unfinished);
    if unfinished && !replaces {
        out.change.reasons.push(Reason::Unfinished);
    }
    for it in &differences {
        let reason = reason(it);
        if !out.change.reasons.contains(&reason) {
            out.change.reasons.push(reason);
        }
    }
    out.change.attributes = differences.iter().map(|it| attribute_change(it, sight.sealer)).collect();
    out.change.repairs_drift =
        !unfinished && !replaces && !differences.is_empty() && differences.iter().all(|it| it.cause == Cause::Drift);

    let Some(record) = there.record else {
        out.change.action = Action::Import;
        out.change.reasons.insert(0, Reason::Block);
        out.work = Work::Import { id, update: !differences.is_empty() };
        return;
    };
    if replaces {
        out.change.action = Action::Replace;
        // The name of an object is free only once its holder is gone; and what has failed does nothing that the new one would
        // have to take over first.
        let create_first = out.lifecycle.create_before_destroy && out.object.is_none() && there.failed().is_none();
        out.change.create_first = create_first;
        out.work = Work::Replace { id, create_first };
    } else if !differences.is_empty() || unfinished {
        out.change.action = Action::Update;
        out.work = Work::Update { id };
        protection(record, out);
    } else if record.lifecycle != out.lifecycle || sight.dependencies(record) != out.dependencies {
        out.work = Work::Protect;
        if protection(record, out) {
            out.change.action = Action::Update;
        }
    }
    if matches!(out.work, Work::Nothing | Work::Protect)
        && let Some(live) = there.live
    {
        // What is not known and yet no difference is an attribute of something that stays.
        let applied = known_or_recorded(&desired, &record.applied);
        let learned = !differ.same_settings(&applied, &record.applied) || differ.outputs_moved(&record.outputs, &live.outputs);
        if learned {
            out.work = Work::Refresh(Arc::new(Record {
                applied: sight.sealer.seal(&applied),
                outputs: sight.sealer.seal(&marked_outputs(schema, &live.outputs)),
                dependencies: out.dependencies.clone(),
                lifecycle: out.lifecycle.clone(),
                ..record.clone()
            }));
        }
    }
}

fn known_or_recorded(settings: &Value, recorded: &Value) -> Value {
    let unknown = settings.members().into_iter().flatten().filter(|(_, it)| !it.is_wholly_known());
    settings.with_all(unknown.map(|(name, _)| (name.clone(), recorded.get(name))))
}

/// Reasons to replace that no attribute has.
fn forced(sight: &Sight<'_>, instance: &Instance, there: There<'_>) -> Vec<Reason> {
    let mut out = Vec::new();
    if let Some(status) = there.failed() {
        out.push(Reason::Failed { status: status.to_owned() });
    }
    if sight.is_asked(&instance.address) {
        out.push(Reason::Asked);
    }
    if let Some(by) = sight.learned.triggered.get(&instance.address) {
        out.push(Reason::Triggered { address: by.clone() });
    }
    if there.record.is_some_and(|it| it.config != instance.config) {
        out.push(Reason::Fixed { path: "aws".to_owned() });
    }
    out
}

/// Adds the reason when protection is put on or lifted.
fn protection(record: &Record, out: &mut Decision<'_>) -> bool {
    let (was, will) = (&record.lifecycle, &out.lifecycle);
    let changed = (was.prevent_destroy, was.prevent_replace) != (will.prevent_destroy, will.prevent_replace);
    if changed {
        let (prevent_destroy, prevent_replace) = (will.prevent_destroy, will.prevent_replace);
        out.change.reasons.push(Reason::Protection { prevent_destroy, prevent_replace });
        out.change.repairs_drift = false;
    }
    changed
}

/// The rules that will be recorded. What the files do not say stays as it was recorded.
fn recorded_lifecycle(sight: &Sight<'_>, instance: &Instance, record: Option<&Record>) -> Recorded {
    let Lifecycle { prevent_destroy, prevent_replace, create_before_destroy, retain_on_delete, .. } = &instance.lifecycle;
    let default = sight.options.confirm_stack && sight.options.precious.contains(instance.address.type_name());
    let was = record.map(|it| it.lifecycle.clone()).unwrap_or_default();
    Recorded {
        prevent_destroy: prevent_destroy.unwrap_or(default || was.prevent_destroy),
        prevent_replace: prevent_replace.unwrap_or(default || was.prevent_replace),
        retain_on_delete: *retain_on_delete,
        create_before_destroy: *create_before_destroy || creates_first(sight, instance),
    }
}

/// Whether the type makes the new one first: where both can be there under names of their own.
fn creates_first(sight: &Sight<'_>, instance: &Instance) -> bool {
    let schema = sight.types.resource(instance.address.type_name());
    let name = schema.and_then(|it| it.create_first_unless.as_deref());
    name.is_some_and(|name| instance.settings.get(name).is_null())
}

/// A recorded thing that the files do not have any more.
pub(super) fn removal<'a>(
    sight: &Sight<'a>,
    address: &Address,
    record: &'a Record,
    reason: Reason,
    destroy: bool,
) -> Decision<'a> {
    let gone = matches!(sight.see(address), Seen::Gone);
    let recorded = sight.recorded_at(address);
    let purge = sight.options.purge.contains(recorded);
    let keep = !destroy || record.lifecycle.retain_on_delete;
    let mut reasons = vec![reason];
    if gone {
        reasons.push(Reason::Missing);
    }
    let (action, work) = match gone || keep {
        true => (Action::Forget, Work::Forget),
        false => (Action::Delete, Work::Delete { id: record.id.clone(), purge }),
    };
    if purge && action == Action::Delete {
        reasons.push(Reason::Purge { contents: purge::lost(sight, recorded) });
    }
    let schema = sight.types.resource(address.type_name());
    let attributes = match (schema, action) {
        (Some(schema), Action::Delete) => {
            let all = everything(schema, &record.applied, sight.sealer);
            let gone = |it: AttributeChange| AttributeChange { before: it.after, after: Value::Null, ..it };
            all.into_iter().map(gone).collect()
        }
        _ => Vec::new(),
    };
    Decision {
        change: Change {
            address: address.clone(),
            type_name: address.type_name().to_owned(),
            action,
            create_first: false,
            id: Some(record.id.clone()),
            reasons,
            attributes,
            repairs_drift: false,
            span: None,
        },
        work,
        config: record.config.clone(),
        record: Some(record),
        instance: None,
        moved_from: Some(recorded).filter(|it| *it != address).cloned(),
        planned: Value::Null,
        lifecycle: record.lifecycle.clone(),
        dependencies: sight.dependencies(record),
        recorded_dependencies: sight.dependencies(record),
        part_of: schema.and_then(|it| whole(sight, it, record)),
        deposed: &record.deposed,
        object: schema.and_then(|it| Placed::recorded(it, record)),
    }
}

/// The recorded thing that this one is a part of.
fn whole(sight: &Sight<'_>, schema: &Schema, part: &Record) -> Option<Address> {
    let id = part.applied.get(schema.part_of.as_deref()?);
    let is_it = |it: &Address| sight.record(it).is_some_and(|it| Some(it.id.as_str()) == id.as_str());
    sight.dependencies(part).into_iter().find(is_it)
}

/// The change that shows a former instance going.
pub(super) fn deposed(address: &Address, deposed: &Deposed) -> Change {
    Change {
        address: address.clone(),
        type_name: address.type_name().to_owned(),
        action: Action::Delete,
        create_first: false,
        id: Some(deposed.id.clone()),
        reasons: vec![Reason::Deposed { id: deposed.id.clone() }],
        attributes: Vec::new(),
        repairs_drift: false,
        span: None,
    }
}

fn reason(it: &Difference) -> Reason {
    let path = it.path.clone();
    match &it.cause {
        Cause::Configuration => Reason::Configuration { path },
        Cause::Drift => Reason::Drift { path },
        Cause::Both => Reason::ConfigurationAndDrift { path },
        Cause::Follows(address) => Reason::Follows { path, address: address.clone() },
    }
}

fn follows(value: &Value) -> Vec<Reason> {
    let mut out = BTreeMap::new();
    for (name, member) in value.members().into_iter().flatten() {
        for it in member.waits_for() {
            out.entry(it.address).or_insert_with(|| name.to_string());
        }
    }
    out.into_iter().map(|(address, path)| Reason::Follows { path, address }).collect()
}

fn attribute_change(it: &Difference, sealer: &Sealer) -> AttributeChange {
    AttributeChange {
        path: it.path.clone(),
        sensitive: it.before.has_secret() || it.after.has_secret(),
        before: sealer.seal(&it.before),
        after: sealer.seal(&it.after),
        forces_replacement: it.forces_replacement(),
    }
}

/// Everything that is set, by attribute.
fn everything(schema: &Schema, settings: &Value, sealer: &Sealer) -> Vec<AttributeChange> {
    let mut out = Vec::new();
    for (name, it) in schema.settings() {
        let value = settings.get(name);
        let empty = value.items().is_some_and(|it| it.is_empty()) || value.members().is_some_and(|it| it.is_empty());
        if value.is_null() || (empty && it.presence != Presence::Required) {
            continue;
        }
        let value = value.mark(it.secret);
        out.push(AttributeChange {
            path: name.to_string(),
            before: Value::Null,
            sensitive: value.has_secret(),
            after: sealer.seal(&value),
            forces_replacement: false,
        });
    }
    out
}

pub(super) fn marked_outputs(schema: &Schema, outputs: &Value) -> Value {
    let secrets = schema.outputs().filter(|(_, it)| it.secret);
    let told = secrets.map(|(name, _)| (name.clone(), outputs.get(name))).filter(|(_, it)| !it.is_null());
    outputs.with_all(told.map(|(name, it)| (name, it.sensitive())))
}
