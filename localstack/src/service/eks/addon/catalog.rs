//! The add-ons that EKS has, their versions and what they can be configured with.
//!
//! Source: Amazon EKS API Reference, DescribeAddonVersions and DescribeAddonConfiguration; the repositories of the add-ons
//! for versions and image names.

use serde_json::{Value, json};

use super::schema;
use crate::gateway::{Call, Local, Refusal};
use crate::service::eks::input::Input;
use crate::service::eks::refuse;
use crate::service::eks::version::VERSIONS;

/// An add-on. Everything of its is in `kube-system`.
#[derive(Debug)]
pub struct Known {
    pub name: &'static str,
    kind: &'static str,
    /// Newest first.
    versions: &'static [&'static str],
    pub daemon_set: Option<&'static str>,
    pub deployment: Option<&'static str>,
    pub image: &'static str,
    /// Service account and managed policy, where it needs permissions.
    identity: Option<(&'static str, &'static str)>,
}

pub static ADDONS: [Known; 5] = [
    Known {
        name: "aws-ebs-csi-driver",
        kind: "storage",
        versions: &["v1.64.0-eksbuild.1", "v1.63.0-eksbuild.1"],
        daemon_set: Some("ebs-csi-node"),
        deployment: Some("ebs-csi-controller"),
        image: "eks/aws-ebs-csi-driver",
        identity: Some(("ebs-csi-controller-sa", "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicyV2")),
    },
    Known {
        name: "coredns",
        kind: "networking",
        versions: &["v1.14.3-eksbuild.11", "v1.14.2-eksbuild.4"],
        daemon_set: None,
        deployment: Some("coredns"),
        image: "eks/coredns",
        identity: None,
    },
    Known {
        name: "eks-pod-identity-agent",
        kind: "security",
        versions: &["v0.1.37-eksbuild.1", "v1.3.10-eksbuild.2"],
        daemon_set: Some("eks-pod-identity-agent"),
        deployment: None,
        image: "eks/eks-pod-identity-agent",
        identity: None,
    },
    Known {
        name: "kube-proxy",
        kind: "networking",
        // One for each version of the cluster: see `versions_for`.
        versions: &[],
        daemon_set: Some("kube-proxy"),
        deployment: None,
        image: "eks/kube-proxy",
        identity: None,
    },
    Known {
        name: "vpc-cni",
        kind: "networking",
        versions: &["v1.23.0-eksbuild.1", "v1.22.3-eksbuild.1"],
        daemon_set: Some("aws-node"),
        deployment: None,
        image: "amazon-k8s-cni",
        identity: Some(("aws-node", "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy")),
    },
];

pub fn find(name: &str) -> Result<&'static Known, Refusal> {
    ADDONS
        .iter()
        .find(|known| known.name == name)
        .ok_or_else(|| refuse::parameter(format!("Addon {name} specified is not supported")))
}

impl Known {
    /// Versions with the cluster versions that each runs on, newest first.
    fn compatible(&self) -> Vec<(String, Vec<&'static str>)> {
        if self.versions.is_empty() {
            let all = VERSIONS.iter().rev();
            return all.map(|version| (format!("v{}-eksbuild.2", version.patch), vec![version.name])).collect();
        }
        let all: Vec<&str> = VERSIONS.iter().rev().map(|version| version.name).collect();
        self.versions.iter().map(|version| ((*version).to_owned(), all.clone())).collect()
    }

    /// The versions for a cluster, newest first.
    fn versions_for(&self, cluster: &str) -> Vec<String> {
        let all = self.compatible().into_iter().filter(|(_, clusters)| clusters.contains(&cluster));
        all.map(|(version, _)| version).collect()
    }

    /// The version that is asked for, or the default of the cluster's version.
    pub fn version(&self, wanted: Option<&str>, cluster: &str) -> Result<String, Refusal> {
        let all = self.versions_for(cluster);
        match wanted {
            Some(wanted) if all.iter().any(|version| version == wanted) => Ok(wanted.to_owned()),
            Some(_) => Err(refuse::parameter("Addon version specified is not supported")),
            None => all.into_iter().next().ok_or_else(|| {
                refuse::parameter(format!("Addon {} is not supported in {cluster} kubernetes version", self.name))
            }),
        }
    }

    fn to_json(&self, cluster: Option<&str>) -> Value {
        let versions = self.compatible();
        let default_of = |cluster: &str| self.versions_for(cluster).into_iter().next();
        let shown =
            versions.iter().filter(|(_, all)| cluster.is_none_or(|wanted| all.contains(&wanted))).map(|(version, all)| {
                let fits = all.iter().filter(|name| cluster.is_none_or(|wanted| wanted == **name)).map(|name| {
                    json!({
                        "clusterVersion": name,
                        "platformVersions": ["*"],
                        "defaultVersion": default_of(name).as_ref() == Some(version),
                    })
                });
                json!({
                    "addonVersion": version,
                    "architecture": ["amd64", "arm64"],
                    "computeTypes": ["ec2", "auto", "hybrid"],
                    "compatibilities": fits.collect::<Vec<_>>(),
                    "requiresConfiguration": false,
                    "requiresIamPermissions": self.identity.is_some(),
                })
            });
        json!({
            "addonName": self.name,
            "type": self.kind,
            "addonVersions": shown.collect::<Vec<_>>(),
            "publisher": "eks",
            "owner": "aws",
            "defaultNamespace": "kube-system",
        })
    }
}

pub fn versions(local: &Local, call: &Call, input: &Input) -> Result<Value, Refusal> {
    if let Some(name) = input.query.get("addonName") {
        find(name)?;
    }
    let cluster = input.query.get("kubernetesVersion");
    let is = |name: &str, value: &str| {
        let wanted = input.query.values_of(name);
        wanted.is_empty() || wanted.contains(&value)
    };
    let wanted = ADDONS.iter().filter(|known| {
        input.query.get("addonName").is_none_or(|name| name == known.name)
            && is("types", known.kind)
            && is("publishers", "eks")
            && is("owners", "aws")
            && cluster.is_none_or(|cluster| !known.versions_for(cluster).is_empty())
    });
    input.page_answer(local, call, "addons", wanted.map(|known| (known.name.to_owned(), known.to_json(cluster))).collect())
}

pub fn configuration(input: &Input) -> Result<Value, Refusal> {
    let name = input.query.get("addonName").ok_or_else(|| refuse::parameter("addonName is required."))?;
    let version = input.query.get("addonVersion").ok_or_else(|| refuse::parameter("addonVersion is required."))?;
    let known = find(name)?;
    if !known.compatible().iter().any(|(other, _)| other == version) {
        return Err(refuse::parameter("Addon version specified is not supported"));
    }
    let identity =
        known.identity.map(|(account, policy)| json!({"serviceAccount": account, "recommendedManagedPolicies": [policy]}));
    Ok(json!({
        "addonName": name,
        "addonVersion": version,
        "configurationSchema": schema::of(name).to_string(),
        "podIdentityConfiguration": identity.into_iter().collect::<Vec<_>>(),
    }))
}
