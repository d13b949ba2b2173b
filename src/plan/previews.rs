//! What would come of objects that are new, changed or no longer as they were made: asked of the cloud, and where there is nobody to
//! ask (the cluster, the namespace or the definition is made by this same plan) held against what is known of the kinds.

use std::collections::BTreeMap;

use super::diff::settled;
use super::forms;
use super::request::PreviewRead;
use super::sight::{Seen, Sight};
use crate::address::{Address, Mode};
use crate::diag::Diagnostic;
use crate::object::schema::{Book, Wrong};
use crate::remote::{Complaint, Id};
use crate::schema::equal::Compare;
use crate::stack::desired::{Instance, Object, Reference};
use crate::value::Value;

/// An object of which it is not clear what would come.
struct Open<'i> {
    instance: &'i Instance,
    object: &'i Object,
    id: Option<Id>,
    settings: Value,
    /// A part of it is not known yet, or something that it stands on is yet to be made.
    is_early: bool,
}

pub(super) struct Previews<'i> {
    open: Vec<Open<'i>>,
    instances: &'i BTreeMap<Address, Instance>,
}

impl<'i> Previews<'i> {
    /// `selected` are those of `instances` that the plan is about.
    pub fn new(sight: &Sight<'_>, selected: &[&'i Instance], instances: &'i BTreeMap<Address, Instance>) -> Self {
        Self { open: selected.iter().filter_map(|it| open(sight, it, instances)).collect(), instances }
    }

    /// Those that the cloud can be asked about, and of which nobody asked yet.
    pub fn wanted(&self, sight: &Sight<'_>) -> Vec<PreviewRead> {
        let open = self.open.iter().filter(|it| !it.is_early);
        let unasked = open.filter(|it| sight.preview(&it.instance.address, &it.object.attribute, &it.settings).is_none());
        let read = |it: &Open<'_>| PreviewRead {
            address: it.instance.address.clone(),
            config: it.instance.config.clone(),
            id: it.id.clone(),
            settings: it.settings.clone(),
        };
        unasked.map(read).collect()
    }

    /// What is wrong with objects, where it is written.
    pub fn complain(&self, sight: &Sight<'_>, out: &mut Vec<Diagnostic>) {
        let mut books: BTreeMap<&Value, Book> = BTreeMap::new();
        for it in self.open.iter().filter(|it| it.is_early) {
            let book = books.entry(&it.object.home).or_insert_with(|| self.book(it));
            let attribute = &it.object.attribute;
            out.extend(book.check(&it.settings.get(attribute)).into_iter().map(|wrong| unfit(it, wrong)));
        }
        for it in &self.open {
            let preview = sight.preview(&it.instance.address, &it.object.attribute, &it.settings);
            out.extend(preview.into_iter().flat_map(|it| &it.complaints).map(|said| complaint(it.instance, said)));
        }
    }

    /// What is known of the kinds of the cluster that an object is in: those of the version that the cluster shall have, and those
    /// that objects in it define.
    fn book(&self, of: &Open<'_>) -> Book {
        let names = of.object.home.members();
        let leads = |it: &&Reference| names.is_some_and(|names| names.contains_key(&it.from));
        let clusters = of.instance.references.iter().filter(leads).filter_map(|it| self.instances.get(&it.to));
        let version = clusters.map(|it| it.settings.get("version")).find(|it| it.as_str().is_some());
        let mut book = Book::of(version.as_ref().and_then(Value::as_str));
        for other in self.instances.values() {
            if let Some(it) = other.object.as_ref().filter(|it| it.home == of.object.home) {
                book.define(&other.settings.get(&it.attribute));
            }
        }
        book
    }
}

fn open<'i>(sight: &Sight<'_>, instance: &'i Instance, instances: &BTreeMap<Address, Instance>) -> Option<Open<'i>> {
    let (address, object) = (&instance.address, instance.object.as_ref()?);
    let schema = sight.types.resource(address.type_name()).filter(|_| address.mode() == Mode::Managed)?;
    let is_made = |to: &Address| instances.get(to).is_some_and(|it| it.object.is_some()) && !is_there(sight, to);
    let stands_on_new = !object.home.is_wholly_known() || instance.references.iter().any(|it| is_made(&it.to));
    let (id, settings) = match sight.see(address) {
        Seen::Nothing | Seen::Gone => (None, instance.settings.clone()),
        Seen::There(there) => {
            let settings = settled(&instance.settings, there.settings, &instance.lifecycle);
            let compare = Compare { sealer: sight.sealer };
            let as_recorded = |it: &Value| forms::same(compare, &settings.get(&object.attribute), &it.get(&object.attribute));
            let unchanged = there.record.is_some_and(|it| as_recorded(&it.applied));
            if unchanged && !sight.moved(schema, &there) {
                return None;
            }
            (Some(there.id.clone()), settings)
        }
    };
    let is_early = stands_on_new || !settings.is_wholly_known();
    Some(Open { instance, object, id, settings, is_early })
}

fn is_there(sight: &Sight<'_>, address: &Address) -> bool {
    matches!(sight.see(address), Seen::There(_))
}

fn unfit(of: &Open<'_>, wrong: Wrong) -> Diagnostic {
    let Wrong { path, message, did_you_mean } = wrong;
    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    let path = format!("{}{dot}{path}", of.object.attribute);
    complaint(of.instance, &Complaint { path, message, did_you_mean, certain: true })
}

fn complaint(instance: &Instance, said: &Complaint) -> Diagnostic {
    let diagnostic = match said.certain {
        true => Diagnostic::error("unfit-object", said.message.clone()),
        false => Diagnostic::warning("object-refused", said.message.clone()).detail(
            "The cluster said so when it was asked what it would make of the object. What else this plan changes may mend it.",
        ),
    };
    let at = instance.span_of(&said.path);
    diagnostic.at(at).address(instance.address.clone()).did_you_mean(said.did_you_mean.clone())
}
