//! What can be managed: every type one line here, one file below.

// How many things `find` may find is a type's own: one where names are unique, any number where a token is only a tag.
#![allow(refining_impl_trait)]

pub mod account;
pub mod dynamodb;
mod each;
pub mod ec2;
pub mod ecr;
pub mod eks;
pub mod iam;
pub mod kms;
pub mod kubernetes;
pub mod logs;
pub mod route53;
pub mod s3;
pub mod ssm;
pub mod tags;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::remote::Settle;
use crate::resource::{Driver, ErasedData, ErasedResource, Kind, Kinds};
use crate::schema::{Schema, Types};

fn all() -> Vec<Kind> {
    vec![
        Kind::data::<account::caller_identity::CallerIdentity>(),
        Kind::data::<account::partition::Partition>(),
        Kind::data::<account::region::Region>(),
        Kind::resource::<dynamodb::table::Table>(),
        Kind::data::<ec2::availability_zones::AvailabilityZones>(),
        Kind::resource::<ec2::default_security_group::DefaultSecurityGroup>(),
        Kind::resource::<ec2::eip::Eip>(),
        Kind::resource::<ec2::internet_gateway::InternetGateway>(),
        Kind::resource::<ec2::launch_template::LaunchTemplate>(),
        Kind::resource::<ec2::nat_gateway::NatGateway>(),
        Kind::resource::<ec2::route::Route>(),
        Kind::resource::<ec2::route_table::RouteTable>(),
        Kind::resource::<ec2::route_table_association::RouteTableAssociation>(),
        Kind::resource::<ec2::security_group::SecurityGroup>(),
        Kind::resource::<ec2::security_group_rule::Rule<ec2::security_group_rule::Out>>(),
        Kind::resource::<ec2::security_group_rule::Rule<ec2::security_group_rule::In>>(),
        Kind::resource::<ec2::subnet::Subnet>(),
        Kind::resource::<ec2::vpc::Vpc>(),
        Kind::resource::<ecr::repository::Repository>(),
        Kind::resource::<eks::access_entry::AccessEntry>(),
        Kind::resource::<eks::access_policy_association::AccessPolicyAssociation>(),
        Kind::resource::<eks::addon::Addon>(),
        Kind::data::<eks::addon_version::AddonVersion>(),
        Kind::resource::<eks::cluster::Cluster>(),
        Kind::data::<eks::cluster_data::Cluster>(),
        Kind::resource::<eks::node_group::NodeGroup>(),
        Kind::resource::<eks::pod_identity_association::PodIdentityAssociation>(),
        Kind::resource::<iam::instance_profile::InstanceProfile>(),
        Kind::resource::<iam::openid_connect_provider::OpenIdConnectProvider>(),
        Kind::resource::<iam::policy::Policy>(),
        Kind::resource::<iam::role::Role>(),
        Kind::resource::<iam::role_policy::RolePolicy>(),
        Kind::resource::<iam::role_policy_attachment::RolePolicyAttachment>(),
        Kind::resource::<kms::alias::Alias>(),
        Kind::resource::<kms::key::Key>(),
        Kind::data::<kubernetes::cluster::KubernetesCluster>(),
        Kind::resource::<kubernetes::manifest::Manifest>(),
        Kind::resource::<logs::log_group::LogGroup>(),
        Kind::resource::<route53::record::Record>(),
        Kind::resource::<route53::zone::Zone>(),
        Kind::resource::<s3::bucket::Bucket>(),
        Kind::data::<ssm::parameter::Parameter>(),
    ]
}

/// The types that exist, by name. Building it reads every schema off its struct: once a process.
pub struct Catalog {
    resources: BTreeMap<Arc<str>, Kind>,
    data: BTreeMap<Arc<str>, Kind>,
}

impl Catalog {
    pub fn new() -> Self {
        let named = all().into_iter().map(|it| (it.schema.type_name.clone(), it));
        let (resources, data) = named.partition(|(_, it)| matches!(it.driver, Driver::Resource(_)));
        Self { resources, data }
    }

    /// Of a managed type: schema, patience, protection.
    pub fn kind(&self, type_name: &str) -> Option<&Kind> {
        self.resources.get(type_name)
    }

    /// How patient to be with what is managed. A data source may have the name of one of them, and nothing to wait for.
    pub fn settles(&self) -> BTreeMap<Arc<str>, Settle> {
        self.resources.iter().map(|(name, it)| (name.clone(), it.settle)).collect()
    }

    /// All of them by name, managed ones first.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.resources.values().chain(self.data.values())
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self::new()
    }
}

impl Types for Catalog {
    fn resource(&self, type_name: &str) -> Option<&Schema> {
        self.resources.get(type_name).map(|it| &it.schema)
    }

    fn data(&self, type_name: &str) -> Option<&Schema> {
        self.data.get(type_name).map(|it| &it.schema)
    }

    fn names(&self) -> Vec<&str> {
        self.kinds().map(|it| &*it.schema.type_name).collect()
    }
}

impl Kinds for Catalog {
    fn resource(&self, type_name: &str) -> Option<&dyn ErasedResource> {
        match &self.resources.get(type_name)?.driver {
            Driver::Resource(it) => Some(&**it),
            Driver::Data(_) => None,
        }
    }

    fn data(&self, type_name: &str) -> Option<&dyn ErasedData> {
        match &self.data.get(type_name)?.driver {
            Driver::Data(it) => Some(&**it),
            Driver::Resource(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_schema_with_an_example_and_an_id() {
        let catalog = Catalog::new();
        assert_eq!(catalog.names().len(), all().len(), "two types of one name");
        for kind in catalog.kinds() {
            let schema = &kind.schema;
            assert!(schema.doc.contains("```stack"), "{} has no example", schema.type_name);
            assert!(schema.attributes.contains_key("id"), "{} has no id", schema.type_name);
        }
    }

    #[test]
    fn a_data_source_does_not_lend_its_patience_to_the_resource_of_its_name() {
        let catalog = Catalog::new();
        let settles = catalog.settles();
        assert_eq!(catalog.data.keys().filter(|it| settles.contains_key(*it)).count(), 1, "data `aws_eks_cluster`");
        for (name, settle) in settles {
            assert_eq!(settle, catalog.kind(&name).unwrap().settle, "{name}");
        }
        assert_eq!(catalog.settles()["aws_eks_cluster"].create.as_secs(), 30 * 60);
    }
}
