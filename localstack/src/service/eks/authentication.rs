//! Who somebody is in a cluster: what a control plane asks about each token that is none of its own.
//!
//! Source: Kubernetes, "Webhook Token Authentication"; Amazon EKS User Guide on access entries.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::ask;
use super::input::texts;
use super::policy;
use super::token::{self, Signer};
use crate::gateway::{Local, Refusal, Reply};

/// A principal whom a cluster knows.
struct Somebody {
    username: String,
    uid: String,
    groups: Vec<String>,
    arn: String,
}

/// Answers a TokenReview of the cluster at `path`: `ACCOUNT/REGION/CLUSTER/token`.
pub async fn review(local: &Local, path: &str, body: &[u8]) -> Reply {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let token = review["spec"]["token"].as_str().unwrap_or_default();
    let status = match path.split('/').collect::<Vec<_>>().as_slice() {
        [account, region, cluster, "token"] => match who(local, (account, region), cluster, token).await {
            Ok(somebody) => json!({
                "authenticated": true,
                "user": {
                    "username": somebody.username,
                    "uid": somebody.uid,
                    "groups": somebody.groups,
                    "extra": {"arn": [somebody.arn], "canonicalArn": [somebody.arn]},
                },
            }),
            Err(why) => json!({"authenticated": false, "error": why}),
        },
        _ => json!({"authenticated": false, "error": format!("no cluster is at {path}")}),
    };
    let answer = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status});
    Reply::new(StatusCode::OK, "application/json", answer.to_string())
}

async fn who(local: &Local, place: (&str, &str), cluster: &str, token: &str) -> Result<Somebody, String> {
    let signer = token::signer(local, cluster, token)?;
    let found = find(local, place, cluster, &signer).await.map_err(|refusal| refusal.message)?;
    found.ok_or_else(|| format!("no access entry of {cluster} is for the principal of this token"))
}

/// Looks a signer up in the access entries of a cluster.
async fn find(
    local: &Local,
    (account, region): (&str, &str),
    cluster: &str,
    signer: &Signer,
) -> Result<Option<Somebody>, Refusal> {
    if signer.account != account {
        return Ok(None);
    }
    let call = &ask::on_behalf(account, region)?;
    let arn = ask::identity(local, call, &signer.access_key).await?;
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
    Ok(Some(Somebody {
        username: username.replace("{{SessionName}}", &session.replace('@', "-")).replace("{{SessionNameRaw}}", session),
        uid: format!("aws-iam-authenticator:{account}:{}", entry.unique_id),
        groups,
        arn,
    }))
}
