//! `aws_route_table`

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{Filter, ResourceType, RouteTable as Live};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, blockers};
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::Fixed;

/// Where a subnet's packets go. Its routes are `aws_route`, its subnets `aws_route_table_association`.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_route_table" "private" {
///   vpc_id = aws_vpc.main.id
///   tags   = { Name = "private" }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteTable {
    /// The VPC that it lies in.
    pub vpc_id: Fixed<String>,
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
}

/// Shared with routes and associations, which are parts of the tables' descriptions.
pub(super) const LISTING: Listing<Live> =
    Listing { call: "ec2:DescribeRouteTables", id_filter: "route-table-id", id_of: Live::route_table_id };

/// The largest page of this call.
const PAGE: i32 = 100;

pub(super) async fn list(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Live>, Fault> {
    let pages = aws.ec2().describe_route_tables().set_filters(Some(filters)).max_results(PAGE).into_paginator();
    Ok(pages.items().send().try_collect().await?)
}

impl Resource for RouteTable {
    const TYPE: &'static str = "aws_route_table";
    const SETTLE: Settle = Settle { create: Duration::from_secs(300), delete: Duration::from_secs(300), ..super::SETTLE };
    const DELETED_AT_ONCE: bool = super::DELETED_AT_ONCE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        let call = aws
            .ec2()
            .create_route_table()
            .client_token(token.as_str())
            .vpc_id(&*self.vpc_id)
            .set_tag_specifications(super::specification(ResourceType::RouteTable, &self.tags));
        super::named("ec2:CreateRouteTable", call.send().await?.route_table.and_then(|it| it.route_table_id))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let found = super::describe(aws, query, LISTING, |filters| list(aws, filters)).await?;
        let mut seen = BTreeMap::new();
        for (id, it) in found {
            let settings = Self { tags: super::read_tags(it.tags()), vpc_id: Fixed(it.vpc_id.unwrap_or_default()) };
            let arn = aws.arn("ec2", &format!("route-table/{id}")).await?;
            let outputs = Outputs { id: id.to_string(), arn, owner_id: it.owner_id.unwrap_or_default() };
            seen.insert(id, Seen { settings, outputs, status: Status::Ready });
        }
        Ok(seen)
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.ec2().delete_route_table().route_table_id(id.as_str()).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        let found = list(aws, vec![super::filter("route-table-id", [id.as_str()])]).await?;
        let used = found.iter().flat_map(|it| it.associations()).filter(|it| it.main() != Some(true));
        let blocker = |it: &aws_sdk_ec2::types::RouteTableAssociation| {
            let association = it.route_table_association_id()?;
            let blocker = blockers::named(aws, "association", association, "disassociate-route-table --association-id");
            let with = it.subnet_id().map(|it| format!(" with the subnet {it}")).unwrap_or_default();
            Some(Blocker { what: format!("{}{with}", blocker.what), ..blocker })
        };
        Ok(used.filter_map(blocker).collect())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        Ok(super::ids(list(aws, super::by_token(token)).await?, Live::route_table_id))
    }
}
