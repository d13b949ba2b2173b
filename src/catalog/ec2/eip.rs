//! `aws_eip`

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Address as Live, DomainType, Filter, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Listing, blockers};
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::{Auto, Fixed};

/// A public IPv4 address that stays the same.
///
/// An account has five per region until its quota is raised. Releasing one waits until its NAT gateway is gone.
///
/// ```stack
/// resource "aws_eip" "nat" {
///   domain = "vpc"
///   tags   = { Name = "nat" }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Eip {
    /// Always `vpc`.
    #[serde(default)]
    pub domain: Fixed<Auto<String>>,
    /// Where AWS announces it: the region, or a local zone's group.
    #[serde(default)]
    pub network_border_group: Fixed<Auto<String>>,
    /// `amazon`, or a pool of addresses that the account brought along.
    #[serde(default)]
    pub public_ipv4_pool: Fixed<Auto<String>>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// The same as `id`.
    pub allocation_id: String,
    /// Its ARN.
    pub arn: String,
    /// The address on the internet.
    pub public_ip: String,
}

const LISTING: Listing<Live> = Listing { call: "ec2:DescribeAddresses", id_filter: "allocation-id", id_of: Live::allocation_id };

/// This call has no pages.
async fn list(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Live>, Fault> {
    let found = aws.ec2().describe_addresses().set_filters(Some(filters)).send().await?;
    Ok(found.addresses.unwrap_or_default())
}

impl Resource for Eip {
    const TYPE: &'static str = "aws_eip";
    const SETTLE: Settle = super::SETTLE;
    const PRECIOUS: bool = true;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let call = aws
            .ec2()
            .allocate_address()
            .domain(DomainType::Vpc)
            .set_network_border_group((**self.network_border_group).clone())
            .set_public_ipv4_pool((**self.public_ipv4_pool).clone())
            .set_tag_specifications(super::specification(ResourceType::ElasticIp, &self.tags));
        super::named("ec2:AllocateAddress", call.send().await?.allocation_id)
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let found = super::describe(aws, query, LISTING, |filters| list(aws, filters)).await?;
        let mut seen = BTreeMap::new();
        for (id, it) in found {
            let arn = aws.arn("ec2", &format!("elastic-ip/{id}")).await?;
            seen.insert(id, see(it, arn));
        }
        Ok(seen)
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.ec2().release_address().allocation_id(id.as_str()).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        let found = list(aws, vec![super::filter("allocation-id", [id.as_str()])]).await?;
        let used = found.iter().filter_map(|it| Some((it.association_id()?, it)));
        Ok(used
            .map(|(association, it)| {
                let of = it.instance_id().filter(|it| !it.is_empty()).map(|it| format!("the instance {it}"));
                let of = of.or(it.network_interface_id().map(|it| format!("the network interface {it}")));
                let blocker = blockers::named(aws, "association", association, "disassociate-address --association-id");
                let with = of.map(|it| format!(" with {it}")).unwrap_or_default();
                Blocker { what: format!("{}{with}", blocker.what), ..blocker }
            })
            .collect())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        Ok(super::ids(list(aws, super::by_token(token)).await?, Live::allocation_id))
    }
}

fn see(it: Live, arn: String) -> Seen<Eip> {
    let id = it.allocation_id.clone().unwrap_or_default();
    let settings = Eip {
        domain: Fixed(Auto(it.domain().map(|it| it.as_str().to_owned()))),
        tags: super::read_tags(it.tags()),
        network_border_group: Fixed(Auto(it.network_border_group)),
        public_ipv4_pool: Fixed(Auto(it.public_ipv4_pool)),
    };
    let outputs = Outputs { allocation_id: id.clone(), id, arn, public_ip: it.public_ip.unwrap_or_default() };
    Seen { settings, outputs, status: Status::Ready }
}
