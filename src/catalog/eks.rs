//! Elastic Kubernetes Service.

pub mod access_entry;
pub mod access_policy_association;
pub mod addon;
pub mod addon_version;
pub mod cluster;
pub mod cluster_data;
pub mod node_group;
pub mod pod_identity_association;
mod updates;

use std::collections::HashMap;

use crate::catalog::tags::{TagChanges, Tags};
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, tags};

/// `CLUSTER:NAME`; names of clusters have no colon.
fn of_two(id: &Id) -> Option<(&str, &str)> {
    id.as_str().split_once(':')
}

/// What something is about: ` (i-1, i-2)`; nothing where nothing is named.
fn about(ids: &[String]) -> String {
    if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) }
}

/// The token of the creation that made it.
fn token_in(tags: Option<&HashMap<String, String>>) -> Option<&str> {
    tags?.get(tags::ID).map(String::as_str)
}

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
