//! `aws_nat_gateway`

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{ConnectivityType, Filter, NatGateway as Live, NatGatewayState, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Listing;
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::{Auto, Fixed};

/// The way out for what has no public address: to the internet, or (`private`) to other networks.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_subnet" "public" {
///   vpc_id     = aws_vpc.main.id
///   cidr_block = "10.0.0.0/24"
/// }
///
/// resource "aws_internet_gateway" "main" { vpc_id = aws_vpc.main.id }
///
/// resource "aws_eip" "nat" { domain = "vpc" }
///
/// resource "aws_nat_gateway" "main" {
///   subnet_id     = aws_subnet.public.id
///   allocation_id = aws_eip.nat.id
///   depends_on    = [aws_internet_gateway.main]
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NatGateway {
    /// The subnet that it stands in.
    pub subnet_id: Fixed<String>,
    /// Its address: needed when it is `public`.
    #[serde(default)]
    pub allocation_id: Fixed<Option<String>>,
    /// `public` or `private`.
    #[serde(default = "public")]
    #[schemars(regex(pattern = "^(public|private)$"))]
    pub connectivity_type: Fixed<String>,
    /// Its address in the subnet.
    #[serde(default)]
    pub private_ip: Fixed<Auto<String>>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

fn public() -> Fixed<String> {
    Fixed("public".into())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// The address on the internet.
    pub public_ip: Option<String>,
    /// The network interface that it made for itself.
    pub network_interface_id: Option<String>,
    /// What ties the elastic address to it.
    pub association_id: Option<String>,
}

const LISTING: Listing<Live> =
    Listing { call: "ec2:DescribeNatGateways", id_filter: "nat-gateway-id", id_of: Live::nat_gateway_id };

/// A deleted one stays visible for about an hour: it is not asked for.
async fn list(aws: &Aws, mut filters: Vec<Filter>) -> Result<Vec<Live>, Fault> {
    filters.push(super::filter("state", ["pending", "failed", "available", "deleting"]));
    let pages = aws.ec2().describe_nat_gateways().set_filter(Some(filters)).max_results(super::PAGE).into_paginator();
    Ok(pages.items().send().try_collect().await?)
}

impl Resource for NatGateway {
    const TYPE: &'static str = "aws_nat_gateway";
    // The provider's time-outs; two minutes is what AWS usually takes.
    const SETTLE: Settle = Settle {
        every: Duration::from_secs(5),
        every_max: Duration::from_secs(15),
        create: Duration::from_secs(600),
        delete: Duration::from_secs(1800),
        typical: Duration::from_secs(120),
        ..super::SETTLE
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        let call = aws
            .ec2()
            .create_nat_gateway()
            .client_token(token.as_str())
            .subnet_id(&*self.subnet_id)
            .set_allocation_id(self.allocation_id.0.clone())
            .connectivity_type(ConnectivityType::from(self.connectivity_type.as_str()))
            .set_private_ip_address((**self.private_ip).clone())
            .set_tag_specifications(super::specification(ResourceType::Natgateway, &self.tags));
        super::named("ec2:CreateNatGateway", call.send().await?.nat_gateway.and_then(|it| it.nat_gateway_id))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let found = super::describe(aws, query, LISTING, |filters| list(aws, filters)).await?;
        Ok(found.into_iter().map(|(id, it)| (id, see(it))).collect())
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.ec2().delete_nat_gateway().nat_gateway_id(id.as_str()).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        Ok(super::ids(list(aws, super::by_token(token)).await?, Live::nat_gateway_id))
    }
}

fn see(it: Live) -> Seen<NatGateway> {
    let status = match it.state() {
        Some(NatGatewayState::Available) | None => Status::Ready,
        Some(NatGatewayState::Failed) => {
            let why = [it.failure_code(), it.failure_message()].into_iter().flatten().collect::<Vec<_>>();
            Status::Failed(why.join(": "))
        }
        Some(other) => Status::Pending(other.as_str().to_owned()),
    };
    let tags = super::read_tags(it.tags());
    let connectivity = it.connectivity_type().map_or("public", ConnectivityType::as_str).to_owned();
    let addresses = it.nat_gateway_addresses.unwrap_or_default();
    let primary = addresses.iter().find(|it| it.is_primary == Some(true)).or(addresses.first()).cloned();
    let primary = primary.unwrap_or_else(|| aws_sdk_ec2::types::NatGatewayAddress::builder().build());
    let settings = NatGateway {
        subnet_id: Fixed(it.subnet_id.unwrap_or_default()),
        allocation_id: Fixed(primary.allocation_id),
        connectivity_type: Fixed(connectivity),
        private_ip: Fixed(Auto(primary.private_ip)),
        tags,
    };
    let outputs = Outputs {
        id: it.nat_gateway_id.unwrap_or_default(),
        public_ip: primary.public_ip,
        network_interface_id: primary.network_interface_id,
        association_id: primary.association_id,
    };
    Seen { settings, outputs, status }
}
