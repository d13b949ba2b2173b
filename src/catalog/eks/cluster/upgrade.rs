//! Whether a cluster can take the version that it is to have.
//!
//! Source: Amazon EKS User Guide, "Update existing cluster to new Kubernetes version", "Roll back a cluster" and "Cluster
//! insights": EKS looks every day at what would break (removed APIs that are still called, kubelets and add-ons that are too old),
//! and refuses an update of which it knows that it would.

use aws_sdk_eks::types::{Category, InsightStatusValue, InsightSummary, InsightsFilter};

use crate::cloud::aws::Aws;
use crate::remote::{Fault, Live, Objection};
use crate::value::Value;

const PATH: &str = "version";

/// Of a change of the version.
pub(super) async fn objections(aws: &Aws, is: &Live, settings: &Value) -> Result<Vec<Objection>, Fault> {
    let (is_now, wanted, name) = (is.settings.get(PATH), settings.get(PATH), settings.get("name"));
    let (Some(is_now), Some(wanted), Some(name)) = (is_now.as_str(), wanted.as_str(), name.as_str()) else {
        return Ok(Vec::new());
    };
    if is_now == wanted {
        return Ok(Vec::new());
    }
    if let Some(it) = leap(is_now, wanted) {
        return Ok(vec![it]);
    }
    let filter = InsightsFilter::builder()
        .categories(Category::UpgradeReadiness)
        .kubernetes_versions(wanted)
        .statuses(InsightStatusValue::Error)
        .statuses(InsightStatusValue::Warning)
        .build();
    let pages = aws.eks().list_insights().cluster_name(name).filter(filter).into_paginator().items().send();
    let found: Vec<InsightSummary> = pages.collect::<Result<_, _>>().await?;
    Ok(found.iter().map(|it| of_insight(name, it)).collect())
}

/// EKS moves one minor version at a time, and hardly ever back.
fn leap(is_now: &str, wanted: &str) -> Option<Objection> {
    let minor = |it: &str| it.strip_prefix("1.")?.parse::<u32>().ok();
    let (from, to) = (minor(is_now)?, minor(wanted)?);
    let next = from.checked_add(1)?;
    if to > next {
        return Some(Objection {
            path: PATH.to_owned(),
            message: format!("EKS moves a cluster by one minor version at a time: from {is_now} it goes to 1.{next} first."),
            help: Some(format!("declare 1.{next}, apply, and go on from there")),
            stops: true,
        });
    }
    (to < from).then(|| Objection {
        path: PATH.to_owned(),
        message: format!(
            "The cluster is at {is_now} already: somebody moved it, or EKS itself, which does so when the support of a version \
             ends. It takes a cluster back by one version at most, and only within 7 days."
        ),
        help: Some(format!("declare {is_now}")),
        stops: to + 1 < from,
    })
}

fn of_insight(cluster: &str, it: &InsightSummary) -> Objection {
    let status = it.insight_status();
    let reason = status.and_then(|it| it.reason()).unwrap_or_default();
    let id = it.id().unwrap_or_default();
    Objection {
        path: PATH.to_owned(),
        message: format!("EKS finds that the cluster is not ready for it. {}: {reason}", it.name().unwrap_or_default()),
        help: Some(format!("aws eks describe-insight --cluster-name {cluster} --id {id}")),
        stops: status.and_then(|it| it.status()) == Some(&InsightStatusValue::Error),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_eks::types::InsightStatus;

    use super::*;

    #[test]
    fn what_eks_knows_to_break_stops_a_plan() {
        let said = |status: InsightStatusValue| {
            let status = InsightStatus::builder().status(status).reason("kubelets are too old").build();
            of_insight("dev", &InsightSummary::builder().id("i").name("Kubelet version skew").insight_status(status).build())
        };
        let error = said(InsightStatusValue::Error);
        assert!(error.stops && error.message.ends_with("Kubelet version skew: kubelets are too old"), "{error:?}");
        assert!(!said(InsightStatusValue::Warning).stops);
    }

    #[test]
    fn versions_are_not_leapt_over() {
        assert!(leap("1.34", "1.36").is_some_and(|it| it.stops && it.message.contains("1.35 first")));
        for (is_now, wanted) in [("1.35", "1.36"), ("1.36", "1.36"), ("1.36", "2.1")] {
            assert_eq!(leap(is_now, wanted), None, "{is_now} {wanted}");
        }
        assert!(leap("1.36", "1.35").is_some_and(|it| !it.stops && it.help.as_deref() == Some("declare 1.36")));
        assert!(leap("1.36", "1.34").is_some_and(|it| it.stops));
    }
}
