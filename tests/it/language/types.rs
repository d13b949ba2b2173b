//! The types that the language's tests know, and a world that answers for them.

use std::collections::{BTreeMap, BTreeSet};

use infra::address::Address;
use infra::remote::ConfigName;
use infra::schema::field::{Auto, Cidr, Fixed, Later, Policy, Secret};
use infra::schema::{Schema, Types};
use infra::stack::Host;
use infra::value::{Type, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Vpc {
    cidr_block: Fixed<Cidr>,
    #[serde(default)]
    enable_dns_hostnames: bool,
    instance_tenancy: Option<Tenancy>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Tenancy {
    Default,
    Dedicated,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Named {
    id: String,
    arn: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Subnet {
    vpc_id: Fixed<String>,
    cidr_block: Fixed<Cidr>,
    availability_zone: Fixed<Auto<String>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Rule {
    protocol: String,
    #[schemars(range(min = 0, max = 65535))]
    from_port: Option<u16>,
    #[schemars(range(min = 0, max = 65535))]
    to_port: Option<u16>,
    #[serde(default)]
    security_groups: BTreeSet<String>,
    #[serde(default)]
    cidr_blocks: Vec<Cidr>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Group {
    #[schemars(length(min = 1, max = 20))]
    name: Fixed<Option<String>>,
    name_prefix: Fixed<Option<String>>,
    vpc_id: Fixed<Option<String>>,
    #[serde(default)]
    ingress: Later<Vec<Rule>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Encryption {
    algorithm: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Bucket {
    #[schemars(regex(pattern = r"^[a-z0-9.-]{3,63}$"))]
    bucket: Fixed<Option<String>>,
    encryption: Option<Encryption>,
    policy: Later<Option<Policy>>,
    password: Option<Secret<String>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Cluster {
    arn: Option<String>,
    context: Option<String>,
}

/// Objects.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Manifest {
    #[schemars(extend("x-picks" = true))]
    cluster: Fixed<Cluster>,
    #[schemars(extend("x-source" = "objects"))]
    manifest: Option<serde_json::Value>,
    #[schemars(extend("x-source" = "file"))]
    file: Option<String>,
    #[schemars(extend("x-source" = "folder"))]
    folder: Option<String>,
    #[schemars(extend("x-source" = "glob"))]
    glob: Option<String>,
    #[schemars(extend("x-source" = "variables"))]
    vars: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    force_conflicts: BTreeSet<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Zones {
    state: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct ZoneNames {
    names: Vec<String>,
}

pub struct Catalogue(Vec<Schema>, Vec<Schema>);

impl Catalogue {
    pub fn new() -> Self {
        let exclusive: &[(&[&str], bool)] = &[(&["name", "name_prefix"], true)];
        Self(
            vec![
                Schema::of::<Vpc, Named>("aws_vpc", &[]),
                Schema::of::<Subnet, Named>("aws_subnet", &[]),
                Schema::of::<Group, Named>("aws_security_group", exclusive),
                Schema::of::<Bucket, Named>("aws_s3_bucket", &[]),
                Schema::of::<Manifest, Named>("kubernetes_manifest", &[]),
            ],
            vec![Schema::of::<Zones, ZoneNames>("aws_availability_zones", &[])],
        )
    }
}

impl Types for Catalogue {
    fn resource(&self, type_name: &str) -> Option<&Schema> {
        self.0.iter().find(|it| it.type_name.as_ref() == type_name)
    }
    fn data(&self, type_name: &str) -> Option<&Schema> {
        self.1.iter().find(|it| it.type_name.as_ref() == type_name)
    }
    fn names(&self) -> Vec<&str> {
        self.0.iter().chain(&self.1).map(|it| it.type_name.as_ref()).collect()
    }
}

/// Knows what it was told, and remembers what it was asked.
#[derive(Default)]
pub struct World {
    pub known: BTreeMap<String, Value>,
    pub asked: Vec<(String, Value)>,
}

impl Host for World {
    fn outputs(&mut self, address: &Address, _: &ConfigName, shell: &Value) -> Value {
        self.asked.push((address.to_string(), shell.clone()));
        self.known.get(&address.to_string()).cloned().unwrap_or_else(|| Value::unknown(Type::Any, address.clone(), ""))
    }
    fn data(&mut self, address: &Address, config: &ConfigName, arguments: &Value) -> Value {
        self.outputs(address, config, arguments)
    }
}
