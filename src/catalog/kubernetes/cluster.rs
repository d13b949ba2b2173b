//! Which cluster an object is in; and data `kubernetes_cluster`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::aws::Aws;
use crate::cloud::kube::{ClusterRef, kubeconfig};
use crate::remote::{Class, Fault};
use crate::resource::Data;
use crate::schema::field::{Fixed, Local};
use crate::value::Value;

/// What is taken of an `aws_eks_cluster` or a data `kubernetes_cluster`. Where a cluster answers may change; which it is may not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// Of an EKS cluster.
    #[serde(default)]
    pub arn: Fixed<Option<String>>,
    /// Where an EKS cluster answers.
    #[serde(default)]
    pub endpoint: Local<Option<String>>,
    /// Whom an EKS cluster's certificate is signed by.
    #[serde(default)]
    pub certificate_authority: Local<Option<CertificateAuthority>>,
    /// The file that names any other cluster.
    #[serde(default)]
    pub kubeconfig: Fixed<Option<String>>,
    /// A context of that file.
    #[serde(default)]
    pub context: Fixed<Option<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateAuthority {
    /// PEM in base64.
    #[serde(default)]
    pub data: Option<String>,
}

impl Cluster {
    pub fn reference(&self) -> Result<ClusterRef, Fault> {
        if let (Some(kubeconfig), Some(context)) = (&*self.kubeconfig, &*self.context) {
            return Ok(ClusterRef::Context { kubeconfig: kubeconfig.clone(), context: Some(context.clone()) });
        }
        let it = serde_json::to_value(self).map_err(|error| Fault::bug("kubernetes", error.to_string()))?;
        ClusterRef::of_outputs(&Value::from_json(&it))
    }
}

impl From<&ClusterRef> for Cluster {
    fn from(it: &ClusterRef) -> Self {
        match it.clone() {
            ClusterRef::Eks { arn, endpoint, certificate_authority, name: _, region: _ } => Self {
                arn: Some(arn).into(),
                endpoint: Some(endpoint).into(),
                certificate_authority: Some(CertificateAuthority { data: Some(certificate_authority) }).into(),
                ..Self::default()
            },
            ClusterRef::Context { kubeconfig, context } => {
                Self { kubeconfig: Some(kubeconfig).into(), context: context.into(), ..Self::default() }
            }
        }
    }
}

/// Any cluster that a kubeconfig leads to. It is not asked anything.
///
/// ```stack
/// data "kubernetes_cluster" "home" {
///   kubeconfig = "~/.kube/config"
///   context    = "home"
/// }
///
/// output "server" { value = data.kubernetes_cluster.home.server }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct KubernetesCluster {
    /// The file; `~/` is the caller's home.
    pub kubeconfig: String,
    /// The context in it. The file's current one does not count: it is another one tomorrow.
    pub context: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// File and context.
    pub id: String,
    /// Where the cluster answers.
    pub server: String,
}

impl Data for KubernetesCluster {
    const TYPE: &'static str = "kubernetes_cluster";
    type Outputs = Outputs;

    async fn read(&self, _: &Aws) -> Result<Outputs, Fault> {
        let config = kubeconfig(&self.kubeconfig, Some(self.context.clone())).await?;
        let server = config.cluster_url.to_string();
        if server.is_empty() {
            let message = format!("the context {} of {} names no server", self.context, self.kubeconfig);
            return Err(Fault::new(Class::Refused, "kubernetes", message));
        }
        Ok(Outputs { id: format!("{}#{}", self.kubeconfig, self.context), server })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_what_was_taken_of_it() {
        let context = ClusterRef::Context { kubeconfig: "f".into(), context: Some("c".into()) };
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/dev";
        let eks = ClusterRef::Eks {
            name: "dev".into(),
            region: "eu-west-1".into(),
            endpoint: "https://e".into(),
            certificate_authority: "Y2E=".into(),
            arn: arn.into(),
        };
        for it in [context, eks] {
            assert_eq!(Cluster::from(&it).reference(), Ok(it));
        }
        assert!(Cluster::default().reference().unwrap_err().message.contains("`arn`"));
    }
}
