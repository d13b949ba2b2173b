//! [`Former`]: a former state as a configuration: what a version had applied is desired again.
//!
//! Ids in it may be those of things that are gone by now. Where a record names another thing of the same version that must be
//! made again, the name is taken from the new one. Secrets are on record as digests only: an attribute that holds one stays as
//! it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::Address;
use crate::diag::Diagnostic;
use crate::object::ObjectId;
use crate::schema::{Schema, Types};
use crate::stack::desired::{Configuration, Evaluation, Host, Instance, Lifecycle, Object, OutputValue, Reference, Timeouts};
use crate::state::{Record, State};
use crate::value::Value;

/// Shorter texts are too common to be told as the name of a thing.
const NAME_LENGTH_MIN: usize = 6;

pub struct Former {
    instances: BTreeMap<Address, Instance>,
    outputs: BTreeMap<String, OutputValue>,
    /// Attributes that are not needed for the creation, by type.
    later: BTreeMap<String, BTreeSet<Arc<str>>>,
    /// By the address of a thing that is gone: what it was called, and the output that says so.
    names: BTreeMap<Address, BTreeMap<Arc<str>, Arc<str>>>,
    /// Whose names they are.
    named: BTreeMap<Arc<str>, BTreeSet<Address>>,
    notes: Vec<Diagnostic>,
}

impl Former {
    /// `version` is what shall be again, `now` what is recorded. Fails where a thing would have to be made with a secret that
    /// nobody knows any more.
    pub fn new(version: &State, now: &State, types: &dyn Types) -> Result<Self, Vec<Diagnostic>> {
        let mut it = Self {
            instances: BTreeMap::new(),
            outputs: version.outputs.iter().map(|(name, it)| (name.clone(), output(it))).collect(),
            later: BTreeMap::new(),
            names: BTreeMap::new(),
            named: BTreeMap::new(),
            notes: Vec::new(),
        };
        let (mut lost, mut kept) = (Vec::new(), Vec::new());
        for (address, record) in &version.resources {
            let Some(schema) = types.resource(address.type_name()) else {
                lost.push(unknown(address));
                continue;
            };
            let settings = schema.conform(&record.applied).unwrap_or_else(|_| record.applied.clone());
            let later = schema.settings().filter(|(_, it)| it.later).map(|(name, _)| name.clone()).collect();
            it.later.insert(address.type_name().to_owned(), later);
            let there = now.resources.get(address);
            if there.is_none_or(|it| it.id != record.id) {
                let names = names(record);
                for name in names.keys() {
                    it.named.entry(name.clone()).or_default().insert(address.clone());
                }
                it.names.insert(address.clone(), names);
            }
            let mut lifecycle = lifecycle(record);
            let mut members = settings.members().cloned().unwrap_or_default();
            members.retain(|name, _| schema.is_setting(name));
            for (name, value) in members.iter_mut().filter(|(_, it)| has_digest(it)) {
                match there.map(|it| it.applied.get(name)) {
                    None => lost.push(secret_gone(address, name)),
                    Some(is) => {
                        if is != record.applied.get(name) {
                            kept.push(format!("{address}.{name}"));
                        }
                        lifecycle.ignore_changes.insert(name.to_string());
                        // Whatever is there instead is as secret.
                        *value = value.clone().sensitive();
                    }
                }
            }
            let instance = Instance {
                address: address.clone(),
                span: None,
                config: record.config.clone(),
                settings: Value::Object(Arc::new(members)),
                spans: BTreeMap::new(),
                references: Vec::new(),
                lifecycle,
                timeouts: Timeouts::default(),
                object: object(schema, record),
            };
            it.instances.insert(address.clone(), instance);
        }
        it.refer(version);
        if !kept.is_empty() {
            it.notes.push(secret_kept(&kept));
        }
        if lost.is_empty() { Ok(it) } else { Err(lost) }
    }

    pub fn instances(&self) -> &BTreeMap<Address, Instance> {
        &self.instances
    }

    /// Edges: what was depended on, and what is named.
    fn refer(&mut self, version: &State) {
        let mut all = BTreeMap::new();
        for (address, instance) in &self.instances {
            let Some(record) = version.resources.get(address) else { continue };
            let before = record.dependencies.iter().filter(|it| self.instances.contains_key(*it)).map(|to| Reference {
                to: to.clone(),
                from: "(depends_on)".into(),
                later: false,
                expression: to.to_string().into(),
            });
            let mut references: Vec<Reference> = before.collect();
            for (name, value) in instance.settings.members().into_iter().flatten() {
                let later = self.is_later(address, name);
                for to in self.named_in(value, address, later, &record.dependencies) {
                    references.push(Reference { to: to.clone(), from: name.clone(), later, expression: to.to_string().into() });
                }
            }
            all.insert(address.clone(), references);
        }
        for (address, references) in all {
            if let Some(instance) = self.instances.get_mut(&address) {
                instance.references = references;
            }
        }
    }

    fn is_later(&self, address: &Address, name: &str) -> bool {
        self.later.get(address.type_name()).is_some_and(|it| it.contains(name))
    }

    /// What `value` names of what is gone: things that were depended on, or any in an attribute that can be set later.
    fn named_in<'s>(
        &'s self,
        value: &Value,
        own: &Address,
        later: bool,
        dependencies: &BTreeSet<Address>,
    ) -> BTreeSet<&'s Address> {
        let mut found = BTreeSet::new();
        value.any(&mut |it| {
            let all = it.as_str().and_then(|it| self.named.get(it)).into_iter().flatten();
            found.extend(all.filter(|it| *it != own && (later || dependencies.contains(*it))));
            false
        });
        found
    }

    /// The settings of one instance, with the names that things have now.
    fn resolved(&self, address: &Address, with_later: bool, host: &mut dyn Host, told: &mut BTreeMap<Address, Value>) -> Value {
        let Some(instance) = self.instances.get(address) else { return Value::Null };
        let mut members = instance.settings.members().cloned().unwrap_or_default();
        members.retain(|name, _| with_later || !self.is_later(address, name));
        for reference in &instance.references {
            let Some(names) = self.names.get(&reference.to) else { continue };
            let Some(value) = members.get(&reference.from).cloned() else { continue };
            let outputs = self.tell(&reference.to, host, told);
            let renamed = value.map_leaves(&mut |it| match it.as_str().and_then(|it| names.get(it)) {
                Some(output) => outputs.get(output),
                None => it.clone(),
            });
            members.insert(reference.from.clone(), renamed);
        }
        Value::Object(Arc::new(members))
    }

    /// What a thing has as outputs now; asked once.
    fn tell(&self, address: &Address, host: &mut dyn Host, told: &mut BTreeMap<Address, Value>) -> Value {
        if let Some(known) = told.get(address) {
            return known.clone();
        }
        let shell = self.resolved(address, false, host, told);
        let config = self.instances.get(address).map(|it| it.config.clone()).unwrap_or_default();
        let outputs = host.outputs(address, &config, &shell);
        told.insert(address.clone(), outputs.clone());
        outputs
    }

    fn resolved_outputs(&self, host: &mut dyn Host, told: &mut BTreeMap<Address, Value>) -> BTreeMap<String, OutputValue> {
        let mut all = self.outputs.clone();
        for it in all.values_mut() {
            it.value = it.value.map_leaves(&mut |leaf| {
                let said = leaf.as_str().and_then(|text| {
                    let address = self.named.get(text)?.first()?;
                    Some((address, self.names.get(address)?.get(text)?))
                });
                match said {
                    Some((address, output)) => self.tell(address, host, told).get(output),
                    None => leaf.clone(),
                }
            });
        }
        all
    }
}

impl Configuration for Former {
    fn evaluate(&mut self, host: &mut dyn Host) -> Evaluation {
        let mut told = BTreeMap::new();
        let mut out = Evaluation { diagnostics: self.notes.clone(), ..Evaluation::default() };
        for (address, instance) in &self.instances {
            let settings = self.resolved(address, true, host, &mut told);
            out.instances.insert(address.clone(), Instance { settings, ..instance.clone() });
        }
        out.outputs = self.resolved_outputs(host, &mut told);
        out
    }

    fn settings(&mut self, address: &Address, host: &mut dyn Host) -> Result<Value, Vec<Diagnostic>> {
        Ok(self.resolved(address, true, host, &mut BTreeMap::new()))
    }

    fn outputs(&mut self, host: &mut dyn Host) -> Result<BTreeMap<String, OutputValue>, Vec<Diagnostic>> {
        Ok(self.resolved_outputs(host, &mut BTreeMap::new()))
    }

    fn postconditions(&mut self, _: &Address, _: &Value, _: &mut dyn Host) -> Vec<Diagnostic> {
        Vec::new()
    }
}

/// How others named it: its id, and outputs that hold the id, such as its ARN.
fn names(record: &Record) -> BTreeMap<Arc<str>, Arc<str>> {
    let id = record.id.as_str();
    let outputs = record.outputs.members().into_iter().flatten();
    let texts = outputs.filter_map(|(name, it)| Some((name, it.as_str()?)));
    let telling = texts.filter(|(_, it)| it.len() >= NAME_LENGTH_MIN && it.contains(id));
    let mut all: BTreeMap<Arc<str>, Arc<str>> = telling.map(|(name, it)| (Arc::from(it), name.clone())).collect();
    if record.outputs.get("id").as_str() == Some(id) {
        all.insert(id.into(), "id".into());
    }
    all
}

fn object(schema: &Schema, record: &Record) -> Option<Object> {
    let attribute = schema.objects()?.clone();
    let key = record.id.as_str().parse::<ObjectId>().ok()?.key;
    Some(Object { key, attribute, home: schema.home(&record.applied), places: None })
}

fn lifecycle(record: &Record) -> Lifecycle {
    let was = &record.lifecycle;
    Lifecycle {
        prevent_destroy: Some(was.prevent_destroy),
        prevent_replace: Some(was.prevent_replace),
        create_before_destroy: was.create_before_destroy,
        retain_on_delete: was.retain_on_delete,
        ..Lifecycle::default()
    }
}

/// A sensitive output is a digest, and stays one.
fn output(it: &crate::state::Output) -> OutputValue {
    OutputValue { value: it.value.clone(), sensitive: it.sensitive }
}

fn has_digest(value: &Value) -> bool {
    value.any(&mut |it| matches!(it, Value::Digest(_)))
}

fn secret_kept(attributes: &[String]) -> Diagnostic {
    Diagnostic::warning("secret-kept", format!("some attributes hold secrets and stay as they are: {}", attributes.join(", ")))
        .detail("A state holds digests of secrets, so what they were then is not known any more.")
        .help("set them in the stack's files, and apply")
}

fn secret_gone(address: &Address, name: &str) -> Diagnostic {
    Diagnostic::error("secret-gone", format!("{address} cannot be made again as it was: its `{name}` held a secret"))
        .detail("A state holds digests of secrets, so what it was then is not known any more. Nothing was changed.")
        .help("bring the files back to the commit of that version, and apply: they know where the secret comes from")
        .address(address.clone())
}

fn unknown(address: &Address) -> Diagnostic {
    Diagnostic::error("unknown-type", format!("{address} is of a type that this version of infra does not know"))
        .help("use the version of infra that made it")
        .address(address.clone())
}
