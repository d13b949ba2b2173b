//! EC2: networks. What its types have in common: tags given with the creation, reads by tag or by id filter.

pub mod availability_zones;
mod blockers;
pub mod default_security_group;
pub mod eip;
mod flow;
pub mod internet_gateway;
pub mod launch_template;
pub(super) mod leavings;
pub mod nat_gateway;
pub mod route;
pub mod route_table;
pub mod route_table_association;
pub mod security_group;
pub mod security_group_rule;
pub mod subnet;
pub mod vpc;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, Tag, TagSpecification};
use futures::future::try_join_all;

use super::tags::{TagChanges, Tags};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Settle, Token, tags};

/// EC2's reads are eventually consistent; the Terraform provider waits five minutes for a new thing to appear.
const SETTLE: Settle = Settle { hidden: Duration::from_secs(300), ..Settle::INSTANT };

/// "Returns true if the request succeeds": what the EC2 API reference says of the deletion of a VPC, a subnet, a group, a table and
/// their like. Only lists may still show them (EC2 developer guide, "Eventual consistency in the Amazon EC2 API").
const DELETED_AT_ONCE: bool = true;

/// The most values that one filter may have ("Filter" in the EC2 API reference).
const FILTER_VALUES: usize = 200;
/// The largest page of most `Describe*` calls.
const PAGE: i32 = 1000;

fn specification(of: ResourceType, tags: &Tags) -> Option<Vec<TagSpecification>> {
    let tags: Vec<_> = tags.iter().map(|(key, value)| tag(key, value)).collect();
    (!tags.is_empty()).then(|| vec![TagSpecification::builder().resource_type(of).set_tags(Some(tags)).build()])
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn read_tags(tags: &[Tag]) -> Tags {
    tags.iter().filter_map(|it| Some((it.key.clone()?, it.value.clone()?))).collect()
}

fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

fn by_token(token: &Token) -> Vec<Filter> {
    vec![filter(&format!("tag:{}", tags::ID), [token.as_str()])]
}

fn switch(on: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(on).build()
}

/// What a filter of `ids` finds: as many of them a call as a filter takes, and the calls side by side.
async fn ask_by<T, F>(name: &str, ids: &[&str], ask: impl Fn(Vec<Filter>) -> F) -> Result<Vec<T>, Fault>
where
    F: Future<Output = Result<Vec<T>, Fault>>,
{
    let asked = ids.chunks(FILTER_VALUES).map(|ids| ask(vec![filter(name, ids.iter().copied())]));
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// How one kind of EC2 thing is asked for.
struct Listing<T> {
    /// Names the call in what is remembered of this run.
    call: &'static str,
    /// The filter that takes ids.
    id_filter: &'static str,
    id_of: fn(&T) -> Option<&str>,
}

/// All of `query.ids` that exist: in a plan by the lineage's tag, a thousand a page; then, and while waiting for something,
/// by a filter of ids. Only that proves absence, since tags can be taken off; a list of ids would fail for one unknown id.
async fn describe<T, F>(
    aws: &Aws,
    query: &Query,
    listing: Listing<T>,
    ask: impl Fn(Vec<Filter>) -> F,
) -> Result<BTreeMap<Id, T>, Fault>
where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = Result<Vec<T>, Fault>> + Send,
{
    let mut missing: BTreeMap<&str, &Id> = query.ids.iter().map(|it| (it.as_str(), it)).collect();
    let mut found = BTreeMap::new();
    if let (true, Some(lineage)) = (query.shared, &query.lineage) {
        let key = format!("{} {lineage}", listing.call);
        let mine = vec![filter(&format!("tag:{}", tags::LINEAGE), [lineage])];
        for it in aws.shared(true, key, || ask(mine)).await?.iter() {
            if let Some(id) = (listing.id_of)(it).and_then(|it| missing.remove(it)) {
                found.insert(id.clone(), it.clone());
            }
        }
    }
    let rest: Vec<&str> = missing.keys().copied().collect();
    for it in ask_by(listing.id_filter, &rest, ask).await? {
        if let Some(id) = (listing.id_of)(&it).and_then(|it| missing.remove(it)) {
            found.insert(id.clone(), it);
        }
    }
    Ok(found)
}

/// Puts on and takes off what differs.
async fn update_tags(aws: &Aws, id: &str, was: &Tags, want: &Tags) -> Result<(), Fault> {
    let changes = TagChanges::between(was, want);
    if !changes.put.is_empty() {
        let put = changes.put.iter().map(|(key, value)| tag(key, value)).collect();
        aws.ec2().create_tags().resources(id).set_tags(Some(put)).send().await?;
    }
    if !changes.remove.is_empty() {
        let take = changes.remove.iter().map(|key| Tag::builder().key(key).build()).collect();
        aws.ec2().delete_tags().resources(id).set_tags(Some(take)).send().await?;
    }
    Ok(())
}

/// The ids of what was found.
fn ids<T>(found: Vec<T>, id_of: impl Fn(&T) -> Option<&str>) -> Vec<Id> {
    found.iter().filter_map(&id_of).map(Id::new).collect()
}

/// The id that an answer must have.
fn named(call: &str, id: Option<String>) -> Result<Id, Fault> {
    id.map(Id::new).ok_or_else(|| Fault::bug(call, "the answer has no id"))
}
