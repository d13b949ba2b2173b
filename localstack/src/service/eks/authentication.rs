//! Who somebody is in a cluster: what a control plane asks about each token that is none of its own.
//!
//! Source: Kubernetes, "Webhook Token Authentication"; Amazon EKS User Guide on access entries.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::ask;
use super::input::texts;
use super::policy;
use crate::gateway::{Local, Refusal, Reply};
use crate::kube::token::{self, Check, User};

/// Answers a TokenReview of the cluster at `path`: `ACCOUNT/REGION/CLUSTER/token`.
pub async fn review(local: &Local, path: &str, body: &[u8]) -> Reply {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let outcome = match (path.split('/').collect::<Vec<_>>().as_slice(), token::asked(&review)) {
        ([account, region, cluster, "token"], Some(token)) => who(local, (account, region), cluster, token).await,
        (_, None) => Err("this is no TokenReview".to_owned()),
        (_, Some(_)) => Err(format!("no cluster is at {path}")),
    };
    Reply::new(StatusCode::OK, "application/json", token::review(outcome).to_string())
}

async fn who(local: &Local, place: (&str, &str), cluster: &str, token: &str) -> Result<User, String> {
    let check = Check { cluster, sts: &local.eks.gateway(), now: Timestamp::now() };
    let claim = check
        .claim(token, |claim| local.keys.find(&claim.access_key).map(|key| key.secret))
        .map_err(|failure| failure.to_string())?;
    let found = find(local, place, cluster, &claim.access_key).await.map_err(|refusal| refusal.message)?;
    found.ok_or_else(|| format!("no access entry of {cluster} is for the principal of this token"))
}

/// Looks the owner of an access key up in the access entries of a cluster.
async fn find(local: &Local, (account, region): (&str, &str), cluster: &str, access_key: &str) -> Result<Option<User>, Refusal> {
    if local.keys.find(access_key).is_none_or(|key| key.account != account) {
        return Ok(None);
    }
    let call = &ask::on_behalf(account, region)?;
    let arn = ask::identity(local, call, access_key).await?;
    let principal = ask::principal(local, call, &arn).await?;
    let unique_id = ask::unique_id(local, call, &principal).await?;
    let place = local.eks.place(account, region);
    let place = place.lock().await;
    let Some(cluster) = place.clusters.get(cluster) else {
        return Ok(None);
    };
    if cluster.thing.shown["accessConfig"]["authenticationMode"] == "CONFIG_MAP" {
        return Ok(None);
    }
    // A role that was made again under the same ARN is somebody else.
    let Some(entry) = cluster.entries.get(&principal).filter(|entry| unique_id.as_ref() == Some(&entry.unique_id)) else {
        return Ok(None);
    };
    policy::apply_all(cluster, &principal).await?;
    let session = arn.rsplit('/').next().unwrap_or_default();
    let username = entry.shown["username"].as_str().unwrap_or_default();
    let mut groups = texts(&entry.shown["kubernetesGroups"]);
    groups.push(policy::own_group(&principal));
    Ok(Some(User {
        name: username.replace("{{SessionName}}", &session.replace('@', "-")).replace("{{SessionNameRaw}}", session),
        uid: format!("aws-iam-authenticator:{account}:{}", entry.unique_id),
        groups,
    }))
}
