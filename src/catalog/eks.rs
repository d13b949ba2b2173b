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

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::catalog::tags::{TagChanges, Tags};
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id};
use crate::resource::{Resource, Seen};

/// How many things are asked for at a time; the transport's rates apply besides.
const SIDE_BY_SIDE: usize = 16;

/// EKS has no call for several things: each is a call of its own.
async fn read_each<'a, R, F>(ids: &'a [Id], look: impl Fn(&'a Id) -> F) -> Result<BTreeMap<Id, Seen<R>>, Fault>
where
    R: Resource,
    F: Future<Output = Result<Option<Seen<R>>, Fault>>,
{
    let looks: Vec<_> = ids
        .iter()
        .map(|id| {
            let look = look(id);
            async move { Ok::<_, Fault>(look.await?.map(|it| (id.clone(), it))) }
        })
        .collect();
    let found: Vec<_> = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// `CLUSTER:NAME`; names of clusters have no colon.
fn of_two(id: &Id) -> Option<(&str, &str)> {
    id.as_str().split_once(':')
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
