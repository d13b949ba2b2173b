//! Changes of a cluster: EKS carries out one at a time, each of one kind, and refuses another until it is done.
//!
//! Source: Amazon EKS API Reference, UpdateClusterConfig, UpdateClusterVersion, AssociateEncryptionConfig.

use std::collections::BTreeSet;

use aws_sdk_eks::types as sdk;

use super::{AccessConfig, Cluster, Encryption, KubernetesNetwork, UpgradePolicy, VpcConfig, ZonalShift};
use crate::cloud::aws::Aws;
use crate::remote::Fault;

/// One update of one kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Access(String),
    Endpoint(sdk::VpcConfigRequest),
    Placement(sdk::VpcConfigRequest),
    Logging(sdk::Logging),
    UpgradePolicy(sdk::UpgradePolicyRequest),
    ZonalShift(sdk::ZonalShiftConfigRequest),
    DeletionProtection(bool),
    Encryption(sdk::EncryptionConfig),
    Version(String),
}

/// What is declared and is not what was.
fn new<'a, T: PartialEq>(want: Option<&'a T>, was: Option<&T>) -> Option<&'a T> {
    want.filter(|it| Some(*it) != was)
}

impl Change {
    /// The first that is still to be made, in an order that never locks anybody out and ends with the version.
    pub fn next(was: &Cluster, want: &Cluster) -> Option<Self> {
        let mode = |it: &Cluster| it.access_config.as_ref().and_then(|it| it.authentication_mode.0.clone());
        if let Some(mode) = new(mode(want).as_ref(), mode(was).as_ref()) {
            return Some(Self::Access(mode.clone()));
        }
        let (had, vpc) = (&was.vpc_config, &want.vpc_config);
        let cidrs = new(vpc.public_access_cidrs.as_ref(), had.public_access_cidrs.as_ref());
        let access = |it: &VpcConfig| (it.endpoint_public_access, it.endpoint_private_access);
        if access(vpc) != access(had) || cidrs.is_some() {
            return Some(Self::Endpoint(vpc.endpoint(sdk::VpcConfigRequest::builder()).build()));
        }
        if (&vpc.subnet_ids, &vpc.security_group_ids) != (&had.subnet_ids, &had.security_group_ids) {
            return Some(Self::Placement(vpc.placement(sdk::VpcConfigRequest::builder()).build()));
        }
        if want.enabled_cluster_log_types != was.enabled_cluster_log_types {
            return Some(Self::Logging(logging(&want.enabled_cluster_log_types, &was.enabled_cluster_log_types)));
        }
        if let Some(it) = new(want.upgrade_policy.as_ref(), was.upgrade_policy.as_ref()) {
            return Some(Self::UpgradePolicy(it.to_sdk()));
        }
        if let Some(it) = new(want.zonal_shift_config.as_ref(), was.zonal_shift_config.as_ref()) {
            return Some(Self::ZonalShift(it.to_sdk()));
        }
        if want.deletion_protection != was.deletion_protection {
            return Some(Self::DeletionProtection(want.deletion_protection));
        }
        if let Some(it) = new(want.encryption_config.as_ref(), was.encryption_config.as_ref()) {
            return Some(Self::Encryption(it.to_sdk()));
        }
        new(want.version.as_ref(), was.version.as_ref()).map(|it| Self::Version(it.clone()))
    }

    /// Asks for it; what EKS makes of it is told by the update.
    pub async fn ask(self, aws: &Aws, cluster: &str) -> Result<Option<sdk::Update>, Fault> {
        let config = aws.eks().update_cluster_config().name(cluster);
        let config = match self {
            Self::Access(mode) => config.access_config(
                sdk::UpdateAccessConfigRequest::builder()
                    .authentication_mode(sdk::AuthenticationMode::from(mode.as_str()))
                    .build(),
            ),
            Self::Endpoint(it) | Self::Placement(it) => config.resources_vpc_config(it),
            Self::Logging(it) => config.logging(it),
            Self::UpgradePolicy(it) => config.upgrade_policy(it),
            Self::ZonalShift(it) => config.zonal_shift_config(it),
            Self::DeletionProtection(it) => config.deletion_protection(it),
            Self::Encryption(it) => {
                let call = aws.eks().associate_encryption_config().cluster_name(cluster).encryption_config(it);
                return Ok(call.send().await?.update);
            }
            Self::Version(version) => {
                return Ok(aws.eks().update_cluster_version().name(cluster).version(version).send().await?.update);
            }
        };
        Ok(config.send().await?.update)
    }
}

/// Kinds of logs that shall be on, and those of before that shall not.
pub fn logging(want: &BTreeSet<String>, was: &BTreeSet<String>) -> sdk::Logging {
    let off: BTreeSet<String> = was.difference(want).cloned().collect();
    let sets = [(want, true), (&off, false)].into_iter().filter(|(types, _)| !types.is_empty());
    let sets = sets.map(|(types, enabled)| {
        let types = types.iter().map(|it| sdk::LogType::from(it.as_str())).collect();
        sdk::LogSetup::builder().set_types(Some(types)).enabled(enabled).build()
    });
    sdk::Logging::builder().set_cluster_logging(Some(sets.collect())).build()
}

type Vpc = sdk::builders::VpcConfigRequestBuilder;

impl VpcConfig {
    pub fn whole(&self) -> sdk::VpcConfigRequest {
        self.placement(self.endpoint(sdk::VpcConfigRequest::builder())).build()
    }

    fn endpoint(&self, vpc: Vpc) -> Vpc {
        let cidrs = self.public_access_cidrs.as_ref().map(|all| all.iter().map(|it| it.0.clone()).collect());
        vpc.endpoint_public_access(self.endpoint_public_access)
            .endpoint_private_access(self.endpoint_private_access)
            .set_public_access_cidrs(cidrs)
    }

    fn placement(&self, vpc: Vpc) -> Vpc {
        vpc.set_subnet_ids(Some(self.subnet_ids.iter().cloned().collect()))
            .set_security_group_ids(Some(self.security_group_ids.iter().cloned().collect()))
    }
}

impl KubernetesNetwork {
    pub fn to_sdk(&self) -> sdk::KubernetesNetworkConfigRequest {
        sdk::KubernetesNetworkConfigRequest::builder()
            .set_service_ipv4_cidr(self.service_ipv4_cidr.as_ref().map(|it| it.0.clone()))
            .set_ip_family(self.ip_family.as_ref().map(|it| sdk::IpFamily::from(it.as_str())))
            .build()
    }
}

impl AccessConfig {
    pub fn to_sdk(&self) -> sdk::CreateAccessConfigRequest {
        sdk::CreateAccessConfigRequest::builder()
            .set_authentication_mode(self.authentication_mode.as_ref().map(|it| sdk::AuthenticationMode::from(it.as_str())))
            .bootstrap_cluster_creator_admin_permissions(*self.bootstrap_cluster_creator_admin_permissions)
            .build()
    }
}

impl Encryption {
    #[expect(deprecated, reason = "the API reference has it still as the one value that is taken")]
    pub fn to_sdk(&self) -> sdk::EncryptionConfig {
        let provider = sdk::Provider::builder().key_arn(&**self.provider.key_arn).build();
        let resources = self.resources.iter().cloned().collect();
        sdk::EncryptionConfig::builder().provider(provider).set_resources(Some(resources)).build()
    }
}

impl UpgradePolicy {
    pub fn to_sdk(&self) -> sdk::UpgradePolicyRequest {
        sdk::UpgradePolicyRequest::builder().support_type(sdk::SupportType::from(self.support_type.as_str())).build()
    }
}

impl ZonalShift {
    pub fn to_sdk(&self) -> sdk::ZonalShiftConfigRequest {
        sdk::ZonalShiftConfigRequest::builder().enabled(self.enabled).build()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster(members: serde_json::Value) -> Cluster {
        let mut all = json!({
            "name": "c", "role_arn": "arn:aws:iam::1:role/r",
            "vpc_config": { "subnet_ids": ["a", "b"], "public_access_cidrs": ["10.0.0.0/8"] },
        });
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    /// What `was` becomes by one change after the other, as far as this test needs to know.
    fn kinds(was: Cluster, want: &Cluster) -> Vec<&'static str> {
        let (mut now, mut out) = (was, Vec::new());
        while let Some(change) = Change::next(&now, want) {
            assert!(out.len() < 9, "{out:?}");
            let mine = want.clone();
            match change {
                Change::Access(_) => (now.access_config, _) = (mine.access_config, out.push("access")),
                Change::Endpoint(_) => {
                    now.vpc_config = VpcConfig { subnet_ids: now.vpc_config.subnet_ids, ..mine.vpc_config };
                    out.push("endpoint");
                }
                Change::Placement(_) => (now.vpc_config, _) = (mine.vpc_config, out.push("placement")),
                Change::Logging(_) => {
                    (now.enabled_cluster_log_types, _) = (mine.enabled_cluster_log_types, out.push("logging"));
                }
                Change::UpgradePolicy(_) => (now.upgrade_policy, _) = (mine.upgrade_policy, out.push("upgrade")),
                Change::ZonalShift(_) => (now.zonal_shift_config, _) = (mine.zonal_shift_config, out.push("zonal")),
                Change::DeletionProtection(_) => {
                    (now.deletion_protection, _) = (mine.deletion_protection, out.push("protection"));
                }
                Change::Encryption(_) => (now.encryption_config, _) = (mine.encryption_config, out.push("encryption")),
                Change::Version(_) => (now.version, _) = (mine.version, out.push("version")),
            }
        }
        out
    }

    #[test]
    fn one_kind_after_the_other_and_the_version_last() {
        let was = cluster(json!({
            "version": "1.35", "access_config": { "authentication_mode": "CONFIG_MAP" },
            "upgrade_policy": { "support_type": "EXTENDED" }, "zonal_shift_config": { "enabled": false },
        }));
        let want = cluster(json!({
            "version": "1.36", "access_config": { "authentication_mode": "API" },
            "upgrade_policy": { "support_type": "STANDARD" }, "zonal_shift_config": { "enabled": true },
            "vpc_config": { "subnet_ids": ["a", "c"], "endpoint_private_access": true },
            "enabled_cluster_log_types": ["api"], "deletion_protection": true,
            "encryption_config": { "provider": { "key_arn": "arn:aws:kms:r:1:key/k" }, "resources": ["secrets"] },
        }));
        let expected = ["access", "endpoint", "placement", "logging", "upgrade", "zonal", "protection", "encryption", "version"];
        assert_eq!(kinds(was, &want), expected);
    }

    #[test]
    fn what_is_not_declared_is_not_changed() {
        let was = cluster(json!({
            "version": "1.35", "access_config": { "authentication_mode": "API" }, "upgrade_policy": { "support_type": "EXTENDED" },
        }));
        let want = cluster(json!({ "vpc_config": { "subnet_ids": ["b", "a"] } }));
        assert_eq!(Change::next(&was, &want), None);
    }

    #[test]
    fn logs_that_were_on_are_switched_off_by_name() {
        let names = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
        let logging = logging(&names(&["api"]), &names(&["api", "audit"]));
        let sets: Vec<_> = logging.cluster_logging().iter().map(|it| (it.types().to_vec(), it.enabled())).collect();
        assert_eq!(sets, [(vec![sdk::LogType::Api], Some(true)), (vec![sdk::LogType::Audit], Some(false))]);
    }
}
