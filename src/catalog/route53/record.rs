//! `aws_route53_record`

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_route53::error::ProvideErrorMetadata;
use aws_sdk_route53::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch;
use super::names::{canonical, quote_txt, unquote_txt};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::cloud::fault::unfit;
use crate::remote::{Class, Emptied, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{DnsName, Fixed};

/// A record set. It carries no tags: one that may have been made is known by zone, name, type and set identifier, and is ours
/// when it says what we wanted to say. One that says something else is left alone.
///
/// ```stack
/// resource "aws_route53_zone" "main" { name = "example.com" }
/// resource "aws_route53_record" "www" {
///   zone_id = aws_route53_zone.main.zone_id
///   name    = "www.example.com"
///   type    = "A"
///   ttl     = 300
///   records = ["192.0.2.1", "192.0.2.2"]
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// The hosted zone that the record is in.
    pub zone_id: Fixed<String>,
    /// The whole name, the zone's included.
    #[schemars(length(min = 1, max = 1024))]
    pub name: Fixed<DnsName>,
    /// The type of the record: `A`, `CNAME`, `TXT`, …
    #[serde(rename = "type")]
    #[schemars(regex(pattern = "^(A|AAAA|CAA|CNAME|DS|HTTPS|MX|NAPTR|NS|PTR|SOA|SPF|SRV|SSHFP|SVCB|TLSA|TXT)$"))]
    pub kind: Fixed<String>,
    /// Seconds for which resolvers may keep it; an alias has none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2147483647))]
    pub ttl: Option<i64>,
    /// The values; none for an alias.
    #[serde(default)]
    pub records: BTreeSet<String>,
    /// Answers with the addresses of an AWS resource.
    #[serde(default)]
    pub alias: Option<Alias>,
    /// Tells record sets of one name and type apart.
    #[serde(default)]
    pub set_identifier: Fixed<Option<String>>,
    /// Answers in proportion to the weight among the sets of its name.
    #[serde(default)]
    pub weighted_routing_policy: Option<Weighted>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alias {
    /// The domain name of the target.
    pub name: DnsName,
    /// The hosted zone of the target, not of the record.
    pub zone_id: String,
    /// Whether the record follows the health of the target.
    #[serde(default)]
    pub evaluate_target_health: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Weighted {
    /// Its share among the sets of its name, from 0 to 255.
    #[schemars(range(min = 0, max = 255))]
    pub weight: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordOutputs {
    /// `ZONE_name_TYPE`, with `_SET` behind it where there is a set identifier.
    pub id: String,
    /// The name in Route 53's form.
    pub fqdn: String,
}

impl Resource for Record {
    const TYPE: &'static str = "aws_route53_record";
    const SETTLE: Settle = Settle::INSTANT;
    const EXCLUSIVE: &'static [(&'static [&'static str], bool)] = &[(&["records", "alias"], true), (&["ttl", "alias"], true)];
    type Outputs = RecordOutputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        batch::change(aws, &self.zone_id, change(sdk::ChangeAction::Create, self.to_sdk()?)?).await?;
        Ok(self.key().id())
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let keys: Vec<_> = query.ids.iter().filter_map(|id| Some((id.clone(), Key::parse(id)?))).collect();
        let zones: BTreeSet<_> = keys.iter().map(|(_, key)| key.zone.clone()).collect();
        let keys = &keys;
        let listed = zones.iter().map(|zone| async move {
            let mine: Vec<_> = keys.iter().filter(|(_, key)| key.zone == *zone).collect();
            // One record of a large zone is asked for by name; many are found in the zone's list.
            let sets = match mine.as_slice() {
                [(_, only)] if !query.shared => Arc::new(list(aws, zone, Some(only)).await?),
                _ => aws.shared(query.shared, format!("route53:ListResourceRecordSets {zone}"), || list(aws, zone, None)).await?,
            };
            let found = mine.into_iter().filter_map(|(id, key)| Some((id.clone(), Self::seen(key, sets.get(key)?))));
            Ok::<_, Fault>(found.collect::<Vec<_>>())
        });
        Ok(try_join_all(listed).await?.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, _: &Id, _: &Self) -> Result<(), Fault> {
        batch::change(aws, &self.zone_id, change(sdk::ChangeAction::Upsert, self.to_sdk()?)?).await
    }

    // A deletion must name the values as they are, which are not always as we left them.
    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let gone = || Fault::new(Class::Missing, "route53:ChangeResourceRecordSets", format!("there is no record set {id}"));
        let key = Key::parse(id).ok_or_else(gone)?;
        let sets = list(aws, &key.zone, Some(&key)).await?;
        let current = sets.get(&key).ok_or_else(gone)?;
        batch::change(aws, &key.zone, change(sdk::ChangeAction::Delete, current.clone())?).await
    }

    async fn find(&self, aws: &Aws, _: &Token) -> Result<Option<Id>, Fault> {
        let key = self.key();
        let sets = list(aws, &key.zone, Some(&key)).await?;
        let Some(found) = sets.get(&key) else { return Ok(None) };
        match self.is_said_by(&Self::from_sdk(&key, found)) {
            true => Ok(Some(key.id())),
            false => Err(Fault::new(Class::Exists, "route53:ChangeResourceRecordSets", format!("{} exists already", key.id()))),
        }
    }
}

impl Record {
    fn key(&self) -> Key {
        Key {
            zone: self.zone_id.0.clone(),
            name: canonical(&self.name),
            kind: self.kind.0.clone(),
            set: self.set_identifier.0.clone(),
        }
    }

    /// Whether a live record is what this creation made. Of what a former run was to make, a secret is not at hand: then the rest
    /// decides, and the plan shows whether the secret is another one.
    fn is_said_by(&self, live: &Self) -> bool {
        let names = |it: &Self| it.alias.as_ref().map(|it| (canonical(&it.name), it.zone_id.clone(), it.evaluate_target_health));
        let is_hidden = self.alias.is_none() && (self.records.is_empty() || self.records.iter().any(String::is_empty));
        self.ttl == live.ttl
            && (is_hidden || self.records == live.records)
            && names(self) == names(live)
            && self.weighted_routing_policy == live.weighted_routing_policy
    }

    fn to_sdk(&self) -> Result<sdk::ResourceRecordSet, Fault> {
        let values = self.records.iter().map(|it| {
            let value = if self.kind.0 == "TXT" || self.kind.0 == "SPF" { quote_txt(it) } else { it.clone() };
            sdk::ResourceRecord::builder().value(value).build().map_err(unfit("route53"))
        });
        let alias = self.alias.as_ref().map(|it| {
            let target = sdk::AliasTarget::builder().dns_name(&*it.name).hosted_zone_id(&it.zone_id);
            target.evaluate_target_health(it.evaluate_target_health).build().map_err(unfit("route53"))
        });
        sdk::ResourceRecordSet::builder()
            .name(&**self.name)
            .r#type(sdk::RrType::from(self.kind.as_str()))
            .set_ttl(self.ttl)
            .set_resource_records(Some(values.collect::<Result<Vec<_>, _>>()?).filter(|it| !it.is_empty()))
            .set_alias_target(alias.transpose()?)
            .set_set_identifier(self.set_identifier.0.clone())
            .set_weight(self.weighted_routing_policy.as_ref().map(|it| it.weight))
            .build()
            .map_err(unfit("route53"))
    }

    fn from_sdk(key: &Key, it: &sdk::ResourceRecordSet) -> Self {
        let text = key.kind == "TXT" || key.kind == "SPF";
        let value = |it: &sdk::ResourceRecord| if text { unquote_txt(it.value()) } else { it.value().to_owned() };
        Self {
            zone_id: Fixed(key.zone.clone()),
            name: Fixed(DnsName(key.name.clone())),
            kind: Fixed(key.kind.clone()),
            ttl: it.ttl(),
            records: it.resource_records().iter().map(value).collect(),
            alias: it.alias_target().map(|it| Alias {
                name: DnsName(canonical(it.dns_name())),
                zone_id: it.hosted_zone_id().to_owned(),
                evaluate_target_health: it.evaluate_target_health(),
            }),
            set_identifier: Fixed(key.set.clone()),
            weighted_routing_policy: it.weight().map(|weight| Weighted { weight }),
        }
    }

    fn seen(key: &Key, it: &sdk::ResourceRecordSet) -> Seen<Self> {
        let outputs = RecordOutputs { id: key.id().to_string(), fqdn: key.name.clone() };
        Seen { settings: Self::from_sdk(key, it), outputs, status: Status::Ready }
    }
}

/// What tells one record set from all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    zone: String,
    name: String,
    kind: String,
    set: Option<String>,
}

impl Key {
    fn id(&self) -> Id {
        let set = self.set.as_ref().map(|it| format!("_{it}")).unwrap_or_default();
        Id::new(format!("{}_{}_{}{set}", self.zone, self.name, self.kind))
    }

    /// Names may hold underscores (`_dmarc.example.com`): the type is the first part after the name that is written in capitals.
    fn parse(id: &Id) -> Option<Self> {
        let (zone, rest) = id.as_str().split_once('_')?;
        let capitals = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_uppercase());
        let parts: Vec<&str> = rest.split('_').collect();
        let at = (1..parts.len()).find(|at| parts.get(*at).is_some_and(|it| capitals(it)))?;
        let (name, after) = (parts.get(..at)?.join("_"), parts.get(at + 1..)?);
        Some(Self {
            zone: zone.to_owned(),
            name: canonical(&name),
            kind: (*parts.get(at)?).to_owned(),
            set: Some(after.join("_")).filter(|_| !after.is_empty()),
        })
    }

    fn of(zone: &str, it: &sdk::ResourceRecordSet) -> Self {
        Self {
            zone: zone.to_owned(),
            name: canonical(it.name()),
            kind: it.r#type().as_str().to_owned(),
            set: it.set_identifier().map(str::to_owned),
        }
    }
}

/// The record sets of a zone, 300 a page; or, from `only` on, the one page that holds it. None of a zone that is gone.
async fn list(aws: &Aws, zone: &str, only: Option<&Key>) -> Result<BTreeMap<Key, sdk::ResourceRecordSet>, Fault> {
    let mut all = BTreeMap::new();
    let mut from = only.map(|it| (it.name.clone(), sdk::RrType::from(it.kind.as_str()), it.set.clone()));
    loop {
        let mut ask = aws.route53().list_resource_record_sets().hosted_zone_id(zone).max_items(300);
        if let Some((name, kind, set)) = from {
            ask = ask.start_record_name(name).start_record_type(kind).set_start_record_identifier(set);
        }
        let page = match ask.send().await {
            Ok(page) => page,
            Err(error) if error.code() == Some("NoSuchHostedZone") => return Ok(all),
            Err(error) => return Err(error.into()),
        };
        all.extend(page.resource_record_sets.into_iter().map(|it| (Key::of(zone, &it), it)));
        from = match (page.next_record_name, page.next_record_type) {
            (Some(name), Some(kind)) if page.is_truncated && only.is_none() => Some((name, kind, page.next_record_identifier)),
            _ => return Ok(all),
        };
    }
}

/// The most that one emptying deletes, a batch of changes.
const DELETED_AT_ONCE: usize = 300;

/// The record sets that must be deleted before the zone can be: all but those that Route 53 made with it.
async fn deletable_sets(aws: &Aws, zone: &str) -> Result<BTreeMap<Key, sdk::ResourceRecordSet>, Fault> {
    let mut sets = list(aws, zone, None).await?;
    // The zone's own name is that of its SOA record, of which it has one.
    let apex = sets.keys().find(|it| it.kind == "SOA").map(|it| it.name.clone());
    sets.retain(|key, _| !(Some(&key.name) == apex.as_ref() && (key.kind == "SOA" || key.kind == "NS")));
    Ok(sets)
}

/// Their ids.
pub(super) async fn deletable(aws: &Aws, zone: &Id) -> Result<BTreeSet<Id>, Fault> {
    Ok(deletable_sets(aws, zone.as_str()).await?.keys().map(Key::id).collect())
}

/// Deletes some of them.
pub(super) async fn delete_all(aws: &Aws, zone: &Id) -> Result<Emptied, Fault> {
    let sets = deletable_sets(aws, zone.as_str()).await?;
    let more = sets.len() > DELETED_AT_ONCE;
    let changes = sets.into_values().take(DELETED_AT_ONCE).map(|it| change(sdk::ChangeAction::Delete, it));
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    let removed = changes.len() as u64;
    try_join_all(changes.into_iter().map(|it| batch::change(aws, zone.as_str(), it))).await?;
    Ok(Emptied { removed, more })
}

fn change(action: sdk::ChangeAction, set: sdk::ResourceRecordSet) -> Result<sdk::Change, Fault> {
    sdk::Change::builder().action(action).resource_record_set(set).build().map_err(unfit("route53"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_not_at_hand_is_no_difference() {
        let record = |ttl: i64, records: &[&str]| -> Record {
            let it = serde_json::json!({ "zone_id": "Z1", "name": "a", "type": "TXT", "ttl": ttl, "records": records });
            serde_json::from_value(it).unwrap()
        };
        let live = record(60, &["hunter2"]);
        assert!(record(60, &["hunter2"]).is_said_by(&live) && !record(60, &["other"]).is_said_by(&live));
        assert!(record(60, &[""]).is_said_by(&live) && record(60, &[]).is_said_by(&live));
        assert!(!record(30, &[""]).is_said_by(&live), "the rest decides");
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        for (id, name, kind, set) in [
            ("Z1_example.com_A", "example.com", "A", None),
            ("Z1__dmarc.example.com_TXT", "_dmarc.example.com", "TXT", None),
            ("Z1_*.example.com_CNAME_blue_1", "*.example.com", "CNAME", Some("blue_1")),
        ] {
            let key = Key::parse(&Id::new(id)).unwrap();
            assert_eq!((key.name.as_str(), key.kind.as_str(), key.set.as_deref()), (name, kind, set));
            assert_eq!(key.id().as_str(), id);
        }
        assert!(Key::parse(&Id::new("Z1")).is_none());
    }
}
