//! What happens to a node group when its time has come.

use serde_json::{Map, Value, json};

use super::create::issue;
use super::nodes;
use crate::gateway::{Call, Local, Refusal};
use crate::service::eks::ask;
use crate::service::eks::place::{Cluster, Leaving, NodeGroup};
use crate::service::eks::thing::Pending;

/// Brings all node groups of a cluster forward.
pub async fn settle(local: &Local, call: &Call, cluster: &mut Cluster) -> Result<(), Refusal> {
    let names: Vec<String> = cluster.groups.keys().cloned().collect();
    for name in names {
        let Some(mut group) = cluster.groups.remove(&name) else {
            continue;
        };
        let pending = group.thing.pending.clone();
        let stays = one(local, call, cluster, &mut group).await;
        if stays.is_err() {
            // What could not be done is done the next time.
            group.thing.pending = pending;
        }
        if !matches!(stays, Ok(false)) {
            cluster.groups.insert(name, group);
        } else {
            forget_role(cluster, group.thing.text("nodeRole"));
        }
        stays?;
    }
    Ok(())
}

/// False when the group is gone.
async fn one(local: &Local, call: &Call, cluster: &Cluster, group: &mut NodeGroup) -> Result<bool, Refusal> {
    if group.leaving.as_ref().is_some_and(|leaving| !leaving.is_finished()) {
        return Ok(true);
    }
    let has_left = match group.leaving.take() {
        None => false,
        Some(leaving) => {
            let outcome = leaving.await.unwrap_or_else(|failure| Err(failure.to_string()));
            outcome.map_err(Refusal::internal)?;
            true
        }
    };
    match group.thing.due(local) {
        None => {}
        Some(Pending::Create) => finish_create(cluster, group).await?,
        Some(Pending::Update { id, errors, .. }) if has_left || !errors.is_empty() => {
            group.thing.updated(&id, Map::new(), errors);
            group.thing.set_status("ACTIVE");
        }
        Some(Pending::Update { id, change, errors }) => {
            let leaving = carry_out(local, call, cluster, group, change).await?;
            group.leaving = Some(leaving);
            group.thing.pending = Some(Pending::Update { id, change: Map::new(), errors });
        }
        Some(Pending::Delete) if has_left => {
            end(local, call, group).await;
            return Ok(false);
        }
        Some(Pending::Delete) => {
            let leaks = local.control.settings(&call.account).leaks;
            group.leaving = Some(nodes::leave(local, call, cluster, std::mem::take(&mut group.nodes), leaks).await);
            group.thing.pending = Some(Pending::Delete);
        }
    }
    Ok(true)
}

/// Changes a group to what its update wants. The update ends when the nodes that are too many have left.
async fn carry_out(
    local: &Local,
    call: &Call,
    cluster: &Cluster,
    group: &mut NodeGroup,
    change: Map<String, Value>,
) -> Result<Leaving, Refusal> {
    let replaces = ["version", "releaseVersion", "launchTemplate"].iter().any(|name| change.contains_key(*name));
    let before = group.thing.shown["labels"].clone();
    group.thing.change(change);
    let removed = before.as_object().into_iter().flatten().map(|(key, _)| key);
    let removed = removed.filter(|key| group.thing.shown["labels"].get(*key).is_none()).cloned().collect();
    if !replaces {
        nodes::relabel(cluster, group, removed).await?;
    }
    let desired = group.thing.shown["scalingConfig"]["desiredSize"].as_u64().unwrap_or_default();
    let wanted = usize::try_from(desired).unwrap_or_default();
    // New nodes in place of all old ones where the image or the template changed; else the newest go first.
    let stay = if replaces { 0 } else { wanted.min(group.nodes.len()) };
    let leaving = group.nodes.split_off(stay);
    nodes::grow(local, call, cluster, group, wanted).await?;
    let new = group.nodes.get(stay..).unwrap_or_default().to_vec();
    nodes::join(cluster, group, &new).await?;
    Ok(nodes::leave(local, call, cluster, leaving, false).await)
}

async fn finish_create(cluster: &Cluster, group: &mut NodeGroup) -> Result<(), Refusal> {
    if group.issues.is_empty() && !group.nodes.is_empty() && !cluster.has_network() {
        let instances: Vec<&str> = group.nodes.iter().map(|machine| machine.instance.as_str()).collect();
        let failure = issue("NodeCreationFailure", "Unhealthy nodes in the kubernetes cluster", &instances);
        group.issues.push(failure);
    }
    if group.issues.is_empty() {
        let machines = group.nodes.clone();
        nodes::join(cluster, group, &machines).await?;
        group.thing.set_status("ACTIVE");
    } else {
        group.thing.shown["health"] = json!({"issues": group.issues});
        group.thing.set_status("CREATE_FAILED");
    }
    Ok(())
}

async fn end(local: &Local, call: &Call, group: &NodeGroup) {
    // What is gone already was deleted behind EKS's back.
    if let Some(name) = group.thing.shown["resources"]["autoScalingGroups"][0]["name"].as_str() {
        let parameters = [("AutoScalingGroupName", name), ("ForceDelete", "true")];
        let _ = ask::autoscaling(local, call, "DeleteAutoScalingGroup", &parameters).await;
    }
    if let Some(template) = &group.template {
        let _ = ask::ec2(local, call, "DeleteLaunchTemplate", &[("LaunchTemplateId", template)]).await;
    }
}

/// The entry that EKS wrote for a role goes with the last group that uses it.
fn forget_role(cluster: &mut Cluster, role: &str) {
    let used = cluster.groups.values().any(|group| group.thing.text("nodeRole") == role);
    let ours = cluster.entries.get(role).is_some_and(|entry| entry.shown["type"] == "EC2_LINUX");
    if ours && !used {
        cluster.entries.remove(role);
    }
}
