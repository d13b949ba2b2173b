//! `aws_eks_access_entry`

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::token_in;
use crate::catalog::each::read_each;
use crate::catalog::tags::{Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Arn, Auto, Fixed, Local};

/// Lets an IAM role or user into a cluster.
///
/// EKS keeps who it is by the principal's unique id: a role that is deleted and made again has another one, and the entry, which
/// looks as before, lets nobody in. Say `principal_id`, and the entry is made again with the role.
///
/// Node groups get entries from EKS.
///
/// ```stack
/// resource "aws_iam_role" "developers" {
///   name = "devops-demo-developers"
///   assume_role_policy = jsonencode({
///     Version   = "2012-10-17"
///     Statement = [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }]
///   })
/// }
///
/// resource "aws_eks_access_entry" "developers" {
///   cluster_name      = "devops-demo-dev"
///   principal_arn     = aws_iam_role.developers.arn
///   principal_id      = aws_iam_role.developers.unique_id
///   kubernetes_groups = ["platform:developers"]
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccessEntry {
    /// Name of the cluster.
    pub cluster_name: Fixed<String>,
    /// A role or user. One of IAM Identity Center keeps its whole path.
    pub principal_arn: Fixed<Arn>,
    /// The principal's unique id (`AROA…`): with another one the entry is made again.
    #[serde(default)]
    pub principal_id: Local<Fixed<Option<String>>>,
    /// `STANDARD`, or `EC2_LINUX`, `EC2_WINDOWS`, `FARGATE_LINUX`, `HYBRID_LINUX`, `EC2` for nodes.
    #[serde(default = "standard")]
    #[schemars(regex(pattern = "^(STANDARD|EC2_LINUX|EC2_WINDOWS|FARGATE_LINUX|HYBRID_LINUX|EC2)$"))]
    pub r#type: Fixed<String>,
    /// Groups of Kubernetes that the principal is in; none for nodes, which are where EKS puts them.
    #[serde(default)]
    pub kubernetes_groups: BTreeSet<String>,
    /// Its name in Kubernetes; left out, EKS makes one that tells the session too.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub user_name: Auto<String>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

fn standard() -> Fixed<String> {
    Fixed(STANDARD.into())
}

const STANDARD: &str = "STANDARD";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// `CLUSTER:PRINCIPAL`
    pub id: String,
    /// Its ARN.
    pub access_entry_arn: String,
}

/// Names of clusters have no colon.
fn parts(id: &Id) -> Option<(&str, &str)> {
    super::of_two(id)
}

const FORM: &str = "CLUSTER:PRINCIPAL_ARN";

impl Resource for AccessEntry {
    const TYPE: &'static str = "aws_eks_access_entry";
    const SETTLE: Settle = Settle { typical: Duration::from_secs(2), ..Settle::INSTANT };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        aws.eks()
            .create_access_entry()
            .cluster_name(&*self.cluster_name)
            .principal_arn(&**self.principal_arn)
            .r#type(&*self.r#type)
            .set_kubernetes_groups((!self.kubernetes_groups.is_empty()).then(|| self.kubernetes_groups.iter().cloned().collect()))
            .set_username(self.user_name.0.clone())
            .set_tags(Some(self.tags.clone().into_iter().collect()))
            .client_request_token(token.as_str())
            .send()
            .await?;
        aws.kube().access_changed(&self.cluster_name);
        Ok(Id::new(format!("{}:{}", *self.cluster_name, &**self.principal_arn)))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        read_each(&query.ids, |id| async move {
            let Some((cluster, principal)) = parts(id) else { return Ok(None) };
            Ok(describe(aws, cluster, principal).await?.map(|it| see(&it)))
        })
        .await
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let Some((cluster, principal)) = parts(id) else { return Err(Fault::malformed_id(Self::TYPE, id, FORM)) };
        let renamed = self.user_name.as_ref().filter(|it| Some(*it) != was.user_name.as_ref());
        if self.kubernetes_groups != was.kubernetes_groups || renamed.is_some() {
            let call = aws.eks().update_access_entry().cluster_name(cluster).principal_arn(principal);
            let groups = self.kubernetes_groups.iter().cloned().collect();
            call.set_kubernetes_groups(Some(groups)).set_username(renamed.cloned()).send().await?;
            aws.kube().access_changed(cluster);
        }
        if self.tags != was.tags
            && let Some(found) = describe(aws, cluster, principal).await?
        {
            super::change_tags(aws, found.access_entry_arn().unwrap_or_default(), &was.tags, &self.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let Some((cluster, principal)) = parts(id) else { return Err(Fault::malformed_id(Self::TYPE, id, FORM)) };
        aws.eks().delete_access_entry().cluster_name(cluster).principal_arn(principal).send().await?;
        aws.kube().access_changed(cluster);
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let Some(found) = describe(aws, &self.cluster_name, &self.principal_arn).await? else { return Ok(None) };
        let taken = format!("the cluster {} has an entry for {} already", *self.cluster_name, &**self.principal_arn);
        own(
            Id::new(format!("{}:{}", *self.cluster_name, &**self.principal_arn)),
            token_in(found.tags()),
            token,
            "eks:CreateAccessEntry",
            taken,
        )
    }
}

async fn describe(aws: &Aws, cluster: &str, principal: &str) -> Result<Option<sdk::AccessEntry>, Fault> {
    match aws.eks().describe_access_entry().cluster_name(cluster).principal_arn(principal).send().await {
        Ok(got) => Ok(got.access_entry),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn see(it: &sdk::AccessEntry) -> Seen<AccessEntry> {
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let kind = it.r#type().unwrap_or(STANDARD);
    let settings = AccessEntry {
        cluster_name: Fixed(owned(it.cluster_name())),
        principal_arn: Fixed(Arn(owned(it.principal_arn()))),
        principal_id: Local(Fixed(None)),
        r#type: Fixed(kind.to_owned()),
        // Nodes are in groups that nobody can choose.
        kubernetes_groups: match kind {
            STANDARD => it.kubernetes_groups().iter().cloned().collect(),
            _ => BTreeSet::new(),
        },
        user_name: Auto(it.username().map(str::to_owned)),
        tags: it.tags().cloned().unwrap_or_default().into_iter().collect(),
    };
    let id = format!("{}:{}", it.cluster_name().unwrap_or_default(), it.principal_arn().unwrap_or_default());
    let outputs = Outputs { id, access_entry_arn: owned(it.access_entry_arn()) };
    Seen { settings, outputs, status: Status::Ready }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_nodes_are_nobodys_choice() {
        let entry = |kind: &str| sdk::AccessEntry::builder().r#type(kind).kubernetes_groups("system:nodes").build();
        assert_eq!(see(&entry("EC2_LINUX")).settings.kubernetes_groups, BTreeSet::new());
        assert_eq!(see(&entry("STANDARD")).settings.kubernetes_groups.len(), 1);
    }

    #[test]
    fn an_arn_has_colons_of_its_own() {
        let id = Id::new("main:arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_1");
        let (cluster, principal) = parts(&id).unwrap();
        assert_eq!(cluster, "main");
        assert!(principal.starts_with("arn:aws:iam::111111111111:role/aws-reserved/"), "the whole path is kept");
    }
}
