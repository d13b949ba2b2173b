//! Pod identity associations: which role a service account gets.
//!
//! Source: Amazon EKS API Reference, CreatePodIdentityAssociation and its neighbours.

use serde_json::{Value, json};

use super::input::Input;
use super::place::{Cluster, Place};
use super::thing::now;
use super::{ask, refuse, tags};
use crate::gateway::{Call, Local, Refusal};
use crate::ids;

/// Members that lists leave out.
const SUMMARY: [&str; 6] = ["clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn"];

const SERVICE: &str = "pods.eks.amazonaws.com";

pub async fn create(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let (namespace, account) = (input.required("namespace")?, input.required("serviceAccount")?);
    let taken = |other: &Value| other["namespace"] == namespace && other["serviceAccount"] == account;
    let made = input.repeated_create(place, &call.action, |place| {
        place.clusters.get(input.segment(1)).is_some_and(|cluster| cluster.identities.values().any(taken))
    })?;
    if let Some(answer) = made {
        return Ok(answer);
    }
    let cluster = place.cluster(input.segment(1))?;
    let role = input.required("roleArn")?;
    cluster.require_active()?;
    tags::check(&input.body["tags"])?;
    require_role(local, call, role).await?;
    if let Some(other) = cluster.identities.values().find(|other| taken(other)) {
        let id = other["associationId"].as_str().unwrap_or_default();
        return Err(refuse::in_use(format!("Association already exists: {id}")));
    }
    let answer = json!({"association": make(call, cluster, input, None)});
    input.remember(place, &call.action, &answer);
    Ok(answer)
}

/// Adds an association; what an add-on makes for itself belongs to it.
pub fn make(call: &Call, cluster: &mut Cluster, input: &Input, owner: Option<&str>) -> Value {
    let name = cluster.thing.text("name").to_owned();
    let id = format!("a-{}", ids::letters(17));
    let body = &input.body;
    let mut shown = json!({
        "clusterName": name,
        "namespace": body["namespace"],
        "serviceAccount": body["serviceAccount"],
        "roleArn": body["roleArn"],
        "associationArn": format!("arn:aws:eks:{}:{}:podidentityassociation/{name}/{id}", call.region, call.account),
        "associationId": id,
        "tags": input.tags(),
        "createdAt": now(),
        "modifiedAt": now(),
        "disableSessionTags": body["disableSessionTags"].as_bool().unwrap_or_default(),
    });
    set_target(&mut shown, body, &name);
    if let Some(owner) = owner {
        shown["ownerArn"] = json!(owner);
    }
    cluster.identities.insert(id, shown.clone());
    shown
}

/// A role in another account is assumed with an external id that EKS makes.
fn set_target(shown: &mut Value, body: &Value, cluster: &str) {
    if let Some(policy) = body["policy"].as_str() {
        shown["policy"] = json!(policy);
    }
    match body["targetRoleArn"].as_str() {
        Some("") => {
            if let Some(shown) = shown.as_object_mut() {
                shown.remove("targetRoleArn");
                shown.remove("externalId");
            }
        }
        Some(target) => {
            shown["targetRoleArn"] = json!(target);
            shown["externalId"] = json!(format!("{cluster}/{}", ids::request_id()));
        }
        None => {}
    }
}

async fn require_role(local: &Local, call: &Call, arn: &str) -> Result<(), Refusal> {
    match ask::role(local, call, arn).await? {
        None => Err(refuse::parameter(format!("Role provided in the request does not exist: {arn}"))),
        Some(role) if !role.trusts(SERVICE) => {
            Err(refuse::parameter(format!("Trust policy of role {arn} does not allow {SERVICE} to assume it")))
        }
        Some(_) => Ok(()),
    }
}

fn find<'a>(place: &'a mut Place, input: &Input) -> Result<&'a mut Value, Refusal> {
    let id = input.segment(3);
    let cluster = place.cluster(input.segment(1))?;
    let name = cluster.thing.text("name").to_owned();
    cluster
        .identities
        .get_mut(id)
        .ok_or_else(|| refuse::not_found(format!("No association found with id {id} in cluster {name}")))
}

pub fn describe(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    Ok(json!({"association": find(place, input)?}))
}

pub async fn update(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    if let Some(role) = input.body["roleArn"].as_str() {
        require_role(local, call, role).await?;
    }
    let shown = find(place, input)?;
    for name in ["roleArn", "disableSessionTags"] {
        if let Some(value) = input.body.get(name).filter(|value| !value.is_null()) {
            shown[name] = value.clone();
        }
    }
    set_target(shown, &input.body, input.segment(1));
    shown["modifiedAt"] = json!(now());
    Ok(json!({"association": shown}))
}

pub fn delete(place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let shown = find(place, input)?.clone();
    place.cluster(input.segment(1))?.identities.remove(input.segment(3));
    Ok(json!({"association": shown}))
}

pub fn list(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let cluster = place.cluster(input.segment(1))?;
    let is = |name: &str, shown: &Value| input.query.get(name).is_none_or(|wanted| shown[name] == wanted);
    let all = cluster.identities.iter().filter(|(_, shown)| is("namespace", shown) && is("serviceAccount", shown));
    let all = all.map(|(id, shown)| {
        let members = SUMMARY.iter().filter_map(|name| Some(((*name).to_owned(), shown.get(*name)?.clone())));
        (id.clone(), Value::Object(members.collect()))
    });
    input.page_answer(local, call, "associations", all.collect())
}
