//! Who somebody is in a cluster: the question behind each token.

use super::ask;
use super::input::texts;
use super::policy;
use crate::gateway::{Local, Refusal};

/// A principal whom the cluster knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Somebody {
    pub username: String,
    pub uid: String,
    pub groups: Vec<String>,
}

/// Looks the owner of an access key up in the access entries of a cluster. None where EKS answers 401.
pub async fn authenticate(
    local: &Local,
    (account, region): (&str, &str),
    cluster: &str,
    access_key: &str,
) -> Result<Option<Somebody>, Refusal> {
    let call = &ask::on_behalf(account, region)?;
    let arn = &ask::identity(local, call, access_key).await?;
    let principal = ask::principal(local, call, arn).await?;
    let unique_id = ask::unique_id(local, call, &principal).await?;
    let place = local.eks.place(&call.account, &call.region);
    let place = place.lock().await;
    let Some(cluster) = place.clusters.get(cluster) else {
        return Ok(None);
    };
    if cluster.thing.shown["accessConfig"]["authenticationMode"] == "CONFIG_MAP" {
        return Ok(None);
    }
    // A role that was made again under the same ARN is somebody else.
    let entry = cluster.entries.get(&principal).filter(|entry| unique_id.as_ref() == Some(&entry.unique_id));
    let Some(entry) = entry else {
        return Ok(None);
    };
    policy::apply_all(cluster, &principal).await?;
    Ok(Some({
        let session = arn.rsplit('/').next().unwrap_or_default();
        let username = entry.shown["username"].as_str().unwrap_or_default();
        let mut groups = texts(&entry.shown["kubernetesGroups"]);
        groups.push(policy::own_group(&principal));
        Somebody {
            username: username.replace("{{SessionName}}", &session.replace('@', "-")).replace("{{SessionNameRaw}}", session),
            uid: format!("aws-iam-authenticator:{}:{}", call.account, entry.unique_id),
            groups,
        }
    }))
}
