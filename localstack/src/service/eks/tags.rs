//! Tags of clusters, node groups, add-ons, access entries and pod identity associations.

use serde_json::{Value, json};

use super::input::Input;
use super::place::{Cluster, Place};
use super::refuse;
use crate::gateway::Refusal;

pub fn list(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let tagged = find(place, input.segment(1))?;
    Ok(json!({"tags": tagged.get("tags").cloned().unwrap_or_else(|| json!({}))}))
}

pub fn add(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let tagged = find(place, input.segment(1))?;
    let Some(new) = input.body["tags"].as_object() else {
        return Err(refuse::parameter("tags is required."));
    };
    check(&input.body["tags"])?;
    if !tagged["tags"].is_object() {
        tagged["tags"] = json!({});
    }
    if let Some(tags) = tagged["tags"].as_object_mut() {
        tags.extend(new.clone());
    }
    Ok(json!({}))
}

pub fn remove(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let keys = input.query.values_of("tagKeys");
    let tagged = find(place, input.segment(1))?;
    if let Some(tags) = tagged["tags"].as_object_mut() {
        tags.retain(|key, _| !keys.contains(&key.as_str()));
    }
    Ok(json!({}))
}

/// Nobody but AWS may use `aws:`.
pub fn check(tags: &Value) -> Result<(), Refusal> {
    let all = tags.as_object().into_iter().flatten();
    match all.map(|(key, _)| key).find(|key| key.starts_with("aws:")) {
        Some(key) => Err(refuse::parameter(format!("Tag key {key} is reserved: it starts with aws:"))),
        None => Ok(()),
    }
}

/// Every ARN with its tags.
pub fn all(place: &Place) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut add = |arn: &Value, shown: &Value| {
        found.push((arn.as_str().unwrap_or_default().to_owned(), shown["tags"].clone()));
    };
    for cluster in place.clusters.values() {
        add(&cluster.thing.shown["arn"], &cluster.thing.shown);
        cluster.groups.values().for_each(|group| add(&group.thing.shown["nodegroupArn"], &group.thing.shown));
        cluster.addons.values().for_each(|addon| add(&addon.thing.shown["addonArn"], &addon.thing.shown));
        cluster.entries.values().for_each(|entry| add(&entry.shown["accessEntryArn"], &entry.shown));
        cluster.identities.values().for_each(|identity| add(&identity["associationArn"], identity));
    }
    found
}

/// The description of what has this ARN.
fn find<'a>(place: &'a mut Place, arn: &str) -> Result<&'a mut Value, Refusal> {
    place
        .clusters
        .values_mut()
        .find_map(|cluster| within(cluster, arn))
        .ok_or_else(|| refuse::not_found(format!("The specified resource {arn} could not be found.")))
}

fn within<'a>(cluster: &'a mut Cluster, arn: &str) -> Option<&'a mut Value> {
    if cluster.thing.text("arn") == arn {
        return Some(&mut cluster.thing.shown);
    }
    let groups = cluster.groups.values_mut().map(|group| ("nodegroupArn", &mut group.thing.shown));
    let addons = cluster.addons.values_mut().map(|addon| ("addonArn", &mut addon.thing.shown));
    let entries = cluster.entries.values_mut().map(|entry| ("accessEntryArn", &mut entry.shown));
    let identities = cluster.identities.values_mut().map(|identity| ("associationArn", identity));
    let mut all = groups.chain(addons).chain(entries).chain(identities);
    all.find(|(name, shown)| shown[*name] == arn).map(|(_, shown)| shown)
}
