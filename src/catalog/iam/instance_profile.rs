//! `aws_iam_instance_profile`

use std::collections::BTreeMap;

use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{from_tags, root, to_tags, token_in};
use crate::catalog::each::read_each;
use crate::catalog::tags::{TagChanges, Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::Fixed;

/// What gives a role to EC2 instances.
///
/// Managed node groups of EKS make one for themselves.
///
/// ```stack
/// resource "aws_iam_role" "runner" {
///   name = "devops-demo-runner"
///   assume_role_policy = jsonencode({
///     Version   = "2012-10-17"
///     Statement = [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }]
///   })
/// }
///
/// resource "aws_iam_instance_profile" "runner" {
///   name = "devops-demo-runner"
///   role = aws_iam_role.runner.name
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceProfile {
    /// Unique in the account.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub name: Fixed<String>,
    /// Groups profiles; a part of the ARN. Begins and ends with a slash.
    #[serde(default = "root")]
    #[schemars(length(max = 512), regex(pattern = r"^/([!-~]*/)?$"))]
    pub path: Fixed<String>,
    /// Name of the role: one at most.
    #[serde(default)]
    pub role: Option<String>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// The profile's name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// `AIPA…`
    pub unique_id: String,
}

impl Resource for InstanceProfile {
    const TYPE: &'static str = "aws_iam_instance_profile";
    const SETTLE: Settle = super::SETTLE;
    type Outputs = Outputs;

    /// Without its role, which is a call of its own.
    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let call = aws.iam().create_instance_profile().instance_profile_name(&*self.name).path(&*self.path);
        call.set_tags(Some(to_tags(&self.tags)?)).send().await?;
        Ok(Id::new(self.name.as_str()))
    }

    /// Lists leave out tags: one call a profile.
    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        read_each(&query.ids, |id| async move { Ok(get(aws, id.as_str()).await?.map(|it| see(&it))) }).await
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let (iam, name) = (aws.iam(), id.as_str());
        if self.role != was.role {
            if let Some(role) = &was.role {
                iam.remove_role_from_instance_profile().instance_profile_name(name).role_name(role).send().await?;
            }
            if let Some(role) = &self.role {
                iam.add_role_to_instance_profile().instance_profile_name(name).role_name(role).send().await?;
            }
        }
        let changes = TagChanges::between(&was.tags, &self.tags);
        if !changes.put.is_empty() {
            let call = iam.tag_instance_profile().instance_profile_name(name);
            call.set_tags(Some(to_tags(&changes.put)?)).send().await?;
        }
        if !changes.remove.is_empty() {
            let call = iam.untag_instance_profile().instance_profile_name(name);
            call.set_tag_keys(Some(changes.remove)).send().await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let (iam, name) = (aws.iam(), id.as_str());
        for role in get(aws, name).await?.map(|it| it.roles).unwrap_or_default() {
            iam.remove_role_from_instance_profile().instance_profile_name(name).role_name(role.role_name).send().await?;
        }
        iam.delete_instance_profile().instance_profile_name(name).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let Some(found) = get(aws, &self.name).await? else { return Ok(None) };
        let taken = format!("the instance profile {} exists already", *self.name);
        own(Id::new(self.name.as_str()), token_in(found.tags()), token, "iam:CreateInstanceProfile", taken)
    }
}

async fn get(aws: &Aws, name: &str) -> Result<Option<sdk::InstanceProfile>, Fault> {
    match aws.iam().get_instance_profile().instance_profile_name(name).send().await {
        Ok(got) => Ok(got.instance_profile),
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn see(it: &sdk::InstanceProfile) -> Seen<InstanceProfile> {
    let name = it.instance_profile_name();
    let settings = InstanceProfile {
        name: Fixed(name.to_owned()),
        path: Fixed(it.path().to_owned()),
        role: it.roles().first().map(|it| it.role_name().to_owned()),
        tags: from_tags(it.tags()),
    };
    let outputs = Outputs { id: name.to_owned(), arn: it.arn().to_owned(), unique_id: it.instance_profile_id().to_owned() };
    Seen { settings, outputs, status: Status::Ready }
}
