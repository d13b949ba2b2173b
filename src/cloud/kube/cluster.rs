//! [`ClusterRef`]: which cluster, and how it is reached.

use serde::{Deserialize, Serialize};

use crate::remote::Fault;
use crate::value::Value;

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
    /// What the ids of objects name the cluster by: the ARN, or the context. The path of a kubeconfig is no part of it: the
    /// cluster is the same one on another machine.
    pub fn identity(&self) -> String {
        match self {
            Self::Eks { arn, .. } => arn.clone(),
            Self::Context { context: Some(it), .. } => format!("context:{it}"),
            Self::Context { context: None, kubeconfig } => format!("kubeconfig:{kubeconfig}"),
        }
    }

    /// Out of the outputs of an `aws_eks_cluster`: `name`, `endpoint`, `arn`, and `certificate_authority[0].data`.
    pub fn of_outputs(outputs: &Value) -> Result<Self, Fault> {
        let text = |value: Option<&Value>, what: &str| match value {
            Some(Value::String(it)) if !it.is_empty() => Ok(it.to_string()),
            _ => Err(Fault::bug("kubernetes", format!("the cluster's outputs have no `{what}`"))),
        };
        let member = |value: &Value, name: &str| match value {
            Value::Object(members) => members.get(name).cloned(),
            _ => None,
        };
        let authority = match member(outputs, "certificate_authority") {
            Some(Value::List(list)) => list.first().and_then(|it| member(it, "data")),
            Some(object) => member(&object, "data"),
            None => None,
        };
        let arn = text(member(outputs, "arn").as_ref(), "arn")?;
        let region = arn.split(':').nth(3).filter(|it| !it.is_empty());
        Ok(Self::Eks {
            name: text(member(outputs, "name").as_ref(), "name")?,
            region: region.ok_or_else(|| Fault::bug("kubernetes", format!("`{arn}` names no region")))?.to_owned(),
            endpoint: text(member(outputs, "endpoint").as_ref(), "endpoint")?,
            certificate_authority: text(authority.as_ref(), "certificate_authority")?,
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
