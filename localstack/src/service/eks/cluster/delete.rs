//! DeleteCluster.

use std::time::Duration;

use serde_json::{Value, json};

use crate::gateway::{Call, Local, Refusal};
use crate::service::eks::input::Input;
use crate::service::eks::place::Place;
use crate::service::eks::refuse;
use crate::service::eks::thing::Pending;

const USUAL: Duration = Duration::from_secs(3 * 60);

pub fn delete(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    let name = cluster.thing.text("name").to_owned();
    if cluster.thing.shown["deletionProtection"] == true {
        return Err(refuse::request(format!(
            "Cluster {name} cannot be deleted: deletion protection is enabled. Disable it and try again."
        )));
    }
    if !cluster.groups.is_empty() {
        return Err(refuse::in_use("Cluster has nodegroups attached"));
    }
    match cluster.thing.status() {
        "CREATING" => return Err(refuse::in_use(format!("Cluster {name} is being created"))),
        "UPDATING" => return Err(refuse::in_use(format!("Cluster {name} has an update in progress"))),
        // EKS takes a second delete as the first.
        "DELETING" => return Ok(json!({"cluster": cluster.thing.shown})),
        _ => {}
    }
    cluster.thing.start(local, Pending::Delete, USUAL, local.control.settings(&call.account));
    Ok(json!({"cluster": cluster.thing.shown}))
}
