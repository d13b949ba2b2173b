//! What of a stack is in the account, whatever any state says.

use aws_sdk_resourcegroupstagging::types::TagFilter;

use super::Clouds;
use crate::remote::{ConfigName, Fault, tags};

impl Clouds {
    /// ARNs of things that carry the mark of a stack of this name, the first hundred of them. IAM and Auto Scaling, and what
    /// cannot be tagged, are not among them.
    ///
    /// Source: Resource Groups Tagging API reference, GetResources.
    pub async fn owned(&self, stack: &str) -> Result<Vec<String>, Fault> {
        let filter = TagFilter::builder().key(tags::STACK).values(stack).build();
        let tagging = self.config(&ConfigName::default())?.tagging();
        let answer = tagging.get_resources().tag_filters(filter).resources_per_page(100).send().await?;
        Ok(answer.resource_tag_mapping_list.unwrap_or_default().into_iter().filter_map(|it| it.resource_arn).collect())
    }
}
