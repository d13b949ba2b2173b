//! UpdateNodegroupConfig and UpdateNodegroupVersion.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::create::template;
use super::{check_labels, check_scaling, check_taints, check_update_config};
use crate::gateway::{Call, Local, Refusal};
use crate::service::eks::input::{Input, texts};
use crate::service::eks::place::{NodeGroup, Place};
use crate::service::eks::thing::Plan;
use crate::service::eks::{refuse, version};

const CONFIG: Duration = Duration::from_secs(30);
const VERSION: Duration = Duration::from_secs(10 * 60);

fn find<'a>(place: &'a mut Place, input: &Input) -> Result<&'a mut NodeGroup, Refusal> {
    let name = input.segment(3);
    let group = place.cluster(input.segment(1))?.groups.get_mut(name).ok_or_else(|| refuse::no_group(name))?;
    match group.thing.status() {
        "ACTIVE" | "DEGRADED" => Ok(group),
        "UPDATING" => Err(refuse::in_use(format!("Nodegroup {name} currently has update in progress"))),
        status => Err(refuse::in_use(format!("Nodegroup {name} cannot be updated while it is {status}"))),
    }
}

pub fn configure(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    if let Some(answer) = input.repeated(place, &call.action)? {
        return Ok(answer);
    }
    let body = &input.body;
    let group = find(place, input)?;
    let shown = &group.thing.shown;
    let mut plan = Plan::new("ConfigUpdate");
    if body["labels"].is_object() {
        let (add, remove) = (&body["labels"]["addOrUpdateLabels"], texts(&body["labels"]["removeLabels"]));
        check_labels(add)?;
        let mut labels: Map<String, Value> = shown["labels"].as_object().cloned().unwrap_or_default();
        labels.retain(|key, _| !remove.contains(key));
        labels.extend(add.as_object().cloned().unwrap_or_default());
        plan.param("LabelsToAdd", add);
        plan.param("LabelsToRemove", json!(remove));
        plan.set("labels", Value::Object(labels));
    }
    if body["taints"].is_object() {
        let (add, remove) = (&body["taints"]["addOrUpdateTaints"], &body["taints"]["removeTaints"]);
        check_taints(add)?;
        plan.param("TaintsToAdd", add);
        plan.param("TaintsToRemove", remove);
        plan.set("taints", json!(taints(&shown["taints"], add, remove)));
    }
    if body["scalingConfig"].is_object() {
        let mut scaling = shown["scalingConfig"].clone();
        for (name, param) in [("minSize", "MinSize"), ("maxSize", "MaxSize"), ("desiredSize", "DesiredSize")] {
            if let Some(size) = body["scalingConfig"][name].as_i64() {
                scaling[name] = json!(size);
                plan.param(param, size);
            }
        }
        check_scaling(&scaling)?;
        plan.set("scalingConfig", scaling);
    }
    if body["updateConfig"].is_object() {
        check_update_config(&body["updateConfig"])?;
        plan.param("MaxUnavailable", &body["updateConfig"]["maxUnavailable"]);
        plan.set("updateConfig", body["updateConfig"].clone());
    }
    if body["nodeRepairConfig"].is_object() {
        plan.param("NodeRepairEnabled", &body["nodeRepairConfig"]["enabled"]);
        plan.set("nodeRepairConfig", body["nodeRepairConfig"].clone());
    }
    if plan.change.is_empty() {
        return Err(refuse::parameter("No changes were provided"));
    }
    let update = group.thing.update(local, plan, CONFIG, local.control.settings(&call.account));
    Ok(answer(call, place, input, update))
}

fn answer(call: &Call, place: &mut Place, input: &Input, update: Value) -> Value {
    let answer = json!({"update": update});
    input.remember(place, &call.action, &answer);
    answer
}

/// A taint is known by key and effect.
fn taints(now: &Value, add: &Value, remove: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let same = |a: &Value, b: &Value| a["key"] == b["key"] && a["effect"] == b["effect"];
    let mut all = list(now);
    all.retain(|taint| !list(remove).iter().chain(&list(add)).any(|other| same(taint, other)));
    all.extend(list(add));
    all
}

pub async fn change_version(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    if let Some(answer) = input.repeated(place, &call.action)? {
        return Ok(answer);
    }
    let body = &input.body;
    let cluster = place.cluster(input.segment(1))?;
    let running = version::find(cluster.thing.text("version"))?;
    let plane = cluster.plane();
    let group = find(place, input)?;
    let mut plan = Plan::new("VersionUpdate");
    let given = template(local, call, &body["launchTemplate"]).await?;
    if let Some(new) = &given {
        let now = &group.thing.shown["launchTemplate"];
        if !now.is_object() {
            return Err(refuse::parameter("You cannot add a launch template to a node group that was created without one."));
        }
        if now["id"] != new.id.as_str() {
            return Err(refuse::parameter("Launch template ID or name must be that of the node group"));
        }
        plan.param("LaunchTemplateName", &new.name);
        plan.param("LaunchTemplateVersion", &new.version);
        plan.set("launchTemplate", new.to_json());
    }
    let own = group.thing.text("version").to_owned();
    // Without any version the group follows the cluster, to its newest image.
    let named = body["version"].as_str().unwrap_or(if given.is_some() || body["releaseVersion"].is_string() {
        own.as_str()
    } else {
        running.name
    });
    let wanted = version::find(named)?;
    let before = version::find(&own)?;
    if wanted.minor > running.minor {
        return Err(refuse::parameter(format!(
            "Requested Nodegroup version {} is newer than the cluster version {}",
            wanted.name, running.name
        )));
    }
    if wanted.minor < before.minor {
        return Err(refuse::parameter(format!("Nodegroup cannot be downgraded from version {} to {}", before.name, wanted.name)));
    }
    let release = match body["releaseVersion"].as_str() {
        Some(release) => release.to_owned(),
        None if given.is_some() && body["version"].is_null() => group.thing.text("releaseVersion").to_owned(),
        None => wanted.ami.to_owned(),
    };
    if !release.starts_with(wanted.name) {
        return Err(refuse::parameter(format!(
            "Requested release version {release} is not valid for kubernetes version {}",
            wanted.name
        )));
    }
    let moves = wanted.name != own || release != group.thing.text("releaseVersion");
    if !moves && given.is_none() {
        return Err(refuse::parameter(format!("Nodegroup is already at version {} and release version {release}", wanted.name)));
    }
    if moves {
        plan.param("Version", wanted.name);
        plan.param("ReleaseVersion", &release);
        plan.set("version", json!(wanted.name));
        plan.set("releaseVersion", json!(release));
    }
    if let Some(plane) = plane.filter(|_| body["force"] != true) {
        let nodes: Vec<String> = group.nodes.iter().map(|machine| machine.name.clone()).collect();
        let pods = plane.unevictable(nodes.clone()).await.map_err(Refusal::internal)?;
        if !pods.is_empty() || local.control.settings(&call.account).stuck_pods {
            plan.errors.push(json!({
                "errorCode": "PodEvictionFailure",
                "errorMessage": "Reached max retries while trying to evict pods from nodes in node group",
                "resourceIds": nodes,
            }));
        }
    }
    let update = group.thing.update(local, plan, VERSION, local.control.settings(&call.account));
    Ok(answer(call, place, input, update))
}
