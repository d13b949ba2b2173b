//! Clusters.
//!
//! Source: Amazon EKS API Reference, CreateCluster and its neighbours.

mod create;
mod delete;
mod insights;
mod settle;
mod update;

use serde_json::{Value, json};

use super::input::Input;
use super::place::Place;
use super::{refuse, thing::Thing};
use crate::gateway::{Call, Local, Refusal};

pub use create::create;
pub use delete::delete;
pub use insights::list as list_insights;
pub use settle::settle;
pub use update::{change_version, configure, encrypt};

/// Members that only an active cluster has.
const LATE: [&str; 4] = ["endpoint", "certificateAuthority", "identity", "platformVersion"];

pub fn describe(local: &Local, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    cluster.thing.look(local);
    Ok(json!({"cluster": shown(&cluster.thing)}))
}

/// The description as it is shown in this state.
pub fn shown(thing: &Thing) -> Value {
    let mut shown = thing.shown.clone();
    if let ("CREATING" | "FAILED", Some(members)) = (thing.status(), shown.as_object_mut()) {
        members.retain(|name, _| !LATE.contains(&name.as_str()));
        if let Some(vpc) = members.get_mut("resourcesVpcConfig").and_then(Value::as_object_mut) {
            vpc.remove("clusterSecurityGroupId");
        }
    }
    shown
}

pub fn list(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let all = place.clusters.keys().map(|name| (name.clone(), name.clone())).collect();
    input.page_answer(local, call, "clusters", all)
}

/// The cluster, node group or add-on whose updates a call asks for.
fn updated<'a>(place: &'a mut Place, input: &Input) -> Result<&'a mut Thing, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    let name = input.segment(1);
    if let Some(group) = input.query.get("nodegroupName") {
        return cluster.groups.get_mut(group).map(|group| &mut group.thing).ok_or_else(|| refuse::no_group(group));
    }
    if let Some(addon) = input.query.get("addonName") {
        return cluster.addons.get_mut(addon).map(|addon| &mut addon.thing).ok_or_else(|| refuse::no_addon(addon, name));
    }
    Ok(&mut cluster.thing)
}

pub fn describe_update(local: &Local, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let thing = updated(place, input)?;
    thing.look(local);
    let id = input.segment(3);
    match thing.updates.iter().find(|update| update["id"] == id) {
        Some(update) => Ok(json!({"update": update})),
        None => Err(refuse::not_found(format!("No update found for ID: {id}"))),
    }
}

pub fn list_updates(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let thing = updated(place, input)?;
    let ids = thing.updates.iter().filter_map(|update| update["id"].as_str());
    let mut all: Vec<(String, String)> = ids.map(|id| (id.to_owned(), id.to_owned())).collect();
    all.sort();
    input.page_answer(local, call, "updateIds", all)
}

/// All five kinds of control plane logs.
const LOG_TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// Logging as AWS shows it: what is on, and what is off.
fn logging(enabled: &[String]) -> Value {
    let (on, off): (Vec<&str>, Vec<&str>) = LOG_TYPES.into_iter().partition(|kind| enabled.iter().any(|name| name == kind));
    let sets = [(on, true), (off, false)].into_iter().filter(|(types, _)| !types.is_empty());
    json!({"clusterLogging": sets.map(|(types, enabled)| json!({"types": types, "enabled": enabled})).collect::<Vec<_>>()})
}

/// The kinds that are on in a logging configuration, on top of those that were on.
fn enabled(given: &Value, before: &[String]) -> Result<Vec<String>, Refusal> {
    let mut enabled = before.to_vec();
    for set in given["clusterLogging"].as_array().into_iter().flatten() {
        let types = super::input::texts(&set["types"]);
        if let Some(wrong) = types.iter().find(|kind| !LOG_TYPES.contains(&kind.as_str())) {
            return Err(refuse::parameter(format!("Unsupported log type {wrong}")));
        }
        enabled.retain(|kind| !types.contains(kind));
        if set["enabled"] == true {
            enabled.extend(types);
        }
    }
    enabled.sort_by_key(|kind| LOG_TYPES.iter().position(|known| known == kind));
    Ok(enabled)
}

/// The log group of a cluster, where its logs are on.
pub fn log_group(thing: &Thing) -> Option<String> {
    let sets = thing.shown["logging"]["clusterLogging"].as_array()?;
    let logs = sets.iter().any(|set| set["enabled"] == true && set["types"].as_array().is_some_and(|types| !types.is_empty()));
    logs.then(|| format!("/aws/eks/{}/cluster", thing.text("name")))
}
