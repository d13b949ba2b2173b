//! A few resource types, cut down to what the cases speak of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use infra::schema::field::{Applied, Auto, Cidr, DnsName, Fixed, Imprint, Later, Local, Moving, Policy, Secret};
use infra::schema::{Schema, Types};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, JsonSchema)]
struct Id {
    id: String,
    arn: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Vpc {
    cidr_block: Fixed<Cidr>,
    enable_dns_hostnames: Option<bool>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Subnet {
    vpc_id: Fixed<String>,
    cidr_block: Fixed<Cidr>,
    availability_zone: Fixed<Auto<String>>,
    map_public_ip_on_launch: Option<bool>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct RouteTable {
    vpc_id: Fixed<String>,
}

/// Part of its table.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Route {
    route_table_id: Fixed<String>,
    nat_gateway_id: Option<String>,
}

/// Part of its subnet.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Association {
    subnet_id: Fixed<String>,
    route_table_id: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct NatGateway {
    subnet_id: Fixed<String>,
}

#[derive(Serialize, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    from_port: i64,
    #[serde(default)]
    security_groups: BTreeSet<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct SecurityGroup {
    name: Fixed<String>,
    vpc_id: Fixed<Option<String>>,
    #[serde(default)]
    ingress: Later<BTreeSet<Rule>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct EksCluster {
    name: Fixed<String>,
    version: Option<String>,
    encryption_config: Option<Encryption>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Encryption {
    key_arn: Fixed<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct ClusterRef {
    arn: Fixed<Option<String>>,
    context: Fixed<Option<String>>,
    name: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Manifest {
    #[schemars(extend("x-picks" = true))]
    cluster: Local<ClusterRef>,
    #[schemars(extend("x-source" = "objects"))]
    manifest: Applied<Option<serde_json::Value>>,
    #[schemars(extend("x-source" = "glob"))]
    glob: Option<String>,
    #[schemars(extend("x-source" = "variables"))]
    vars: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    force_conflicts: Local<BTreeSet<String>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Applying {
    id: String,
    uid: Option<String>,
    imprint: Imprint<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Role {
    name: Fixed<String>,
    assume_role_policy: Policy,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Bucket {
    bucket: Fixed<String>,
    policy: Later<Option<Policy>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Record {
    name: Fixed<DnsName>,
    #[serde(default)]
    records: BTreeSet<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Database {
    name: Fixed<String>,
    size: Option<i64>,
    password: Option<Secret<String>>,
    subnet_ids: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct LaunchTemplate {
    name: Fixed<String>,
    user_data: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Versions {
    id: String,
    latest_version: Moving<i64>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Template {
    id: Fixed<String>,
    version: Option<i64>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct NodeGroup {
    node_group_name: Fixed<Auto<String>>,
    capacity_type: Fixed<Option<String>>,
    #[schemars(extend("x-lasting" = true))]
    launch_template: Option<Template>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Lookup {
    of: Option<String>,
}

pub struct Few(BTreeMap<Arc<str>, Schema>, BTreeMap<Arc<str>, Schema>);

impl Few {
    pub fn new() -> Self {
        let part_of = |of: &str, schema: Schema| Schema { part_of: Some(of.into()), ..schema };
        let resources = [
            Schema::of::<Vpc, Id>("aws_vpc", &[]),
            Schema::of::<Subnet, Id>("aws_subnet", &[]),
            Schema::of::<RouteTable, Id>("aws_route_table", &[]),
            part_of("route_table_id", Schema::of::<Route, Id>("aws_route", &[])),
            part_of("subnet_id", Schema::of::<Association, Id>("aws_route_table_association", &[])),
            Schema::of::<NatGateway, Id>("aws_nat_gateway", &[]),
            Schema::of::<SecurityGroup, Id>("aws_security_group", &[]),
            Schema::of::<EksCluster, Id>("aws_eks_cluster", &[]),
            Schema::of::<Manifest, Applying>("kubernetes_manifest", &[]),
            Schema::of::<Role, Id>("aws_iam_role", &[]),
            Schema::of::<Bucket, Id>("aws_s3_bucket", &[]),
            Schema::of::<Record, Id>("aws_route53_record", &[]),
            Schema::of::<Database, Id>("aws_db_instance", &[]),
            Schema::of::<LaunchTemplate, Versions>("aws_launch_template", &[]),
            Schema {
                create_first_unless: Some("node_group_name".into()),
                ..Schema::of::<NodeGroup, Id>("aws_eks_node_group", &[])
            },
        ];
        let lookup = Schema::of::<Lookup, Id>("aws_lookup", &[]);
        let named = |it: Schema| (it.type_name.clone(), it);
        Self(resources.map(named).into(), [named(lookup)].into())
    }
}

impl Types for Few {
    fn resource(&self, type_name: &str) -> Option<&Schema> {
        self.0.get(type_name)
    }
    fn data(&self, type_name: &str) -> Option<&Schema> {
        self.1.get(type_name)
    }
    fn names(&self) -> Vec<&str> {
        self.0.keys().chain(self.1.keys()).map(|it| &**it).collect()
    }
}
