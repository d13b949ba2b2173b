//! What EC2 finds in the way of a deletion, named: it says no more than "has dependencies" itself.

use aws_sdk_ec2::types::{NetworkInterface, NetworkInterfaceStatus};
use tokio::try_join;

use super::{PAGE, filter, security_group};
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Fault, Id};

/// The command as one types it for this region.
fn command(aws: &Aws, rest: &str) -> String {
    format!("aws ec2 --region {} {rest}", aws.region())
}

async fn interfaces(aws: &Aws, by: &str, id: &str) -> Result<Vec<NetworkInterface>, Fault> {
    let call = aws.ec2().describe_network_interfaces().filters(filter(by, [id])).max_results(PAGE);
    Ok(call.into_paginator().items().send().try_collect().await?)
}

/// The network interfaces that `by` finds: `subnet-id`, `group-id`.
pub(super) async fn interfaces_in(aws: &Aws, by: &str, id: &Id) -> Result<Vec<Blocker>, Fault> {
    Ok(interfaces(aws, by, id.as_str()).await?.iter().map(|it| interface(aws, it)).collect())
}

/// Those of a VPC that have a public address: an internet gateway is not taken away from under them.
pub(super) async fn public_interfaces(aws: &Aws, vpc: &str) -> Result<Vec<Blocker>, Fault> {
    let found = interfaces(aws, "vpc-id", vpc).await?;
    let public = |it: &&NetworkInterface| it.association().is_some_and(|it| it.public_ip().is_some());
    Ok(found.iter().filter(public).map(|it| interface(aws, it)).collect())
}

fn interface(aws: &Aws, it: &NetworkInterface) -> Blocker {
    let id = it.network_interface_id().unwrap_or_default();
    let instance = it.attachment().and_then(|it| it.instance_id());
    let described = it.description().filter(|it| !it.is_empty());
    let whose = match (instance, described) {
        (Some(instance), _) => format!(" of the instance {instance}"),
        (None, Some(text)) => format!(" ({text})"),
        (None, None) => String::new(),
    };
    let blocker = Blocker::new(format!("the network interface {id}{whose}"));
    match (instance, described.and_then(|it| owner_goes_by(aws, it))) {
        (Some(instance), _) => blocker.help(command(aws, &format!("terminate-instances --instance-ids {instance}"))),
        (None, Some(help)) => blocker.help(help),
        // What a service holds goes with what it belongs to; the description says what that is.
        (None, None) if it.requester_managed() == Some(true) => blocker,
        (None, None) if it.status() == Some(&NetworkInterfaceStatus::Available) => {
            blocker.help(command(aws, &format!("delete-network-interface --network-interface-id {id}")))
        }
        (None, None) => match it.attachment().and_then(|it| it.attachment_id()) {
            Some(held) => blocker.help(command(aws, &format!("detach-network-interface --attachment-id {held}"))),
            None => blocker,
        },
    }
}

/// Services say in the description whose interface it is ("Requester-managed network interfaces", EC2 user guide).
fn owner_goes_by(aws: &Aws, description: &str) -> Option<String> {
    let after = |prefix: &str| description.strip_prefix(prefix);
    if let Some(endpoint) = after("VPC Endpoint Interface ") {
        return Some(command(aws, &format!("delete-vpc-endpoints --vpc-endpoint-ids {endpoint}")));
    }
    if let Some(nat) = after("Interface for NAT Gateway ") {
        return Some(command(aws, &format!("delete-nat-gateway --nat-gateway-id {nat}")));
    }
    let balancer = after("ELB ")?;
    let region = aws.region();
    Some(match balancer.split('/').nth(1) {
        Some(name) => {
            format!("aws elbv2 --region {region} describe-load-balancers --names {name}, and delete-load-balancer with its ARN")
        }
        None => format!("aws elb --region {region} delete-load-balancer --load-balancer-name {balancer}"),
    })
}

/// Rules of other groups that name this one.
pub(super) async fn rules_naming(aws: &Aws, group: &Id) -> Result<Vec<Blocker>, Fault> {
    let by = |name: &str| security_group::list(aws, vec![filter(name, [group.as_str()])]);
    let (ingress, egress) = try_join!(by("ip-permission.group-id"), by("egress.ip-permission.group-id"))?;
    let others = ingress.into_iter().chain(egress).filter_map(|it| it.group_id).filter(|it| *it != group.as_str());
    let others: std::collections::BTreeSet<String> = others.collect();
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let rules = security_group::list_rules(aws, vec![filter("group-id", others)]).await?;
    let names = rules.iter().filter(|it| it.referenced_group_info().and_then(|it| it.group_id()) == Some(group.as_str()));
    Ok(names
        .map(|it| {
            let (id, of) = (it.security_group_rule_id().unwrap_or_default(), it.group_id().unwrap_or_default());
            let way = if it.is_egress() == Some(true) { "egress" } else { "ingress" };
            let help = format!("revoke-security-group-{way} --group-id {of} --security-group-rule-ids {id}");
            Blocker::new(format!("the {way} rule {id} of the security group {of}, which names it")).help(command(aws, &help))
        })
        .collect())
}

/// What lies in a VPC and does not go with it.
pub(super) async fn in_vpc(aws: &Aws, vpc: &Id) -> Result<Vec<Blocker>, Fault> {
    let ec2 = aws.ec2();
    let by = |name: &str| filter(name, [vpc.as_str()]);
    let subnets = async {
        let found = ec2.describe_subnets().filters(by("vpc-id")).max_results(PAGE).into_paginator().items().send();
        let found = found.try_collect().await?;
        let ids = found.into_iter().filter_map(|it| it.subnet_id);
        Ok::<Vec<_>, Fault>(ids.map(|it| named(aws, "subnet", &it, "delete-subnet --subnet-id")).collect())
    };
    let groups = async {
        let found = security_group::list(aws, vec![by("vpc-id")]).await?;
        let ids = found.into_iter().filter(|it| it.group_name() != Some("default")).filter_map(|it| it.group_id);
        Ok(ids.map(|it| named(aws, "security group", &it, "delete-security-group --group-id")).collect::<Vec<_>>())
    };
    let tables = async {
        let found = ec2.describe_route_tables().filters(by("vpc-id")).into_paginator().items().send().try_collect().await?;
        let main = |it: &aws_sdk_ec2::types::RouteTable| it.associations().iter().any(|it| it.main() == Some(true));
        let ids = found.into_iter().filter(|it| !main(it)).filter_map(|it| it.route_table_id);
        Ok(ids.map(|it| named(aws, "route table", &it, "delete-route-table --route-table-id")).collect::<Vec<_>>())
    };
    let gateways = async {
        let call = ec2.describe_internet_gateways().filters(by("attachment.vpc-id"));
        let found = call.into_paginator().items().send().try_collect().await?;
        let detach = format!("detach-internet-gateway --vpc-id {vpc} --internet-gateway-id");
        let ids = found.into_iter().filter_map(|it| it.internet_gateway_id);
        Ok(ids.map(|it| named(aws, "internet gateway", &it, &detach)).collect::<Vec<_>>())
    };
    let endpoints = async {
        let found = ec2.describe_vpc_endpoints().filters(by("vpc-id")).into_paginator().items().send().try_collect().await?;
        let ids = found.into_iter().filter_map(|it| it.vpc_endpoint_id);
        Ok(ids.map(|it| named(aws, "VPC endpoint", &it, "delete-vpc-endpoints --vpc-endpoint-ids")).collect::<Vec<_>>())
    };
    let (subnets, groups, tables, gateways, endpoints) = try_join!(subnets, groups, tables, gateways, endpoints)?;
    Ok([subnets, groups, tables, gateways, endpoints].concat())
}

/// A thing that a command with its id behind takes away.
pub(super) fn named(aws: &Aws, what: &str, id: &str, verb: &str) -> Blocker {
    Blocker::new(format!("the {what} {id}")).help(command(aws, &format!("{verb} {id}")))
}
