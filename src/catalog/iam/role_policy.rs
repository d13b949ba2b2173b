//! `aws_iam_role_policy`

use std::collections::BTreeMap;

use aws_sdk_iam::error::ProvideErrorMetadata;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FEW, details, document};
use crate::catalog::each::side_by_side;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::Fixed;
use crate::schema::field::Policy;

/// A policy that is a part of one role, and goes with it.
///
/// It carries no tags. The call that makes it would also overwrite one of the same name, so it is looked for first: one that
/// exists already is not ours, unless a creation of ours lost its answer.
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
/// resource "aws_iam_role_policy" "dns" {
///   name = "dns"
///   role = aws_iam_role.node.name
///   policy = jsonencode({
///     Version   = "2012-10-17"
///     Statement = [{ Effect = "Allow", Action = "route53:ListHostedZones", Resource = "*" }]
///   })
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolePolicy {
    /// Unique in the role.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[\w+=,.@-]+$"))]
    pub name: Fixed<String>,
    /// Name of the role.
    pub role: Fixed<String>,
    /// What it allows and denies: all inline policies of a role have 10,240 characters together.
    pub policy: Policy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// `ROLE:NAME`
    pub id: String,
}

/// Neither names of roles nor those of policies have a colon.
fn parts(id: &Id) -> Option<(&str, &str)> {
    id.as_str().split_once(':')
}

impl RolePolicy {
    fn id(&self) -> Id {
        Id::new(format!("{}:{}", *self.role, *self.name))
    }

    async fn put(&self, aws: &Aws) -> Result<(), Fault> {
        let call = aws.iam().put_role_policy().role_name(&*self.role).policy_name(&*self.name);
        call.policy_document(&*self.policy).send().await?;
        Ok(())
    }
}

impl Resource for RolePolicy {
    const TYPE: &'static str = "aws_iam_role_policy";
    const SETTLE: Settle = super::SETTLE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        if get(aws, &self.role, &self.name).await?.is_some() {
            let message = format!("the role {} has a policy {} already", *self.role, *self.name);
            return Err(Fault::new(Class::Exists, "iam:PutRolePolicy", message));
        }
        self.put(aws).await?;
        Ok(self.id())
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let asked: Vec<(&Id, &str, &str)> =
            query.ids.iter().filter_map(|id| parts(id).map(|(role, name)| (id, role, name))).collect();
        if asked.len() <= FEW {
            let looks: Vec<_> = asked
                .into_iter()
                .map(|(id, role, name)| async move {
                    Ok::<_, Fault>(get(aws, role, name).await?.map(|it| (id.clone(), seen(role, name, &it))))
                })
                .collect();
            return Ok(side_by_side(looks).await?.into_iter().flatten().collect());
        }
        let all = details(aws, query.shared).await?;
        let look = |(id, role, name): (&Id, &str, &str)| {
            let one = all.roles.get(role)?.role_policy_list().iter().find(|it| it.policy_name() == Some(name))?;
            Some((id.clone(), seen(role, name, one.policy_document().unwrap_or_default())))
        };
        Ok(asked.into_iter().filter_map(look).collect())
    }

    async fn update(&self, aws: &Aws, _: &Id, was: &Self) -> Result<(), Fault> {
        match self.policy == was.policy {
            true => Ok(()),
            false => self.put(aws).await,
        }
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let Some((role, name)) = parts(id) else { return Err(Fault::malformed_id(Self::TYPE, id, "ROLE:NAME")) };
        aws.iam().delete_role_policy().role_name(role).policy_name(name).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, _: &Token) -> Result<Option<Id>, Fault> {
        Ok(get(aws, &self.role, &self.name).await?.map(|_| self.id()))
    }
}

/// The document, as it comes.
async fn get(aws: &Aws, role: &str, name: &str) -> Result<Option<String>, Fault> {
    match aws.iam().get_role_policy().role_name(role).policy_name(name).send().await {
        Ok(got) => Ok(Some(got.policy_document)),
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn seen(role: &str, name: &str, text: &str) -> Seen<RolePolicy> {
    let settings = RolePolicy { name: Fixed(name.to_owned()), role: Fixed(role.to_owned()), policy: Policy(document(text)) };
    let outputs = Outputs { id: settings.id().as_str().to_owned() };
    Seen { settings, outputs, status: Status::Ready }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_role_and_policy() {
        let it = seen("node", "dns", "%7B%22Version%22%3A%222012-10-17%22%7D");
        assert_eq!(it.outputs.id, "node:dns");
        assert_eq!(parts(&Id::new("node:dns")), Some(("node", "dns")));
        assert_eq!(parts(&Id::new("node")), None);
        assert_eq!(it.settings.policy.0, r#"{"Version":"2012-10-17"}"#);
    }
}
