//! Which objects the cloud is to be asked about before it can be said what becomes of them, and what it answered.

use super::diff::settled;
use super::forms;
use super::request::PreviewRead;
use super::sight::{Seen, Sight};
use crate::address::Mode;
use crate::diag::Diagnostic;
use crate::schema::equal::Compare;
use crate::stack::desired::Instance;
use crate::value::Value;

/// An instance's settings as they will be, with what is there left as it is where the lifecycle says so.
fn desired(sight: &Sight<'_>, instance: &Instance) -> Value {
    match sight.see(&instance.address) {
        Seen::There(there) => settled(&instance.settings, there.settings, &instance.lifecycle),
        Seen::Nothing | Seen::Gone => instance.settings.clone(),
    }
}

/// Those that are new, changed in the files or no longer as they were made, and of which nobody asked yet.
pub(super) fn wanted(sight: &Sight<'_>, instances: &[&Instance]) -> Vec<PreviewRead> {
    let one = |instance: &&Instance| {
        let address = &instance.address;
        let schema = sight.types.resource(address.type_name()).filter(|_| address.mode() == Mode::Managed)?;
        let name = schema.objects()?;
        let settings = desired(sight, instance);
        let id = match sight.see(address) {
            Seen::Nothing | Seen::Gone => None,
            Seen::There(there) => {
                let compare = Compare { sealer: sight.sealer };
                let as_recorded = |it: &Value| forms::same(compare, &settings.get(name), &it.get(name));
                let unchanged = there.record.is_some_and(|it| as_recorded(&it.applied));
                if unchanged && !sight.moved(schema, &there) {
                    return None;
                }
                Some(there.id.clone())
            }
        };
        let is_asked = sight.preview(address, name, &settings).is_some();
        (!is_asked).then(|| PreviewRead { address: address.clone(), config: instance.config.clone(), id, settings })
    };
    instances.iter().filter_map(one).collect()
}

/// What is wrong with objects, where it is written.
pub(super) fn complain(sight: &Sight<'_>, instances: &[&Instance], out: &mut Vec<Diagnostic>) {
    for instance in instances {
        let name = sight.types.resource(instance.address.type_name()).and_then(|it| it.objects());
        let preview = name.and_then(|name| sight.preview(&instance.address, name, &desired(sight, instance)));
        for it in preview.into_iter().flat_map(|it| &it.complaints) {
            let diagnostic = match it.certain {
                true => Diagnostic::error("unfit-object", it.message.clone()),
                false => Diagnostic::warning("object-refused", it.message.clone())
                    .detail("The cluster said so when it was asked what it would make of the object. What else this plan changes may mend it."),
            };
            out.push(
                diagnostic.at(instance.span_of(&it.path)).address(instance.address.clone()).did_you_mean(it.did_you_mean.clone()),
            );
        }
    }
}
