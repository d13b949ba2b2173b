//! `data "aws_eks_cluster"`

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cluster::seen::seen;
use super::cluster::{CertificateAuthority, Identity, describe};
use crate::catalog::tags::Tags;
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault, Status};
use crate::resource::Data;

/// A cluster that something else made.
///
/// ```stack
/// data "aws_eks_cluster" "main" { name = "devops-demo-dev" }
///
/// output "endpoint" { value = data.aws_eks_cluster.main.endpoint }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// Its name.
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// The cluster's name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Kubernetes' minor version.
    pub version: Option<String>,
    /// `ACTIVE`, or what it is on the way to.
    pub status: String,
    /// The role that EKS acts with.
    pub role_arn: String,
    /// The address of its API.
    pub endpoint: Option<String>,
    /// Whom its API's certificate is signed by.
    pub certificate_authority: CertificateAuthority,
    /// Who signs the tokens of its service accounts.
    pub identity: Identity,
    /// Its network.
    pub vpc_config: VpcConfig,
    /// Tags.
    pub tags: Tags,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VpcConfig {
    /// The network of its subnets.
    pub vpc_id: Option<String>,
    /// Where the control plane's interfaces are.
    pub subnet_ids: BTreeSet<String>,
    /// Groups of these interfaces besides the one that EKS made.
    pub security_group_ids: BTreeSet<String>,
    /// The group that EKS made for the control plane and all managed nodes.
    pub cluster_security_group_id: Option<String>,
    /// Whether the API is reached from inside the network.
    pub endpoint_private_access: bool,
    /// Whether the API is reached from the internet.
    pub endpoint_public_access: bool,
}

impl Data for Cluster {
    const TYPE: &'static str = "aws_eks_cluster";
    type Outputs = Outputs;

    async fn read(&self, aws: &Aws) -> Result<Outputs, Fault> {
        let found = describe(aws, &self.name).await?;
        let missing = || Fault::new(Class::Missing, "eks:DescribeCluster", format!("there is no cluster {}", self.name));
        let it = seen(&found.ok_or_else(missing)?);
        let (settings, outputs) = (it.settings, it.outputs);
        Ok(Outputs {
            id: outputs.id,
            arn: outputs.arn,
            version: settings.version.0,
            status: match it.status {
                Status::Ready => "ACTIVE".to_owned(),
                Status::Pending(status) | Status::Failed(status) => status,
            },
            role_arn: settings.role_arn.0.0,
            endpoint: outputs.endpoint,
            certificate_authority: outputs.certificate_authority,
            identity: outputs.identity,
            vpc_config: VpcConfig {
                vpc_id: outputs.vpc_id,
                subnet_ids: settings.vpc_config.subnet_ids,
                security_group_ids: settings.vpc_config.security_group_ids,
                cluster_security_group_id: outputs.cluster_security_group_id,
                endpoint_private_access: settings.vpc_config.endpoint_private_access,
                endpoint_public_access: settings.vpc_config.endpoint_public_access,
            },
            tags: settings.tags,
        })
    }
}
