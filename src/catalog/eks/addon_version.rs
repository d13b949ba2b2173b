//! `data "aws_eks_addon_version"`

use aws_sdk_eks::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault};
use crate::resource::Data;

/// The version of an add-on that fits a version of Kubernetes.
///
/// What it answers changes when EKS has a newer one: a stack that shall not change by itself names the version.
///
/// ```stack
/// data "aws_eks_addon_version" "cni" {
///   addon_name         = "vpc-cni"
///   kubernetes_version = "1.36"
/// }
///
/// output "cni" { value = data.aws_eks_addon_version.cni.version }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AddonVersion {
    /// `vpc-cni`, `coredns`, …
    #[schemars(length(min = 1))]
    pub addon_name: String,
    /// Kubernetes' minor version, `1.36`.
    #[schemars(regex(pattern = "^1\\.[0-9]+$"))]
    pub kubernetes_version: String,
    /// The newest, not the one that EKS takes where none is named.
    #[serde(default)]
    pub most_recent: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// The add-on's name.
    pub id: String,
    /// `v1.23.0-eksbuild.1`
    pub version: String,
}

impl Data for AddonVersion {
    const TYPE: &'static str = "aws_eks_addon_version";
    type Outputs = Outputs;

    async fn read(&self, aws: &Aws) -> Result<Outputs, Fault> {
        let ask = aws.eks().describe_addon_versions().addon_name(&self.addon_name);
        let ask = ask.kubernetes_version(&self.kubernetes_version).into_paginator();
        let addons: Vec<sdk::AddonInfo> = ask.items().send().try_collect().await?;
        let versions: Vec<sdk::AddonVersionInfo> =
            addons.into_iter().flat_map(|it| it.addon_versions.unwrap_or_default()).collect();
        let version = self.pick(&versions).ok_or_else(|| {
            let message = format!("EKS has no version of {} for Kubernetes {}", self.addon_name, self.kubernetes_version);
            Fault::new(Class::Missing, "eks:DescribeAddonVersions", message)
        })?;
        Ok(Outputs { id: self.addon_name.clone(), version: version.to_owned() })
    }
}

impl AddonVersion {
    /// EKS lists the newest first.
    fn pick<'a>(&self, versions: &'a [sdk::AddonVersionInfo]) -> Option<&'a str> {
        let is_default = |it: &&sdk::AddonVersionInfo| it.compatibilities().iter().any(|it| it.default_version());
        let found = if self.most_recent { versions.first() } else { versions.iter().find(is_default) };
        found?.addon_version()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_not_always_the_newest() {
        let version = |name: &str, default: bool| {
            let fits = sdk::Compatibility::builder().cluster_version("1.36").default_version(default).build();
            sdk::AddonVersionInfo::builder().addon_version(name).compatibilities(fits).build()
        };
        let all = [version("v2", false), version("v1", true)];
        let of = |most_recent| AddonVersion { addon_name: "a".into(), kubernetes_version: "1.36".into(), most_recent };
        assert_eq!((of(false).pick(&all), of(true).pick(&all), of(true).pick(&[])), (Some("v1"), Some("v2"), None));
    }
}
