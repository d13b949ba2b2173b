//! The benchmark's stack, made, read and unmade by hand: as many calls at once as `infra` makes, none that could be left
//! out, and nothing that waits for what it does not need. What `infra` is measured against.
//!
//! It keeps no state, takes no lock, and would not survive an interruption.

mod network;
mod reading;
mod repositories;

use futures::future::try_join;
use localstack::client::{Answer, CallError, Caller};
use serde_json::Value;
use tokio::sync::Semaphore;

pub use reading::read;

use super::stack::{self, REPOSITORIES};
use network::Network;

/// As many as `infra` has in flight unless told otherwise.
const AT_ONCE: usize = 64;

/// The fewest calls that make the stack: one for each thing, one that attaches the gateway, one for each group's rules.
pub const LEAST_TO_CREATE: u64 = 1_503;

/// The fewest that unmake it. Associations go with their subnets, routes with their tables, rules with their groups.
pub const LEAST_TO_DESTROY: u64 = 903;

/// Everything that was made.
#[derive(Debug)]
pub struct Made(Network);

/// A caller who has no more than [`AT_ONCE`] calls in flight.
struct Hand<'a> {
    caller: &'a Caller,
    free: Semaphore,
}

impl<'a> Hand<'a> {
    fn new(caller: &'a Caller) -> Self {
        Self { caller, free: Semaphore::new(AT_ONCE) }
    }

    async fn ec2(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Answer, CallError> {
        // The semaphore is never closed.
        let _slot = self.free.acquire().await;
        self.caller.ec2(action, parameters).await?.success("ec2", action)
    }

    async fn json(&self, service: &str, prefix: &str, action: &str, body: &Value) -> Result<Answer, CallError> {
        let _slot = self.free.acquire().await;
        self.caller.json(service, &format!("{prefix}.{action}"), body).await?.success(service, action)
    }

    /// A create, tagged in the same call; the text of the answer's first element `id`.
    async fn create(&self, action: &str, kind: &str, id: &str, parameters: &[(&str, &str)]) -> Result<String, CallError> {
        let tags = specification(kind, &all_tags());
        let mut all = parameters.to_vec();
        all.extend(tags.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        Ok(self.ec2(action, &all).await?.text(id).to_owned())
    }
}

/// The stack's tags and those of its owner.
fn all_tags() -> Vec<(&'static str, &'static str)> {
    stack::tags().into_iter().chain(stack::ownership()).collect()
}

/// The parameters that tag what a call makes.
fn specification(kind: &str, tags: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut out = vec![("TagSpecification.1.ResourceType".to_owned(), kind.to_owned())];
    for (index, (key, value)) in tags.iter().enumerate() {
        let name = |part: &str| format!("TagSpecification.1.Tag.{}.{part}", index + 1);
        out.extend([(name("Key"), (*key).to_owned()), (name("Value"), (*value).to_owned())]);
    }
    out
}

/// Makes the stack.
pub async fn create(caller: &Caller) -> Result<Made, CallError> {
    let hand = Hand::new(caller);
    let (network, ()) = try_join(Network::create(&hand), repositories::create(&hand, REPOSITORIES)).await?;
    Ok(Made(network))
}

/// Unmakes it.
pub async fn destroy(caller: &Caller, made: Made) -> Result<(), CallError> {
    let hand = Hand::new(caller);
    try_join(made.0.destroy(&hand), repositories::destroy(&hand, REPOSITORIES)).await?;
    Ok(())
}
