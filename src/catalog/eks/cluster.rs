//! `aws_eks_cluster`

mod change;
pub(super) mod seen;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::token_in;
use super::updates::{self, Part, Subject};
use crate::catalog::each::read_each;
use crate::catalog::ec2::leavings;
use crate::catalog::tags::{Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Fault, Id, Live, Objection, Settle, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Arn, Auto, Cidr, Fixed, Local};
use crate::value::Value;

/// A Kubernetes control plane. Its nodes and add-ons are resources of their own.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_subnet" "a" {
///   vpc_id            = aws_vpc.main.id
///   cidr_block        = "10.0.0.0/24"
///   availability_zone = "eu-west-1a"
/// }
///
/// resource "aws_subnet" "b" {
///   vpc_id            = aws_vpc.main.id
///   cidr_block        = "10.0.1.0/24"
///   availability_zone = "eu-west-1b"
/// }
///
/// resource "aws_eks_cluster" "main" {
///   name     = "devops-demo-dev"
///   role_arn = "arn:aws:iam::111111111111:role/eks-cluster"
///   version  = "1.36"
///   vpc_config {
///     subnet_ids              = [aws_subnet.a.id, aws_subnet.b.id]
///     endpoint_private_access = true
///     public_access_cidrs     = ["198.51.100.7/32"]
///   }
///   access_config { authentication_mode = "API" }
///   bootstrap_self_managed_addons = false
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// Unique in the account and region.
    #[schemars(length(min = 1, max = 100), regex(pattern = "^[0-9A-Za-z][A-Za-z0-9_-]*$"))]
    pub name: Fixed<String>,
    /// The role that EKS acts with. It needs `AmazonEKSClusterPolicy`.
    pub role_arn: Fixed<Arn>,
    /// Kubernetes' minor version, `1.36`. It goes up only, and one by one.
    #[serde(default)]
    #[schemars(regex(pattern = "^1\\.[0-9]+$"))]
    pub version: Auto<String>,
    /// Where the control plane is reached from and reaches into.
    pub vpc_config: VpcConfig,
    /// Addresses inside the cluster.
    #[serde(default)]
    pub kubernetes_network_config: Auto<KubernetesNetwork>,
    /// How callers are told apart.
    #[serde(default)]
    pub access_config: Auto<AccessConfig>,
    /// Whether EKS puts unmanaged copies of vpc-cni, kube-proxy and coredns into a new cluster. Counts at creation alone.
    #[serde(default = "yes")]
    pub bootstrap_self_managed_addons: Local<bool>,
    /// Encrypts Kubernetes' secrets with a key of yours. It can be added later, and never be changed or taken away.
    #[serde(default)]
    pub encryption_config: Auto<Encryption>,
    /// Which logs of the control plane go to CloudWatch: `api`, `audit`, `authenticator`, `controllerManager`, `scheduler`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^(api|audit|authenticator|controllerManager|scheduler)$")))]
    pub enabled_cluster_log_types: BTreeSet<String>,
    /// What happens at the end of the version's standard support.
    #[serde(default)]
    pub upgrade_policy: Auto<UpgradePolicy>,
    /// Whether AWS may move traffic away from a zone that is impaired.
    #[serde(default)]
    pub zonal_shift_config: Auto<ZonalShift>,
    /// Whether the cluster refuses to be deleted.
    #[serde(default)]
    pub deletion_protection: bool,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VpcConfig {
    /// Subnets in two zones at least, for the control plane's interfaces.
    pub subnet_ids: BTreeSet<String>,
    /// Groups of these interfaces besides the one that EKS makes.
    #[serde(default)]
    pub security_group_ids: BTreeSet<String>,
    /// Whether the API is reached from inside the network.
    #[serde(default)]
    pub endpoint_private_access: bool,
    /// Whether the API is reached from the internet.
    #[serde(default = "on")]
    pub endpoint_public_access: bool,
    /// From where on the internet; only with `endpoint_public_access`.
    #[serde(default)]
    pub public_access_cidrs: Auto<BTreeSet<Cidr>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KubernetesNetwork {
    /// Addresses of Services.
    #[serde(default)]
    pub service_ipv4_cidr: Fixed<Auto<Cidr>>,
    /// `ipv4` or `ipv6`: the addresses of Pods and Services.
    #[serde(default)]
    #[schemars(regex(pattern = "^(ipv4|ipv6)$"))]
    pub ip_family: Fixed<Auto<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccessConfig {
    /// `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`. It changes in the direction of `API` only.
    #[serde(default)]
    #[schemars(regex(pattern = "^(API|API_AND_CONFIG_MAP|CONFIG_MAP)$"))]
    pub authentication_mode: Auto<String>,
    /// Whether who makes the cluster becomes its administrator. Counts at creation alone.
    #[serde(default = "yes")]
    pub bootstrap_cluster_creator_admin_permissions: Local<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Encryption {
    /// What encrypts.
    pub provider: Provider,
    /// What is encrypted: `secrets`. It decides nothing any more: EKS encrypts all that the API stores.
    #[serde(default = "secrets")]
    #[schemars(inner(regex(pattern = "^secrets$")))]
    pub resources: Local<BTreeSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// A symmetric KMS key in the cluster's region.
    pub key_arn: Fixed<Arn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpgradePolicy {
    /// `STANDARD`: AWS upgrades the cluster then. `EXTENDED`: it stays, for a higher price.
    #[schemars(regex(pattern = "^(STANDARD|EXTENDED)$"))]
    pub support_type: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZonalShift {
    /// Whether it is on.
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// The cluster's name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The address of its API.
    pub endpoint: Option<String>,
    /// Whom its API's certificate is signed by.
    pub certificate_authority: CertificateAuthority,
    /// Who signs the tokens of its service accounts.
    pub identity: Identity,
    /// The group that EKS made for the control plane and all managed nodes.
    pub cluster_security_group_id: Option<String>,
    /// The network of its subnets.
    pub vpc_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateAuthority {
    /// A certificate as PEM in base64.
    pub data: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// OpenID Connect.
    pub oidc: Oidc,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Oidc {
    /// What an `aws_iam_openid_connect_provider` has as its `url`.
    pub issuer: Option<String>,
}

fn yes() -> Local<bool> {
    Local(true)
}

fn secrets() -> Local<BTreeSet<String>> {
    Local(BTreeSet::from(["secrets".to_owned()]))
}

fn on() -> bool {
    true
}

impl Resource for Cluster {
    const TYPE: &'static str = "aws_eks_cluster";
    const PRECIOUS: bool = true;
    // Time-outs of Terraform's provider; ten minutes is what AWS usually takes.
    const SETTLE: Settle = Settle {
        every: Duration::from_secs(5),
        every_max: Duration::from_secs(20),
        create: Duration::from_secs(30 * 60),
        update: Duration::from_secs(60 * 60),
        delete: Duration::from_secs(15 * 60),
        typical: Duration::from_secs(10 * 60),
        ..Settle::INSTANT
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        let logging = (!self.enabled_cluster_log_types.is_empty())
            .then(|| change::logging(&self.enabled_cluster_log_types, &BTreeSet::new()));
        aws.eks()
            .create_cluster()
            .name(&*self.name)
            .role_arn(&**self.role_arn)
            .set_version(self.version.0.clone())
            .resources_vpc_config(self.vpc_config.whole())
            .set_kubernetes_network_config(self.kubernetes_network_config.as_ref().map(KubernetesNetwork::to_sdk))
            .set_access_config(self.access_config.as_ref().map(AccessConfig::to_sdk))
            .bootstrap_self_managed_addons(*self.bootstrap_self_managed_addons)
            .set_encryption_config(self.encryption_config.as_ref().map(|it| vec![it.to_sdk()]))
            .set_logging(logging)
            .set_upgrade_policy(self.upgrade_policy.as_ref().map(UpgradePolicy::to_sdk))
            .set_zonal_shift_config(self.zonal_shift_config.as_ref().map(ZonalShift::to_sdk))
            .deletion_protection(self.deletion_protection)
            .set_tags(Some(self.tags.clone().into_iter().collect()))
            .client_request_token(token.as_str())
            .send()
            .await?;
        Ok(Id::new(self.name.as_str()))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        read_each(&query.ids, |id| async move { Ok(describe(aws, id.as_str()).await?.map(|it| seen::seen(&it))) }).await
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        if self.tags != was.tags {
            let arn = aws.arn("eks", &format!("cluster/{id}")).await?;
            super::change_tags(aws, &arn, &was.tags, &self.tags).await?;
        }
        let Some(change) = change::Change::next(was, self) else { return Ok(()) };
        let subject = Subject { cluster: id.as_str().to_owned(), part: Part::Whole };
        updates::check(aws, &subject).await?;
        let update = change.ask(aws, id.as_str()).await?;
        updates::remember(aws, subject, update);
        Ok(())
    }

    async fn object(aws: &Aws, is: Option<&Live>, settings: &Value) -> Result<Vec<Objection>, Fault> {
        match is {
            Some(is) => upgrade::objections(aws, is, settings).await,
            None => Ok(Vec::new()),
        }
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        // Its nodes are gone by now. What they left is no reason to keep the cluster.
        if let Err(error) = leavings::interfaces(aws, id.as_str()).await {
            tracing::warn!(%error, "interfaces that nodes of {id} have left could not be deleted");
        }
        aws.eks().delete_cluster().name(id.as_str()).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        let groups = aws.eks().list_nodegroups().cluster_name(id.as_str()).into_paginator().items().send().try_collect().await?;
        let delete = format!("aws eks --region {} delete-nodegroup --cluster-name {id} --nodegroup-name", aws.region());
        let blocker = |it: String| Blocker::new(format!("the node group {it}")).help(format!("{delete} {it}"));
        Ok(groups.into_iter().map(blocker).collect())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let Some(found) = describe(aws, &self.name).await? else { return Ok(None) };
        let taken = format!("the cluster {} exists already", *self.name);
        own(Id::new(self.name.as_str()), token_in(found.tags()), token, "eks:CreateCluster", taken)
    }
}

/// There is no call for several clusters.
pub(super) async fn describe(aws: &Aws, name: &str) -> Result<Option<sdk::Cluster>, Fault> {
    match aws.eks().describe_cluster().name(name).send().await {
        Ok(got) => Ok(got.cluster),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}
