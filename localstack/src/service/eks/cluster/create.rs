//! CreateCluster: what must be right before EKS begins.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::control::Settings;
use crate::gateway::{Call, Local, Refusal};
use crate::service::eks::input::{Input, texts};
use crate::service::eks::network::{self, Subnet};
use crate::service::eks::place::{Cluster, Place};
use crate::service::eks::plane::Order;
use crate::service::eks::thing::{Pending, Thing, now};
use crate::service::eks::{ask, entry, policy, refuse, tags, version};
use crate::{ids, lock};

/// How long AWS takes, roughly.
const USUAL: Duration = Duration::from_secs(8 * 60);

const CLUSTER_POLICY: &str = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";

pub async fn create(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    let name = input.required("name")?;
    let made = input.repeated_create(place, &call.action, |place| place.clusters.contains_key(name))?;
    if let Some(answer) = made {
        return Ok(answer);
    }
    check_name(name)?;
    if place.clusters.contains_key(name) {
        return Err(refuse::in_use(format!("Cluster already exists with name: {name}")));
    }
    let role = input.required("roleArn")?;
    let version = version::find(input.body["version"].as_str().unwrap_or(version::DEFAULT))?;
    tags::check(&input.body["tags"])?;
    require_role(local, call, place, role).await?;
    let subnets = check_network(local, call, &input.body["resourcesVpcConfig"]).await?;
    if let Some(key) = input.body["encryptionConfig"][0]["provider"]["keyArn"].as_str() {
        ask::require_key(local, call, key).await?;
    }
    let mut shown = description(call, input, version, &subnets)?;
    let vpc = subnets.first().map_or("", |subnet| subnet.vpc.as_str());
    let group = network::make_group(local, call, name, vpc).await?;
    shown["resourcesVpcConfig"]["clusterSecurityGroupId"] = json!(group);
    let mut cluster = Cluster {
        thing: Thing::new(format!("eks/{}/{}/{name}", call.account, call.region), shown),
        group,
        self_managed_addons: input.body["bootstrapSelfManagedAddons"].as_bool().unwrap_or(true),
        ..Cluster::default()
    };
    place_interfaces(local, call, &mut cluster, &subnets).await?;
    if input.body["accessConfig"]["bootstrapClusterCreatorAdminPermissions"].as_bool().unwrap_or(true) {
        admit_creator(local, call, &mut cluster).await?;
    }
    let settings = local.control.settings(&call.account);
    start(local, call, &cluster, name, settings);
    cluster.thing.start(local, Pending::Create, USUAL, settings);
    let answer = json!({"cluster": super::shown(&cluster.thing)});
    place.clusters.insert(name.to_owned(), cluster);
    input.remember(place, &call.action, &answer);
    Ok(answer)
}

/// `^[0-9A-Za-z][A-Za-z0-9\-_]*`, at most 100 characters.
fn check_name(name: &str) -> Result<(), Refusal> {
    let starts = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    let fits = name.chars().all(|one| one.is_ascii_alphanumeric() || one == '-' || one == '_');
    if starts && fits && name.len() <= 100 {
        return Ok(());
    }
    Err(refuse::parameter(
        "The name can contain only alphanumeric characters (case-sensitive), hyphens, and underscores. It must start with an alphanumeric character and can't be longer than 100 characters.",
    ))
}

async fn require_role(local: &Local, call: &Call, place: &mut Place, arn: &str) -> Result<(), Refusal> {
    let late = local.control.settings(&call.account).late_reads;
    let found = ask::role(local, call, arn).await?;
    let Some(role) = found.filter(|role| place.has_heard_of(&role.id, late)) else {
        return Err(refuse::parameter(format!(
            "Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct"
        )));
    };
    if !role.trusts("eks.amazonaws.com") {
        return Err(refuse::parameter("Role could not be assumed because the trusted entity is not correct"));
    }
    if !ask::attached_policies(local, call, &role.name).await?.iter().any(|policy| policy == CLUSTER_POLICY) {
        return Err(refuse::parameter(format!(
            "The provided role doesn't have the Amazon EKS Managed Policies associated with it. \
             Please ensure the following policy [{CLUSTER_POLICY}] is attached"
        )));
    }
    Ok(())
}

/// Subnets in two zones of one VPC, groups of that VPC, an endpoint that can be reached.
async fn check_network(local: &Local, call: &Call, vpc: &Value) -> Result<Vec<Subnet>, Refusal> {
    let ids = texts(&vpc["subnetIds"]);
    if ids.is_empty() {
        return Err(refuse::parameter("Subnet IDs are required"));
    }
    let subnets = network::subnets(local, call, &ids).await?;
    super::update::check_subnets(&subnets)?;
    let home = subnets.first().map_or("", |subnet| subnet.vpc.as_str());
    let groups = network::group_vpcs(local, call, &texts(&vpc["securityGroupIds"])).await?;
    if groups.iter().any(|group| group != home) {
        return Err(refuse::parameter("Security groups and subnets must belong to the same VPC"));
    }
    super::update::check_endpoint(
        vpc["endpointPublicAccess"].as_bool().unwrap_or(true),
        vpc["endpointPrivateAccess"].as_bool().unwrap_or(false),
        &texts(&vpc["publicAccessCidrs"]),
    )?;
    let zones: BTreeSet<&str> = subnets.iter().map(|subnet| subnet.zone.as_str()).collect();
    if zones.len() < 2 {
        return Err(refuse::parameter("Subnets specified must be in at least two different AZs"));
    }
    Ok(subnets)
}

fn description(call: &Call, input: &Input, version: &version::Version, subnets: &[Subnet]) -> Result<Value, Refusal> {
    let body = &input.body;
    let vpc = &body["resourcesVpcConfig"];
    let name = input.text("name");
    let access = &body["accessConfig"];
    let mode = access["authenticationMode"].as_str().unwrap_or("CONFIG_MAP");
    if !matches!(mode, "API" | "API_AND_CONFIG_MAP" | "CONFIG_MAP") {
        return Err(refuse::parameter(format!("authenticationMode {mode} is not valid")));
    }
    let public = vpc["endpointPublicAccess"].as_bool().unwrap_or(true);
    let mut cidrs = texts(&vpc["publicAccessCidrs"]);
    if cidrs.is_empty() && public {
        cidrs.push("0.0.0.0/0".to_owned());
    }
    let network = &body["kubernetesNetworkConfig"];
    let mut shown = json!({
        "name": name,
        "arn": format!("arn:aws:eks:{}:{}:cluster/{name}", call.region, call.account),
        "createdAt": now(),
        "version": version.name,
        "platformVersion": version.platform,
        "roleArn": body["roleArn"],
        "resourcesVpcConfig": {
            "subnetIds": texts(&vpc["subnetIds"]),
            "securityGroupIds": texts(&vpc["securityGroupIds"]),
            "vpcId": subnets.first().map(|subnet| subnet.vpc.as_str()),
            "endpointPublicAccess": public,
            "endpointPrivateAccess": vpc["endpointPrivateAccess"].as_bool().unwrap_or(false),
            "publicAccessCidrs": cidrs,
        },
        "kubernetesNetworkConfig": {
            "serviceIpv4Cidr": network["serviceIpv4Cidr"].as_str().unwrap_or("172.20.0.0/16"),
            "ipFamily": network["ipFamily"].as_str().unwrap_or("ipv4"),
            "elasticLoadBalancing": {"enabled": false},
        },
        "logging": super::logging(&super::enabled(&body["logging"], &[])?),
        "identity": {"oidc": {"issuer": format!("https://oidc.eks.{}.amazonaws.com/id/{}", call.region, ids::hex(32))}},
        "health": {"issues": []},
        "accessConfig": {"authenticationMode": mode},
        "upgradePolicy": {"supportType": body["upgradePolicy"]["supportType"].as_str().unwrap_or("EXTENDED")},
        "zonalShiftConfig": {"enabled": body["zonalShiftConfig"]["enabled"].as_bool().unwrap_or(false)},
        "computeConfig": {"enabled": false, "nodePools": []},
        "storageConfig": {"blockStorage": {"enabled": false}},
        "controlPlaneScalingConfig": {"tier": "standard"},
        "deletionProtection": body["deletionProtection"].as_bool().unwrap_or(false),
        "tags": input.tags(),
    });
    if let Some(encryption) = body["encryptionConfig"].as_array().filter(|list| !list.is_empty()) {
        shown["encryptionConfig"] = json!(encryption);
    }
    Ok(shown)
}

/// EKS puts interfaces of the control plane into the subnets: two to four; here one in each zone.
async fn place_interfaces(local: &Local, call: &Call, cluster: &mut Cluster, subnets: &[Subnet]) -> Result<(), Refusal> {
    let name = cluster.thing.text("name").to_owned();
    let mut groups = vec![cluster.group.clone()];
    groups.extend(texts(&cluster.thing.shown["resourcesVpcConfig"]["securityGroupIds"]));
    let mut zones = BTreeSet::new();
    for subnet in subnets {
        if zones.insert(&subnet.zone) {
            let owned = format!("kubernetes.io/cluster/{name}");
            let tags = [("cluster.k8s.amazonaws.com/name", name.as_str()), (owned.as_str(), "owned")];
            let description = format!("Amazon EKS {name}");
            let (id, _) = network::make_interface(local, call, &subnet.id, &groups, &description, &tags).await?;
            cluster.interfaces.insert(subnet.id.clone(), id);
        }
    }
    Ok(())
}

/// Whoever makes a cluster is its administrator, unless the call says otherwise.
async fn admit_creator(local: &Local, call: &Call, cluster: &mut Cluster) -> Result<(), Refusal> {
    let arn = ask::caller(local, call).await?;
    let unique_id = ask::unique_id(local, call, &arn).await?.unwrap_or_default();
    entry::make(call, cluster, &arn, unique_id, "STANDARD", None, Vec::new(), json!({}));
    let scope = json!({"type": "cluster", "namespaces": []});
    let shown = json!({"policyArn": policy::CLUSTER_ADMIN, "accessScope": scope, "associatedAt": now(), "modifiedAt": now()});
    policy::add(cluster, &arn, shown).await
}

/// Starts the control plane on the side.
fn start(local: &Local, call: &Call, cluster: &Cluster, name: &str, settings: Settings) {
    let shown = &cluster.thing.shown;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let order = Order {
        account: call.account.clone(),
        region: call.region.clone(),
        cluster: name.to_owned(),
        version: text(&shown["version"]),
        service_cidr: text(&shown["kubernetesNetworkConfig"]["serviceIpv4Cidr"]),
        issuer: text(&shown["identity"]["oidc"]["issuer"]),
    };
    let work = local.eks.planes(settings.kubernetes).start(order);
    let starting = cluster.starting.clone();
    tokio::spawn(async move {
        let outcome = work.await;
        *lock(&starting) = Some(outcome);
    });
}
