//! Access entries: which IAM principal is whom in the cluster.
//!
//! Source: Amazon EKS User Guide, "Grant IAM users access to Kubernetes with EKS access entries", and the API Reference.

use serde_json::{Value, json};

use super::input::{Input, texts};
use super::place::{Cluster, Entry, Place};
use super::policy;
use super::thing::now;
use super::{ask, refuse, tags};
use crate::gateway::{Call, Local, Refusal};
use crate::ids;

/// What usernames and groups may not start with.
const RESERVED: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

const TYPES: [&str; 6] = ["STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX"];

pub async fn create(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let arn = input.required("principalArn")?;
    let made = input.repeated_create(place, &call.action, |place| {
        place.clusters.get(input.segment(1)).is_some_and(|cluster| cluster.entries.contains_key(arn))
    })?;
    if let Some(answer) = made {
        return Ok(answer);
    }
    let late = local.control.settings(&call.account).late_reads;
    let found = ask::unique_id(local, call, arn).await?.filter(|id| place.has_heard_of(id, late));
    let cluster = place.cluster(input.segment(1))?;
    cluster.require_active()?;
    require_entries(cluster)?;
    let kind = input.body["type"].as_str().unwrap_or("STANDARD");
    if !TYPES.contains(&kind) {
        return Err(refuse::parameter(format!("The type {kind} is not valid")));
    }
    if kind != "STANDARD" && (input.body["username"].is_string() || input.body["kubernetesGroups"].is_array()) {
        return Err(refuse::parameter(format!("username and kubernetesGroups cannot be set for an access entry of type {kind}")));
    }
    check_names(input)?;
    tags::check(&input.body["tags"])?;
    let Some(unique_id) = found else {
        return Err(refuse::parameter("The specified principalArn is invalid: invalid principal."));
    };
    if cluster.entries.contains_key(arn) {
        return Err(refuse::in_use("The specified access entry resource is already in use on this cluster."));
    }
    let groups = texts(&input.body["kubernetesGroups"]);
    let shown = make(call, cluster, arn, unique_id, kind, input.body["username"].as_str(), groups, input.tags());
    let answer = json!({"accessEntry": shown});
    input.remember(place, &call.action, &answer);
    Ok(answer)
}

/// Adds an entry.
#[expect(clippy::too_many_arguments, reason = "the members of an access entry")]
pub fn make(
    call: &Call,
    cluster: &mut Cluster,
    arn: &str,
    unique_id: String,
    kind: &str,
    username: Option<&str>,
    groups: Vec<String>,
    tags: Value,
) -> Value {
    let name = cluster.thing.text("name").to_owned();
    let (sort, path) = arn.rsplit(':').next().and_then(|resource| resource.split_once('/')).unwrap_or(("root", "root"));
    let principal = path.rsplit('/').next().unwrap_or(path);
    let groups = if kind == "EC2_LINUX" { vec!["system:nodes".to_owned()] } else { groups };
    let shown = json!({
        "clusterName": name,
        "principalArn": arn,
        "kubernetesGroups": groups,
        "accessEntryArn": format!(
            "arn:aws:eks:{}:{}:access-entry/{name}/{sort}/{}/{principal}/{}",
            call.region, call.account, call.account, ids::request_id()
        ),
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": tags,
        "username": username.map_or_else(|| computed_username(call, arn, kind), str::to_owned),
        "type": kind,
    });
    cluster.entries.insert(arn.to_owned(), Entry { shown: shown.clone(), unique_id, ..Entry::default() });
    shown
}

/// The username of an entry that names none.
fn computed_username(call: &Call, arn: &str, kind: &str) -> String {
    match (kind, arn.split_once(":role/")) {
        ("EC2_LINUX" | "EC2" | "HYBRID_LINUX", _) => "system:node:{{EC2PrivateDNSName}}".to_owned(),
        ("FARGATE_LINUX", _) => "system:node:{{SessionName}}".to_owned(),
        (_, Some((_, path))) => {
            let name = path.rsplit('/').next().unwrap_or_default();
            format!("arn:aws:sts::{}:assumed-role/{name}/{{{{SessionName}}}}", call.account)
        }
        (_, None) => arn.to_owned(),
    }
}

/// A cluster that authenticates through its ConfigMap alone has no entries.
fn require_entries(cluster: &Cluster) -> Result<(), Refusal> {
    if cluster.thing.shown["accessConfig"]["authenticationMode"] == "CONFIG_MAP" {
        return Err(refuse::request(
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
        ));
    }
    Ok(())
}

fn check_names(input: &Input) -> Result<(), Refusal> {
    let starts = |name: &str| RESERVED.into_iter().find(|prefix| name.starts_with(prefix));
    if let Some(prefix) = input.body["username"].as_str().and_then(starts) {
        return Err(refuse::parameter(format!("The username cannot begin with {prefix}")));
    }
    for group in texts(&input.body["kubernetesGroups"]) {
        if let Some(prefix) = starts(&group) {
            return Err(refuse::parameter(format!(
                "The kubernetes group name {group} is invalid, it cannot start with {prefix}"
            )));
        }
    }
    Ok(())
}

/// The entry that a call names.
pub fn find<'a>(place: &'a mut Place, input: &Input) -> Result<&'a mut Entry, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    require_entries(cluster)?;
    cluster.entries.get_mut(input.segment(3)).ok_or_else(|| {
        refuse::not_found("The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.")
    })
}

pub fn describe(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    Ok(json!({"accessEntry": find(place, input)?.shown}))
}

pub fn list(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    require_entries(cluster)?;
    let policy = input.query.get("associatedPolicyArn");
    let all = cluster.entries.iter().filter(|(_, entry)| policy.is_none_or(|policy| entry.policies.contains_key(policy)));
    let all = all.map(|(arn, _)| (arn.clone(), arn.clone())).collect();
    input.page_answer(local, call, "accessEntries", all)
}

pub fn update(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    check_names(input)?;
    let entry = find(place, input)?;
    let kind = entry.shown["type"].as_str().unwrap_or_default();
    if kind != "STANDARD" {
        return Err(refuse::request(format!("An access entry of type {kind} cannot be changed")));
    }
    if input.body["kubernetesGroups"].is_array() {
        entry.shown["kubernetesGroups"] = input.body["kubernetesGroups"].clone();
    }
    if input.body["username"].is_string() {
        entry.shown["username"] = input.body["username"].clone();
    }
    entry.shown["modifiedAt"] = json!(now());
    Ok(json!({"accessEntry": entry.shown}))
}

pub async fn delete(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    find(place, input)?;
    let cluster = place.cluster(input.segment(1))?;
    policy::remove_all(cluster, input.segment(3)).await?;
    cluster.entries.remove(input.segment(3));
    Ok(json!({}))
}
