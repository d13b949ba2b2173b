//! From an empty account to a whole environment and back, beside another one that must not notice.

use std::collections::BTreeMap;

use localstack::client::Caller;
use serde_json::json;

use super::checkout::Checkout;
use super::inventory;

#[tokio::test(flavor = "multi_thread")]
async fn with_states_in_buckets() {
    let here = Checkout::new("700000000001", "700000000002").await;
    for stack in ["dev", "prod"] {
        here.run(&format!("bootstrap {stack} --auto-approve --confirm bootstrap")).ends(0);
        let again = here.run(&format!("bootstrap {stack}")).ends(0);
        assert_eq!(again.out, "No changes: `bootstrap` is as its files say.\n");
    }
    whole(&here).await;
    assert!(!here.path().join(".infra").exists(), "nothing is kept beside the stacks");

    // What states are kept with is looked after like everything else.
    let body = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Suspended</Status></VersioningConfiguration>";
    let suspended = here.caller("dev").rest("s3", "PUT", "/chene-factory-infra-dev-700000000001?versioning=", body).await;
    suspended.unwrap().success("s3", "PutBucketVersioning").unwrap();
    let mended = here.run("bootstrap dev --auto-approve").ends(0);
    assert!(mended.out.contains("changed behind our back: versioning.status"), "{}", mended.out);
    assert!(mended.out.contains("Plan: 0 to create, 1 to update, 0 to delete."), "{}", mended.out);
    here.run("bootstrap dev").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_states_in_a_folder() {
    let here = Checkout::local("700000000003", "700000000004").await;
    let refused = here.run_in(here.account("dev"), "plan dev", &[("CI", "true")]).ends(1);
    assert_eq!(refused.codes(), ["ci-local-state"]);
    whole(&here).await;
    // A key that waits for its deletion keeps its tags, and is no sign of a state that was lost.
    std::fs::remove_dir_all(here.path().join(".infra/dev")).unwrap();
    here.run("plan dev --detailed-exitcode").ends(2);
    // What prod has is one.
    std::fs::remove_dir_all(here.path().join(".infra/prod")).unwrap();
    for command in ["plan prod", "apply prod --auto-approve --confirm prod"] {
        assert_eq!(here.run(command).ends(1).codes(), ["lost-state"]);
    }
    // All of it is found again.
    here.run("state rebuild prod --auto-approve --confirm prod").ends(0);
    here.is_settled("prod");
}

async fn whole(here: &Checkout) {
    let (dev, prod) = (here.caller("dev"), here.caller("prod"));
    let empty = inventory::list(&dev).await;
    here.run("plan dev --detailed-exitcode").ends(2);
    inventory::same(&empty, &inventory::list(&dev).await);
    here.run("apply prod --auto-approve --confirm prod").ends(0);
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");
    assert!(here.run("output dev vpc_id").ends(0).out.starts_with("vpc-"));
    let others = inventory::list(&prod).await;

    let ids = here.ids("dev");
    behind_our_back(&dev, &ids).await;
    let drift = here.run("drift dev --format json").ends(2).json();
    let found = drift["findings"].as_array().unwrap().iter().map(|it| {
        let paths = it["attributes"].as_array().unwrap().iter().map(|it| format!(" {}", it["path"].as_str().unwrap()));
        let text = |name: &str| it[name].as_str().unwrap().to_owned();
        format!("{} {}{}", text("verdict"), text("address"), paths.collect::<String>())
    });
    assert_eq!(found.collect::<Vec<_>>(), DRIFT);
    here.run("plan dev --detailed-exitcode").ends(2);
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");

    let destroyed = here.run("destroy dev --auto-approve").ends(0);
    assert!(!destroyed.out.contains("\nvpc_id = "), "outputs of what is gone: {}", destroyed.out);
    assert_eq!(here.run("output dev").ends(0).out, "");
    assert_eq!(here.ids("dev"), BTreeMap::new());
    inventory::same(&empty, &inventory::list(&dev).await);
    inventory::same(&others, &inventory::list(&prod).await);
    here.is_settled("prod");
}

/// What `drift` must say of [`behind_our_back`]: verdict, address, attributes.
const DRIFT: &[&str] = &[
    "changed module.dns.aws_route53_record.caa ttl",
    "changed module.eks_key.aws_kms_key.main enable_key_rotation",
    "changed module.network.aws_default_security_group.main ingress",
    "missing module.network.aws_route.nat[\"b\"]",
    "changed module.network.aws_route_table.intra tags[\"env\"]",
    "missing module.network.aws_route_table_association.intra[\"c\"]",
    "changed module.network.aws_security_group.this[\"vpn\"] tags[\"owner\"]",
    "changed module.network.aws_subnet.intra[\"b\"] tags[\"Name\"]",
    "changed module.network.aws_subnet.private[\"c\"] tags[\"Name\"]",
    "changed module.network.aws_subnet.public[\"a\"] map_public_ip_on_launch",
    "changed module.network.aws_vpc.main enable_dns_hostnames",
    "missing module.network.aws_vpc_security_group_ingress_rule.flow[\"alb-to-pods\"]",
    "changed module.network.aws_vpc_security_group_ingress_rule.range[\"vpce-443\"] description",
    "changed module.registry.aws_ecr_repository.this[\"devops-demo-dev\"] image_tag_mutability",
];

/// One change of each sort, by somebody who does not use infra.
async fn behind_our_back(caller: &Caller, ids: &BTreeMap<String, String>) {
    let id = |address: &str| ids[address].as_str();
    let network = |address: &str| ids[&format!("module.network.{address}")].as_str();
    let (rule, range) = (
        network("aws_vpc_security_group_ingress_rule.flow[\"alb-to-pods\"]"),
        network("aws_vpc_security_group_ingress_rule.range[\"vpce-443\"]"),
    );
    let (pods, vpce) = (network("aws_security_group.this[\"pod-service\"]"), network("aws_security_group.this[\"vpce\"]"));
    let subnet = [("Filter.1.Name", "association.subnet-id"), ("Filter.1.Value.1", network("aws_subnet.intra[\"c\"]"))];
    let table = caller.ec2("DescribeRouteTables", &subnet).await.unwrap();
    // A table lists all that it is associated with.
    let associated = table.body.split("<item>").find(|it| it.contains(subnet[1].1) && it.contains("<routeTableAssociationId>"));
    let association = associated.unwrap().split_once("<routeTableAssociationId>").unwrap().1.split('<').next().unwrap();
    let calls: &[(&str, &[(&str, &str)])] = &[
        ("ModifyVpcAttribute", &[("VpcId", network("aws_vpc.main")), ("EnableDnsHostnames.Value", "false")]),
        ("ModifySubnetAttribute", &[("SubnetId", network("aws_subnet.public[\"a\"]")), ("MapPublicIpOnLaunch.Value", "true")]),
        ("CreateTags", &[("ResourceId.1", network("aws_subnet.intra[\"b\"]")), ("Tag.1.Key", "Name"), ("Tag.1.Value", "mine")]),
        ("DeleteTags", &[("ResourceId.1", network("aws_subnet.private[\"c\"]")), ("Tag.1.Key", "Name")]),
        ("DeleteTags", &[("ResourceId.1", network("aws_route_table.intra")), ("Tag.1.Key", "env")]),
        // Without its mark it is found by its id.
        ("DeleteTags", &[("ResourceId.1", network("aws_internet_gateway.main")), ("Tag.1.Key", "infra:lineage")]),
        (
            "CreateTags",
            &[("ResourceId.1", network("aws_security_group.this[\"vpn\"]")), ("Tag.1.Key", "owner"), ("Tag.1.Value", "bob")],
        ),
        ("RevokeSecurityGroupIngress", &[("GroupId", pods), ("SecurityGroupRuleId.1", rule)]),
        (
            "ModifySecurityGroupRules",
            &[
                ("GroupId", vpce),
                ("SecurityGroupRule.1.SecurityGroupRuleId", range),
                ("SecurityGroupRule.1.SecurityGroupRule.IpProtocol", "tcp"),
                ("SecurityGroupRule.1.SecurityGroupRule.FromPort", "443"),
                ("SecurityGroupRule.1.SecurityGroupRule.ToPort", "443"),
                ("SecurityGroupRule.1.SecurityGroupRule.CidrIpv4", "10.10.0.0/16"),
                ("SecurityGroupRule.1.SecurityGroupRule.Description", "by hand"),
            ],
        ),
        (
            "AuthorizeSecurityGroupIngress",
            &[
                ("GroupId", network("aws_default_security_group.main")),
                ("IpPermissions.1.IpProtocol", "tcp"),
                ("IpPermissions.1.FromPort", "22"),
                ("IpPermissions.1.ToPort", "22"),
                ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
            ],
        ),
        ("DeleteRoute", &[("RouteTableId", network("aws_route_table.private[\"b\"]")), ("DestinationCidrBlock", "0.0.0.0/0")]),
        ("DisassociateRouteTable", &[("AssociationId", association)]),
    ];
    for (action, parameters) in calls {
        caller.ec2(action, parameters).await.unwrap().success("ec2", action).unwrap();
    }
    let mutability = json!({ "repositoryName": "devops-demo-dev", "imageTagMutability": "MUTABLE" });
    let answer = caller.json("ecr", "AmazonEC2ContainerRegistry_V20150921.PutImageTagMutability", &mutability).await;
    answer.unwrap().success("ecr", "PutImageTagMutability").unwrap();
    let key = json!({ "KeyId": id("module.eks_key.aws_kms_key.main") });
    let answer = caller.json("kms", "TrentService.DisableKeyRotation", &key).await;
    answer.unwrap().success("kms", "DisableKeyRotation").unwrap();
    let zone = id("module.dns.aws_route53_zone.main");
    let values = ["amazon.com", "letsencrypt.org"]
        .map(|it| format!("<ResourceRecord><Value>0 issue \"{it}\"</Value></ResourceRecord>"))
        .concat();
    let batch = format!(
        "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes><Change>\
         <Action>UPSERT</Action><ResourceRecordSet><Name>devops-demo.chene-factory.com.</Name><Type>CAA</Type><TTL>60</TTL>\
         <ResourceRecords>{values}</ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch>\
         </ChangeResourceRecordSetsRequest>"
    );
    let answer = caller.rest("route53", "POST", &format!("/2013-04-01/hostedzone/{zone}/rrset/"), &batch).await;
    answer.unwrap().success("route53", "ChangeResourceRecordSets").unwrap();
}
