//! [`ClusterRef`]: which cluster, and how it is reached.

use serde::{Deserialize, Serialize};

use crate::remote::{Class, Fault};
use crate::value::Value;

/// What the identity of a context begins with.
const KUBECONFIG: &str = "kubeconfig:";

/// An EKS cluster as its own outputs describe it, or a context of a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClusterRef {
    Eks {
        name: String,
        region: String,
        /// `https://…`
        endpoint: String,
        /// PEM in base64, as `DescribeCluster` gives it.
        certificate_authority: String,
        arn: String,
    },
    Context {
        /// The file; the path is taken as it stands.
        kubeconfig: String,
        /// The file's current context when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<String>,
    },
}

impl ClusterRef {
    /// What the ids of objects name the cluster by: the ARN, or the kubeconfig and its context.
    pub fn identity(&self) -> String {
        match self {
            Self::Eks { arn, .. } => arn.clone(),
            Self::Context { kubeconfig, context: Some(it) } => format!("{KUBECONFIG}{kubeconfig}#{it}"),
            Self::Context { kubeconfig, context: None } => format!("{KUBECONFIG}{kubeconfig}"),
        }
    }

    /// The context that an identity names; none for what is a cluster of EKS.
    pub(super) fn of_kubeconfig(identity: &str) -> Option<Self> {
        let rest = identity.strip_prefix(KUBECONFIG)?;
        // A path may contain `#`, the name of a context in use hardly does.
        let (kubeconfig, context) = rest.rsplit_once('#').map_or((rest, None), |(file, context)| (file, Some(context)));
        Some(Self::Context { kubeconfig: kubeconfig.to_owned(), context: context.map(str::to_owned) })
    }

    /// What `DescribeCluster` says. A cluster that is being created has no endpoint yet: class `Settling`.
    pub fn of_description(it: &aws_sdk_eks::types::Cluster) -> Result<Self, Fault> {
        let authority = it.certificate_authority().and_then(|it| it.data());
        match (it.name(), it.arn(), it.endpoint(), authority) {
            (Some(name), Some(arn), Some(endpoint), Some(authority)) => Ok(Self::Eks {
                name: name.to_owned(),
                region: region_of(arn)?.to_owned(),
                endpoint: endpoint.to_owned(),
                certificate_authority: authority.to_owned(),
                arn: arn.to_owned(),
            }),
            (name, ..) => {
                let message = format!("the EKS cluster {} has no endpoint yet", name.unwrap_or_default());
                Err(Fault::new(Class::Settling, "eks:DescribeCluster", message))
            }
        }
    }

    /// Out of the outputs of an `aws_eks_cluster`: `arn`, `endpoint` and `certificate_authority.data`.
    pub fn of_outputs(outputs: &Value) -> Result<Self, Fault> {
        let missing = |what: &str| Fault::bug("kubernetes", format!("the cluster's outputs have no `{what}`"));
        let member = |value: &Value, name: &str| match value {
            Value::Object(members) => members.get(name).cloned(),
            _ => None,
        };
        let text = |value: Option<Value>, what: &str| match value {
            Some(Value::String(it)) if !it.is_empty() => Ok(it.to_string()),
            _ => Err(missing(what)),
        };
        let arn = text(member(outputs, "arn"), "arn")?;
        let (_, name) = arn.rsplit_once(":cluster/").ok_or_else(|| missing("arn"))?;
        let authority = member(outputs, "certificate_authority").and_then(|it| member(&it, "data"));
        Ok(Self::Eks {
            name: name.to_owned(),
            region: region_of(&arn)?.to_owned(),
            endpoint: text(member(outputs, "endpoint"), "endpoint")?,
            certificate_authority: text(authority, "certificate_authority.data")?,
            arn,
        })
    }

    /// In words: `the EKS cluster dev`.
    pub fn said(&self) -> String {
        match self {
            Self::Eks { name, .. } => format!("the EKS cluster {name}"),
            Self::Context { context: Some(it), .. } => format!("the cluster of the context {it}"),
            Self::Context { kubeconfig, context: None } => format!("the cluster of {kubeconfig}"),
        }
    }
}

/// The region in an ARN of EKS.
pub(super) fn region_of(arn: &str) -> Result<&str, Fault> {
    let region = arn.split(':').nth(3).filter(|it| !it.is_empty());
    region.ok_or_else(|| Fault::bug("kubernetes", format!("`{arn}` names no region")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_context_is_found_again_by_its_identity() {
        for (kubeconfig, context) in [("~/.kube/config", None), ("a#b", Some("dev"))] {
            let cluster = ClusterRef::Context { kubeconfig: kubeconfig.into(), context: context.map(str::to_owned) };
            assert_eq!(ClusterRef::of_kubeconfig(&cluster.identity()), Some(cluster));
        }
        assert_eq!(ClusterRef::of_kubeconfig("arn:aws:eks:eu-west-1:111122223333:cluster/dev"), None);
    }

    #[test]
    fn a_cluster_is_what_its_outputs_say() {
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/dev";
        let outputs = json!({"arn": arn, "endpoint": "https://e", "certificate_authority": {"data": "Y2E="}});
        let cluster = ClusterRef::of_outputs(&Value::from_json(&outputs)).unwrap();
        assert_eq!(cluster.identity(), arn);
        assert!(matches!(cluster, ClusterRef::Eks { name, region, .. } if name == "dev" && region == "eu-west-1"));
        let missing = ClusterRef::of_outputs(&Value::from_json(&json!({"arn": arn, "endpoint": ""}))).unwrap_err();
        assert!(missing.message.contains("`endpoint`"), "{missing}");
    }
}
