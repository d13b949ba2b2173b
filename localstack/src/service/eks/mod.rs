//! EKS, served by the gateway itself: clusters, node groups, add-ons, access entries, pod identity associations.
//!
//! Everything of an account in a region is one [`Place`]; one call at a time works on it. What takes time is brought
//! forward at the beginning of each call, when its time has come.
//! Source throughout: Amazon EKS API Reference.

mod addon;
mod ask;
mod authentication;
mod cluster;
mod entry;
mod group;
mod identity;
mod input;
mod logs;
mod memory;
mod network;
mod place;
pub mod plane;
mod policy;
mod real;
mod refuse;
mod route;
mod tags;
mod thing;
mod version;

use hyper::StatusCode;
use serde_json::Value;

use crate::gateway::{Answer, Call, Local, Refusal, Reply};
use input::Input;
use place::Place;

pub use authentication::review;
pub use logs::serve as serve_logs;
pub use memory::Memory;
pub use route::action;
pub use version::newest_ami;

/// Answers an EKS call.
pub async fn serve(local: &Local, call: Call) -> Answer {
    let input = Input::of(&call);
    if !call.body.bytes().is_empty() && !input.body.is_object() {
        return Err(Refusal::new("SerializationException", "the body is not a JSON object"));
    }
    let place = local.eks.place(&call.account, &call.region);
    let mut place = place.lock().await;
    settle(local, &call, &mut place).await?;
    let answer = answer(local, &call, &mut place, &input).await?;
    Ok(Reply::new(StatusCode::OK, "application/json", answer.to_string()))
}

/// Brings forward what has waited long enough.
async fn settle(local: &Local, call: &Call, place: &mut Place) -> Result<(), Refusal> {
    let mut gone = Vec::new();
    for (name, cluster) in &mut place.clusters {
        group::settle(local, call, cluster).await?;
        addon::settle(local, cluster).await?;
        if !cluster::settle(local, call, cluster).await? {
            gone.push(name.clone());
        }
    }
    for name in gone {
        place.clusters.remove(&name);
    }
    Ok(())
}

async fn answer(local: &Local, call: &Call, place: &mut Place, input: &Input) -> Result<Value, Refusal> {
    match call.action.as_str() {
        "CreateCluster" => cluster::create(local, call, place, input).await,
        "DescribeCluster" => cluster::describe(local, place, input),
        "ListClusters" => cluster::list(local, call, place, input),
        "UpdateClusterConfig" => cluster::configure(local, call, place, input).await,
        "UpdateClusterVersion" => cluster::change_version(local, call, place, input),
        "AssociateEncryptionConfig" => cluster::encrypt(local, call, place, input).await,
        "DescribeUpdate" => cluster::describe_update(local, place, input),
        "ListUpdates" => cluster::list_updates(local, call, place, input),
        "ListInsights" => cluster::list_insights(local, call, place, input),
        "DeleteCluster" => cluster::delete(local, call, place, input),
        "DescribeClusterVersions" => version::describe(local, call, input),
        "CreateNodegroup" => group::create(local, call, place, input).await,
        "DescribeNodegroup" => group::describe(local, place, input),
        "ListNodegroups" => group::list(local, call, place, input),
        "UpdateNodegroupConfig" => group::configure(local, call, place, input),
        "UpdateNodegroupVersion" => group::change_version(local, call, place, input).await,
        "DeleteNodegroup" => group::delete(local, call, place, input),
        "DescribeAddonVersions" => addon::versions(local, call, input),
        "DescribeAddonConfiguration" => addon::configuration(input),
        "CreateAddon" => addon::create(local, call, place, input).await,
        "DescribeAddon" => addon::describe(local, place, input),
        "ListAddons" => addon::list(local, call, place, input),
        "UpdateAddon" => addon::update(local, call, place, input).await,
        "DeleteAddon" => addon::delete(local, call, place, input),
        "CreateAccessEntry" => entry::create(local, call, place, input).await,
        "DescribeAccessEntry" => entry::describe(place, input),
        "ListAccessEntries" => entry::list(local, call, place, input),
        "UpdateAccessEntry" => entry::update(place, input),
        "DeleteAccessEntry" => entry::delete(place, input).await,
        "ListAccessPolicies" => policy::list_all(local, call, input),
        "AssociateAccessPolicy" => policy::associate(place, input).await,
        "DisassociateAccessPolicy" => policy::disassociate(place, input).await,
        "ListAssociatedAccessPolicies" => policy::list(local, call, place, input),
        "CreatePodIdentityAssociation" => identity::create(local, call, place, input).await,
        "DescribePodIdentityAssociation" => identity::describe(place, input),
        "ListPodIdentityAssociations" => identity::list(local, call, place, input),
        "UpdatePodIdentityAssociation" => identity::update(local, call, place, input).await,
        "DeletePodIdentityAssociation" => identity::delete(place, input),
        "ListTagsForResource" => tags::list(place, input),
        "TagResource" => tags::add(place, input),
        "UntagResource" => tags::remove(place, input),
        other => Err(Refusal::with_status(501, "NotImplemented", format!("the local cloud does not serve eks:{other}"))),
    }
}

/// Everything of EKS that has tags in the caller's account and region.
pub async fn tagged(local: &Local, call: &Call) -> Vec<(String, Value)> {
    let place = local.eks.place(&call.account, &call.region);
    let place = place.lock().await;
    tags::all(&place)
}
