//! What happens to a node group when its time has come.

use serde_json::json;

use super::create::issue;
use super::nodes;
use crate::gateway::{Call, Local, Refusal};
use crate::service::eks::ask;
use crate::service::eks::place::{Cluster, NodeGroup};
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
    match group.thing.due(local) {
        None => {}
        Some(Pending::Create) => finish_create(cluster, group).await?,
        Some(Pending::Update { id, change, errors }) => {
            let failed = !errors.is_empty();
            let replaces =
                change.contains_key("version") || change.contains_key("releaseVersion") || change.contains_key("launchTemplate");
            group.thing.updated(&id, change, errors);
            group.thing.set_status("ACTIVE");
            if !failed {
                resize(local, call, cluster, group, replaces).await?;
            }
        }
        Some(Pending::Delete) => {
            let leaks = local.control.settings(&call.account).leaks;
            nodes::leave(local, call, cluster, std::mem::take(&mut group.nodes), leaks).await?;
            end(local, call, group).await;
            return Ok(false);
        }
    }
    Ok(true)
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

/// As many nodes as wanted; new ones in place of all old ones where the image or the template changed.
async fn resize(local: &Local, call: &Call, cluster: &Cluster, group: &mut NodeGroup, replaces: bool) -> Result<(), Refusal> {
    let desired = group.thing.shown["scalingConfig"]["desiredSize"].as_u64().unwrap_or_default();
    let wanted = usize::try_from(desired).unwrap_or_default();
    if replaces {
        let old = std::mem::take(&mut group.nodes);
        nodes::grow(local, call, cluster, group, wanted).await?;
        let new = group.nodes.clone();
        nodes::join(cluster, group, &new).await?;
        return nodes::leave(local, call, cluster, old, false).await;
    }
    nodes::shrink(local, call, cluster, group, wanted).await?;
    nodes::grow(local, call, cluster, group, wanted).await?;
    // Labels and taints may have changed on those that stay.
    let all = group.nodes.clone();
    nodes::join(cluster, group, &all).await
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
