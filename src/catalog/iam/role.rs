//! `aws_iam_role`

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FEW, blockers, details, document, from_tags, root, to_tags, token_in};
use crate::catalog::each::side_by_side;
use crate::catalog::tags::{TagChanges, Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Arn, Fixed, Local, Policy};

/// An identity that services, workloads or other accounts take on.
///
/// What it may do is attached with `aws_iam_role_policy_attachment`. Its `unique_id` is another one after it was deleted and made
/// again: what must notice that refers to `unique_id`.
///
/// ```stack
/// resource "aws_iam_role" "cluster" {
///   name = "devops-demo-cluster"
///   path = "/devops-demo/dev/"
///   assume_role_policy = jsonencode({
///     Version = "2012-10-17"
///     Statement = [{
///       Effect    = "Allow"
///       Principal = { Service = "eks.amazonaws.com" }
///       Action    = "sts:AssumeRole"
///     }]
///   })
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Role {
    /// Unique in the account, whatever the letters' case and the path.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub name: Fixed<String>,
    /// Who may take the role on.
    pub assume_role_policy: Policy,
    /// Groups roles; a part of the ARN. Begins and ends with a slash.
    #[serde(default = "root")]
    #[schemars(length(max = 512), regex(pattern = r"^/([!-~]*/)?$"))]
    pub path: Fixed<String>,
    /// What the role is for.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub description: String,
    /// The longest session in seconds that may be asked for.
    #[serde(default = "hour")]
    #[schemars(range(min = 3600, max = 43200))]
    pub max_session_duration: i32,
    /// ARN of the policy that limits what the role's own policies can allow.
    #[serde(default)]
    pub permissions_boundary: Option<Arn>,
    /// Whether deleting the role first takes off what others attached to it. Else such a role stays, and the error says so.
    #[serde(default)]
    pub force_detach_policies: Local<bool>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleOutputs {
    /// The role's name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// `AROA…`: not the same again when the role is deleted and made anew.
    pub unique_id: String,
}

fn hour() -> i32 {
    3600
}

impl Resource for Role {
    const TYPE: &'static str = "aws_iam_role";
    const SETTLE: Settle = super::SETTLE;
    type Outputs = RoleOutputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        aws.iam()
            .create_role()
            .role_name(&*self.name)
            .path(&*self.path)
            .assume_role_policy_document(&*self.assume_role_policy)
            .description(&self.description)
            .max_session_duration(self.max_session_duration)
            .set_permissions_boundary(self.permissions_boundary.as_ref().map(|it| it.0.clone()))
            .set_tags(Some(to_tags(&self.tags)?))
            .send()
            .await?;
        Ok(Id::new(self.name.as_str()))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        if query.ids.len() <= FEW {
            let looks: Vec<_> = query.ids.iter().map(|id| get(aws, id.as_str())).collect();
            return Ok(side_by_side(looks)
                .await?
                .into_iter()
                .flatten()
                .map(|it| see(&it, it.permissions_boundary(), it.tags()))
                .collect());
        }
        let (plain, more) = futures::try_join!(list(aws, query.shared), details(aws, query.shared))?;
        let mine = query.ids.iter().filter_map(|id| Some((plain.get(id.as_str())?, more.roles.get(id.as_str())?)));
        Ok(mine.map(|(it, more)| see(it, more.permissions_boundary(), more.tags())).collect())
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let (iam, name) = (aws.iam(), id.as_str());
        if self.assume_role_policy != was.assume_role_policy {
            iam.update_assume_role_policy().role_name(name).policy_document(&*self.assume_role_policy).send().await?;
        }
        if (&self.description, self.max_session_duration) != (&was.description, was.max_session_duration) {
            let call = iam.update_role().role_name(name).description(&self.description);
            call.max_session_duration(self.max_session_duration).send().await?;
        }
        if self.permissions_boundary != was.permissions_boundary {
            match &self.permissions_boundary {
                Some(it) => {
                    let call = iam.put_role_permissions_boundary().role_name(name).permissions_boundary(&**it);
                    drop(call.send().await?);
                }
                None => drop(iam.delete_role_permissions_boundary().role_name(name).send().await?),
            }
        }
        let changes = TagChanges::between(&was.tags, &self.tags);
        if !changes.put.is_empty() {
            iam.tag_role().role_name(name).set_tags(Some(to_tags(&changes.put)?)).send().await?;
        }
        if !changes.remove.is_empty() {
            iam.untag_role().role_name(name).set_tag_keys(Some(changes.remove)).send().await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let (iam, name) = (aws.iam(), id.as_str());
        if *self.force_detach_policies {
            let mut pages = iam.list_attached_role_policies().role_name(name).into_paginator().send();
            while let Some(page) = pages.next().await {
                for arn in page?.attached_policies.unwrap_or_default().into_iter().filter_map(|it| it.policy_arn) {
                    iam.detach_role_policy().role_name(name).policy_arn(arn).send().await?;
                }
            }
            let mut pages = iam.list_role_policies().role_name(name).into_paginator().send();
            while let Some(page) = pages.next().await {
                for policy in page?.policy_names {
                    iam.delete_role_policy().role_name(name).policy_name(policy).send().await?;
                }
            }
        }
        iam.delete_role().role_name(name).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        blockers::of_role(aws, id.as_str()).await
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let Some(role) = get(aws, &self.name).await? else { return Ok(None) };
        let taken = format!("the role {} exists already", *self.name);
        own(Id::new(role.role_name()), token_in(role.tags()), token, "iam:CreateRole", taken)
    }
}

async fn get(aws: &Aws, name: &str) -> Result<Option<sdk::Role>, Fault> {
    match aws.iam().get_role().role_name(name).send().await {
        Ok(got) => Ok(got.role),
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// All roles of the account by name, 1,000 a page: without tags and boundary.
async fn list(aws: &Aws, shared: bool) -> Result<Arc<BTreeMap<String, sdk::Role>>, Fault> {
    let read = || async {
        let mut pages = aws.iam().list_roles().max_items(1000).into_paginator().send();
        let mut all = BTreeMap::new();
        while let Some(page) = pages.next().await {
            all.extend(page?.roles.into_iter().map(|it| (it.role_name.clone(), it)));
        }
        Ok(all)
    };
    aws.shared(shared, "iam:ListRoles".into(), read).await
}

fn see(it: &sdk::Role, boundary: Option<&sdk::AttachedPermissionsBoundary>, tags: &[sdk::Tag]) -> (Id, Seen<Role>) {
    let settings = Role {
        name: Fixed(it.role_name.clone()),
        assume_role_policy: Policy(document(it.assume_role_policy_document().unwrap_or_default())),
        path: Fixed(it.path.clone()),
        description: it.description().unwrap_or_default().to_owned(),
        max_session_duration: it.max_session_duration().unwrap_or_else(hour),
        permissions_boundary: boundary.and_then(|it| it.permissions_boundary_arn()).map(Arn::from),
        force_detach_policies: Local(false),
        tags: from_tags(tags),
    };
    let outputs = RoleOutputs { id: it.role_name.clone(), arn: it.arn.clone(), unique_id: it.role_id.clone() };
    (Id::new(it.role_name.as_str()), Seen { settings, outputs, status: Status::Ready })
}
