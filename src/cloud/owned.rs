//! What of a stack is in the account, whatever any state says.

use std::collections::BTreeSet;

use aws_sdk_kms::types::KeyState;
use aws_sdk_resourcegroupstagging::operation::get_resources::builders::GetResourcesFluentBuilder;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use futures::future::try_join_all;
use futures::stream::{self, StreamExt};

use super::Clouds;
use super::aws::Aws;
use crate::remote::{ConfigName, Fault, Token, tags};

/// Keys that are asked for at the same time.
const KEYS_AT_ONCE: usize = 16;

/// A thing that carries the mark of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    pub arn: String,
    /// As it is in the tags, encoded.
    pub address: Option<String>,
    pub lineage: Option<String>,
    pub token: Option<Token>,
}

impl Clouds {
    /// Everything that carries the mark of a stack of this name, in the accounts and regions of all its configurations, without
    /// keys that wait for their deletion. What the Tagging API does not know of (IAM, Auto Scaling) is not among them.
    pub async fn marked(&self, stack: &str) -> Result<Vec<Marked>, Fault> {
        let found = try_join_all(self.configs().map(|aws| marked_in(aws, stack))).await?;
        let mut all: Vec<Marked> = found.into_iter().flatten().collect();
        // Two configurations may lead to one place.
        let mut seen = BTreeSet::new();
        all.retain(|it| seen.insert(it.arn.clone()));
        Ok(all)
    }

    /// ARNs of things that carry the mark of a stack of this name, of the first hundred of them. IAM and Auto Scaling, and what
    /// cannot be tagged, are not among them; neither are keys that wait for their deletion, which keep their tags until then.
    ///
    /// Source: Resource Groups Tagging API reference, GetResources.
    pub async fn owned(&self, stack: &str) -> Result<Vec<String>, Fault> {
        let aws = self.config(&ConfigName::default())?;
        let answer = carrying(aws, stack).send().await?;
        let arns = answer.resource_tag_mapping_list.unwrap_or_default().into_iter().filter_map(|it| it.resource_arn).collect();
        Ok(staying(aws, arns, |it: &String| it).await)
    }
}

/// Source: Resource Groups Tagging API reference, GetResources (100 a page at most).
async fn marked_in(aws: &Aws, stack: &str) -> Result<Vec<Marked>, Fault> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let page = carrying(aws, stack).set_pagination_token(token).send().await?;
        for it in page.resource_tag_mapping_list.unwrap_or_default() {
            let Some(arn) = it.resource_arn else { continue };
            let tags = it.tags.unwrap_or_default();
            let tag = |name: &str| tags.iter().find(|it| it.key == name).map(|it| it.value.clone());
            let (address, lineage) = (tag(tags::ADDRESS), tag(tags::LINEAGE));
            all.push(Marked { arn, address, lineage, token: tag(tags::ID).map(|it| Token(it.into())) });
        }
        token = page.pagination_token.filter(|it| !it.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(staying(aws, all, |it| &it.arn).await)
}

/// Asks for a page of what carries the mark of a stack of this name, as large as it can be.
fn carrying(aws: &Aws, stack: &str) -> GetResourcesFluentBuilder {
    let filter = TagFilter::builder().key(tags::STACK).values(stack).build();
    aws.tagging().get_resources().tag_filters(filter).resources_per_page(100)
}

/// Those of them that are no keys which wait for their deletion, in their order.
async fn staying<T>(aws: &Aws, all: Vec<T>, arn: impl Fn(&T) -> &str + Copy) -> Vec<T> {
    let looks = all.into_iter().map(|it| async move { (!is_going(aws, arn(&it)).await).then_some(it) });
    stream::iter(looks).buffered(KEYS_AT_ONCE).filter_map(std::future::ready).collect().await
}

/// Whether it is a key that waits for its deletion. One that may not be looked at counts as one that stays.
async fn is_going(aws: &Aws, arn: &str) -> bool {
    if !is_key(arn) {
        return false;
    }
    let answer = aws.kms().describe_key().key_id(arn).send().await.ok().and_then(|it| it.key_metadata);
    let state = answer.and_then(|it| it.key_state);
    matches!(state, Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion))
}

/// `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`
fn is_key(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    parts.next() == Some("kms") && parts.nth(2).is_some_and(|it| it.starts_with("key/"))
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn keys_are_told_by_their_arn() {
        assert!(is_key("arn:aws:kms:eu-west-1:111111111111:key/1234"));
        assert!(!is_key("arn:aws:kms:eu-west-1:111111111111:alias/key"));
        assert!(!is_key("arn:aws:ec2:eu-west-1:111111111111:vpc/vpc-1"));
        assert!(!is_key("key/1"));
    }
}
