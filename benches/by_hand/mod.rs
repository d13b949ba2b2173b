//! The benchmark's stack, made, read and unmade by hand: as many calls at once as `infra` makes, none that could be left
//! out, and nothing that waits for what it does not need. What `infra` is measured against, and like it a process of its own.
//!
//! It takes no lock, writes down what it made when it has made all of it, and would not survive an interruption.

mod network;
mod reading;
mod repositories;

use std::path::Path;

use clap::ValueEnum;
use futures::future::try_join;
use localstack::client::{Answer, CallError, Caller};
use serde_json::Value;
use tokio::sync::Semaphore;

pub use reading::read;

use super::stack::{self, REPOSITORIES};
use crate::Failure;
use network::Network;

/// As many as `infra` has in flight unless told otherwise.
const AT_ONCE: usize = 64;

/// The fewest calls that make the stack: one for each thing, one that attaches the gateway, one for each group's rules.
pub const LEAST_TO_CREATE: u64 = 1_503;

/// The fewest that unmake it. Associations go with their subnets, routes with their tables, rules with their groups.
pub const LEAST_TO_DESTROY: u64 = 903;

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

/// What the client is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deed {
    Create,
    Destroy,
}

impl Deed {
    /// Makes the stack and writes its ids to the file `made`, or unmakes what is written there.
    pub async fn run(self, caller: &Caller, made: &Path) -> Result<(), Failure> {
        let hand = Hand::new(caller);
        match self {
            Self::Create => {
                let repositories = repositories::create(&hand, REPOSITORIES);
                let (network, ()) = try_join(Network::create(&hand), repositories).await?;
                std::fs::write(made, serde_json::to_vec(&network)?)?;
            }
            Self::Destroy => {
                let network: Network = serde_json::from_slice(&std::fs::read(made)?)?;
                try_join(network.destroy(&hand), repositories::destroy(&hand, REPOSITORIES)).await?;
            }
        }
        Ok(())
    }
}
