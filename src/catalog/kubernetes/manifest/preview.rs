//! What would come of an object, as its cluster says without doing it.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::look::declared;
use super::{Manifest, in_the_way};
use crate::cloud::aws::Aws;
use crate::cloud::kube::{self, Connection, Foreseen};
use crate::object::key::group_of;
use crate::object::marks::Marks;
use crate::object::readiness::is_going;
use crate::object::{Key, text};
use crate::remote::{Class, Complaint, Fault, Id, Preview};
use crate::resource::{Resource, decode, encode};
use crate::value::Value;

/// The setting that the paths lead into.
const OBJECT: &str = "manifest";

/// An object that is not known as a whole, or in a cluster that is not there yet, cannot be asked about.
pub(super) async fn preview(aws: &Aws, id: Option<&Id>, settings: &Value) -> Result<Preview, Fault> {
    if !settings.is_wholly_known() {
        return Ok(Preview::default());
    }
    let wanted: Manifest = decode(Manifest::TYPE, settings)?;
    let connection = aws.kube().connection(&wanted.cluster.reference()?, aws).await?;
    match foreseen(&wanted, id, &connection).await {
        Ok(preview) => Ok(preview),
        // What it needs may come on the way: its namespace, its definition, the webhook that judges it.
        Err(fault) if fault.class == Class::Settling => Ok(Preview { complaints: vec![needed(fault)], ..Preview::default() }),
        // Who may only look gets a plan of what is written.
        Err(fault) if matches!(fault.class, Class::Missing | Class::Denied) => Ok(Preview::default()),
        Err(fault) => Err(fault),
    }
}

async fn foreseen(wanted: &Manifest, id: Option<&Id>, connection: &Connection) -> Result<Preview, Fault> {
    if id.is_none()
        && let Some(taken) = taken(wanted, connection).await?
    {
        return Ok(Preview { complaints: vec![taken], ..Preview::default() });
    }
    Ok(match connection.foresee(&wanted.body(), &wanted.force_conflicts).await? {
        Foreseen::Taken(object) => {
            let settings = Manifest { manifest: declared(&object), ..wanted.clone() };
            Preview { settings: Some(encode(Manifest::TYPE, &settings)?), ..Preview::default() }
        }
        Foreseen::Anew(fixed) => {
            let fixed: BTreeSet<String> = fixed.iter().map(|it| below(it)).collect();
            Preview { fixed, ..Preview::default() }
        }
        Foreseen::Wrong(all) => {
            let certain = is_built_in(&wanted.manifest);
            Preview { complaints: all.into_iter().map(|it| complaint(it, certain)).collect(), ..Preview::default() }
        }
    })
}

/// An object that is not ours and has the name: a dry run would say nothing of it.
async fn taken(wanted: &Manifest, connection: &Connection) -> Result<Option<Complaint>, Fault> {
    let key = Key::of(&wanted.manifest).map_err(|error| Fault::bug("kubernetes", error.to_string()))?;
    let Some(kind) = connection.kind(&key.group, &key.kind).await? else { return Ok(None) };
    match connection.get(&kind, &key).await {
        // What is on its way out makes room.
        Ok(live) if is_going(&live) => Ok(None),
        Ok(live) => {
            let message = in_the_way(&key, &live, connection);
            // What a stack made may be about to go, and be it as another address of this plan.
            let certain = Marks::of(&live).lineage.is_empty();
            Ok(Some(Complaint { path: below("metadata.name"), message, did_you_mean: None, certain }))
        }
        Err(fault) if fault.class == Class::Missing => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// What an object that cannot be applied yet waits for.
fn needed(fault: Fault) -> Complaint {
    let path = match fault.code.as_deref() {
        Some("NoKindMatch") => "apiVersion",
        Some("NotFound") => "metadata.namespace",
        _ => "",
    };
    Complaint { path: below(path), message: fault.message, did_you_mean: None, certain: false }
}

fn below(path: &str) -> String {
    match path {
        "" => OBJECT.to_owned(),
        path => format!("{OBJECT}.{path}"),
    }
}

fn complaint(it: kube::Complaint, certain: bool) -> Complaint {
    // What has no place in the object is said of its surroundings: a quota, a webhook.
    let certain = certain && !it.path.is_empty();
    Complaint { path: below(&it.path), message: it.message, did_you_mean: None, certain }
}

/// Whether the kind is the cluster's own, so that nothing that is applied changes what it may be like.
fn is_built_in(object: &Json) -> bool {
    let group = group_of(text(object, "/apiVersion"));
    !group.contains('.') || group.ends_with(".k8s.io")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_be_mended_on_the_way_is_not_certain() {
        let said = |path: &str| kube::Complaint { path: path.into(), message: "no".into() };
        assert_eq!(complaint(said("spec.x"), true).path, "manifest.spec.x");
        assert!(complaint(said("spec.x"), true).certain && !complaint(said(""), true).certain);
        let built_in = |version: &str| is_built_in(&json!({"apiVersion": version}));
        assert!(built_in("v1") && built_in("apps/v1") && built_in("networking.k8s.io/v1") && !built_in("example.org/v1"));
    }
}
