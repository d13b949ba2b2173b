//! Tags as maps, and what it takes to get from one map to another.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_resourcegroupstagging::types::TagFilter;

use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault, Id, Token};

pub type Tags = BTreeMap<String, String>;

/// What to put and what to take away. Tags of others are in both maps (the engine sees to it), so they are in neither list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChanges {
    pub put: Tags,
    pub remove: Vec<String>,
}

impl TagChanges {
    pub fn between(was: &Tags, want: &Tags) -> Self {
        let put = want.iter().filter(|(key, value)| was.get(*key) != Some(value));
        let remove = was.keys().filter(|key| !want.contains_key(*key));
        Self { put: put.map(|(key, value)| (key.clone(), value.clone())).collect(), remove: remove.cloned().collect() }
    }
}

/// What has a name that only one thing can have: the creation's own where it carries its token, else somebody else's.
pub fn own(id: Id, carries: Option<&str>, token: &Token, call: &str, taken: String) -> Result<Option<Id>, Fault> {
    match carries == Some(token.as_str()) {
        true => Ok(Some(id)),
        false => Err(Fault::new(Class::Exists, call, taken)),
    }
}

/// All tagged things of one kind (`ecr:repository`) in the configuration's account and region, by ARN: 100 an answer, in place of
/// one call a thing. Not for IAM nor Auto Scaling, which this API leaves out.
///
/// Source: API reference, GetResources.
pub async fn tagged(aws: &Aws, kind: &str, shared: bool) -> Result<Arc<BTreeMap<String, Tags>>, Fault> {
    aws.shared(shared, format!("tag:GetResources {kind}"), || search(aws, kind, None)).await
}

/// The ARNs of the things of one kind that carry a tag.
pub async fn tagged_with(aws: &Aws, kind: &str, key: &str, value: &str) -> Result<Vec<String>, Fault> {
    let filter = TagFilter::builder().key(key).values(value).build();
    Ok(search(aws, kind, Some(filter)).await?.into_keys().collect())
}

async fn search(aws: &Aws, kind: &str, filter: Option<TagFilter>) -> Result<BTreeMap<String, Tags>, Fault> {
    let ask = aws
        .tagging()
        .get_resources()
        .resource_type_filters(kind)
        .resources_per_page(100)
        .set_tag_filters(filter.map(|it| vec![it]));
    let mut pages = ask.into_paginator().send();
    let mut found = BTreeMap::new();
    while let Some(page) = pages.next().await {
        for it in page?.resource_tag_mapping_list.unwrap_or_default() {
            let tags = it.tags.unwrap_or_default().into_iter().map(|it| (it.key, it.value)).collect();
            found.extend(it.resource_arn.map(|arn| (arn, tags)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_put_or_removed() {
        let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Tags>();
        let changes =
            TagChanges::between(&tags(&[("a", "1"), ("b", "2"), ("c", "3")]), &tags(&[("a", "1"), ("b", "9"), ("d", "4")]));
        assert_eq!(changes, TagChanges { put: tags(&[("b", "9"), ("d", "4")]), remove: vec!["c".into()] });
    }
}
