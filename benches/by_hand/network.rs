//! The network: everything but the registry.

use futures::future::{try_join, try_join_all, try_join3};
use localstack::client::CallError;
use serde::{Deserialize, Serialize};

use super::{Hand, specification};
use crate::bench::stack::{self, GROUPS, SUBNETS, TABLES};

/// The ids of what was made.
#[derive(Debug, Serialize, Deserialize)]
pub struct Network {
    vpc: String,
    gateway: String,
    subnets: Vec<String>,
    tables: Vec<String>,
    groups: Vec<String>,
}

impl Network {
    /// Nothing waits for what it does not need, but that routes and associations start together, when all that they join is
    /// there; meanwhile the groups keep all slots busy.
    pub async fn create(hand: &Hand<'_>) -> Result<Self, CallError> {
        let (vpc, gateway) = try_join(
            hand.create("CreateVpc", "vpc", "vpcId", &[("CidrBlock", stack::VPC_CIDR)]),
            hand.create("CreateInternetGateway", "internet-gateway", "internetGatewayId", &[]),
        )
        .await?;
        let routed = async {
            let attachment = [("InternetGatewayId", gateway.as_str()), ("VpcId", &vpc)];
            let tables = try_join_all((0..TABLES).map(|_| create_table(hand, &vpc)));
            let subnets = try_join_all((0..SUBNETS).map(|number| create_subnet(hand, &vpc, number)));
            let (_, tables, subnets) = try_join3(hand.ec2("AttachInternetGateway", &attachment), tables, subnets).await?;
            let routes = try_join_all(tables.iter().map(|table| route(hand, table, &gateway)));
            let pairs = subnets.iter().enumerate().map(|(number, subnet)| (subnet, &tables[stack::table_of(number)]));
            let associations = try_join_all(pairs.map(|(subnet, table)| associate(hand, subnet, table)));
            try_join(routes, associations).await?;
            Ok((tables, subnets))
        };
        let groups = try_join_all((0..GROUPS).map(|number| create_group(hand, &vpc, number)));
        let ((tables, subnets), groups) = try_join(routed, groups).await?;
        Ok(Self { gateway, subnets, tables, groups, vpc })
    }

    /// Each thing goes when nothing uses it any more.
    pub async fn destroy(&self, hand: &Hand<'_>) -> Result<(), CallError> {
        let subnets_and_tables = async {
            delete_all(hand, "DeleteSubnet", "SubnetId", &self.subnets).await?;
            delete_all(hand, "DeleteRouteTable", "RouteTableId", &self.tables).await
        };
        let gateway = async {
            let id = ("InternetGatewayId", self.gateway.as_str());
            hand.ec2("DetachInternetGateway", &[id, ("VpcId", &self.vpc)]).await?;
            hand.ec2("DeleteInternetGateway", &[id]).await
        };
        try_join3(delete_all(hand, "DeleteSecurityGroup", "GroupId", &self.groups), subnets_and_tables, gateway).await?;
        hand.ec2("DeleteVpc", &[("VpcId", &self.vpc)]).await?;
        Ok(())
    }
}

async fn delete_all(hand: &Hand<'_>, action: &str, parameter: &str, ids: &[String]) -> Result<(), CallError> {
    try_join_all(ids.iter().map(|id| async move { hand.ec2(action, &[(parameter, id)]).await })).await?;
    Ok(())
}

async fn create_table(hand: &Hand<'_>, vpc: &str) -> Result<String, CallError> {
    hand.create("CreateRouteTable", "route-table", "routeTableId", &[("VpcId", vpc)]).await
}

async fn associate(hand: &Hand<'_>, subnet: &str, table: &str) -> Result<(), CallError> {
    hand.ec2("AssociateRouteTable", &[("RouteTableId", table), ("SubnetId", subnet)]).await?;
    Ok(())
}

async fn create_subnet(hand: &Hand<'_>, vpc: &str, number: usize) -> Result<String, CallError> {
    let (cidr, zone) = (stack::subnet_cidr(number), stack::zone(number));
    let parameters = [("VpcId", vpc), ("CidrBlock", &cidr), ("AvailabilityZone", zone)];
    hand.create("CreateSubnet", "subnet", "subnetId", &parameters).await
}

async fn route(hand: &Hand<'_>, table: &str, gateway: &str) -> Result<(), CallError> {
    let parameters = [("RouteTableId", table), ("DestinationCidrBlock", "0.0.0.0/0"), ("GatewayId", gateway)];
    hand.ec2("CreateRoute", &parameters).await?;
    Ok(())
}

/// A group, then its rules in one call.
async fn create_group(hand: &Hand<'_>, vpc: &str, number: usize) -> Result<String, CallError> {
    let name = stack::group_name(number);
    let parameters = [("GroupName", name.as_str()), ("GroupDescription", &name), ("VpcId", vpc)];
    let id = hand.create("CreateSecurityGroup", "security-group", "groupId", &parameters).await?;
    let mut permissions = vec![("GroupId".to_owned(), id.clone())];
    for (index, port) in stack::PORTS.iter().enumerate() {
        let field = |name: &str| format!("IpPermissions.{}.{name}", index + 1);
        permissions.extend([
            (field("IpProtocol"), "tcp".to_owned()),
            (field("FromPort"), port.to_string()),
            (field("ToPort"), port.to_string()),
            (field("IpRanges.1.CidrIp"), stack::VPC_CIDR.to_owned()),
        ]);
    }
    // Who made a rule can be told by one tag.
    let owner = stack::ownership().into_iter().filter(|(key, _)| key.ends_with("lineage")).collect::<Vec<_>>();
    permissions.extend(specification("security-group-rule", &owner));
    let permissions: Vec<(&str, &str)> = permissions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    hand.ec2("AuthorizeSecurityGroupIngress", &permissions).await?;
    Ok(id)
}
