//! VPCs, subnets, gateways and route tables: what AWS refuses while something depends on them.

use std::time::Duration;

use super::error::{dependency, not_found};
use super::{nat, pass_on};
use crate::form::Form;
use crate::gateway::{Answer, Call, Local, Refusal};
use crate::lock;
use crate::xml::Node;

/// VPCs and subnets are `pending` for about a second.
const CREATE: Duration = Duration::from_secs(1);

/// CreateVpc and CreateSubnet.
pub async fn create(local: &Local, call: Call) -> Answer {
    let settings = local.control.settings(&call.account);
    let mut reply = pass_on(local, call).await?;
    let Some(mut document) = reply.document().filter(|_| reply.status.is_success()) else {
        return Ok(reply);
    };
    for (kind, id) in [("vpc", "vpcId"), ("subnet", "subnetId")] {
        if let Some(made) = document.child_mut(kind) {
            let id = made.get(id).to_owned();
            made.set("state", "pending");
            local.held.hold(&id, "pending", CREATE, settings);
        }
    }
    reply.set_document(document);
    Ok(reply)
}

/// Everything but the default group, the main route table and the default ACL must be gone.
pub async fn delete_vpc(local: &Local, call: Call) -> Answer {
    let vpc = call.form.get("VpcId").unwrap_or_default().to_owned();
    let holders = [
        ("DescribeSubnets", "vpc-id", "subnetSet"),
        ("DescribeInternetGateways", "attachment.vpc-id", "internetGatewaySet"),
        ("DescribeNetworkInterfaces", "vpc-id", "networkInterfaceSet"),
        ("DescribeVpcEndpoints", "vpc-id", "vpcEndpointSet"),
        ("DescribeSecurityGroups", "vpc-id", "securityGroupInfo"),
        ("DescribeRouteTables", "vpc-id", "routeTableSet"),
    ];
    for (action, filter, set) in holders {
        let found = list(local, &call, action, filter, &vpc).await?;
        let blocks = found.items(set).any(|item| match action {
            "DescribeSecurityGroups" => item.get("groupName") != "default",
            "DescribeRouteTables" => !is_main(item),
            "DescribeVpcEndpoints" => item.get("state") != "deleted",
            _ => true,
        });
        if blocks {
            return Err(dependency(format!("The vpc '{vpc}' has dependencies and cannot be deleted.")));
        }
    }
    pass_on(local, call).await
}

pub async fn delete_subnet(local: &Local, call: Call) -> Answer {
    let subnet = call.form.get("SubnetId").unwrap_or_default().to_owned();
    let used = nat::uses_subnet(local, &subnet)
        || list(local, &call, "DescribeNetworkInterfaces", "subnet-id", &subnet)
            .await?
            .items("networkInterfaceSet")
            .next()
            .is_some();
    if used {
        return Err(dependency(format!("The subnet '{subnet}' has dependencies and cannot be deleted.")));
    }
    let association = association_of(local, &call, &subnet).await?;
    let again = call.without_body();
    let reply = pass_on(local, call).await?;
    // moto keeps the association with the table, which could then not be deleted.
    if let Some(id) = association.filter(|_| reply.status.is_success()) {
        local.ask(&again, &Form::of("DisassociateRouteTable", &[("AssociationId", &id)])).await?;
    }
    Ok(reply)
}

/// The id of a subnet's explicit association with a route table.
async fn association_of(local: &Local, call: &Call, subnet: &str) -> Result<Option<String>, Refusal> {
    let found = list(local, call, "DescribeRouteTables", "association.subnet-id", subnet).await?;
    let mut associations = found.items("routeTableSet").flat_map(|table| table.items("associationSet"));
    let own = associations.find(|association| association.get("subnetId") == subnet);
    Ok(own.map(|association| association.get("routeTableAssociationId").to_owned()))
}

/// "You can only modify one attribute at a time."
pub async fn modify_subnet(local: &Local, call: Call) -> Answer {
    let attributes = call.form.names().filter(|name| !matches!(*name, "Action" | "Version" | "SubnetId" | "DryRun"));
    if attributes.count() > 1 {
        return Err(Refusal::new("InvalidParameterCombination", "Only one subnet attribute may be modified at a time"));
    }
    pass_on(local, call).await
}

/// Is an address given to an interface or an instance?
pub async fn is_associated(local: &Local, call: &Call, allocation: &str) -> Result<bool, Refusal> {
    let found = list(local, call, "DescribeAddresses", "allocation-id", allocation).await?;
    Ok(found.items("addressesSet").any(|address| !address.get("associationId").is_empty()))
}

/// Has an interface in this VPC a public address?
async fn has_public_address(local: &Local, call: &Call, vpc: &str) -> Result<bool, Refusal> {
    let found = list(local, call, "DescribeNetworkInterfaces", "vpc-id", vpc).await?;
    let inside: Vec<&str> = found.items("networkInterfaceSet").map(|it| it.get("networkInterfaceId")).collect();
    if inside.is_empty() {
        return Ok(false);
    }
    let addresses = local.ask(call, &Form::of("DescribeAddresses", &[])).await?;
    Ok(addresses.items("addressesSet").any(|address| inside.contains(&address.get("networkInterfaceId"))))
}

pub async fn detach_gateway(local: &Local, call: Call) -> Answer {
    let vpc = call.form.get("VpcId").unwrap_or_default();
    if nat::maps_address(local, vpc) || has_public_address(local, &call, vpc).await? {
        return Err(dependency(format!(
            "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
        )));
    }
    pass_on(local, call).await
}

pub async fn delete_gateway(local: &Local, call: Call) -> Answer {
    let id = call.form.get("InternetGatewayId").unwrap_or_default();
    let form = Form::of("DescribeInternetGateways", &[("InternetGatewayId.1", id)]);
    let found = local.ask(&call, &form).await?;
    let attached = found.items("internetGatewaySet").any(|gateway| gateway.items("attachmentSet").next().is_some());
    if attached {
        return Err(dependency(format!("The internetGateway '{id}' has dependencies and cannot be deleted.")));
    }
    pass_on(local, call).await
}

/// CreateRoute and ReplaceRoute: a target must exist.
pub async fn create_route(local: &Local, call: Call) -> Answer {
    if let Some(id) = call.form.get("NatGatewayId")
        && !nat::exists(local, id)
    {
        return Err(Refusal::new("InvalidNatGatewayID.NotFound", format!("The natGateway ID '{id}' does not exist")));
    }
    if let Some(id) = call.form.get("GatewayId").filter(|id| id.starts_with("igw-")) {
        let form = Form::of("DescribeInternetGateways", &[("InternetGatewayId.1", id)]);
        let table = call.form.get("RouteTableId").unwrap_or_default();
        let found = local.ask(&call, &form).await?;
        let vpcs = found
            .items("internetGatewaySet")
            .flat_map(|gateway| gateway.items("attachmentSet"))
            .map(|attachment| attachment.get("vpcId").to_owned())
            .collect::<Vec<_>>();
        let tables = route_table(local, &call, table).await?;
        let own = tables.items("routeTableSet").any(|table| vpcs.iter().any(|vpc| vpc == table.get("vpcId")));
        if !own {
            return Err(Refusal::new(
                "InvalidParameterValue",
                format!("route table {table} and network gateway {id} belong to different networks"),
            ));
        }
    }
    pass_on(local, call).await
}

/// A subnet has at most one explicit route table.
pub async fn associate(local: &Local, call: Call) -> Answer {
    if let Some(subnet) = call.form.get("SubnetId")
        && let Some(existing) = association_of(local, &call, subnet).await?
    {
        return Err(Refusal::new(
            "Resource.AlreadyAssociated",
            format!(
                "the specified association for route table {} conflicts with an existing association {existing}",
                call.form.get("RouteTableId").unwrap_or_default(),
            ),
        ));
    }
    pass_on(local, call).await
}

pub async fn delete_route_table(local: &Local, call: Call) -> Answer {
    let id = call.form.get("RouteTableId").unwrap_or_default();
    let found = route_table(local, &call, id).await?;
    if found.items("routeTableSet").any(|table| table.items("associationSet").next().is_some()) {
        return Err(dependency(format!("The routeTable '{id}' has dependencies and cannot be deleted.")));
    }
    pass_on(local, call).await
}

/// moto puts a security group into a VPC that does not exist.
pub async fn require_vpc(local: &Local, call: &Call, vpc: &str) -> Result<(), Refusal> {
    if lock(&local.ec2.vpcs).contains(vpc) {
        return Ok(());
    }
    let form = Form::of("DescribeVpcs", &[("VpcId.1", vpc)]);
    local.ask(call, &form).await?;
    lock(&local.ec2.vpcs).insert(vpc.to_owned());
    Ok(())
}

async fn route_table(local: &Local, call: &Call, id: &str) -> Result<Node, Refusal> {
    let form = Form::of("DescribeRouteTables", &[("RouteTableId.1", id)]);
    let found = local.ask(call, &form).await?;
    if found.items("routeTableSet").next().is_none() {
        return Err(not_found(id));
    }
    Ok(found)
}

async fn list(local: &Local, call: &Call, action: &str, filter: &str, value: &str) -> Result<Node, Refusal> {
    let form = Form::of(action, &[("Filter.1.Name", filter), ("Filter.1.Value.1", value)]);
    local.ask(call, &form).await
}

fn is_main(table: &Node) -> bool {
    table.items("associationSet").any(|association| association.get("main") == "true")
}
