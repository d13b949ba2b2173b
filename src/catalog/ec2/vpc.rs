//! `aws_vpc`

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, ResourceType, Tenancy, Vpc as Live, VpcAttributeName, VpcState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, blockers, leavings};
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Class, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::Cidr;
use crate::schema::{Auto, Fixed};

/// A virtual network.
///
/// AWS makes a default security group, a default network ACL and a main route table with it; they go with it.
///
/// ```stack
/// resource "aws_vpc" "main" {
///   cidr_block           = "10.0.0.0/16"
///   enable_dns_hostnames = true
///   tags                 = { Name = "main" }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Vpc {
    /// The IPv4 range, from /16 to /28.
    pub cidr_block: Fixed<Cidr>,
    /// `default`, or `dedicated`: instances on hardware of their own.
    #[serde(default = "shared_hardware")]
    pub instance_tenancy: Fixed<String>,
    /// Whether Amazon's DNS server answers in the network.
    #[serde(default = "on")]
    pub enable_dns_support: bool,
    /// Whether instances with public addresses get public DNS names.
    #[serde(default)]
    pub enable_dns_hostnames: bool,
    /// Whether CloudWatch counts the addresses in use.
    #[serde(default)]
    pub enable_network_address_usage_metrics: Auto<bool>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

fn on() -> bool {
    true
}

fn shared_hardware() -> Fixed<String> {
    Fixed("default".into())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The account that owns it.
    pub owner_id: String,
    /// The DHCP options that it uses.
    pub dhcp_options_id: String,
}

const LISTING: Listing<Live> = Listing { call: "ec2:DescribeVpcs", id_filter: "vpc-id", id_of: Live::vpc_id };

async fn list(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Live>, Fault> {
    let pages = aws.ec2().describe_vpcs().set_filters(Some(filters)).max_results(super::PAGE).into_paginator();
    Ok(pages.items().send().try_collect().await?)
}

/// AWS tells each of these by a call of its own.
async fn attribute(aws: &Aws, id: &Id, name: VpcAttributeName) -> Result<bool, Fault> {
    let it = aws.ec2().describe_vpc_attribute().vpc_id(id.as_str()).attribute(name).send().await?;
    let values = [it.enable_dns_support, it.enable_dns_hostnames, it.enable_network_address_usage_metrics];
    Ok(values.into_iter().flatten().find_map(|it| it.value).unwrap_or_default())
}

impl Resource for Vpc {
    const TYPE: &'static str = "aws_vpc";
    const SETTLE: Settle = super::SETTLE;
    const DELETED_AT_ONCE: bool = super::DELETED_AT_ONCE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let call = aws
            .ec2()
            .create_vpc()
            .cidr_block(&**self.cidr_block)
            .instance_tenancy(Tenancy::from(self.instance_tenancy.as_str()))
            .set_tag_specifications(super::specification(ResourceType::Vpc, &self.tags));
        super::named("ec2:CreateVpc", call.send().await?.vpc.and_then(|it| it.vpc_id))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let found = super::describe(aws, query, LISTING, |filters| list(aws, filters));
        let attributes = futures::future::try_join_all(query.ids.iter().map(|id| Attributes::read(aws, query, id)));
        let (found, attributes) = futures::try_join!(found, attributes)?;
        let mut attributes: BTreeMap<Id, Attributes> = attributes.into_iter().flatten().collect();
        let mut seen = BTreeMap::new();
        for (id, it) in found {
            // What one call does not know yet is not there yet.
            let Some(attributes) = attributes.remove(&id) else { continue };
            let arn = aws.arn("ec2", &format!("vpc/{id}")).await?;
            seen.insert(id.clone(), see(id, it, attributes, arn));
        }
        Ok(seen)
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let change = || aws.ec2().modify_vpc_attribute().vpc_id(id.as_str());
        // Names need the server: on in this order, off in the other.
        if self.enable_dns_support && !was.enable_dns_support {
            change().enable_dns_support(super::switch(true)).send().await?;
        }
        if self.enable_dns_hostnames != was.enable_dns_hostnames {
            change().enable_dns_hostnames(super::switch(self.enable_dns_hostnames)).send().await?;
        }
        if !self.enable_dns_support && was.enable_dns_support {
            change().enable_dns_support(super::switch(false)).send().await?;
        }
        if let Some(on) = *self.enable_network_address_usage_metrics
            && self.enable_network_address_usage_metrics != was.enable_network_address_usage_metrics
        {
            change().enable_network_address_usage_metrics(super::switch(on)).send().await?;
        }
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await
    }

    /// What EKS has left in it is looked for when something is in the way.
    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let delete = async || aws.ec2().delete_vpc().vpc_id(id.as_str()).send().await.map(drop).map_err(Fault::from);
        let refused = match delete().await {
            Err(fault) if fault.class == Class::InUse => fault,
            other => return other,
        };
        match leavings::groups(aws, id.as_str()).await {
            Ok(true) => delete().await,
            Ok(false) => Err(refused),
            Err(error) => {
                tracing::warn!(%error, "security groups that EKS has left in {id} could not be deleted");
                Err(refused)
            }
        }
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        blockers::in_vpc(aws, id).await
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        Ok(super::ids(list(aws, super::by_token(token)).await?, Live::vpc_id))
    }
}

/// Of one VPC; nothing for those that nobody asks for.
struct Attributes {
    support: Option<bool>,
    hostnames: Option<bool>,
    metrics: Option<bool>,
}

impl Attributes {
    /// Nothing when there is no such VPC.
    async fn read(aws: &Aws, query: &Query, id: &Id) -> Result<Option<(Id, Self)>, Fault> {
        let ask = |part: &'static str, name| async move {
            if query.wants(part) { attribute(aws, id, name).await.map(Some) } else { Ok(None) }
        };
        let asked = tokio::try_join!(
            ask("enable_dns_support", VpcAttributeName::EnableDnsSupport),
            ask("enable_dns_hostnames", VpcAttributeName::EnableDnsHostnames),
            ask("enable_network_address_usage_metrics", VpcAttributeName::EnableNetworkAddressUsageMetrics),
        );
        match asked {
            Ok((support, hostnames, metrics)) => Ok(Some((id.clone(), Self { support, hostnames, metrics }))),
            Err(fault) if fault.class == Class::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

fn see(id: Id, it: Live, attributes: Attributes, arn: String) -> Seen<Vpc> {
    let Attributes { support, hostnames, metrics } = attributes;
    let settings = Vpc {
        cidr_block: Fixed(it.cidr_block().unwrap_or_default().into()),
        instance_tenancy: Fixed(it.instance_tenancy().map_or("default", Tenancy::as_str).to_owned()),
        enable_dns_support: support.unwrap_or(true),
        enable_dns_hostnames: hostnames.unwrap_or(false),
        enable_network_address_usage_metrics: Auto(metrics),
        tags: super::read_tags(it.tags()),
    };
    let outputs = Outputs {
        id: id.to_string(),
        arn,
        owner_id: it.owner_id.unwrap_or_default(),
        dhcp_options_id: it.dhcp_options_id.unwrap_or_default(),
    };
    let status = match it.state {
        Some(VpcState::Available) | None => Status::Ready,
        Some(other) => Status::Pending(other.as_str().to_owned()),
    };
    Seen { settings, outputs, status }
}
