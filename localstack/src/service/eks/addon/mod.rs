//! EKS add-ons.
//!
//! Source: Amazon EKS API Reference, CreateAddon and its neighbours; User Guide, "Amazon EKS add-ons".

mod catalog;
mod change;
mod objects;
mod schema;

use serde_json::{Value, json};

use super::input::Input;
use super::place::{Addon, Cluster, Place};
use super::refuse;
use super::thing::Pending;
use crate::gateway::{Call, Local, Refusal};

pub use catalog::{configuration, versions};
pub use change::{create, delete, update};

pub fn describe(local: &Local, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    let name = input.segment(3);
    let addon = cluster.addons.get_mut(name).ok_or_else(|| refuse::no_addon(name, input.segment(1)))?;
    addon.thing.look(local);
    Ok(json!({"addon": addon.thing.shown}))
}

pub fn list(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    let all = cluster.addons.keys().map(|name| (name.clone(), name.clone())).collect();
    input.page_answer(local, call, "addons", all)
}

/// Brings all add-ons of a cluster forward.
pub async fn settle(local: &Local, cluster: &mut Cluster) -> Result<(), Refusal> {
    let names: Vec<String> = cluster.addons.keys().cloned().collect();
    for name in names {
        let Some(mut addon) = cluster.addons.remove(&name) else {
            continue;
        };
        let pending = addon.thing.pending.clone();
        let stays = one(local, cluster, &mut addon).await;
        if stays.is_err() {
            // What could not be done is done the next time.
            addon.thing.pending = pending;
        }
        if !matches!(stays, Ok(false)) {
            cluster.addons.insert(name, addon);
        }
        stays?;
    }
    Ok(())
}

/// False when the add-on is gone.
async fn one(local: &Local, cluster: &Cluster, addon: &mut Addon) -> Result<bool, Refusal> {
    match addon.thing.due(local) {
        None => {
            let recovers = addon.thing.status() == "DEGRADED" && cluster.has_nodes();
            if recovers {
                rate(cluster, addon);
            }
        }
        Some(Pending::Create) => {
            install(cluster, addon).await?;
            rate(cluster, addon);
        }
        Some(Pending::Update { id, change, errors }) => {
            addon.thing.updated(&id, change, errors);
            install(cluster, addon).await?;
            rate(cluster, addon);
        }
        Some(Pending::Delete) => {
            if let Some(plane) = cluster.plane().filter(|_| !addon.preserve) {
                plane.delete(objects::of(&addon.thing.shown)).await.map_err(Refusal::internal)?;
            }
            return Ok(false);
        }
    }
    Ok(true)
}

async fn install(cluster: &Cluster, addon: &Addon) -> Result<(), Refusal> {
    match cluster.plane() {
        Some(plane) => plane.apply(objects::of(&addon.thing.shown)).await.map_err(Refusal::internal),
        None => Ok(()),
    }
}

/// A Deployment needs nodes; a DaemonSet is content without any.
fn rate(cluster: &Cluster, addon: &mut Addon) {
    let name = addon.thing.text("addonName");
    let needs_nodes = catalog::find(name).is_ok_and(|known| known.deployment.is_some());
    if needs_nodes && !cluster.has_nodes() {
        addon.thing.set_status("DEGRADED");
        addon.thing.shown["health"] = json!({"issues": [{
            "code": "InsufficientNumberOfReplicas",
            "message": "The add-on is unhealthy because it doesn't have the desired number of replicas.",
            "resourceIds": [],
        }]});
    } else {
        addon.thing.set_status("ACTIVE");
        addon.thing.shown["health"] = json!({"issues": []});
    }
}
