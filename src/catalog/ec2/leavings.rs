//! What a cluster of EKS leaves behind in its network, where nothing else takes it away: it would hold subnets, security groups and
//! the VPC.
//!
//! Source: amazon-vpc-cni-k8s, README ("Tags on network interfaces", and its leaked interfaces); EKS User Guide, "View Amazon EKS
//! security group requirements for clusters".

use super::{PAGE, filter, security_group};
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault};

/// Says to which cluster an interface of a node belongs.
const CLUSTER_OF_INTERFACE: &str = "tag:cluster.k8s.amazonaws.com/name";
/// Says for which cluster EKS made a security group.
const CLUSTER_OF_GROUP: &str = "aws:eks:cluster-name";

/// Deletes the interfaces that nodes of a cluster had and that nothing has any more.
pub async fn interfaces(aws: &Aws, cluster: &str) -> Result<(), Fault> {
    let of_cluster = vec![filter(CLUSTER_OF_INTERFACE, [cluster]), filter("status", ["available"])];
    let pages = aws.ec2().describe_network_interfaces().set_filters(Some(of_cluster)).max_results(PAGE).into_paginator();
    let found: Vec<_> = pages.items().send().try_collect().await?;
    for id in found.iter().filter_map(|it| it.network_interface_id()) {
        gone(aws.ec2().delete_network_interface().network_interface_id(id).send().await.map_err(Fault::from))?;
    }
    Ok(())
}

/// Deletes the security groups that EKS made in a VPC for clusters which do not exist any more. Whether there were any.
pub async fn groups(aws: &Aws, vpc: &str) -> Result<bool, Fault> {
    let mut any = false;
    let of_eks = vec![filter("vpc-id", [vpc]), filter("tag-key", [CLUSTER_OF_GROUP])];
    for group in security_group::list(aws, of_eks).await? {
        let cluster = group.tags().iter().find(|it| it.key() == Some(CLUSTER_OF_GROUP)).and_then(|it| it.value());
        let (Some(cluster), Some(id)) = (cluster, group.group_id()) else { continue };
        let described = aws.eks().describe_cluster().name(cluster).send().await.map_err(Fault::from);
        if described.is_err_and(|it| it.class == Class::Missing) {
            gone(aws.ec2().delete_security_group().group_id(id).send().await.map_err(Fault::from))?;
            any = true;
        }
    }
    Ok(any)
}

fn gone<T>(deleted: Result<T, Fault>) -> Result<(), Fault> {
    match deleted {
        Err(fault) if fault.class != Class::Missing => Err(fault),
        Ok(_) | Err(_) => Ok(()),
    }
}
