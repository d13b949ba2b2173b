//! VPCs and what is in them: states, refusals, client tokens.

use localstack::control::Settings;

use crate::client::Expect;
use crate::{ANYONE, Caller, caller, cloud};

/// A VPC with a subnet, a gateway, and a NAT gateway on an address.
struct Network {
    vpc: String,
    subnet: String,
    igw: String,
    address: String,
    nat: String,
}

pub async fn vpc(caller: &Caller) -> String {
    let answer = caller.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await.ok();
    answer.text("vpcId").to_owned()
}

async fn network(caller: &Caller) -> Network {
    let vpc = vpc(caller).await;
    let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.1.0/24")];
    let subnet = caller.ec2("CreateSubnet", &subnet).await.ok().text("subnetId").to_owned();
    let igw = caller.ec2("CreateInternetGateway", &[]).await.ok().text("internetGatewayId").to_owned();
    caller.ec2("AttachInternetGateway", &[("InternetGatewayId", &igw), ("VpcId", &vpc)]).await.ok();
    let address = caller.ec2("AllocateAddress", &[("Domain", "vpc")]).await.ok().text("allocationId").to_owned();
    let nat = [("SubnetId", subnet.as_str()), ("AllocationId", &address), ("ClientToken", &subnet)];
    let nat = caller.ec2("CreateNatGateway", &nat).await.ok().text("natGatewayId").to_owned();
    Network { vpc, subnet, igw, address, nat }
}

async fn nat_state(caller: &Caller, nat: &str) -> String {
    let answer = caller.ec2("DescribeNatGateways", &[("NatGatewayId.1", nat)]).await.ok();
    answer.text("state").to_owned()
}

/// Reads until the state is reached; the held states are short.
async fn until(caller: &Caller, nat: &str, state: &str) {
    for _ in 0..100 {
        if nat_state(caller, nat).await == state {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{nat} never became {state}");
}

#[tokio::test]
async fn new_things_are_pending_first() {
    let caller = caller(ANYONE).await;
    let made = caller.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await.ok();
    assert!(made.texts("state").contains(&"pending"), "{made:?}");
    let read = async || caller.ec2("DescribeVpcs", &[("VpcId.1", made.text("vpcId"))]).await.ok();
    assert!(read().await.texts("state").contains(&"pending"));
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert!(read().await.texts("state").contains(&"available"));
}

#[tokio::test]
async fn a_filter_on_the_state_sees_the_held_state() {
    let caller = caller(ANYONE).await;
    let id = vpc(&caller).await;
    let found = async |state: &str| {
        let filters = [("Filter.1.Name", "state"), ("Filter.1.Value.1", state), ("VpcId.1", id.as_str())];
        caller.ec2("DescribeVpcs", &filters).await.ok().texts("vpcId").len()
    };
    assert_eq!(found("available").await, 0);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!((found("available").await, found("pending").await), (1, 0));
}

#[tokio::test]
async fn nothing_that_is_used_can_be_deleted() {
    let caller = caller(ANYONE).await;
    let n = network(&caller).await;
    assert_eq!(nat_state(&caller, &n.nat).await, "pending");
    until(&caller, &n.nat, "available").await;
    let table = caller.ec2("CreateRouteTable", &[("VpcId", &n.vpc)]).await.ok().text("routeTableId").to_owned();
    let association = [("RouteTableId", table.as_str()), ("SubnetId", &n.subnet)];
    let association = caller.ec2("AssociateRouteTable", &association).await.ok().text("associationId").to_owned();
    let again = [("RouteTableId", table.as_str()), ("SubnetId", &n.subnet)];
    caller.ec2("AssociateRouteTable", &again).await.refused("Resource.AlreadyAssociated");

    for (action, name, id, code) in [
        ("DeleteVpc", "VpcId", &n.vpc, "DependencyViolation"),
        ("DeleteSubnet", "SubnetId", &n.subnet, "DependencyViolation"),
        ("DeleteInternetGateway", "InternetGatewayId", &n.igw, "DependencyViolation"),
        ("DeleteRouteTable", "RouteTableId", &table, "DependencyViolation"),
        ("ReleaseAddress", "AllocationId", &n.address, "InvalidIPAddress.InUse"),
    ] {
        caller.ec2(action, &[(name, id)]).await.refused(code);
    }
    let detach = [("InternetGatewayId", n.igw.as_str()), ("VpcId", &n.vpc)];
    caller.ec2("DetachInternetGateway", &detach).await.refused("DependencyViolation");

    caller.ec2("DeleteNatGateway", &[("NatGatewayId", &n.nat)]).await.ok();
    caller.ec2("ReleaseAddress", &[("AllocationId", &n.address)]).await.refused("InvalidIPAddress.InUse");
    until(&caller, &n.nat, "deleted").await;
    caller.ec2("DeleteNatGateway", &[("NatGatewayId", &n.nat)]).await.refused("NatGatewayNotFound");

    caller.ec2("ReleaseAddress", &[("AllocationId", &n.address)]).await.ok();
    caller.ec2("DetachInternetGateway", &detach).await.ok();
    caller.ec2("DeleteInternetGateway", &[("InternetGatewayId", &n.igw)]).await.ok();
    caller.ec2("DeleteVpc", &[("VpcId", &n.vpc)]).await.refused("DependencyViolation");
    caller.ec2("DisassociateRouteTable", &[("AssociationId", &association)]).await.ok();
    caller.ec2("DeleteRouteTable", &[("RouteTableId", &table)]).await.ok();
    caller.ec2("DeleteSubnet", &[("SubnetId", &n.subnet)]).await.ok();
    caller.ec2("DeleteVpc", &[("VpcId", &n.vpc)]).await.ok();
    caller.ec2("DescribeVpcs", &[("VpcId.1", &n.vpc)]).await.refused("InvalidVpcID.NotFound");
}

#[tokio::test]
async fn an_address_that_somebody_has_holds_the_gateway() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.0.0/24")];
    let subnet = caller.ec2("CreateSubnet", &subnet).await.ok().text("subnetId").to_owned();
    let gateway = caller.ec2("CreateInternetGateway", &[]).await.ok().text("internetGatewayId").to_owned();
    let attached = [("InternetGatewayId", gateway.as_str()), ("VpcId", &vpc)];
    caller.ec2("AttachInternetGateway", &attached).await.ok();
    let interface = caller.ec2("CreateNetworkInterface", &[("SubnetId", &subnet)]).await.ok();
    let interface = interface.text("networkInterfaceId").to_owned();
    let address = caller.ec2("AllocateAddress", &[("Domain", "vpc")]).await.ok().text("allocationId").to_owned();
    let pair = [("AllocationId", address.as_str()), ("NetworkInterfaceId", &interface)];
    let association = caller.ec2("AssociateAddress", &pair).await.ok().text("associationId").to_owned();
    let seen = caller.ec2("DescribeNetworkInterfaces", &[("NetworkInterfaceId.1", &interface)]).await.ok();
    assert!(seen.body.contains("<publicIp>"), "{seen:?}");

    caller.ec2("ReleaseAddress", &[("AllocationId", &address)]).await.refused("InvalidIPAddress.InUse");
    caller.ec2("DetachInternetGateway", &attached).await.refused("DependencyViolation");
    caller.ec2("DisassociateAddress", &[("AssociationId", &association)]).await.ok();
    caller.ec2("ReleaseAddress", &[("AllocationId", &address)]).await.ok();
    caller.ec2("DetachInternetGateway", &attached).await.ok();
}

#[tokio::test]
async fn an_association_goes_with_its_subnet() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.0.0/24")];
    let subnet = caller.ec2("CreateSubnet", &subnet).await.ok().text("subnetId").to_owned();
    let table = caller.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().text("routeTableId").to_owned();
    caller.ec2("AssociateRouteTable", &[("RouteTableId", &table), ("SubnetId", &subnet)]).await.ok();
    caller.ec2("DeleteRouteTable", &[("RouteTableId", &table)]).await.refused("DependencyViolation");
    caller.ec2("DeleteSubnet", &[("SubnetId", &subnet)]).await.ok();
    let left = caller.ec2("DescribeRouteTables", &[("RouteTableId.1", &table)]).await.ok();
    assert_eq!(left.texts("routeTableAssociationId").len(), 0);
    caller.ec2("DeleteRouteTable", &[("RouteTableId", &table)]).await.ok();
    caller.ec2("DeleteVpc", &[("VpcId", &vpc)]).await.ok();
}

#[tokio::test]
async fn the_main_route_table_stays() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let filters = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc.as_str())];
    let main = caller.ec2("DescribeRouteTables", &filters).await.ok().text("routeTableId").to_owned();
    caller.ec2("DeleteRouteTable", &[("RouteTableId", &main)]).await.refused("DependencyViolation");
}

#[tokio::test]
async fn a_client_token_makes_one_thing() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let create = async |token: &str, name: &str| {
        let parameters = [
            ("VpcId", vpc.as_str()),
            ("ClientToken", token),
            ("TagSpecification.1.ResourceType", "route-table"),
            ("TagSpecification.1.Tag.1.Key", "Name"),
            ("TagSpecification.1.Tag.1.Value", name),
        ];
        caller.ec2("CreateRouteTable", &parameters).await
    };
    let (first, second) = tokio::join!(create(&vpc, "a"), create(&vpc, "a"));
    assert_eq!(first.ok().text("routeTableId"), second.ok().text("routeTableId"));
    create(&vpc, "b").await.refused("IdempotentParameterMismatch");
    let filters = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc.as_str())];
    let tables = caller.ec2("DescribeRouteTables", &filters).await.ok();
    assert_eq!(tables.texts("main").len(), 1, "{tables:?}");
    assert_eq!(tables.body.matches("<origin>CreateRouteTable</origin>").count(), 2, "{tables:?}");
}

#[tokio::test]
async fn a_nat_gateway_with_a_token_is_made_once() {
    let caller = caller(ANYONE).await;
    let n = network(&caller).await;
    let again = [("SubnetId", n.subnet.as_str()), ("AllocationId", &n.address), ("ClientToken", &n.subnet)];
    assert_eq!(caller.ec2("CreateNatGateway", &again).await.ok().text("natGatewayId"), n.nat);
    let other = [("SubnetId", n.subnet.as_str()), ("ConnectivityType", "private"), ("ClientToken", &n.subnet)];
    caller.ec2("CreateNatGateway", &other).await.refused("IdempotentParameterMismatch");
}

#[tokio::test]
async fn targets_of_routes_exist() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let table = caller.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().text("routeTableId").to_owned();
    let igw = caller.ec2("CreateInternetGateway", &[]).await.ok().text("internetGatewayId").to_owned();
    let route = async |name: &str, id: &str| {
        let parameters = [("RouteTableId", table.as_str()), ("DestinationCidrBlock", "0.0.0.0/0"), (name, id)];
        caller.ec2("CreateRoute", &parameters).await
    };
    route("NatGatewayId", "nat-0123456789abcdef0").await.refused("InvalidNatGatewayID.NotFound");
    route("GatewayId", "igw-0123456789abcdef0").await.refused("InvalidInternetGatewayID.NotFound");
    route("GatewayId", &igw).await.refused("InvalidParameterValue");
    caller.ec2("AttachInternetGateway", &[("InternetGatewayId", &igw), ("VpcId", &vpc)]).await.ok();
    route("GatewayId", &igw).await.ok();
    route("GatewayId", &igw).await.refused("RouteAlreadyExists");
}

#[tokio::test]
async fn parameters_are_read_as_aws_reads_them() {
    let caller = caller(ANYONE).await;
    let answer = caller.ec2("CreateVpc", &[("CidrBlock", "10.7.3.1/16")]).await.ok();
    assert_eq!(answer.text("cidrBlock"), "10.7.0.0/16");
    let dry = [("CidrBlock", "10.0.0.0/16"), ("DryRun", "true")];
    caller.ec2("CreateVpc", &dry).await.refused("DryRunOperation");
    let vpc = vpc(&caller).await;
    caller.ec2("CreateNatGateway", &[("SubnetId", "subnet-0")]).await.refused("MissingParameter");
    let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.1.0/24")];
    let subnet = caller.ec2("CreateSubnet", &subnet).await.ok().text("subnetId").to_owned();
    let two = [("SubnetId", subnet.as_str()), ("MapPublicIpOnLaunch.Value", "true"), ("EnableDns64.Value", "true")];
    caller.ec2("ModifySubnetAttribute", &two).await.refused("InvalidParameterCombination");
    let reserved = [("ResourceId.1", vpc.as_str()), ("Tag.1.Key", "aws:mine"), ("Tag.1.Value", "x")];
    caller.ec2("CreateTags", &reserved).await.refused("InvalidParameterValue");
    let lost = [("ResourceId.1", "vpc-0123456789abcdef0"), ("Tag.1.Key", "k"), ("Tag.1.Value", "x")];
    caller.ec2("CreateTags", &lost).await.refused("InvalidVpcID.NotFound");
}

#[tokio::test]
async fn a_new_id_is_not_visible_at_once_when_asked_for() {
    let account = "700000000005";
    cloud().await.set_account_settings(account, Settings { late_reads: 2, ..Settings::default() });
    let caller = caller(account).await;
    let vpc = vpc(&caller).await;
    let listed = caller.ec2("DescribeVpcs", &[]).await.ok();
    assert!(!listed.texts("vpcId").contains(&vpc.as_str()));
    let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.1.0/24")];
    caller.ec2("CreateSubnet", &subnet).await.refused("InvalidVpcID.NotFound");
    caller.ec2("DescribeVpcs", &[("VpcId.1", &vpc)]).await.ok();
}
