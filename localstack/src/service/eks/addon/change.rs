//! CreateAddon, UpdateAddon, DeleteAddon.

use std::time::Duration;

use serde_json::{Value, json};

use super::{catalog, schema};
use crate::gateway::{Call, Local, Refusal};
use crate::ids;
use crate::service::eks::input::Input;
use crate::service::eks::place::{Addon, Cluster, Place};
use crate::service::eks::thing::{Pending, Plan, Thing, now};
use crate::service::eks::{ask, identity, refuse, tags};

const CREATE: Duration = Duration::from_secs(45);
const UPDATE: Duration = Duration::from_secs(45);
const DELETE: Duration = Duration::from_secs(15);

/// What EKS installs by itself, unless a cluster is made without.
const SELF_MANAGED: [&str; 3] = ["coredns", "kube-proxy", "vpc-cni"];

pub async fn create(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let name = input.required("addonName")?;
    let made = input.repeated_create(place, &call.action, |place| {
        place.clusters.get(input.segment(1)).is_some_and(|cluster| cluster.addons.contains_key(name))
    })?;
    if let Some(answer) = made {
        return Ok(answer);
    }
    let known = catalog::find(name)?;
    let cluster = place.cluster(input.segment(1))?;
    cluster.require_active()?;
    if cluster.addons.contains_key(name) {
        return Err(refuse::in_use("Addon already exists."));
    }
    tags::check(&input.body["tags"])?;
    let version = known.version(input.body["addonVersion"].as_str(), cluster.thing.text("version"))?;
    check_configuration(name, &input.body)?;
    check_resolution(&input.body)?;
    check_role(local, call, &input.body).await?;
    let of = cluster.thing.text("name").to_owned();
    let arn = format!("arn:aws:eks:{}:{}:addon/{of}/{name}/{}", call.region, call.account, ids::request_id());
    let mut shown = json!({
        "addonName": name,
        "clusterName": of,
        "addonVersion": version,
        "health": {"issues": []},
        "addonArn": arn,
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": input.tags(),
        "publisher": "eks",
        "owner": "aws",
        "namespaceConfig": {"namespace": "kube-system"},
    });
    for member in ["configurationValues", "serviceAccountRoleArn"] {
        if let Some(value) = input.body[member].as_str() {
            shown[member] = json!(value);
        }
    }
    let made = associate(call, cluster, input, &arn);
    if !made.is_empty() {
        shown["podIdentityAssociations"] = json!(made);
    }
    let held = format!("{}/addon/{name}", cluster.thing.held_as);
    let mut addon = Addon { thing: Thing::new(held, shown), ..Addon::default() };
    addon.thing.start(local, Pending::Create, CREATE, local.control.settings(&call.account));
    if conflicts(cluster, name, &input.body) {
        // Created, to say what is in the way; it has to be deleted before it can be created again.
        addon.thing.pending = None;
        addon.thing.set_status("CREATE_FAILED");
        addon.thing.shown["health"] = json!({"issues": [conflict(name)]});
    }
    let answer = json!({"addon": addon.thing.shown});
    cluster.addons.insert(name.to_owned(), addon);
    input.remember(place, &call.action, &answer);
    Ok(answer)
}

/// What EKS installed by itself is changed only by a call that says so.
fn conflicts(cluster: &Cluster, name: &str, body: &Value) -> bool {
    let configured = body["configurationValues"].as_str().is_some_and(|text| !matches!(text.trim(), "" | "{}"));
    cluster.self_managed_addons && SELF_MANAGED.contains(&name) && configured && body["resolveConflicts"] != "OVERWRITE"
}

fn conflict(name: &str) -> Value {
    json!({
        "code": "ConfigurationConflict",
        "message": format!("Conflicts found when trying to apply. Will not continue due to resolve conflicts mode. Conflicts: DaemonSet.apps {name} - .spec"),
        "resourceIds": [],
    })
}

fn check_configuration(name: &str, body: &Value) -> Result<(), Refusal> {
    let Some(text) = body["configurationValues"].as_str().filter(|text| !text.trim().is_empty()) else {
        return Ok(());
    };
    let Ok(configuration) = serde_json::from_str::<Value>(text) else {
        return Err(refuse::parameter("ConfigurationValue is not in JSON or YAML format"));
    };
    match schema::violation(name, &configuration) {
        Some(what) => Err(refuse::parameter(format!(
            "ConfigurationValue provided in request is not supported: Json schema validation failed with error: [{what}]"
        ))),
        None => Ok(()),
    }
}

fn check_resolution(body: &Value) -> Result<(), Refusal> {
    match body["resolveConflicts"].as_str() {
        None | Some("NONE" | "OVERWRITE" | "PRESERVE") => Ok(()),
        Some(other) => Err(refuse::parameter(format!("resolveConflicts {other} is not valid"))),
    }
}

async fn check_role(local: &Local, call: &Call, body: &Value) -> Result<(), Refusal> {
    match body["serviceAccountRoleArn"].as_str().filter(|arn| !arn.is_empty()) {
        Some(arn) if ask::role(local, call, arn).await?.is_none() => {
            Err(refuse::parameter(format!("The role {arn} does not exist")))
        }
        _ => Ok(()),
    }
}

/// The pod identity associations that an add-on is created with are its own.
fn associate(call: &Call, cluster: &mut Cluster, input: &Input, arn: &str) -> Vec<Value> {
    let wanted = input.body["podIdentityAssociations"].as_array().cloned().unwrap_or_default();
    let make = |mut association: Value| {
        association["namespace"] = json!("kube-system");
        let input = Input { body: association, path: input.path.clone(), query: input.query.clone() };
        identity::make(call, cluster, &input, Some(arn))["associationArn"].clone()
    };
    wanted.into_iter().map(make).collect()
}

pub async fn update(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    if let Some(answer) = input.repeated(place, &call.action)? {
        return Ok(answer);
    }
    let name = input.segment(3);
    let body = &input.body;
    let cluster = place.cluster(input.segment(1))?;
    let running = cluster.thing.text("version").to_owned();
    let addon = cluster.addons.get_mut(name).ok_or_else(|| refuse::no_addon(name, input.segment(1)))?;
    match addon.thing.status() {
        "ACTIVE" | "DEGRADED" | "UPDATE_FAILED" => {}
        "CREATE_FAILED" => {
            return Err(refuse::request(format!("Addon {name} cannot be updated in state CREATE_FAILED: delete it first")));
        }
        status => return Err(refuse::in_use(format!("Addon {name} cannot be updated as it is currently in {status} state"))),
    }
    check_configuration(name, body)?;
    check_resolution(body)?;
    check_role(local, call, body).await?;
    let mut plan = Plan::new("AddonUpdate");
    if let Some(wanted) = body["addonVersion"].as_str() {
        let version = catalog::find(name)?.version(Some(wanted), &running)?;
        plan.param("AddonVersion", &version);
        plan.set("addonVersion", json!(version));
    }
    for (member, param) in [("configurationValues", "ConfigurationValues"), ("serviceAccountRoleArn", "ServiceAccountRoleArn")] {
        if let Some(value) = body[member].as_str() {
            plan.param(param, value);
            plan.set(member, json!(value));
        }
    }
    if let Some(resolution) = body["resolveConflicts"].as_str() {
        plan.param("ResolveConflicts", resolution);
    }
    let update = addon.thing.update(local, plan, UPDATE, local.control.settings(&call.account));
    let arn = addon.thing.text("addonArn").to_owned();
    if body["podIdentityAssociations"].is_array() {
        cluster.identities.retain(|_, identity| identity["ownerArn"] != arn.as_str());
        let made = associate(call, cluster, input, &arn);
        if let Some(addon) = cluster.addons.get_mut(name) {
            addon.thing.shown["podIdentityAssociations"] = json!(made);
        }
    }
    let answer = json!({"update": update});
    input.remember(place, &call.action, &answer);
    Ok(answer)
}

pub fn delete(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let name = input.segment(3);
    let cluster = place.cluster(input.segment(1))?;
    let addon = cluster.addons.get_mut(name).ok_or_else(|| refuse::no_addon(name, input.segment(1)))?;
    match addon.thing.status() {
        "DELETING" => {}
        status @ ("CREATING" | "UPDATING") => {
            return Err(refuse::in_use(format!("Addon {name} cannot be deleted as it is currently in {status} state")));
        }
        _ => {
            addon.preserve = input.query.get("preserve") == Some("true");
            addon.thing.start(local, Pending::Delete, DELETE, local.control.settings(&call.account));
        }
    }
    let shown = addon.thing.shown.clone();
    let arn = addon.thing.text("addonArn");
    cluster.identities.retain(|_, identity| identity["ownerArn"] != arn);
    Ok(json!({"addon": shown}))
}
