//! What happens to a cluster when its time has come.

use serde_json::{Value, json};

use crate::gateway::{Call, Local, Refusal};
use crate::lock;
use crate::service::eks::place::Cluster;
use crate::service::eks::thing::Pending;
use crate::service::eks::{ask, network, policy};

/// Brings a cluster forward; false when it is gone.
pub async fn settle(local: &Local, call: &Call, cluster: &mut Cluster) -> Result<bool, Refusal> {
    let is_creating = matches!(cluster.thing.pending, Some(Pending::Create));
    if is_creating && lock(&cluster.starting).is_none() {
        return Ok(true);
    }
    let pending = cluster.thing.pending.clone();
    let stays = step(local, call, cluster).await;
    if stays.is_err() {
        // What could not be done is done the next time.
        cluster.thing.pending = pending;
    }
    stays
}

async fn step(local: &Local, call: &Call, cluster: &mut Cluster) -> Result<bool, Refusal> {
    match cluster.thing.due(local) {
        None => {}
        Some(Pending::Create) => activate(local, call, cluster).await?,
        Some(Pending::Update { id, change, errors }) => {
            if let (Some(plane), Some(version)) = (cluster.plane(), change.get("version").and_then(Value::as_str)) {
                plane.update(version.to_owned()).await.map_err(Refusal::internal)?;
            }
            cluster.thing.updated(&id, change, errors);
            cluster.thing.set_status("ACTIVE");
            keep_log_group(local, call, cluster).await?;
        }
        Some(Pending::Delete) => {
            end(local, call, cluster).await;
            return Ok(false);
        }
    }
    Ok(true)
}

async fn activate(local: &Local, call: &Call, cluster: &mut Cluster) -> Result<(), Refusal> {
    let failure = match &*lock(&cluster.starting) {
        Some(Err(failure)) => Some(failure.clone()),
        Some(Ok(_)) | None => None,
    };
    if let Some(failure) = failure {
        cluster.thing.set_status("FAILED");
        cluster.thing.shown["health"] = json!({"issues": [{"code": "InternalFailure", "message": failure, "resourceIds": []}]});
        return Ok(());
    }
    if let Some(plane) = cluster.plane() {
        cluster.thing.shown["endpoint"] = json!(plane.endpoint());
        cluster.thing.shown["certificateAuthority"] = json!({"data": plane.authority()});
        plane.apply(policy::roles()).await.map_err(Refusal::internal)?;
    }
    let principals: Vec<String> = cluster.entries.keys().cloned().collect();
    for principal in principals {
        policy::apply_all(cluster, &principal).await?;
    }
    cluster.thing.set_status("ACTIVE");
    keep_log_group(local, call, cluster).await
}

/// A cluster that logs makes its log group when it finds none.
async fn keep_log_group(local: &Local, call: &Call, cluster: &Cluster) -> Result<(), Refusal> {
    match super::log_group(&cluster.thing) {
        Some(group) => ask::ensure_log_group(local, call, &group).await,
        None => Ok(()),
    }
}

/// Everything that EKS made goes, except what others still hold on to.
async fn end(local: &Local, call: &Call, cluster: &mut Cluster) {
    if let Some(plane) = cluster.plane() {
        let _ = tokio::task::spawn_blocking(move || plane.stop()).await;
    }
    for interface in std::mem::take(&mut cluster.interfaces).into_values() {
        // Gone already, where somebody deleted it behind EKS's back.
        let _ = network::delete_interface(local, call, &interface).await;
    }
    if !local.control.settings(&call.account).leaks {
        // A group that rules of others name stays behind, as on AWS.
        let _ = network::delete_group(local, call, &cluster.group).await;
    }
    cluster.thing.shown = Value::Null;
}
