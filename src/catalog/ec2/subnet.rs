//! `aws_subnet`

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{Filter, ResourceType, Subnet as Live, SubnetState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, blockers};
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::Cidr;
use crate::schema::{Auto, Fixed};

/// A range of a VPC's addresses in one availability zone.
///
/// Deleting one waits while network interfaces of load balancers, functions or clusters linger in it.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_subnet" "a" {
///   vpc_id            = aws_vpc.main.id
///   cidr_block        = "10.0.0.0/24"
///   availability_zone = "eu-west-1a"
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subnet {
    /// The VPC that it lies in.
    pub vpc_id: Fixed<String>,
    /// Part of the VPC's range, from /16 to /28.
    pub cidr_block: Fixed<Cidr>,
    /// `eu-west-1a`: means another place in each account.
    #[serde(default)]
    pub availability_zone: Fixed<Auto<String>>,
    /// `euw1-az1`: means the same place in every account.
    #[serde(default)]
    pub availability_zone_id: Fixed<Auto<String>>,
    /// Whether what starts here gets a public address.
    #[serde(default)]
    pub map_public_ip_on_launch: bool,
    /// Whether DNS answers an instance's resource name with its IPv4 address.
    #[serde(default)]
    pub enable_resource_name_dns_a_record_on_launch: bool,
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

const LISTING: Listing<Live> = Listing { call: "ec2:DescribeSubnets", id_filter: "subnet-id", id_of: Live::subnet_id };

async fn list(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Live>, Fault> {
    let pages = aws.ec2().describe_subnets().set_filters(Some(filters)).max_results(super::PAGE).into_paginator();
    Ok(pages.items().send().try_collect().await?)
}

impl Resource for Subnet {
    const TYPE: &'static str = "aws_subnet";
    // The provider's time-outs; an interface of a deleted load balancer may linger for many minutes.
    const SETTLE: Settle = Settle { create: Duration::from_secs(600), delete: Duration::from_secs(1200), ..super::SETTLE };
    const EXCLUSIVE: &'static [(&'static [&'static str], bool)] = &[(&["availability_zone", "availability_zone_id"], false)];
    const DELETED_AT_ONCE: bool = super::DELETED_AT_ONCE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let call = aws
            .ec2()
            .create_subnet()
            .vpc_id(&*self.vpc_id)
            .cidr_block(&**self.cidr_block)
            .set_availability_zone((**self.availability_zone).clone())
            .set_availability_zone_id((**self.availability_zone_id).clone())
            .set_tag_specifications(super::specification(ResourceType::Subnet, &self.tags));
        super::named("ec2:CreateSubnet", call.send().await?.subnet.and_then(|it| it.subnet_id))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let found = super::describe(aws, query, LISTING, |filters| list(aws, filters)).await?;
        Ok(found.into_iter().map(|(id, it)| (id, see(it))).collect())
    }

    /// AWS takes one attribute a call.
    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let change = || aws.ec2().modify_subnet_attribute().subnet_id(id.as_str());
        if self.map_public_ip_on_launch != was.map_public_ip_on_launch {
            change().map_public_ip_on_launch(super::switch(self.map_public_ip_on_launch)).send().await?;
        }
        if self.enable_resource_name_dns_a_record_on_launch != was.enable_resource_name_dns_a_record_on_launch {
            let on = super::switch(self.enable_resource_name_dns_a_record_on_launch);
            change().enable_resource_name_dns_a_record_on_launch(on).send().await?;
        }
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.ec2().delete_subnet().subnet_id(id.as_str()).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        blockers::interfaces_in(aws, "subnet-id", id).await
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        Ok(super::ids(list(aws, super::by_token(token)).await?, Live::subnet_id))
    }
}

fn see(it: Live) -> Seen<Subnet> {
    let dns = it.private_dns_name_options_on_launch();
    let settings = Subnet {
        tags: super::read_tags(it.tags()),
        enable_resource_name_dns_a_record_on_launch: dns.and_then(|it| it.enable_resource_name_dns_a_record).unwrap_or_default(),
        vpc_id: Fixed(it.vpc_id.unwrap_or_default()),
        cidr_block: Fixed(it.cidr_block.unwrap_or_default().into()),
        availability_zone: Fixed(Auto(it.availability_zone)),
        availability_zone_id: Fixed(Auto(it.availability_zone_id)),
        map_public_ip_on_launch: it.map_public_ip_on_launch.unwrap_or_default(),
    };
    let outputs = Outputs {
        id: it.subnet_id.unwrap_or_default(),
        arn: it.subnet_arn.unwrap_or_default(),
        owner_id: it.owner_id.unwrap_or_default(),
    };
    let status = match it.state {
        Some(SubnetState::Available) | None => Status::Ready,
        Some(SubnetState::Failed | SubnetState::FailedInsufficientCapacity) => Status::Failed("AWS could not make it".into()),
        Some(other) => Status::Pending(other.as_str().to_owned()),
    };
    Seen { settings, outputs, status }
}
