//! `aws_iam_policy`

use std::collections::BTreeMap;

use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Details, FEW, blockers, details, document, from_tags, root, to_tags, token_in};
use crate::catalog::each::side_by_side;
use crate::catalog::tags::{TagChanges, Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::Fixed;
use crate::schema::field::ManagedPolicy;

/// A policy that roles share. A changed document is a new version, made the default; the oldest goes when there are five.
///
/// ```stack
/// resource "aws_iam_policy" "dns" {
///   name = "devops-demo-dns"
///   policy = jsonencode({
///     Version   = "2012-10-17"
///     Statement = [{ Effect = "Allow", Action = ["route53:ListHostedZones"], Resource = "*" }]
///   })
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// Unique in the account.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub name: Fixed<String>,
    /// Groups policies; a part of the ARN. Begins and ends with a slash.
    #[serde(default = "root")]
    #[schemars(length(max = 512), regex(pattern = r"^/([!-~]*/)?$"))]
    pub path: Fixed<String>,
    /// What the policy is for.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub description: Fixed<String>,
    /// What it allows and denies: at most 6,144 characters besides white space.
    pub policy: ManagedPolicy,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyOutputs {
    /// The policy's ARN.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// `ANPA…`
    pub policy_id: String,
}

/// How many versions a policy may have (IAM user guide, "IAM and AWS STS quotas").
const VERSIONS: usize = 5;

impl Resource for Policy {
    const TYPE: &'static str = "aws_iam_policy";
    const SETTLE: Settle = super::SETTLE;
    type Outputs = PolicyOutputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let call = aws.iam().create_policy().policy_name(&*self.name).path(&*self.path).description(&*self.description);
        let made = call.policy_document(&*self.policy).set_tags(Some(to_tags(&self.tags)?)).send().await?;
        let arn = made.policy.and_then(|it| it.arn);
        arn.map(Id::new).ok_or_else(|| Fault::bug("iam:CreatePolicy", "the answer names no policy"))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let all = match query.ids.len() > FEW {
            true => Some(details(aws, query.shared).await?),
            false => None,
        };
        let all = all.as_deref();
        let looks: Vec<_> = query.ids.iter().map(|id| read_one(aws, id, all)).collect();
        Ok(side_by_side(looks).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let (iam, arn) = (aws.iam(), id.as_str());
        if self.policy != was.policy {
            let others = other_versions(aws, arn).await?;
            if let Some(oldest) = others.first().filter(|_| others.len() + 1 >= VERSIONS) {
                iam.delete_policy_version().policy_arn(arn).version_id(oldest).send().await?;
            }
            iam.create_policy_version().policy_arn(arn).policy_document(&*self.policy).set_as_default(true).send().await?;
        }
        let changes = TagChanges::between(&was.tags, &self.tags);
        if !changes.put.is_empty() {
            iam.tag_policy().policy_arn(arn).set_tags(Some(to_tags(&changes.put)?)).send().await?;
        }
        if !changes.remove.is_empty() {
            iam.untag_policy().policy_arn(arn).set_tag_keys(Some(changes.remove)).send().await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let (iam, arn) = (aws.iam(), id.as_str());
        for version in other_versions(aws, arn).await? {
            iam.delete_policy_version().policy_arn(arn).version_id(version).send().await?;
        }
        iam.delete_policy().policy_arn(arn).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        blockers::of_policy(aws, id.as_str()).await
    }

    async fn namesakes(&self, aws: &Aws) -> Result<Vec<Id>, Fault> {
        Ok(vec![Id::new(self.arn(aws).await?)])
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let arn = self.arn(aws).await?;
        let Some(policy) = get(aws, &arn).await? else { return Ok(None) };
        let taken = format!("the policy {arn} exists already");
        own(Id::new(arn), token_in(policy.tags()), token, "iam:CreatePolicy", taken)
    }
}

impl Policy {
    /// It follows from path and name.
    async fn arn(&self, aws: &Aws) -> Result<String, Fault> {
        let (partition, account) = (aws.partition().await?, aws.account().await?);
        Ok(format!("arn:{partition}:iam::{account}:policy{}{}", *self.path, *self.name))
    }
}

async fn get(aws: &Aws, arn: &str) -> Result<Option<sdk::Policy>, Fault> {
    match aws.iam().get_policy().policy_arn(arn).send().await {
        Ok(got) => Ok(got.policy),
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// All versions but the default one, oldest first.
async fn other_versions(aws: &Aws, arn: &str) -> Result<Vec<String>, Fault> {
    let mut pages = aws.iam().list_policy_versions().policy_arn(arn).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        all.extend(page?.versions.unwrap_or_default().into_iter().filter(|it| !it.is_default_version));
    }
    let number = |it: &sdk::PolicyVersion| it.version_id().and_then(|it| it.trim_start_matches('v').parse::<u64>().ok());
    all.sort_by_key(number);
    Ok(all.into_iter().filter_map(|it| it.version_id).collect())
}

/// Description and tags are told of one policy a call; the document is in the account's details, where those were asked for.
async fn read_one(aws: &Aws, id: &Id, all: Option<&Details>) -> Result<Option<(Id, Seen<Policy>)>, Fault> {
    let arn = id.as_str();
    let known = all.map(|it| it.policies.get(arn));
    if let Some(None) = known {
        return Ok(None);
    }
    let Some(it) = get(aws, arn).await? else { return Ok(None) };
    let version = it.default_version_id().unwrap_or("v1");
    let known = known.flatten().map(|it| it.policy_version_list()).unwrap_or_default();
    let known = known.iter().find(|it| it.version_id() == Some(version)).and_then(|it| it.document());
    let text = match known {
        Some(text) => Some(text.to_owned()),
        None => version_of(aws, arn, version).await?,
    };
    let Some(text) = text else { return Ok(None) };
    let settings = Policy {
        name: Fixed(it.policy_name().unwrap_or_default().to_owned()),
        path: Fixed(it.path().unwrap_or("/").to_owned()),
        description: Fixed(it.description().unwrap_or_default().to_owned()),
        policy: ManagedPolicy(document(&text)),
        tags: from_tags(it.tags()),
    };
    let policy_id = it.policy_id().unwrap_or_default().to_owned();
    let outputs = PolicyOutputs { id: arn.to_owned(), arn: arn.to_owned(), policy_id };
    Ok(Some((id.clone(), Seen { settings, outputs, status: Status::Ready })))
}

/// The document of one version.
async fn version_of(aws: &Aws, arn: &str, version: &str) -> Result<Option<String>, Fault> {
    match aws.iam().get_policy_version().policy_arn(arn).version_id(version).send().await {
        Ok(got) => Ok(Some(got.policy_version.and_then(|it| it.document).unwrap_or_default())),
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(None),
        Err(error) => Err(error.into()),
    }
}
