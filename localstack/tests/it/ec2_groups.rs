//! Security groups and their rules.

use crate::client::Expect;
use crate::ec2_network::vpc;
use crate::{ANYONE, Caller, caller};

async fn group(caller: &Caller, vpc: &str, name: &str) -> String {
    let parameters = [("VpcId", vpc), ("GroupName", name), ("GroupDescription", "for a test")];
    caller.ec2("CreateSecurityGroup", &parameters).await.ok().text("groupId").to_owned()
}

async fn rules(caller: &Caller, group: &str) -> crate::client::Answer {
    let filters = [("Filter.1.Name", "group-id"), ("Filter.1.Value.1", group)];
    caller.ec2("DescribeSecurityGroupRules", &filters).await.ok()
}

/// TCP on one port from a CIDR, as the n-th permission.
fn permission<'a>(n: usize, port: &'a str, cidr: &'a str, description: &'a str) -> Vec<(String, &'a str)> {
    let of = |name: &str| format!("IpPermissions.{n}.{name}");
    vec![
        (of("IpProtocol"), "tcp"),
        (of("FromPort"), port),
        (of("ToPort"), port),
        (of("IpRanges.1.CidrIp"), cidr),
        (of("IpRanges.1.Description"), description),
    ]
}

async fn authorize(caller: &Caller, group: &str, permissions: &[Vec<(String, &str)>]) -> crate::client::Answer {
    let mut parameters = vec![("GroupId", group)];
    parameters.extend(permissions.iter().flatten().map(|(name, value)| (name.as_str(), *value)));
    caller.ec2("AuthorizeSecurityGroupIngress", &parameters).await
}

#[tokio::test]
async fn all_rules_are_made_or_none() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let group = group(&caller, &vpc, "all-or-none").await;
    let both = [permission(1, "443", "10.0.0.0/8", "one"), permission(2, "80", "10.0.0.7/8", "two")];
    let made = authorize(&caller, &group, &both).await.ok();
    assert_eq!(made.texts("securityGroupRuleId").len(), 2);
    assert_eq!(made.texts("description"), ["one", "two"]);
    assert_eq!(made.texts("cidrIpv4"), ["10.0.0.0/8", "10.0.0.0/8"]);

    let partly = [permission(1, "22", "10.0.0.0/8", ""), permission(2, "80", "10.0.0.0/8", "")];
    authorize(&caller, &group, &partly).await.refused("InvalidPermission.Duplicate");
    // The egress rule that every group is born with, and the two above.
    assert_eq!(rules(&caller, &group).await.texts("securityGroupRuleId").len(), 3);
}

#[tokio::test]
async fn descriptions_last_and_change() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let (group, peer) = (group(&caller, &vpc, "described").await, group(&caller, &vpc, "peer").await);
    let parameters = [
        ("GroupId", group.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "5432"),
        ("IpPermissions.1.ToPort", "5432"),
        ("IpPermissions.1.Groups.1.GroupId", &peer),
        ("IpPermissions.1.Groups.1.Description", "from the peer"),
        ("TagSpecification.1.ResourceType", "security-group-rule"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.1.Value", "database"),
    ];
    let made = caller.ec2("AuthorizeSecurityGroupIngress", &parameters).await.ok();
    assert_eq!(made.text("description"), "from the peer");
    let id = made.text("securityGroupRuleId");
    let change = [
        ("GroupId", group.as_str()),
        ("SecurityGroupRuleDescription.1.SecurityGroupRuleId", id),
        ("SecurityGroupRuleDescription.1.Description", "changed"),
    ];
    caller.ec2("UpdateSecurityGroupRuleDescriptionsIngress", &change).await.ok();
    let read = caller.ec2("DescribeSecurityGroupRules", &[("SecurityGroupRuleId.1", id)]).await.ok();
    assert_eq!((read.text("description"), read.text("key"), read.text("value")), ("changed", "Name", "database"));
    let whole = caller.ec2("DescribeSecurityGroups", &[("GroupId.1", &group)]).await.ok();
    assert_eq!(whole.text("description"), "changed");

    let modify = [
        ("GroupId", group.as_str()),
        ("SecurityGroupRule.1.SecurityGroupRuleId", id),
        ("SecurityGroupRule.1.SecurityGroupRule.IpProtocol", "tcp"),
        ("SecurityGroupRule.1.SecurityGroupRule.FromPort", "3306"),
        ("SecurityGroupRule.1.SecurityGroupRule.ToPort", "3306"),
        ("SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId", &peer),
        ("SecurityGroupRule.1.SecurityGroupRule.Description", "modified"),
    ];
    caller.ec2("ModifySecurityGroupRules", &modify).await.ok();
    let read = caller.ec2("DescribeSecurityGroupRules", &[("SecurityGroupRuleId.1", id)]).await.ok();
    assert_eq!((read.text("fromPort"), read.text("description")), ("3306", "modified"));
    assert!(read.body.contains(&format!("<groupId>{peer}</groupId>")), "{read:?}");
}

#[tokio::test]
async fn rules_are_revoked_by_id_and_by_what_they_say() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let group = group(&caller, &vpc, "revoked").await;
    let both = [permission(1, "1", "10.0.0.0/8", ""), permission(2, "2", "10.0.0.0/8", "")];
    let made = authorize(&caller, &group, &both).await.ok();
    let by_id = [("GroupId", group.as_str()), ("SecurityGroupRuleId.1", made.texts("securityGroupRuleId")[0])];
    caller.ec2("RevokeSecurityGroupIngress", &by_id).await.ok();
    caller.ec2("RevokeSecurityGroupIngress", &by_id).await.refused("InvalidSecurityGroupRuleId.NotFound");
    let second =
        [("GroupId", group.as_str()), ("IpProtocol", "tcp"), ("FromPort", "2"), ("ToPort", "2"), ("CidrIp", "10.0.0.0/8")];
    caller.ec2("RevokeSecurityGroupIngress", &second).await.ok();
    caller.ec2("RevokeSecurityGroupIngress", &second).await.refused("InvalidPermission.NotFound");
    let born = rules(&caller, &group).await;
    let egress = [("GroupId", group.as_str()), ("SecurityGroupRuleId.1", born.text("securityGroupRuleId"))];
    caller.ec2("RevokeSecurityGroupEgress", &egress).await.ok();
    assert!(rules(&caller, &group).await.texts("securityGroupRuleId").is_empty());
}

#[tokio::test]
async fn the_rule_that_a_group_is_born_with_counts_as_a_duplicate() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let group = group(&caller, &vpc, "born").await;
    let born =
        [("GroupId", group.as_str()), ("IpPermissions.1.IpProtocol", "-1"), ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0")];
    caller.ec2("AuthorizeSecurityGroupEgress", &born).await.refused("InvalidPermission.Duplicate");
}

#[tokio::test]
async fn groups_that_are_named_by_others_stay() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    let (a, b) = (group(&caller, &vpc, "a").await, group(&caller, &vpc, "b").await);
    let rule = [("GroupId", a.as_str()), ("IpPermissions.1.IpProtocol", "-1"), ("IpPermissions.1.Groups.1.GroupId", &b)];
    let made = caller.ec2("AuthorizeSecurityGroupIngress", &rule).await.ok();
    assert_eq!((made.text("fromPort"), made.text("toPort")), ("-1", "-1"));
    caller.ec2("DeleteSecurityGroup", &[("GroupId", &b)]).await.refused("DependencyViolation");
    caller.ec2("RevokeSecurityGroupIngress", &rule).await.ok();
    caller.ec2("DeleteSecurityGroup", &[("GroupId", &b)]).await.ok();
    caller.ec2("DeleteSecurityGroup", &[("GroupId", &b)]).await.refused("InvalidGroup.NotFound");
}

#[tokio::test]
async fn names_are_taken_once_per_vpc() {
    let caller = caller(ANYONE).await;
    let vpc = vpc(&caller).await;
    group(&caller, &vpc, "taken").await;
    let create = async |vpc: &str, name: &str| {
        let parameters = [("VpcId", vpc), ("GroupName", name), ("GroupDescription", "again")];
        caller.ec2("CreateSecurityGroup", &parameters).await
    };
    create(&vpc, "taken").await.refused("InvalidGroup.Duplicate");
    create(&vpc, "default").await.refused("InvalidParameterValue");
    create("vpc-0123456789abcdef0", "lost").await.refused("InvalidVpcID.NotFound");
    let filters = [
        ("Filter.1.Name", "vpc-id"),
        ("Filter.1.Value.1", vpc.as_str()),
        ("Filter.2.Name", "group-name"),
        ("Filter.2.Value.1", "default"),
    ];
    let default = caller.ec2("DescribeSecurityGroups", &filters).await.ok().text("groupId").to_owned();
    caller.ec2("DeleteSecurityGroup", &[("GroupId", &default)]).await.refused("CannotDelete");
}
