//! What keeps pods on the nodes of a group that are about to be made anew: told while planning, because EKS says it an hour later.
//!
//! Source: Amazon EKS User Guide, "Understand each phase of node updates": pods that do not leave a node within 15 minutes make an
//! update fail with `PodEvictionFailure`, unless it is forced.

use crate::cloud::aws::Aws;
use crate::object::drain::Hindrances;
use crate::remote::{Fault, Live, Objection};
use crate::value::Value;

/// What nodes are made from.
const RENEWED_BY: [&str; 3] = ["version", "release_version", "launch_template"];
/// So many pods are named.
const SHOWN: usize = 5;

/// Of a change that takes the place of nodes and is not forced. A cluster that cannot be asked says nothing: the update will.
pub(super) async fn objections(aws: &Aws, is: &Live, settings: &Value) -> Result<Vec<Objection>, Fault> {
    let differs = |name: &&&str| !settings.get(name).is_null() && settings.get(name) != is.settings.get(name);
    let Some(path) = RENEWED_BY.iter().find(differs) else { return Ok(Vec::new()) };
    if settings.get("force_update_version").as_bool() == Some(true) {
        return Ok(Vec::new());
    }
    let arn = is.outputs.get("arn");
    let Some((cluster, group)) = arn.as_str().and_then(named) else { return Ok(Vec::new()) };
    let nodes = format!("eks.amazonaws.com/nodegroup={group}");
    let Ok(found) = aws.kube().hindrances(&cluster, &nodes, aws).await else { return Ok(Vec::new()) };
    Ok(said(path, &found))
}

/// The cluster's ARN and the group's name, out of `arn:…:nodegroup/CLUSTER/GROUP/UUID`.
fn named(arn: &str) -> Option<(String, &str)> {
    let (account, rest) = arn.split_once(":nodegroup/")?;
    let mut parts = rest.split('/');
    let (cluster, group) = (parts.next()?, parts.next()?);
    Some((format!("{account}:cluster/{cluster}"), group))
}

fn said(path: &str, found: &Hindrances) -> Vec<Objection> {
    let objection =
        |message: String, help: &str| Objection { path: path.to_owned(), message, help: Some(help.to_owned()), stops: false };
    let mut out = Vec::new();
    if !found.held.is_empty() {
        let pods = found.held.iter().map(|(pod, budget)| format!("{pod} (budget {budget})"));
        let message = format!(
            "New nodes take the place of all of the group, and disruption budgets let none of these pods go now: {}. EKS gives up \
             after 15 minutes (PodEvictionFailure).",
            some(pods)
        );
        out.push(objection(message, "give the budgets room, or set force_update_version"));
    }
    if !found.lost.is_empty() {
        let message = format!("No controller makes these pods again when their nodes go: {}.", some(found.lost.iter().cloned()));
        out.push(objection(message, "put them into a Deployment or a Job"));
    }
    out
}

fn some(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(SHOWN);
    let mut names: Vec<String> = all.take(SHOWN).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_told_by_its_arn() {
        let arn = "arn:aws:eks:eu-west-1:111122223333:nodegroup/dev/spot-a1/2cc5";
        assert_eq!(named(arn), Some(("arn:aws:eks:eu-west-1:111122223333:cluster/dev".into(), "spot-a1")));
        assert_eq!(named("arn:aws:eks:eu-west-1:111122223333:cluster/dev"), None);
    }

    #[test]
    fn what_is_in_the_way_is_named_as_far_as_it_fits() {
        let held = (0..7).map(|it| (format!("hold/web-{it}"), "web".to_owned())).collect();
        let all = said("version", &Hindrances { held, lost: vec!["hold/bare".into()] });
        assert!(all[0].message.contains("hold/web-4 (budget web), 2 more.") && all[1].message.contains("hold/bare"), "{all:?}");
        assert!(all.iter().all(|it| !it.stops && it.path == "version"));
        assert_eq!(said("version", &Hindrances::default()), []);
    }
}
