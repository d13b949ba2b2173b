//! Updates that this run asked for. EKS carries one out after it has taken it, and only says afterwards whether it could.
//!
//! Source: Amazon EKS API Reference, DescribeUpdate.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_eks::types as sdk;

use super::about;
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault};

/// What is updated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    pub cluster: String,
    pub part: Part,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Whole,
    NodeGroup(String),
    Addon(String),
}

/// The last update of each thing, until it is known how it ended.
#[derive(Default)]
struct Asked(Mutex<BTreeMap<Subject, String>>);

impl Asked {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<Subject, String>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps an update in mind, for [`check`].
pub fn remember(aws: &Aws, subject: Subject, update: Option<sdk::Update>) {
    if let Some(id) = update.and_then(|it| it.id) {
        aws.kept::<Asked>().with(|all| all.insert(subject, id));
    }
}

/// Before another update of the thing: a fault when the one before it failed, or is still under way.
pub async fn check(aws: &Aws, subject: &Subject) -> Result<(), Fault> {
    let asked = aws.kept::<Asked>();
    let Some(id) = asked.with(|all| all.get(subject).cloned()) else { return Ok(()) };
    let ask = aws.eks().describe_update().name(&subject.cluster).update_id(id);
    let ask = match &subject.part {
        Part::Whole => ask,
        Part::NodeGroup(name) => ask.nodegroup_name(name),
        Part::Addon(name) => ask.addon_name(name),
    };
    let update = ask.send().await?.update;
    let Some(update) = update else { return Ok(()) };
    match update.status() {
        Some(sdk::UpdateStatus::InProgress) => {
            Err(Fault::new(Class::Settling, "eks:DescribeUpdate", "an update of it is still under way"))
        }
        Some(sdk::UpdateStatus::Failed | sdk::UpdateStatus::Cancelled) => {
            asked.with(|all| all.remove(subject));
            Err(failed(&update))
        }
        _ => {
            asked.with(|all| all.remove(subject));
            Ok(())
        }
    }
}

/// What EKS says of an update that it could not carry out.
fn failed(update: &sdk::Update) -> Fault {
    let kind = update.r#type().map_or("update", |it| it.as_str());
    let errors: Vec<String> = update.errors().iter().map(sentence).collect();
    let why = if errors.is_empty() { "EKS does not say why".to_owned() } else { errors.join("; ") };
    let id = update.id().unwrap_or_default();
    let status = update.status().map_or("Failed", |it| it.as_str()).to_ascii_lowercase();
    let mut fault = Fault::new(Class::Refused, "eks:DescribeUpdate", format!("the {kind} {id} {status}: {why}"));
    fault.code = update.errors().first().and_then(|it| it.error_code()).map(|it| it.as_str().to_owned());
    fault
}

fn sentence(error: &sdk::ErrorDetail) -> String {
    let code = error.error_code().map_or("unknown", |it| it.as_str());
    let on = about(error.resource_ids());
    let hint = match error.error_code() {
        Some(sdk::ErrorCode::PodEvictionFailure) => {
            ". A PodDisruptionBudget allows no eviction, or a pod belongs to nothing that would make it again: \
             `kubectl get pdb -A` shows which; `force_update_version = true` does not ask them"
        }
        Some(sdk::ErrorCode::ConfigurationConflict) => {
            ". Others own these fields: leave them out, or set `resolve_conflicts_on_update = \"OVERWRITE\"`"
        }
        _ => "",
    };
    format!("{code}: {}{on}{hint}", error.error_message().unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_update_says_what_stood_in_its_way() {
        let error = sdk::ErrorDetail::builder()
            .error_code(sdk::ErrorCode::PodEvictionFailure)
            .error_message("Reached max retries while trying to evict pods from nodes in node group a")
            .resource_ids("ip-10-0-0-1")
            .build();
        let update = sdk::Update::builder()
            .id("1")
            .r#type(sdk::UpdateType::VersionUpdate)
            .status(sdk::UpdateStatus::Failed)
            .errors(error)
            .build();
        let fault = failed(&update);
        assert_eq!((fault.class, fault.code.as_deref()), (Class::Refused, Some("PodEvictionFailure")));
        for part in ["VersionUpdate 1 failed", "evict pods", "ip-10-0-0-1", "kubectl get pdb -A", "force_update_version"] {
            assert!(fault.message.contains(part), "{}", fault.message);
        }
    }
}
