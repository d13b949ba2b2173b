//! CreateNodegroup: what is refused at once, and what becomes a failure later.

use std::time::Duration;

use serde_json::{Value, json};

use super::{check_labels, check_scaling, check_taints, check_update_config, nodes};
use crate::gateway::{Call, Local, Refusal};
use crate::ids;
use crate::service::eks::ask::{self, Role};
use crate::service::eks::input::{Input, texts};
use crate::service::eks::place::{Cluster, NodeGroup, Place};
use crate::service::eks::thing::{Pending, Thing, now};
use crate::service::eks::{entry, network, refuse, tags, version};
use crate::xml::Node;

const USUAL: Duration = Duration::from_secs(3 * 60);

/// What the role of nodes needs, one of each line.
const POLICIES: [&[&str]; 2] = [
    &["AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy"],
    &["AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly"],
];

pub async fn create(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let name = input.required("nodegroupName")?;
    let made = input.repeated_create(place, &call.action, |place| {
        place.clusters.get(input.segment(1)).is_some_and(|cluster| cluster.groups.contains_key(name))
    })?;
    if let Some(answer) = made {
        return Ok(answer);
    }
    let role = input.required("nodeRole")?;
    let known = known_role(local, call, place, role).await?;
    let cluster = place.cluster(input.segment(1))?;
    cluster.require_active()?;
    if cluster.groups.contains_key(name) {
        return Err(refuse::in_use(format!(
            "NodeGroup already exists with name {name} and cluster name {}",
            cluster.thing.text("name")
        )));
    }
    tags::check(&input.body["tags"])?;
    check_labels(&input.body["labels"])?;
    check_taints(&input.body["taints"])?;
    check_update_config(&input.body["updateConfig"])?;
    let mut shown = description(call, cluster, input)?;
    check_scaling(&shown["scalingConfig"])?;
    check_subnets(local, call, cluster, &texts(&input.body["subnets"])).await?;
    let template = template(local, call, &input.body["launchTemplate"]).await?;
    check_template(input, template.as_ref(), &mut shown)?;
    require_types(local, call, &texts(&input.body["instanceTypes"])).await?;
    let issues = check_role(local, call, cluster, known).await?;
    let held = format!("{}/nodegroup/{name}", cluster.thing.held_as);
    let mut group = NodeGroup { thing: Thing::new(held, shown), issues, ..NodeGroup::default() };
    if group.issues.is_empty() {
        nodes::provision(local, call, cluster, &mut group, template.as_ref()).await?;
    }
    group.thing.start(local, Pending::Create, USUAL, local.control.settings(&call.account));
    let answer = json!({"nodegroup": group.thing.shown});
    cluster.groups.insert(name.to_owned(), group);
    input.remember(place, &call.action, &answer);
    Ok(answer)
}

fn description(call: &Call, cluster: &Cluster, input: &Input) -> Result<Value, Refusal> {
    let body = &input.body;
    let (name, of) = (input.text("nodegroupName"), cluster.thing.text("name"));
    let running = version::find(cluster.thing.text("version"))?;
    let version = version::find(body["version"].as_str().unwrap_or(running.name))?;
    if version.minor > running.minor {
        return Err(refuse::parameter(format!(
            "Requested Nodegroup version {} is newer than the cluster version {}",
            version.name, running.name
        )));
    }
    let release = body["releaseVersion"].as_str().unwrap_or(version.ami);
    if !release.starts_with(version.name) {
        return Err(refuse::parameter(format!(
            "Requested release version {release} is not valid for kubernetes version {}",
            version.name
        )));
    }
    let capacity = body["capacityType"].as_str().unwrap_or("ON_DEMAND");
    if !matches!(capacity, "ON_DEMAND" | "SPOT" | "CAPACITY_BLOCK") {
        return Err(refuse::parameter(format!("The capacity type {capacity} is not valid")));
    }
    let scaling = &body["scalingConfig"];
    let size = |name: &str, or: i64| scaling[name].as_i64().unwrap_or(or);
    let min = size("minSize", 1);
    let update = if body["updateConfig"].is_object() { body["updateConfig"].clone() } else { json!({"maxUnavailable": 1}) };
    let mut shown = json!({
        "nodegroupName": name,
        "nodegroupArn": format!("arn:aws:eks:{}:{}:nodegroup/{of}/{name}/{}", call.region, call.account, ids::request_id()),
        "clusterName": of,
        "version": version.name,
        "releaseVersion": release,
        "createdAt": now(),
        "modifiedAt": now(),
        "capacityType": capacity,
        "scalingConfig": {"minSize": min, "maxSize": size("maxSize", 2), "desiredSize": size("desiredSize", min.max(1))},
        "instanceTypes": texts(&body["instanceTypes"]),
        "subnets": texts(&body["subnets"]),
        "amiType": body["amiType"].as_str().unwrap_or("AL2023_x86_64_STANDARD"),
        "nodeRole": body["nodeRole"],
        "labels": if body["labels"].is_object() { body["labels"].clone() } else { json!({}) },
        "taints": if body["taints"].is_array() { body["taints"].clone() } else { json!([]) },
        "diskSize": body["diskSize"].as_i64().unwrap_or(20),
        "health": {"issues": []},
        "updateConfig": update,
        "tags": input.tags(),
    });
    if body["nodeRepairConfig"].is_object() {
        shown["nodeRepairConfig"] = body["nodeRepairConfig"].clone();
    }
    if let Some(access) = body.get("remoteAccess").filter(|access| access.is_object()) {
        shown["remoteAccess"] = access.clone();
    }
    Ok(shown)
}

async fn check_subnets(local: &Local, call: &Call, cluster: &Cluster, ids: &[String]) -> Result<(), Refusal> {
    if ids.is_empty() {
        return Err(refuse::parameter("subnets is required."));
    }
    let vpc = &cluster.thing.shown["resourcesVpcConfig"]["vpcId"];
    match network::subnets(local, call, ids).await?.iter().find(|subnet| *vpc != subnet.vpc) {
        Some(subnet) => Err(refuse::parameter(format!("Subnet {} is not in the VPC of the cluster", subnet.id))),
        None => Ok(()),
    }
}

async fn require_types(local: &Local, call: &Call, types: &[String]) -> Result<(), Refusal> {
    if types.is_empty() {
        return Ok(());
    }
    let named: Vec<(String, &str)> =
        types.iter().enumerate().map(|(index, name)| (format!("InstanceType.{}", index + 1), name.as_str())).collect();
    let parameters: Vec<(&str, &str)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    match ask::ec2(local, call, "DescribeInstanceTypes", &parameters).await {
        Err(refusal) if refusal.code.starts_with("InvalidInstanceType") => {
            Err(refuse::parameter(format!("The following supplied instance types do not exist: [{}]", types.join(", "))))
        }
        answer => answer.map(|_| ()),
    }
}

/// The data of the launch template version that the group is made from.
pub async fn template(local: &Local, call: &Call, wanted: &Value) -> Result<Option<Template>, Refusal> {
    if !wanted.is_object() {
        return Ok(None);
    }
    let by = match (wanted["id"].as_str(), wanted["name"].as_str()) {
        (Some(id), None) => ("LaunchTemplateId", id),
        (None, Some(name)) => ("LaunchTemplateName", name),
        _ => {
            return Err(refuse::request("Either provide launch template ID or launch template name in the request."));
        }
    };
    let number = wanted["version"].as_str().unwrap_or("$Default");
    let parameters = [by, ("LaunchTemplateVersion.1", number)];
    let found =
        ask::ec2(local, call, "DescribeLaunchTemplateVersions", &parameters).await.map_err(|refusal| match refusal.status {
            500.. => refusal,
            _ => refuse::parameter(format!("{} (Service: AmazonEC2; Error Code: {})", refusal.message, refusal.code)),
        })?;
    let Some(version) = found.items("launchTemplateVersionSet").next() else {
        return Err(refuse::parameter(format!("Launch template version {number} of {} does not exist", by.1)));
    };
    Ok(Some(Template {
        id: version.get("launchTemplateId").to_owned(),
        name: version.get("launchTemplateName").to_owned(),
        version: version.get("versionNumber").to_owned(),
        data: version.child("launchTemplateData").cloned().unwrap_or_default(),
    }))
}

/// A version of a launch template.
pub struct Template {
    pub id: String,
    pub name: String,
    pub version: String,
    pub data: Node,
}

impl Template {
    pub fn to_json(&self) -> Value {
        json!({"id": self.id, "name": self.name, "version": self.version})
    }
}

/// What may be said in only one of the two places, or not at all.
///
/// Source: Amazon EKS User Guide, "Customize managed nodes with launch templates".
fn check_template(input: &Input, template: Option<&Template>, shown: &mut Value) -> Result<(), Refusal> {
    let Some(template) = template else {
        if texts(&shown["instanceTypes"]).is_empty() {
            shown["instanceTypes"] = json!(["t3.medium"]);
        }
        return Ok(());
    };
    shown["launchTemplate"] = template.to_json();
    let has = |name: &str| input.body.get(name).is_some_and(|value| !value.is_null());
    if has("diskSize") {
        return Err(refuse::parameter("Disk size must be specified within the launch template."));
    }
    if has("remoteAccess") {
        return Err(refuse::parameter("Remote access configuration cannot be specified with a launch template."));
    }
    let own_type = template.data.get("instanceType");
    match (own_type.is_empty(), texts(&shown["instanceTypes"]).is_empty()) {
        (false, false) => {
            return Err(refuse::parameter("You cannot specify an instance type both within the launch template and the request"));
        }
        (true, true) => shown["instanceTypes"] = json!(["t3.medium"]),
        (false, true) => {
            if let Some(shown) = shown.as_object_mut() {
                shown.remove("instanceTypes");
            }
        }
        (true, false) => {}
    }
    if template.data.child("iamInstanceProfile").is_some() {
        return Err(refuse::parameter(
            "Launch template should not specify an instance profile. The noderole in your request will be used to construct an instance profile.",
        ));
    }
    if !template.data.get("imageId").is_empty() {
        if has("amiType") && input.body["amiType"] != "CUSTOM" {
            return Err(refuse::parameter(
                "You cannot specify an AMI Type when specifying an image id within the launch template.",
            ));
        }
        shown["amiType"] = json!("CUSTOM");
    }
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("diskSize");
    }
    Ok(())
}

/// The role, if EKS knows it already.
async fn known_role(local: &Local, call: &Call, place: &mut Place, arn: &str) -> Result<Option<Role>, Refusal> {
    let late = local.control.settings(&call.account).late_reads;
    Ok(ask::role(local, call, arn).await?.filter(|role| place.has_heard_of(&role.id, late)))
}

/// A role that is not there is refused; one that lacks policies makes nodes that cannot join.
async fn check_role(local: &Local, call: &Call, cluster: &mut Cluster, role: Option<Role>) -> Result<Vec<Value>, Refusal> {
    let Some(role) = role else {
        return Err(refuse::parameter(
            "The role of the nodes cannot be found. (Service: AmazonIdentityManagement; Status Code: 404; Error Code: NoSuchEntity)",
        ));
    };
    let arn = role.arn.as_str();
    if !role.trusts("ec2.amazonaws.com") {
        return Err(refuse::parameter(
            "Following required service principals [ec2.amazonaws.com] were not found in the trust relationships of nodeRole",
        ));
    }
    if !cluster.entries.contains_key(arn) && cluster.thing.shown["accessConfig"]["authenticationMode"] != "CONFIG_MAP" {
        entry::make(call, cluster, arn, role.id.clone(), "EC2_LINUX", None, Vec::new(), json!({}));
    }
    let attached = ask::attached_policies(local, call, &role.name).await?;
    let missing =
        POLICIES.iter().find(|any| !any.iter().any(|name| attached.iter().any(|arn| arn.ends_with(&format!(":policy/{name}")))));
    Ok(missing
        .map(|any| issue("AccessDenied", &format!("The role {arn} of the nodes lacks the policy {}", any[0]), &[arn]))
        .into_iter()
        .collect())
}

/// An entry of `health.issues`.
pub fn issue(code: &str, message: &str, resources: &[&str]) -> Value {
    json!({"code": code, "message": message, "resourceIds": resources})
}
