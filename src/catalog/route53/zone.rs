//! `aws_route53_zone`

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_route53::error::ProvideErrorMetadata;
use aws_sdk_route53::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::canonical;
use super::record;
use crate::catalog::tags::{TagChanges, Tags};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Content, Emptied, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Auto, DnsName, Fixed, Later};

/// A hosted zone: public, or private to the VPCs that it names. Names are not unique; a zone that may have been made is found by
/// its caller reference. Route 53 takes no tags at creation: they are put right after.
///
/// ```stack
/// resource "aws_route53_zone" "main" {
///   name    = "devops-demo.chene-factory.com"
///   comment = "Managed by infra"
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Zone {
    /// The domain.
    #[schemars(length(min = 1, max = 1024))]
    pub name: Fixed<DnsName>,
    /// A note that Route 53 keeps with the zone.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub comment: String,
    /// Makes the zone private to these VPCs. A zone cannot become private or public later.
    #[serde(default)]
    pub vpc: BTreeSet<ZoneVpc>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Later<Tags>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ZoneVpc {
    /// The VPC whose queries the zone answers.
    pub vpc_id: String,
    /// The stack's own region when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_region: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneOutputs {
    /// The zone's id.
    pub id: String,
    /// Its id, the same as `id`.
    pub zone_id: String,
    /// Its ARN.
    pub arn: String,
    /// What the parent zone's delegation must name; none for a private zone.
    pub name_servers: Vec<String>,
    /// The name server that the SOA record names.
    pub primary_name_server: Auto<String>,
}

impl Resource for Zone {
    const TYPE: &'static str = "aws_route53_zone";
    const PRECIOUS: bool = true;
    const SETTLE: Settle = Settle { typical: Duration::from_secs(5), create: Duration::from_secs(30 * 60), ..Settle::INSTANT };
    const HOLDS: bool = true;
    type Outputs = ZoneOutputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        let private = !self.vpc.is_empty();
        let how = sdk::HostedZoneConfig::builder().comment(&self.comment).private_zone(private).build();
        let made = aws
            .route53()
            .create_hosted_zone()
            .name(&**self.name)
            .caller_reference(token.as_str())
            .hosted_zone_config(how)
            .set_vpc(self.vpc.first().map(|it| it.to_sdk(aws)))
            .send()
            .await?;
        let zone = made.hosted_zone.ok_or_else(|| Fault::bug("route53:CreateHostedZone", "the answer names no zone"))?;
        Ok(Id::new(bare(&zone.id)))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let tags = read_tags(aws, &query.ids).await?;
        let seen = try_join_all(query.ids.iter().map(|id| read_one(aws, id, &tags))).await?;
        Ok(seen.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let (route53, zone) = (aws.route53(), id.as_str());
        if self.comment != was.comment {
            route53.update_hosted_zone_comment().id(zone).comment(&self.comment).send().await?;
        }
        // The new ones first: a private zone keeps at least one VPC.
        for vpc in self.vpc.difference(&was.vpc) {
            route53.associate_vpc_with_hosted_zone().hosted_zone_id(zone).vpc(vpc.to_sdk(aws)).send().await?;
        }
        for vpc in was.vpc.difference(&self.vpc) {
            route53.disassociate_vpc_from_hosted_zone().hosted_zone_id(zone).vpc(vpc.to_sdk(aws)).send().await?;
        }
        let changes = TagChanges::between(&was.tags, &self.tags);
        if changes != TagChanges::default() {
            let put = changes.put.iter().map(|(key, value)| sdk::Tag::builder().key(key).value(value).build());
            let change = route53.change_tags_for_resource().resource_type(sdk::TagResourceType::Hostedzone).resource_id(zone);
            change
                .set_add_tags(Some(put.collect::<Vec<_>>()).filter(|it| !it.is_empty()))
                .set_remove_tag_keys(Some(changes.remove).filter(|it| !it.is_empty()))
                .send()
                .await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.route53().delete_hosted_zone().id(id.as_str()).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        Ok(record::deletable(aws, id).await?.iter().map(|it| Blocker::new(format!("the record {it}"))).collect())
    }

    async fn contents(aws: &Aws, id: &Id) -> Result<Vec<Content>, Fault> {
        let parts = record::deletable(aws, id).await?;
        Ok(Some(Content { parts, ..Content::new("record", 0) }).filter(|it| !it.parts.is_empty()).into_iter().collect())
    }

    async fn empty(aws: &Aws, id: &Id) -> Result<Emptied, Fault> {
        record::delete_all(aws, id).await
    }

    async fn namesakes(&self, aws: &Aws) -> Result<Vec<Id>, Fault> {
        let page = aws.route53().list_hosted_zones_by_name().dns_name(&**self.name).max_items(100).send().await?;
        let same = |it: &&sdk::HostedZone| canonical(it.name()) == canonical(&self.name);
        Ok(page.hosted_zones.iter().take_while(same).map(|it| Id::new(bare(&it.id))).collect())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let mut marker = None;
        loop {
            let page = aws.route53().list_hosted_zones().max_items(100).set_marker(marker).send().await?;
            if let Some(zone) = page.hosted_zones.iter().find(|it| it.caller_reference == token.as_str()) {
                return Ok(Some(Id::new(bare(&zone.id))));
            }
            marker = page.next_marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(None);
            }
        }
    }
}

impl ZoneVpc {
    fn to_sdk(&self, aws: &Aws) -> sdk::Vpc {
        let region = self.vpc_region.as_deref().unwrap_or(aws.region());
        sdk::Vpc::builder().vpc_id(&self.vpc_id).vpc_region(sdk::VpcRegion::from(region)).build()
    }

    /// The stack's own region is not written out, so that it compares with what people leave out.
    fn from_sdk(aws: &Aws, it: &sdk::Vpc) -> Self {
        let region = it.vpc_region().map(|it| it.as_str()).filter(|it| *it != aws.region());
        Self { vpc_id: it.vpc_id().unwrap_or_default().to_owned(), vpc_region: region.map(str::to_owned) }
    }
}

/// `/hostedzone/Z1` → `Z1`
fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

async fn read_one(aws: &Aws, id: &Id, tags: &BTreeMap<String, Tags>) -> Result<Option<(Id, Seen<Zone>)>, Fault> {
    let got = match aws.route53().get_hosted_zone().id(id.as_str()).send().await {
        Ok(got) => got,
        Err(error) if error.code() == Some("NoSuchHostedZone") => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(zone) = got.hosted_zone() else { return Ok(None) };
    let servers = got.delegation_set().map(|it| it.name_servers()).unwrap_or_default();
    let settings = Zone {
        name: Fixed(DnsName(canonical(zone.name()))),
        comment: zone.config().and_then(|it| it.comment()).unwrap_or_default().to_owned(),
        vpc: got.vpcs().iter().map(|it| ZoneVpc::from_sdk(aws, it)).collect(),
        tags: Later(tags.get(id.as_str()).cloned().unwrap_or_default()),
    };
    let mut name_servers: Vec<_> = servers.iter().map(|it| canonical(it)).collect();
    let primary_name_server = Auto(name_servers.first().cloned());
    name_servers.sort();
    let outputs = ZoneOutputs {
        id: id.to_string(),
        zone_id: id.to_string(),
        arn: format!("arn:{}:route53:::hostedzone/{id}", aws.partition().await?),
        name_servers,
        primary_name_server,
    };
    Ok(Some((id.clone(), Seen { settings, outputs, status: Status::Ready })))
}

/// Ten zones a call is what the API takes; it fails as a whole when one of them is gone, and then each is asked alone.
async fn read_tags(aws: &Aws, ids: &[Id]) -> Result<BTreeMap<String, Tags>, Fault> {
    let ask = async |some: Vec<String>| {
        let ask = aws.route53().list_tags_for_resources().resource_type(sdk::TagResourceType::Hostedzone);
        let got = match ask.set_resource_ids(Some(some)).send().await {
            Ok(got) => got.resource_tag_sets,
            Err(error) if error.code() == Some("NoSuchHostedZone") => return Ok(None),
            Err(error) => return Err(Fault::from(error)),
        };
        Ok(Some(got))
    };
    let mut all = BTreeMap::new();
    let mut take = |sets: Vec<sdk::ResourceTagSet>| {
        for set in sets {
            let tags = set.tags().iter().filter_map(|it| Some((it.key()?.to_owned(), it.value().unwrap_or_default().to_owned())));
            all.insert(set.resource_id().unwrap_or_default().to_owned(), tags.collect::<Tags>());
        }
    };
    for some in ids.chunks(10) {
        match ask(some.iter().map(Id::to_string).collect()).await? {
            Some(sets) => take(sets),
            None => {
                for id in some {
                    take(ask(vec![id.to_string()]).await?.unwrap_or_default());
                }
            }
        }
    }
    Ok(all)
}
