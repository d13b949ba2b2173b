//! A cluster as EKS describes it.

use std::collections::BTreeSet;

use aws_sdk_eks::types as sdk;

use super::{
    AccessConfig, CertificateAuthority, Cluster, Encryption, Identity, KubernetesNetwork, Oidc, Outputs, Provider, UpgradePolicy,
    VpcConfig, ZonalShift, secrets, yes,
};
use crate::remote::Status;
use crate::resource::Seen;
use crate::schema::field::{Arn, Auto, Cidr, Fixed};

pub fn seen(it: &sdk::Cluster) -> Seen<Cluster> {
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let vpc = it.resources_vpc_config();
    let settings = Cluster {
        name: Fixed(owned(it.name())),
        role_arn: Fixed(Arn(owned(it.role_arn()))),
        version: Auto(it.version().map(str::to_owned)),
        vpc_config: vpc.map_or_else(|| VpcConfig::seen(&sdk::VpcConfigResponse::builder().build()), VpcConfig::seen),
        kubernetes_network_config: Auto(it.kubernetes_network_config().map(|it| KubernetesNetwork {
            service_ipv4_cidr: Fixed(Auto(it.service_ipv4_cidr().map(Cidr::from))),
            ip_family: Fixed(Auto(it.ip_family().map(|it| it.as_str().to_owned()))),
        })),
        // Who got what at creation is never told.
        access_config: Auto(it.access_config().map(|it| AccessConfig {
            authentication_mode: Auto(it.authentication_mode().map(|it| it.as_str().to_owned())),
            bootstrap_cluster_creator_admin_permissions: yes(),
        })),
        bootstrap_self_managed_addons: yes(),
        encryption_config: Auto(it.encryption_config().first().map(|it| Encryption {
            provider: Provider { key_arn: Fixed(Arn(owned(it.provider().and_then(|it| it.key_arn())))) },
            resources: secrets(),
        })),
        enabled_cluster_log_types: it.logging().map(enabled).unwrap_or_default(),
        upgrade_policy: Auto(
            it.upgrade_policy().and_then(|it| it.support_type()).map(|it| UpgradePolicy { support_type: it.as_str().to_owned() }),
        ),
        zonal_shift_config: Auto(it.zonal_shift_config().and_then(|it| it.enabled()).map(|enabled| ZonalShift { enabled })),
        deletion_protection: it.deletion_protection().unwrap_or_default(),
        tags: it.tags().cloned().unwrap_or_default().into_iter().collect(),
    };
    let outputs = Outputs {
        id: owned(it.name()),
        arn: owned(it.arn()),
        endpoint: it.endpoint().map(str::to_owned),
        certificate_authority: CertificateAuthority {
            data: it.certificate_authority().and_then(|it| it.data()).map(str::to_owned),
        },
        identity: Identity {
            oidc: Oidc { issuer: it.identity().and_then(|it| it.oidc()).and_then(|it| it.issuer()).map(str::to_owned) },
        },
        cluster_security_group_id: vpc.and_then(|it| it.cluster_security_group_id()).map(str::to_owned),
        vpc_id: vpc.and_then(|it| it.vpc_id()).map(str::to_owned),
    };
    Seen { settings, outputs, status: status(it) }
}

impl VpcConfig {
    fn seen(it: &sdk::VpcConfigResponse) -> Self {
        let public = it.endpoint_public_access();
        Self {
            subnet_ids: it.subnet_ids().iter().cloned().collect(),
            security_group_ids: it.security_group_ids().iter().cloned().collect(),
            endpoint_private_access: it.endpoint_private_access(),
            endpoint_public_access: public,
            // While the endpoint is private the list is one of former days, and says nothing.
            public_access_cidrs: Auto(
                public.then(|| it.public_access_cidrs().iter().map(|it| Cidr::from(it.as_str())).collect()),
            ),
        }
    }
}

/// EKS lists both what is on and what is off.
fn enabled(logging: &sdk::Logging) -> BTreeSet<String> {
    let on = logging.cluster_logging().iter().filter(|it| it.enabled() == Some(true));
    on.flat_map(|it| it.types()).map(|it| it.as_str().to_owned()).collect()
}

fn status(it: &sdk::Cluster) -> Status {
    match it.status() {
        Some(sdk::ClusterStatus::Active) => Status::Ready,
        Some(sdk::ClusterStatus::Failed) => {
            let issues = it.health().map(|it| it.issues()).unwrap_or_default().iter().filter_map(|it| it.message());
            Status::Failed(["FAILED"].into_iter().chain(issues).collect::<Vec<_>>().join(": "))
        }
        other => Status::Pending(other.map_or("unknown", |it| it.as_str()).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_mode_that_is_off_is_as_good_as_none() {
        let cluster = |off: bool| {
            let it = sdk::Cluster::builder().name("main").status(sdk::ClusterStatus::Active);
            let compute = sdk::ComputeConfigResponse::builder().enabled(false).build();
            let storage =
                sdk::StorageConfigResponse::builder().block_storage(sdk::BlockStorage::builder().enabled(false).build()).build();
            if off { it.compute_config(compute).storage_config(storage).build() } else { it.build() }
        };
        assert_eq!(seen(&cluster(true)).settings, seen(&cluster(false)).settings);
    }

    #[test]
    fn while_the_endpoint_is_private_old_ranges_say_nothing() {
        let vpc = |public: bool| {
            let it = sdk::VpcConfigResponse::builder().endpoint_public_access(public).public_access_cidrs("10.0.0.0/8").build();
            VpcConfig::seen(&it).public_access_cidrs.0.map(|it| it.len())
        };
        assert_eq!((vpc(true), vpc(false)), (Some(1), None));
    }
}
