//! `aws_default_security_group`

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{SecurityGroup as Live, Tag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::flow::{self, Blocks};
use super::security_group::{Direction, LISTING, change_rules, list};
use super::{filter, tag};
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault, Id, Settle, Status, Token, tags};
use crate::resource::{Resource, Seen};
use crate::schema::{Fixed, Later};

/// The security group that AWS makes with every VPC, and gives to what names no group. It is adopted, never made and never
/// deleted; without blocks it lets nothing through.
///
/// What makes it the stack's own are its tags. Deleting this resource takes them off and leaves the group with the VPC.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_default_security_group" "main" {
///   vpc_id = aws_vpc.main.id
///   tags   = { Name = "default-unused" }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DefaultSecurityGroup {
    /// The VPC that it lies in.
    pub vpc_id: Fixed<String>,
    /// What is let in.
    #[serde(default)]
    pub ingress: Later<Blocks>,
    /// What is let out.
    #[serde(default)]
    pub egress: Later<Blocks>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The account that it belongs to.
    pub owner_id: String,
    /// Always `default`.
    pub name: String,
    /// AWS's own description.
    pub description: String,
}

impl DefaultSecurityGroup {
    async fn live(&self, aws: &Aws) -> Result<Option<Live>, Fault> {
        let filters = vec![filter("vpc-id", [&**self.vpc_id]), filter("group-name", ["default"])];
        Ok(list(aws, filters).await?.into_iter().next())
    }
}

fn mark(it: &Live) -> Option<&str> {
    it.tags().iter().find(|it| it.key() == Some(tags::ID)).and_then(Tag::value)
}

impl Resource for DefaultSecurityGroup {
    const TYPE: &'static str = "aws_default_security_group";
    const SETTLE: Settle = super::SETTLE;
    type Outputs = Outputs;

    /// Puts our marks on it. They can be put twice.
    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let Some(it) = self.live(aws).await? else {
            let why = format!("the default security group of {} cannot be seen yet", *self.vpc_id);
            return Err(Fault::new(Class::Settling, LISTING.call, why));
        };
        let id = super::named(LISTING.call, it.group_id)?;
        let put = self.tags.iter().map(|(key, value)| tag(key, value)).collect();
        aws.ec2().create_tags().resources(id.as_str()).set_tags(Some(put)).send().await?;
        Ok(id)
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let found = super::describe(aws, query, LISTING, |filters| list(aws, filters)).await?;
        let mut seen = BTreeMap::new();
        // Without our mark it is AWS's; only who looks at everything, to import it, sees that too.
        for (id, it) in found.into_iter().filter(|(_, it)| query.whole || mark(it).is_some()) {
            let arn = aws.arn("ec2", &format!("security-group/{id}")).await?;
            seen.insert(id, see(it, arn));
        }
        Ok(seen)
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        change_rules(aws, id, Direction::Ingress, &was.ingress, &self.ingress, &self.tags).await?;
        change_rules(aws, id, Direction::Egress, &was.egress, &self.egress, &self.tags).await?;
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let ours = self.tags.keys().map(String::as_str).chain([tags::STACK, tags::LINEAGE, tags::ID, tags::ADDRESS]);
        let take = ours.map(|key| Tag::builder().key(key).build()).collect();
        aws.ec2().delete_tags().resources(id.as_str()).set_tags(Some(take)).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let found = self.live(aws).await?.filter(|it| mark(it) == Some(token.as_str()));
        Ok(found.and_then(|it| it.group_id).map(Id::new))
    }
}

fn see(it: Live, arn: String) -> Seen<DefaultSecurityGroup> {
    let blocks = |permissions| {
        let flows = flow::of_permissions(permissions, it.group_id().unwrap_or_default(), it.owner_id());
        Later(flow::to_blocks(&flows))
    };
    let settings = DefaultSecurityGroup {
        ingress: blocks(it.ip_permissions()),
        egress: blocks(it.ip_permissions_egress()),
        tags: super::read_tags(it.tags()),
        vpc_id: Fixed(it.vpc_id.unwrap_or_default()),
    };
    let outputs = Outputs {
        id: it.group_id.unwrap_or_default(),
        arn,
        owner_id: it.owner_id.unwrap_or_default(),
        name: it.group_name.unwrap_or_default(),
        description: it.description.unwrap_or_default(),
    };
    Seen { settings, outputs, status: Status::Ready }
}
