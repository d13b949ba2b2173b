//! `aws_eks_node_group`

mod change;
mod drain;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::updates::{self, Part, Subject};
use super::{of_two, token_in};
use crate::catalog::each::read_each;
use crate::catalog::tags::{Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault, Id, Live, Objection, Settle, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Arn, Auto, Fixed, Local};
use crate::value::Value;

/// Nodes of a cluster that EKS makes, updates and drains.
///
/// With `node_group_name_prefix` a replacement makes the new group first and deletes the old one when the new one is there:
/// EKS moves the pods over, asking their disruption budgets, for as long as it waits for them. With `node_group_name` the
/// old group has to go first.
///
/// A cluster autoscaler changes the desired size: leave it out, or name it in `owned_elsewhere`. It is moved into new bounds
/// together with them, because EKS refuses bounds that leave it outside.
///
/// Nodes join only with a network plugin, a way out, and a role that may: name what makes those in `depends_on`.
///
/// ```stack
/// resource "aws_eks_node_group" "spot" {
///   cluster_name           = "devops-demo-dev"
///   node_group_name_prefix = "spot-"
///   node_role_arn          = "arn:aws:iam::111111111111:role/eks-node"
///   subnet_ids             = ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]
///   capacity_type          = "SPOT"
///   instance_types         = ["m6i.large", "m5.large"]
///   labels                 = { "platform/pool" = "spot" }
///   scaling_config {
///     min_size = 1
///     max_size = 6
///   }
///   update_config { max_unavailable_percentage = 33 }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeGroup {
    /// Name of the cluster.
    pub cluster_name: Fixed<String>,
    /// Unique in the cluster; or `node_group_name_prefix`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[0-9A-Za-z][A-Za-z0-9_-]*$"))]
    pub node_group_name: Fixed<Auto<String>>,
    /// How the name begins; infra adds what makes it unique.
    #[serde(default)]
    #[schemars(length(min = 1, max = 50), regex(pattern = "^[0-9A-Za-z][A-Za-z0-9_-]*$"))]
    pub node_group_name_prefix: Local<Fixed<Option<String>>>,
    /// The role of the nodes.
    pub node_role_arn: Fixed<Arn>,
    /// Where the nodes stand.
    #[schemars(length(min = 1))]
    pub subnet_ids: Fixed<BTreeSet<String>>,
    /// `AL2023_x86_64_STANDARD`, `BOTTLEROCKET_x86_64`, `CUSTOM`, …
    #[serde(default)]
    pub ami_type: Fixed<Auto<String>>,
    /// `ON_DEMAND`, `SPOT` or `CAPACITY_BLOCK`.
    #[serde(default)]
    #[schemars(regex(pattern = "^(ON_DEMAND|SPOT|CAPACITY_BLOCK)$"))]
    pub capacity_type: Fixed<Auto<String>>,
    /// GiB of the root volume; with a launch template, that says it.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub disk_size: Fixed<Auto<i32>>,
    /// In the order of preference (on demand). The autoscaler takes all for as large as the first.
    #[serde(default)]
    pub instance_types: Fixed<Auto<Vec<String>>>,
    /// Labels of the nodes. Those of `kubernetes.io` are others'.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What the nodes are made from. A group that was made without one cannot be given one, and the other way round.
    #[serde(default)]
    #[schemars(extend("x-lasting" = true))]
    pub launch_template: Option<LaunchTemplate>,
    /// The release of the image, `1.36.2-20260714`.
    #[serde(default)]
    pub release_version: Auto<String>,
    /// How many nodes.
    pub scaling_config: Scaling,
    /// What keeps pods away from the nodes.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub taint: BTreeSet<Taint>,
    /// How many nodes an update takes away at a time.
    #[serde(default)]
    pub update_config: Auto<UpdateConfig>,
    /// Whether EKS replaces nodes that are not healthy.
    #[serde(default)]
    pub node_repair_config: Auto<NodeRepair>,
    /// Kubernetes' minor version, `1.36`; left out: the cluster's when the group is made.
    #[serde(default)]
    #[schemars(regex(pattern = "^1\\.[0-9]+$"))]
    pub version: Auto<String>,
    /// Whether an update goes on where pods cannot be evicted.
    #[serde(default)]
    pub force_update_version: Local<bool>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

/// Named by its id or by its name: one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaunchTemplate {
    /// Its id.
    #[serde(default)]
    pub id: Fixed<Auto<String>>,
    /// Its name.
    #[serde(default)]
    pub name: Fixed<Auto<String>>,
    /// The number of a version: `latest_version` of the template. EKS answers with the number, whatever else was asked for.
    #[schemars(regex(pattern = "^[0-9]+$"))]
    pub version: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scaling {
    /// How many there are at least.
    #[schemars(range(min = 0))]
    pub min_size: i32,
    /// How many there are at most.
    #[schemars(range(min = 1))]
    pub max_size: i32,
    /// How many there are now. Left out: as many as there are, at first `min_size`.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub desired_size: Auto<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Taint {
    /// `CriticalAddonsOnly`
    #[schemars(length(min = 1, max = 63))]
    pub key: String,
    /// `true`
    #[serde(default)]
    #[schemars(length(max = 63))]
    pub value: String,
    /// `NO_SCHEDULE`, `NO_EXECUTE` or `PREFER_NO_SCHEDULE`.
    #[schemars(regex(pattern = "^(NO_SCHEDULE|NO_EXECUTE|PREFER_NO_SCHEDULE)$"))]
    pub effect: String,
}

/// One of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateConfig {
    /// Nodes.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub max_unavailable: Option<i32>,
    /// Percent of the nodes.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub max_unavailable_percentage: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeRepair {
    /// Whether it is on.
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// `CLUSTER:NAME`
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// What EKS made for it.
    pub resources: Resources,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// Names of Auto Scaling groups.
    pub autoscaling_groups: Vec<String>,
}

/// As much of the token as makes a name unique in a cluster.
const UNIQUE: usize = 10;

impl NodeGroup {
    /// The name of the group that a creation with this token makes.
    fn name(&self, token: &Token) -> String {
        let token = token.as_str();
        let unique = token.get(token.len().saturating_sub(UNIQUE)..).unwrap_or(token);
        match (&*self.node_group_name.0, &*self.node_group_name_prefix.0) {
            (Some(name), _) => name.clone(),
            (None, prefix) => format!("{}{unique}", prefix.as_deref().unwrap_or("group-")),
        }
    }
}

fn subject(cluster: &str, name: &str) -> Subject {
    Subject { cluster: cluster.to_owned(), part: Part::NodeGroup(name.to_owned()) }
}

impl Resource for NodeGroup {
    const TYPE: &'static str = "aws_eks_node_group";
    const EXCLUSIVE: &'static [(&'static [&'static str], bool)] = &[(&["node_group_name", "node_group_name_prefix"], true)];
    const CREATE_FIRST_UNLESS: Option<&'static str> = Some("node_group_name");
    // Time-outs of Terraform's provider; three minutes is what AWS usually takes.
    const SETTLE: Settle = Settle {
        every: Duration::from_secs(5),
        every_max: Duration::from_secs(20),
        create: Duration::from_secs(60 * 60),
        update: Duration::from_secs(60 * 60),
        delete: Duration::from_secs(60 * 60),
        typical: Duration::from_secs(3 * 60),
        ..Settle::INSTANT
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        let name = self.name(token);
        aws.eks()
            .create_nodegroup()
            .cluster_name(&*self.cluster_name)
            .nodegroup_name(&name)
            .node_role(&**self.node_role_arn)
            .set_subnets(Some(self.subnet_ids.iter().cloned().collect()))
            .set_ami_type(self.ami_type.as_deref().map(sdk::AmiTypes::from))
            .set_capacity_type(self.capacity_type.as_deref().map(sdk::CapacityTypes::from))
            .set_disk_size(self.disk_size.0.0)
            .set_instance_types(self.instance_types.0.0.clone())
            .set_labels(Some(self.labels.clone().into_iter().collect()))
            .set_launch_template(self.launch_template.as_ref().map(LaunchTemplate::to_sdk))
            .set_release_version(self.release_version.0.clone())
            .scaling_config(self.scaling_config.to_sdk(self.scaling_config.desired_size.unwrap_or(self.scaling_config.min_size)))
            .set_taints(Some(self.taint.iter().map(Taint::to_sdk).collect()))
            .set_update_config(self.update_config.as_ref().map(UpdateConfig::to_sdk))
            .set_node_repair_config(self.node_repair_config.as_ref().map(NodeRepair::to_sdk))
            .set_version(self.version.0.clone())
            .set_tags(Some(self.tags.clone().into_iter().collect()))
            .client_request_token(token.as_str())
            .send()
            .await?;
        Ok(Id::new(format!("{}:{name}", *self.cluster_name)))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        read_each(&query.ids, |id| async move {
            let Some((cluster, name)) = of_two(id) else { return Ok(None) };
            Ok(describe(aws, cluster, name).await?.map(|it| seen::seen(&it)))
        })
        .await
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let Some((cluster, name)) = of_two(id) else { return Err(Fault::malformed_id(Self::TYPE, id, "CLUSTER:NAME")) };
        if self.tags != was.tags {
            let Some(found) = describe(aws, cluster, name).await? else {
                return Err(Fault::new(Class::Missing, "eks:DescribeNodegroup", format!("there is no node group {name}")));
            };
            super::change_tags(aws, found.nodegroup_arn().unwrap_or_default(), &was.tags, &self.tags).await?;
        }
        let Some(change) = change::Change::next(was, self) else { return Ok(()) };
        let subject = subject(cluster, name);
        updates::check(aws, &subject).await?;
        let update = change.ask(aws, cluster, name).await?;
        updates::remember(aws, subject, update);
        Ok(())
    }

    async fn object(aws: &Aws, is: Option<&Live>, settings: &Value) -> Result<Vec<Objection>, Fault> {
        match is {
            Some(is) => drain::objections(aws, is, settings).await,
            None => Ok(Vec::new()),
        }
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let Some((cluster, name)) = of_two(id) else { return Err(Fault::malformed_id(Self::TYPE, id, "CLUSTER:NAME")) };
        aws.eks().delete_nodegroup().cluster_name(cluster).nodegroup_name(name).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let name = self.name(token);
        let Some(found) = describe(aws, &self.cluster_name, &name).await? else { return Ok(None) };
        let taken = format!("the cluster {} has a node group {name} already", *self.cluster_name);
        own(Id::new(format!("{}:{name}", *self.cluster_name)), token_in(found.tags()), token, "eks:CreateNodegroup", taken)
    }
}

async fn describe(aws: &Aws, cluster: &str, name: &str) -> Result<Option<sdk::Nodegroup>, Fault> {
    match aws.eks().describe_nodegroup().cluster_name(cluster).nodegroup_name(name).send().await {
        Ok(got) => Ok(got.nodegroup),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}
