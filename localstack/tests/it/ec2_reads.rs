//! Reading: pages, filters, tags, ids that do not exist.

use std::collections::BTreeSet;

use localstack::control::Settings;

use crate::client::Expect;
use crate::ec2_network::vpc;
use crate::{ANYONE, Caller, caller, cloud};

/// Creates that take tags, with their kind in TagSpecifications and where the answer has the id.
const TAGGED: [(&str, &str, &str); 6] = [
    ("CreateVpc", "vpc", "vpcId"),
    ("CreateSubnet", "subnet", "subnetId"),
    ("CreateInternetGateway", "internet-gateway", "internetGatewayId"),
    ("AllocateAddress", "elastic-ip", "allocationId"),
    ("CreateRouteTable", "route-table", "routeTableId"),
    ("CreateSecurityGroup", "security-group", "groupId"),
];

/// Reads of the same, with the element that has the id.
const READS: [(&str, &str); 6] = [
    ("DescribeVpcs", "vpcId"),
    ("DescribeSubnets", "subnetId"),
    ("DescribeInternetGateways", "internetGatewayId"),
    ("DescribeAddresses", "allocationId"),
    ("DescribeRouteTables", "routeTableId"),
    ("DescribeSecurityGroups", "groupId"),
];

async fn tagged(caller: &Caller, mark: &str) -> Vec<String> {
    let vpc = vpc(caller).await;
    let mut made = Vec::new();
    for (action, kind, id) in TAGGED {
        let mut parameters = vec![
            ("TagSpecification.1.ResourceType", kind),
            ("TagSpecification.1.Tag.1.Key", "mark"),
            ("TagSpecification.1.Tag.1.Value", mark),
        ];
        match action {
            "CreateVpc" => parameters.push(("CidrBlock", "10.0.0.0/16")),
            "CreateSubnet" => parameters.extend([("VpcId", vpc.as_str()), ("CidrBlock", "10.0.1.0/24")]),
            "CreateSecurityGroup" => {
                parameters.extend([("VpcId", vpc.as_str()), ("GroupName", "tagged"), ("GroupDescription", "x")]);
            }
            "CreateRouteTable" => parameters.push(("VpcId", &vpc)),
            _ => {}
        }
        made.push(caller.ec2(action, &parameters).await.ok().text(id).to_owned());
    }
    made
}

#[tokio::test]
async fn tags_of_creates_are_found_by_filters() {
    let caller = caller(ANYONE).await;
    let made = tagged(&caller, "of creates").await;
    for ((action, id), expected) in READS.iter().zip(&made) {
        for (filter, value, found) in [
            ("tag:mark", "of creates", true),
            ("tag:mark", "of*eates", true),
            ("tag:mark", "of", false),
            ("tag:Mark", "of creates", false),
        ] {
            let filters = [("Filter.1.Name", filter), ("Filter.1.Value.1", value)];
            let answer = caller.ec2(action, &filters).await.ok();
            let first = answer.text(id);
            assert_eq!(first == expected, found, "{action} {filter}={value}: {answer:?}");
        }
    }
    let filters = [("Filter.1.Name", "tag:mark"), ("Filter.1.Value.1", "of creates")];
    let tags = caller.ec2("DescribeTags", &filters).await.ok();
    let kinds: BTreeSet<&str> = tags.texts("resourceType").into_iter().collect();
    assert_eq!(kinds, TAGGED.iter().map(|(_, kind, _)| *kind).collect());
    caller.ec2("ReleaseAddress", &[("AllocationId", &made[3])]).await.ok();
    let tags = caller.ec2("DescribeTags", &filters).await.ok();
    assert_eq!(tags.texts("resourceId").len(), made.len() - 1);
}

#[tokio::test]
async fn tables_are_found_by_any_of_their_subnets() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let (mut tables, mut firsts) = (BTreeSet::new(), Vec::new());
    for table in 0..2 {
        let made = caller.ec2("CreateRouteTable", &[("VpcId", &vpc)]).await.ok().text("routeTableId").to_owned();
        for number in 0..2 {
            let cidr = format!("10.0.{}.0/24", 100 + table * 2 + number);
            let subnet = caller.ec2("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", &cidr)]).await.ok();
            let subnet = subnet.text("subnetId").to_owned();
            caller.ec2("AssociateRouteTable", &[("RouteTableId", &made), ("SubnetId", &subnet)]).await.ok();
            if number == 0 {
                firsts.push(subnet);
            }
        }
        tables.insert(made);
    }
    let filter = [
        ("Filter.1.Name", "association.subnet-id"),
        ("Filter.1.Value.1", firsts[0].as_str()),
        ("Filter.1.Value.2", firsts[1].as_str()),
    ];
    let read = caller.ec2("DescribeRouteTables", &filter).await.ok();
    assert_eq!(read.texts("routeTableId").into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), tables);
}

#[tokio::test]
async fn nat_gateways_are_filtered() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.1.0/24")];
    let subnet = caller.ec2("CreateSubnet", &subnet).await.ok().text("subnetId").to_owned();
    let nat = [
        ("SubnetId", subnet.as_str()),
        ("ConnectivityType", "private"),
        ("TagSpecification.1.ResourceType", "natgateway"),
        ("TagSpecification.1.Tag.1.Key", "of"),
        ("TagSpecification.1.Tag.1.Value", &vpc),
    ];
    let nat = caller.ec2("CreateNatGateway", &nat).await.ok().text("natGatewayId").to_owned();
    for (filter, value, found) in [
        ("tag:of", vpc.as_str(), true),
        ("tag:of", "else", false),
        ("subnet-id", &subnet, true),
        ("vpc-id", &vpc, true),
        ("state", "deleted", false),
    ] {
        let filters = [("Filter.1.Name", filter), ("Filter.1.Value.1", value)];
        let answer = caller.ec2("DescribeNatGateways", &filters).await.ok();
        assert_eq!(answer.texts("natGatewayId").contains(&nat.as_str()), found, "{filter}={value}: {answer:?}");
    }
    caller.ec2("DescribeNatGateways", &[("NatGatewayId.1", "nat-0")]).await.refused("NatGatewayNotFound");
}

#[tokio::test]
async fn missing_ids_are_named() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let both = [("VpcId.1", vpc.as_str()), ("VpcId.2", "vpc-0123456789abcdef0")];
    let answer = caller.ec2("DescribeVpcs", &both).await.refused("InvalidVpcID.NotFound");
    assert!(!answer.text("Message").contains(&vpc) && answer.text("Message").contains("vpc-0123456789abcdef0"), "{answer:?}");
}

#[tokio::test]
async fn pages_have_the_size_that_is_asked_for() {
    let account = "700000000006";
    let caller = caller(account).await;
    for _ in 0..12 {
        vpc(&caller).await;
    }
    let mut seen = Vec::new();
    let mut token = String::new();
    let mut pages = 0;
    loop {
        let mut parameters = vec![("MaxResults", "5")];
        if !token.is_empty() {
            parameters.push(("NextToken", &token));
        }
        let answer = caller.ec2("DescribeVpcs", &parameters).await.ok();
        seen.extend(answer.texts("vpcId").into_iter().map(str::to_owned));
        pages += 1;
        token = answer.text("nextToken").to_owned();
        if token.is_empty() {
            break;
        }
    }
    // One more than made: the default VPC.
    assert_eq!((pages, seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (3, 13, 13));
    caller.ec2("DescribeVpcs", &[("MaxResults", "4")]).await.refused("InvalidParameterValue");
    caller.ec2("DescribeVpcs", &[("NextToken", "made up")]).await.refused("InvalidNextToken");

    cloud().await.set_account_settings(account, Settings { page_size: Some(3), ..Settings::default() });
    assert_eq!(caller.ec2("DescribeVpcs", &[]).await.ok().texts("vpcId").len(), 3);
}

#[tokio::test]
async fn launch_templates_have_versions() {
    let caller = caller("700000000007").await;
    let data = ("LaunchTemplateData.InstanceType", "m5.large");
    let tags = [
        ("TagSpecification.1.ResourceType", "launch-template"),
        ("TagSpecification.1.Tag.1.Key", "k"),
        ("TagSpecification.1.Tag.1.Value", "v"),
    ];
    let mut ids = Vec::new();
    for name in (0..16).map(|it| format!("template-{it}")) {
        let made = [("LaunchTemplateName", name.as_str()), data].into_iter().chain(tags).collect::<Vec<_>>();
        ids.push(caller.ec2("CreateLaunchTemplate", &made).await.ok().text("launchTemplateId").to_owned());
    }
    assert_eq!(caller.ec2("DescribeLaunchTemplates", &[]).await.ok().texts("launchTemplateId").len(), 16);
    let newest = caller.ec2("DescribeLaunchTemplateVersions", &[("LaunchTemplateVersion.1", "$Latest")]).await.ok();
    assert_eq!(newest.texts("launchTemplateId").len(), 16);
    assert!(!newest.body.contains("launch-template</resourceType>"), "the template's own tags: {}", newest.body);
    let first = ("LaunchTemplateId", ids[0].as_str());
    caller.ec2("CreateLaunchTemplateVersion", &[first, ("LaunchTemplateData.InstanceType", "m6i.large")]).await.ok();
    caller.ec2("ModifyLaunchTemplate", &[first, ("SetDefaultVersion", "2")]).await.ok();
    let shown = caller.ec2("DescribeLaunchTemplates", &[("LaunchTemplateId.1", ids[0].as_str())]).await.ok();
    assert_eq!((shown.text("defaultVersionNumber"), shown.text("latestVersionNumber")), ("2", "2"));
    let tag = [("ResourceId.1", ids[0].as_str()), ("Tag.1.Key", "late"), ("Tag.1.Value", "v")];
    caller.ec2("CreateTags", &tag).await.ok();
    let late = [("Filter.1.Name", "tag:late"), ("Filter.1.Value.1", "v")];
    assert_eq!(caller.ec2("DescribeLaunchTemplates", &late).await.ok().texts("launchTemplateId"), [ids[0].as_str()]);
    caller.ec2("DeleteLaunchTemplate", &[first]).await.ok();
    caller.ec2("DeleteLaunchTemplate", &[first]).await.refused("InvalidLaunchTemplateId.NotFound");
    let gone = [("LaunchTemplateId.1", ids[0].as_str())];
    caller.ec2("DescribeLaunchTemplates", &gone).await.refused("InvalidLaunchTemplateId.NotFound");
    let one = [first, ("LaunchTemplateVersion.1", "$Latest")];
    caller.ec2("DescribeLaunchTemplateVersions", &one).await.refused("InvalidLaunchTemplateId.NotFound");
}
