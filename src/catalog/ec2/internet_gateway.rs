//! `aws_internet_gateway`

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{AttachmentStatus, Filter, InternetGateway as Live, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, blockers};
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Class, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};

/// A VPC's way to the internet, and back for what has a public address.
///
/// Deleting one waits until no address in the VPC is mapped to a public one.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_internet_gateway" "main" {
///   vpc_id = aws_vpc.main.id
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InternetGateway {
    /// The VPC that it is attached to.
    #[serde(default)]
    pub vpc_id: Option<String>,
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

const LISTING: Listing<Live> =
    Listing { call: "ec2:DescribeInternetGateways", id_filter: "internet-gateway-id", id_of: Live::internet_gateway_id };

async fn list(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Live>, Fault> {
    let pages = aws.ec2().describe_internet_gateways().set_filters(Some(filters)).max_results(super::PAGE).into_paginator();
    Ok(pages.items().send().try_collect().await?)
}

async fn detach(aws: &Aws, id: &Id, vpc: &str) -> Result<(), Fault> {
    let call = aws.ec2().detach_internet_gateway().internet_gateway_id(id.as_str()).vpc_id(vpc);
    match call.send().await.map_err(Fault::from) {
        // A former attempt has got this far already.
        Err(fault) if fault.class != Class::Missing => Err(fault),
        _ => Ok(()),
    }
}

impl Resource for InternetGateway {
    const TYPE: &'static str = "aws_internet_gateway";
    const SETTLE: Settle = Settle { delete: Duration::from_secs(1200), ..super::SETTLE };
    const DELETED_AT_ONCE: bool = super::DELETED_AT_ONCE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let tags = super::specification(ResourceType::InternetGateway, &self.tags);
        let made = aws.ec2().create_internet_gateway().set_tag_specifications(tags).send().await?;
        super::named(LISTING.call, made.internet_gateway.and_then(|it| it.internet_gateway_id))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let found = super::describe(aws, query, LISTING, |filters| list(aws, filters)).await?;
        let mut seen = BTreeMap::new();
        for (id, it) in found {
            let arn = aws.arn("ec2", &format!("internet-gateway/{id}")).await?;
            seen.insert(id, see(it, arn));
        }
        Ok(seen)
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        if self.vpc_id != was.vpc_id {
            if let Some(vpc) = &was.vpc_id {
                detach(aws, id, vpc).await?;
            }
            if let Some(vpc) = &self.vpc_id {
                aws.ec2().attach_internet_gateway().internet_gateway_id(id.as_str()).vpc_id(vpc).send().await?;
            }
        }
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        if let Some(vpc) = &self.vpc_id {
            detach(aws, id, vpc).await?;
        }
        aws.ec2().delete_internet_gateway().internet_gateway_id(id.as_str()).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        let found = list(aws, vec![super::filter("internet-gateway-id", [id.as_str()])]).await?;
        let vpc = found.iter().flat_map(|it| it.attachments()).find_map(|it| it.vpc_id());
        match vpc {
            Some(vpc) => blockers::public_interfaces(aws, vpc).await,
            None => Ok(Vec::new()),
        }
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        Ok(super::ids(list(aws, super::by_token(token)).await?, Live::internet_gateway_id))
    }
}

fn see(it: Live, arn: String) -> Seen<InternetGateway> {
    let tags = super::read_tags(it.tags());
    let attachment = it.attachments.unwrap_or_default().into_iter().next();
    let status = match attachment.as_ref().and_then(|it| it.state.clone()) {
        Some(state @ (AttachmentStatus::Attaching | AttachmentStatus::Detaching)) => Status::Pending(state.as_str().to_owned()),
        // `attached`, and `available`, which EC2 says of internet gateways.
        _ => Status::Ready,
    };
    Seen {
        settings: InternetGateway { vpc_id: attachment.and_then(|it| it.vpc_id), tags },
        outputs: Outputs { id: it.internet_gateway_id.unwrap_or_default(), arn, owner_id: it.owner_id.unwrap_or_default() },
        status,
    }
}
