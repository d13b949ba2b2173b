//! A cluster that logs makes its log group again when somebody deletes it.

use super::{ask, cluster};
use crate::gateway::{Answer, Call, Local};

/// Answers a call to CloudWatch Logs.
pub async fn serve(local: &Local, call: Call) -> Answer {
    let deleted = (call.action == "DeleteLogGroup").then(|| call.json()["logGroupName"].as_str().unwrap_or_default().to_owned());
    let again = call.without_body();
    let reply = local.forward(call).await?;
    let Some(group) = deleted.filter(|_| reply.status.is_success()) else {
        return Ok(reply);
    };
    let place = local.eks.place(&again.account, &again.region);
    let place = place.lock().await;
    let logs = place.clusters.values().any(|known| {
        matches!(known.thing.status(), "ACTIVE" | "UPDATING") && cluster::log_group(&known.thing).as_ref() == Some(&group)
    });
    if logs {
        ask::ensure_log_group(local, &again, &group).await?;
    }
    Ok(reply)
}
