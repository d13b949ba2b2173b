//! Elastic Kubernetes Service.

pub mod cluster;

use crate::catalog::tags::{TagChanges, Tags};
use crate::cloud::aws::Aws;
use crate::remote::Fault;

/// Brings the tags of anything of EKS, by its ARN, from one map to another.
async fn change_tags(aws: &Aws, arn: &str, was: &Tags, want: &Tags) -> Result<(), Fault> {
    let changes = TagChanges::between(was, want);
    if !changes.put.is_empty() {
        aws.eks().tag_resource().resource_arn(arn).set_tags(Some(changes.put.into_iter().collect())).send().await?;
    }
    if !changes.remove.is_empty() {
        aws.eks().untag_resource().resource_arn(arn).set_tag_keys(Some(changes.remove)).send().await?;
    }
    Ok(())
}
