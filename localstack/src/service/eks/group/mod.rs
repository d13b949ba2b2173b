//! Managed node groups.
//!
//! Source: Amazon EKS API Reference, CreateNodegroup and its neighbours; User Guide, "Simplify node lifecycle with managed
//! node groups".

mod create;
mod nodes;
mod settle;
mod update;

use std::time::Duration;

use serde_json::{Value, json};

use super::input::Input;
use super::place::Place;
use super::refuse;
use super::thing::Pending;
use crate::gateway::{Call, Local, Refusal};

pub use create::create;
pub use settle::settle;
pub use update::{change_version, configure};

const DELETE: Duration = Duration::from_secs(4 * 60);

pub fn describe(local: &Local, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    let name = input.segment(3);
    let group = cluster.groups.get_mut(name).ok_or_else(|| refuse::no_group(name))?;
    group.thing.look(local);
    Ok(json!({"nodegroup": group.thing.shown}))
}

pub fn list(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    let all = cluster.groups.keys().map(|name| (name.clone(), name.clone())).collect();
    input.page_answer(local, call, "nodegroups", all)
}

pub fn delete(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    let name = input.segment(3);
    let group = cluster.groups.get_mut(name).ok_or_else(|| refuse::no_group(name))?;
    match group.thing.status() {
        "DELETING" => {}
        status @ ("CREATING" | "UPDATING") => {
            return Err(refuse::in_use(format!("Nodegroup {name} cannot be deleted while it is {status}")));
        }
        _ => group.thing.start(local, Pending::Delete, DELETE, local.control.settings(&call.account)),
    }
    Ok(json!({"nodegroup": group.thing.shown}))
}

/// `NO_SCHEDULE` as Kubernetes writes it.
fn effect(name: &str) -> Option<&'static str> {
    match name {
        "NO_SCHEDULE" => Some("NoSchedule"),
        "NO_EXECUTE" => Some("NoExecute"),
        "PREFER_NO_SCHEDULE" => Some("PreferNoSchedule"),
        _ => None,
    }
}

fn check_taints(taints: &Value) -> Result<(), Refusal> {
    let all = taints.as_array().into_iter().flatten();
    let wrong = all.filter_map(|taint| taint["effect"].as_str()).find(|name| effect(name).is_none());
    match wrong {
        Some(name) => Err(refuse::parameter(format!("The taint effect {name} is not valid"))),
        None => Ok(()),
    }
}

/// Labels of nodes that Kubernetes or EKS set themselves.
fn check_labels(labels: &Value) -> Result<(), Refusal> {
    let all = labels.as_object().into_iter().flatten();
    let reserved = ["eks.amazonaws.com/", "kubernetes.io/", "k8s.io/"];
    let wrong = all.map(|(key, _)| key).find(|key| {
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        reserved.iter().any(|known| {
            let known = known.trim_end_matches('/');
            domain == known || domain.ends_with(&format!(".{known}"))
        }) && !domain.starts_with("node.kubernetes.io")
    });
    match wrong {
        Some(key) => Err(refuse::parameter(format!("Label cannot contain reserved prefixes: {key}"))),
        None => Ok(()),
    }
}

/// 0 ≤ min ≤ desired ≤ max.
fn check_scaling(scaling: &Value) -> Result<(), Refusal> {
    let number = |name: &str| scaling[name].as_i64().unwrap_or_default();
    let (min, desired, max) = (number("minSize"), number("desiredSize"), number("maxSize"));
    if max < 1 {
        return Err(refuse::parameter("maxSize must be at least 1"));
    }
    if min < 0 || min > max {
        return Err(refuse::parameter(format!("Minimum capacity {min} can't be greater than maximum size {max}")));
    }
    if desired < min {
        return Err(refuse::parameter(format!("Minimum capacity {min} can't be greater than desired size {desired}")));
    }
    if desired > max {
        return Err(refuse::parameter(format!("desired capacity {desired} can't be greater than max size {max}")));
    }
    Ok(())
}

/// One of the two, in their ranges.
fn check_update_config(config: &Value) -> Result<(), Refusal> {
    match (config["maxUnavailable"].as_i64(), config["maxUnavailablePercentage"].as_i64()) {
        (Some(_), Some(_)) => {
            Err(refuse::parameter("maxUnavailable and maxUnavailablePercentage cannot be set at the same time"))
        }
        (Some(number), None) if !(1..=100).contains(&number) => {
            Err(refuse::parameter("maxUnavailable must be between 1 and 100"))
        }
        (None, Some(part)) if !(1..=100).contains(&part) => {
            Err(refuse::parameter("maxUnavailablePercentage must be between 1 and 100"))
        }
        _ => Ok(()),
    }
}
