//! `aws_iam_role_policy_attachment`

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types::AttachedPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FEW, details};
use crate::catalog::each::side_by_side;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::Fixed;
use crate::schema::field::Arn;

/// Gives a managed policy to a role.
///
/// It carries no tags; one that exists counts as ours after a creation whose answer was lost.
///
/// ```stack
/// resource "aws_iam_role" "node" {
///   name = "devops-demo-node"
///   assume_role_policy = jsonencode({
///     Version   = "2012-10-17"
///     Statement = [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }]
///   })
/// }
///
/// resource "aws_iam_role_policy_attachment" "node" {
///   role       = aws_iam_role.node.name
///   policy_arn = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolePolicyAttachment {
    /// Name of the role.
    pub role: Fixed<String>,
    /// ARN of the policy.
    pub policy_arn: Fixed<Arn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// `ROLE/POLICY_ARN`
    pub id: String,
}

impl RolePolicyAttachment {
    fn id(&self) -> Id {
        Id::new(format!("{}/{}", *self.role, &**self.policy_arn))
    }

    /// Names of roles have no slash.
    fn of(id: &Id) -> Option<Self> {
        let (role, policy) = id.as_str().split_once('/')?;
        Some(Self { role: Fixed(role.to_owned()), policy_arn: Fixed(policy.into()) })
    }
}

impl Resource for RolePolicyAttachment {
    const TYPE: &'static str = "aws_iam_role_policy_attachment";
    const SETTLE: Settle = super::SETTLE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        aws.iam().attach_role_policy().role_name(&*self.role).policy_arn(&**self.policy_arn).send().await?;
        Ok(self.id())
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let asked: Vec<_> = query.ids.iter().filter_map(Self::of).collect();
        let roles: BTreeSet<&str> = asked.iter().map(|it| it.role.as_str()).collect();
        let arns = |all: &[AttachedPolicy]| all.iter().filter_map(|it| it.policy_arn.clone()).collect::<BTreeSet<_>>();
        let attached: BTreeMap<&str, BTreeSet<String>> = if roles.len() <= FEW {
            let looks: Vec<_> =
                roles.into_iter().map(|role| async move { Ok::<_, Fault>((role, list(aws, role).await?)) }).collect();
            side_by_side(looks).await?.into_iter().map(|(role, all)| (role, arns(&all))).collect()
        } else {
            let all = details(aws, query.shared).await?;
            roles.into_iter().filter_map(|role| Some((role, arns(all.roles.get(role)?.attached_managed_policies())))).collect()
        };
        let there = |it: &&Self| attached.get(it.role.as_str()).is_some_and(|all| all.contains(&**it.policy_arn));
        Ok(asked.iter().filter(there).map(|it| (it.id(), it.see())).collect())
    }

    async fn update(&self, _: &Aws, _: &Id, _: &Self) -> Result<(), Fault> {
        Ok(())
    }

    async fn delete(&self, aws: &Aws, _: &Id) -> Result<(), Fault> {
        aws.iam().detach_role_policy().role_name(&*self.role).policy_arn(&**self.policy_arn).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, _: &Token) -> Result<Option<Id>, Fault> {
        let all = list(aws, &self.role).await?;
        Ok(all.iter().any(|it| it.policy_arn() == Some(&**self.policy_arn)).then(|| self.id()))
    }
}

impl RolePolicyAttachment {
    fn see(&self) -> Seen<Self> {
        let outputs = Outputs { id: self.id().as_str().to_owned() };
        Seen { settings: self.clone(), outputs, status: Status::Ready }
    }
}

/// A role that does not exist has none.
async fn list(aws: &Aws, role: &str) -> Result<Vec<AttachedPolicy>, Fault> {
    let mut pages = aws.iam().list_attached_role_policies().role_name(role).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(it) => all.extend(it.attached_policies.unwrap_or_default()),
            Err(error) if error.code() == Some("NoSuchEntity") => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(all)
}
