//! `aws_eks_access_policy_association`

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::each::side_by_side;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Arn, Fixed};

/// Gives an access entry one of EKS's policies, in the whole cluster or in some namespaces.
///
/// It carries no tags. The call that makes it would also change one that is there, so it is looked for first.
///
/// ```stack
/// resource "aws_eks_access_entry" "developers" {
///   cluster_name  = "devops-demo-dev"
///   principal_arn = "arn:aws:iam::111111111111:role/developers"
/// }
///
/// resource "aws_eks_access_policy_association" "developers" {
///   cluster_name  = aws_eks_access_entry.developers.cluster_name
///   principal_arn = aws_eks_access_entry.developers.principal_arn
///   policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
///   access_scope {
///     type       = "namespace"
///     namespaces = ["devops-demo*"]
///   }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccessPolicyAssociation {
    /// Name of the cluster.
    pub cluster_name: Fixed<String>,
    /// Of an access entry.
    pub principal_arn: Fixed<Arn>,
    /// `arn:aws:eks::aws:cluster-access-policy/…`
    pub policy_arn: Fixed<Arn>,
    /// Where it holds.
    pub access_scope: Scope,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// `cluster` or `namespace`.
    #[schemars(regex(pattern = "^(cluster|namespace)$"))]
    pub r#type: String,
    /// Names, or how they begin: `devops-demo*`.
    #[serde(default)]
    pub namespaces: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// `CLUSTER#PRINCIPAL#POLICY`
    pub id: String,
}

impl AccessPolicyAssociation {
    fn id(&self) -> Id {
        Id::new(format!("{}#{}#{}", *self.cluster_name, &**self.principal_arn, &**self.policy_arn))
    }

    async fn put(&self, aws: &Aws) -> Result<(), Fault> {
        let scope = sdk::AccessScope::builder()
            .r#type(sdk::AccessScopeType::from(self.access_scope.r#type.as_str()))
            .set_namespaces(Some(self.access_scope.namespaces.iter().cloned().collect()))
            .build();
        let call = aws.eks().associate_access_policy().cluster_name(&*self.cluster_name);
        call.principal_arn(&**self.principal_arn).policy_arn(&**self.policy_arn).access_scope(scope).send().await?;
        aws.kube().access_changed(&self.cluster_name);
        Ok(())
    }

    async fn is_there(&self, aws: &Aws) -> Result<bool, Fault> {
        let all = list(aws, &self.cluster_name, &self.principal_arn).await?;
        Ok(all.iter().any(|it| it.policy_arn() == Some(&**self.policy_arn)))
    }
}

/// Cluster, principal, policy.
fn parts(id: &Id) -> Option<(&str, &str, &str)> {
    let (cluster, rest) = id.as_str().split_once('#')?;
    let (principal, policy) = rest.split_once('#')?;
    Some((cluster, principal, policy))
}

impl Resource for AccessPolicyAssociation {
    const TYPE: &'static str = "aws_eks_access_policy_association";
    const SETTLE: Settle = Settle::INSTANT;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        if self.is_there(aws).await? {
            let message = format!("{} has the policy {} already", &**self.principal_arn, &**self.policy_arn);
            return Err(Fault::new(Class::Exists, "eks:AssociateAccessPolicy", message));
        }
        self.put(aws).await?;
        Ok(self.id())
    }

    /// One call for each entry, however many policies it has.
    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let asked: Vec<(&Id, (&str, &str, &str))> = query.ids.iter().filter_map(|id| Some((id, parts(id)?))).collect();
        let entries: BTreeSet<(&str, &str)> = asked.iter().map(|(_, (cluster, principal, _))| (*cluster, *principal)).collect();
        let looks: Vec<_> =
            entries.into_iter().map(|entry| async move { Ok::<_, Fault>((entry, list(aws, entry.0, entry.1).await?)) }).collect();
        let found: BTreeMap<(&str, &str), Vec<sdk::AssociatedAccessPolicy>> = side_by_side(looks).await?.into_iter().collect();
        let look = |(id, (cluster, principal, policy)): (&Id, (&str, &str, &str))| {
            let one = found.get(&(cluster, principal))?.iter().find(|it| it.policy_arn() == Some(policy))?;
            Some((id.clone(), see(cluster, principal, policy, one)))
        };
        Ok(asked.into_iter().filter_map(look).collect())
    }

    async fn update(&self, aws: &Aws, _: &Id, was: &Self) -> Result<(), Fault> {
        match self.access_scope == was.access_scope {
            true => Ok(()),
            false => self.put(aws).await,
        }
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let Some((cluster, principal, policy)) = parts(id) else {
            return Err(Fault::malformed_id(Self::TYPE, id, "CLUSTER#PRINCIPAL_ARN#POLICY_ARN"));
        };
        let call = aws.eks().disassociate_access_policy().cluster_name(cluster);
        call.principal_arn(principal).policy_arn(policy).send().await?;
        aws.kube().access_changed(cluster);
        Ok(())
    }

    async fn find(&self, aws: &Aws, _: &Token) -> Result<Option<Id>, Fault> {
        Ok(self.is_there(aws).await?.then(|| self.id()))
    }
}

/// An entry that does not exist has none.
async fn list(aws: &Aws, cluster: &str, principal: &str) -> Result<Vec<sdk::AssociatedAccessPolicy>, Fault> {
    let ask = aws.eks().list_associated_access_policies().cluster_name(cluster).principal_arn(principal);
    let mut pages = ask.into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(it) => all.extend(it.associated_access_policies.unwrap_or_default()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(all)
}

fn see(cluster: &str, principal: &str, policy: &str, it: &sdk::AssociatedAccessPolicy) -> Seen<AccessPolicyAssociation> {
    let scope = it.access_scope();
    let settings = AccessPolicyAssociation {
        cluster_name: Fixed(cluster.to_owned()),
        principal_arn: Fixed(principal.into()),
        policy_arn: Fixed(policy.into()),
        access_scope: Scope {
            r#type: scope.and_then(|it| it.r#type()).map(|it| it.as_str()).unwrap_or("cluster").to_owned(),
            namespaces: scope.map(|it| it.namespaces()).unwrap_or_default().iter().cloned().collect(),
        },
    };
    let outputs = Outputs { id: settings.id().as_str().to_owned() };
    Seen { settings, outputs, status: Status::Ready }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_three_parts() {
        let id = Id::new("main#arn:aws:iam::1:role/a#arn:aws:eks::aws:cluster-access-policy/P");
        let expected = ("main", "arn:aws:iam::1:role/a", "arn:aws:eks::aws:cluster-access-policy/P");
        assert_eq!(parts(&id), Some(expected));
        let seen = see(expected.0, expected.1, expected.2, &sdk::AssociatedAccessPolicy::builder().build());
        assert_eq!(seen.outputs.id, id.as_str());
        assert_eq!(parts(&Id::new("main#a")), None);
    }
}
