//! The registry's repositories. Nothing depends on them.

use futures::future::try_join_all;
use localstack::client::CallError;
use serde_json::{Value, json};

use super::{Hand, all_tags};
use crate::bench::stack::repository_name;

pub const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";

pub async fn create(hand: &Hand<'_>, count: usize) -> Result<(), CallError> {
    let tags: Vec<Value> = all_tags().iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let bodies: Vec<Value> = (0..count).map(|number| json!({"repositoryName": repository_name(number), "tags": tags})).collect();
    try_join_all(bodies.iter().map(|body| hand.json("ecr", TARGET, "CreateRepository", body))).await?;
    Ok(())
}

pub async fn destroy(hand: &Hand<'_>, count: usize) -> Result<(), CallError> {
    let bodies: Vec<Value> = (0..count).map(|number| json!({"repositoryName": repository_name(number)})).collect();
    try_join_all(bodies.iter().map(|body| hand.json("ecr", TARGET, "DeleteRepository", body))).await?;
    Ok(())
}
