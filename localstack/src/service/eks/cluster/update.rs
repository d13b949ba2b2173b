//! UpdateClusterConfig, UpdateClusterVersion, AssociateEncryptionConfig: one update at a time, of one kind.

use std::time::Duration;

use serde_json::{Value, json};

use crate::gateway::{Call, Local, Refusal};
use crate::service::eks::input::{Input, texts};
use crate::service::eks::network::{self, Subnet};
use crate::service::eks::place::{Cluster, Place};
use crate::service::eks::thing::Plan;
use crate::service::eks::{ask, refuse, version};

const CONFIG: Duration = Duration::from_secs(90);
const VERSION: Duration = Duration::from_secs(9 * 60);
const ENCRYPTION: Duration = Duration::from_secs(20 * 60);

/// What can be changed, and only one of it in a call.
const KINDS: [&str; 12] = [
    "accessConfig",
    "computeConfig",
    "controlPlaneScalingConfig",
    "deletionProtection",
    "kubeApiServerConfig",
    "kubeControllerManagerConfig",
    "kubeSchedulerConfig",
    "logging",
    "remoteNetworkConfig",
    "resourcesVpcConfig",
    "upgradePolicy",
    "zonalShiftConfig",
];

pub async fn configure(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    if let Some(answer) = input.repeated(place, &call.action)? {
        return Ok(answer);
    }
    let cluster = place.cluster(input.segment(1))?;
    let given: Vec<&str> = KINDS.into_iter().filter(|kind| input.body.get(*kind).is_some_and(|value| !value.is_null())).collect();
    let [kind] = given.as_slice() else {
        return Err(match given.len() {
            0 => refuse::parameter("No changes were provided"),
            _ => refuse::parameter(format!("Only one type of update can be allowed, but {} were given", given.join(", "))),
        });
    };
    require_idle(cluster)?;
    let wanted = &input.body[*kind];
    let plan = match *kind {
        "resourcesVpcConfig" => vpc(local, call, cluster, wanted).await?,
        "logging" => logging(cluster, wanted)?,
        "accessConfig" => access(cluster, wanted)?,
        "upgradePolicy" => member(cluster, "UpgradePolicyUpdate", "UpgradePolicy", kind, wanted)?,
        "zonalShiftConfig" => member(cluster, "ZonalShiftConfigUpdate", "ZonalShiftConfig", kind, wanted)?,
        "deletionProtection" => member(cluster, "DeletionProtectionUpdate", "DeletionProtection", kind, wanted)?,
        other => return Err(refuse::parameter(format!("the local cloud does not change {other}"))),
    };
    Ok(begin(local, call, place, input, plan, CONFIG))
}

/// Updates come one after the other.
fn require_idle(cluster: &Cluster) -> Result<(), Refusal> {
    let name = cluster.thing.text("name");
    match cluster.thing.status() {
        "ACTIVE" => Ok(()),
        "UPDATING" => Err(refuse::in_use(format!("Cluster {name} currently has update in progress"))),
        status => Err(refuse::in_use(format!("Cannot update cluster {name}: it is {status}"))),
    }
}

fn begin(local: &Local, call: &Call, place: &mut Place, input: &Input, plan: Plan, usual: Duration) -> Value {
    let settings = local.control.settings(&call.account);
    let cluster = place.clusters.get_mut(input.segment(1));
    let update = cluster.map(|cluster| cluster.thing.update(local, plan, usual, settings));
    let answer = json!({"update": update});
    input.remember(place, &call.action, &answer);
    answer
}

/// A member that is taken as it is given.
fn member(cluster: &Cluster, kind: &'static str, param: &str, name: &str, wanted: &Value) -> Result<Plan, Refusal> {
    if cluster.thing.shown[name] == *wanted {
        return Err(refuse::request(format!("Cluster is already at the desired configuration with {name}: {wanted}")));
    }
    let mut plan = Plan::new(kind);
    plan.param(param, wanted);
    plan.set(name, wanted.clone());
    Ok(plan)
}

/// A mode can only be widened towards entries: CONFIG_MAP → API_AND_CONFIG_MAP → API.
fn access(cluster: &Cluster, wanted: &Value) -> Result<Plan, Refusal> {
    let rank = |mode: &str| ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"].into_iter().position(|known| known == mode);
    let mode = wanted["authenticationMode"].as_str().unwrap_or_default();
    let now = cluster.thing.shown["accessConfig"]["authenticationMode"].as_str().unwrap_or_default();
    match (rank(now), rank(mode)) {
        (_, None) => Err(refuse::parameter(format!("authenticationMode {mode} is not valid"))),
        (now, new) if now == new => {
            Err(refuse::request(format!("Cluster is already at the desired configuration with authenticationMode: {mode}")))
        }
        (now, new) if now > new => Err(refuse::parameter(format!(
            "Unsupported authentication mode update from {} to {mode}",
            cluster.thing.shown["accessConfig"]["authenticationMode"]
        ))),
        _ => {
            let mut plan = Plan::new("AccessConfigUpdate");
            plan.param("AuthenticationMode", json!(mode));
            plan.set("accessConfig", json!({"authenticationMode": mode}));
            Ok(plan)
        }
    }
}

fn logging(cluster: &Cluster, wanted: &Value) -> Result<Plan, Refusal> {
    let now = &cluster.thing.shown["logging"];
    let before = super::enabled(now, &[])?;
    let after = super::enabled(wanted, &before)?;
    if before == after {
        return Err(refuse::parameter("No changes needed for the logging config provided"));
    }
    let mut plan = Plan::new("LoggingUpdate");
    plan.param("ClusterLogging", wanted);
    plan.set("logging", super::logging(&after));
    Ok(plan)
}

/// Either the endpoint or subnets and groups: the two are different updates.
async fn vpc(local: &Local, call: &Call, cluster: &Cluster, wanted: &Value) -> Result<Plan, Refusal> {
    let has = |names: &[&str]| names.iter().any(|name| wanted.get(*name).is_some_and(|value| !value.is_null()));
    let (endpoint, network) =
        (has(&["endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs"]), has(&["subnetIds", "securityGroupIds"]));
    match (endpoint, network) {
        (true, true) => {
            Err(refuse::parameter("Only one type of update can be allowed: either the endpoint or subnets and groups"))
        }
        (true, false) => access_to_endpoint(cluster, wanted),
        (false, true) => placement(local, call, cluster, wanted).await,
        (false, false) => Err(refuse::parameter("No changes were provided")),
    }
}

fn access_to_endpoint(cluster: &Cluster, wanted: &Value) -> Result<Plan, Refusal> {
    let now = &cluster.thing.shown["resourcesVpcConfig"];
    let flag = |name: &str| wanted[name].as_bool().or_else(|| now[name].as_bool()).unwrap_or_default();
    let (public, private) = (flag("endpointPublicAccess"), flag("endpointPrivateAccess"));
    let given = texts(&wanted["publicAccessCidrs"]);
    let mut cidrs = if given.is_empty() { texts(&now["publicAccessCidrs"]) } else { given.clone() };
    check_endpoint(public, private, &given)?;
    if public && cidrs.is_empty() {
        cidrs.push("0.0.0.0/0".to_owned());
    }
    let mut after = now.clone();
    after["endpointPublicAccess"] = json!(public);
    after["endpointPrivateAccess"] = json!(private);
    after["publicAccessCidrs"] = json!(cidrs);
    if after == *now {
        return Err(refuse::parameter(format!(
            "Cluster is already at the desired configuration with endpointPrivateAccess: {private} , endpointPublicAccess: {public}, \
             and Public Endpoint Restrictions: [{}]",
            cidrs.join(", ")
        )));
    }
    let mut plan = Plan::new("EndpointAccessUpdate");
    plan.param("EndpointPublicAccess", public);
    plan.param("EndpointPrivateAccess", private);
    plan.param("PublicAccessCidrs", json!(cidrs));
    plan.set("resourcesVpcConfig", after);
    Ok(plan)
}

/// An endpoint that nobody can reach is refused, and so are ranges of an endpoint that is not public.
pub fn check_endpoint(public: bool, private: bool, cidrs: &[String]) -> Result<(), Refusal> {
    if !public && !private {
        return Err(refuse::parameter("Private and public endpoint access cannot be false"));
    }
    if !public && !cidrs.is_empty() {
        return Err(refuse::parameter("Public endpoint access must be enabled to restrict it to CIDR blocks"));
    }
    let is_range = |cidr: &String| {
        cidr.split_once('/').is_some_and(|(address, length)| {
            address.parse::<std::net::Ipv4Addr>().is_ok() && length.parse::<u8>().is_ok_and(|length| length <= 32)
        })
    };
    match cidrs.iter().find(|cidr| !is_range(cidr)) {
        Some(cidr) => Err(refuse::parameter(format!("The following CIDRs are invalid in publicAccessCidrs: [{cidr}]"))),
        None => Ok(()),
    }
}

async fn placement(local: &Local, call: &Call, cluster: &Cluster, wanted: &Value) -> Result<Plan, Refusal> {
    let now = &cluster.thing.shown["resourcesVpcConfig"];
    let or_now = |name: &str| if wanted[name].is_array() { texts(&wanted[name]) } else { texts(&now[name]) };
    let (ids, groups) = (or_now("subnetIds"), or_now("securityGroupIds"));
    let same = |name: &str, new: &[String]| {
        let mut old = texts(&now[name]);
        let mut new = new.to_vec();
        old.sort();
        new.sort();
        old == new
    };
    if same("subnetIds", &ids) && same("securityGroupIds", &groups) {
        return Err(refuse::parameter(format!(
            "Cluster is already at the desired configuration with subnets: {ids:?} and security groups: {groups:?}"
        )));
    }
    let subnets = network::subnets(local, call, &ids).await?;
    check_subnets(&subnets)?;
    if subnets.iter().any(|subnet| now["vpcId"] != subnet.vpc) {
        return Err(refuse::parameter("Subnets must be in the VPC that the cluster was created with"));
    }
    network::group_vpcs(local, call, &groups).await?;
    let mut after = now.clone();
    after["subnetIds"] = json!(ids);
    after["securityGroupIds"] = json!(groups);
    let mut plan = Plan::new("VpcConfigUpdate");
    plan.param("Subnets", json!(ids));
    plan.param("SecurityGroups", json!(groups));
    plan.set("resourcesVpcConfig", after);
    Ok(plan)
}

/// A zone that EKS has no room in.
///
/// Source: Amazon EKS User Guide, "VPC and subnet considerations": `use1-az3`, here under its most common name.
const FULL_ZONE: &str = "us-east-1e";

/// Two zones at least, one VPC.
pub fn check_subnets(subnets: &[Subnet]) -> Result<(), Refusal> {
    let Some(first) = subnets.first() else {
        return Err(refuse::parameter("Subnet IDs are required"));
    };
    if subnets.iter().any(|subnet| subnet.vpc != first.vpc) {
        return Err(refuse::parameter("Subnets must all be in the same VPC"));
    }
    if let Some(subnet) = subnets.iter().find(|subnet| subnet.zone == FULL_ZONE) {
        return Err(Refusal::new(
            "UnsupportedAvailabilityZoneException",
            format!(
                "Cannot create cluster because {FULL_ZONE}, the targeted availability zone of {}, does not currently have \
                 sufficient capacity to support the cluster.",
                subnet.id
            ),
        ));
    }
    if subnets.iter().all(|subnet| subnet.zone == first.zone) {
        return Err(refuse::parameter("Subnets specified must be in at least two different AZs"));
    }
    Ok(())
}

/// One minor version at a time, never back, and not away from the nodes: they may be three minor versions older.
///
/// Source: Amazon EKS User Guide, "Update existing cluster to new Kubernetes version".
pub fn change_version(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    if let Some(answer) = input.repeated(place, &call.action)? {
        return Ok(answer);
    }
    let wanted = version::find(input.required("version")?)?;
    let cluster = place.cluster(input.segment(1))?;
    require_idle(cluster)?;
    let now = version::find(cluster.thing.text("version"))?;
    if wanted.minor == now.minor {
        return Err(refuse::parameter(format!("Cluster is already at version {}", now.name)));
    }
    if wanted.minor != now.minor + 1 {
        return Err(refuse::parameter(format!(
            "Unsupported Kubernetes minor version update from {} to {}",
            now.name, wanted.name
        )));
    }
    let too_old = cluster
        .groups
        .values()
        .find(|group| version::find(group.thing.text("version")).is_ok_and(|version| version.minor + 3 < wanted.minor));
    if let Some(group) = too_old {
        return Err(refuse::request(format!(
            "Nodegroup {} must be updated to match cluster version {} before updating cluster version",
            group.thing.text("nodegroupName"),
            now.name
        )));
    }
    let mut plan = Plan::new("VersionUpdate");
    plan.param("Version", wanted.name);
    plan.param("PlatformVersion", wanted.platform);
    plan.set("version", json!(wanted.name));
    plan.set("platformVersion", json!(wanted.platform));
    Ok(begin(local, call, place, input, plan, VERSION))
}

/// Encryption can be added, never changed or removed.
pub async fn encrypt(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    if let Some(answer) = input.repeated(place, &call.action)? {
        return Ok(answer);
    }
    let cluster = place.cluster(input.segment(1))?;
    let wanted = &input.body["encryptionConfig"];
    let Some(key) = wanted[0]["provider"]["keyArn"].as_str() else {
        return Err(refuse::parameter("encryptionConfig is required."));
    };
    if cluster.thing.shown["encryptionConfig"].is_array() {
        return Err(refuse::parameter("Encryption is already enabled for the cluster"));
    }
    require_idle(cluster)?;
    ask::require_key(local, call, key).await?;
    let mut plan = Plan::new("AssociateEncryptionConfig");
    plan.param("EncryptionConfig", wanted);
    plan.set("encryptionConfig", wanted.clone());
    Ok(begin(local, call, place, input, plan, ENCRYPTION))
}
