//! What would come of objects that are new, changed or no longer as they were made: asked of the cloud, and where there is nobody to
//! ask (the cluster, the namespace or the definition is made by this same plan) held against what is known of the kinds.

use std::collections::BTreeMap;

use super::books::{Books, complaint};
use super::diff::settled;
use super::forms;
use super::request::PreviewRead;
use super::sight::{Seen, Sight};
use crate::address::{Address, Mode};
use crate::diag::Diagnostic;
use crate::remote::Id;
use crate::schema::equal::Compare;
use crate::stack::desired::{Instance, Object};
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
        let mut books = Books::default();
        for it in &self.open {
            if it.is_early {
                books.complain((it.instance, it.object), &it.settings, self.instances, out);
            }
            let preview = sight.preview(&it.instance.address, &it.object.attribute, &it.settings);
            out.extend(preview.into_iter().flat_map(|it| &it.complaints).map(|said| complaint(it.instance, said)));
        }
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
