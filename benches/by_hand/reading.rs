//! Everything that a plan must know of the stack, read with the fewest calls: what the emulators need for it.

use futures::future::{try_join, try_join_all, try_join3};
use localstack::client::{CallError, Caller};
use serde_json::{Value, json};

use super::Hand;
use super::repositories::TARGET;
use crate::bench::stack::PROJECT;

/// Reads the stack that carries [`PROJECT`] as its tag `project`.
pub async fn read(caller: &Caller) -> Result<(), CallError> {
    let hand = Hand::new(caller);
    let mine = [("Filter.1.Name", "tag:project"), ("Filter.1.Value.1", PROJECT), ("MaxResults", "1000")];
    let listed = ["DescribeInternetGateways", "DescribeSubnets", "DescribeSecurityGroups"];
    let lists = try_join_all(listed.iter().map(|action| hand.ec2(action, &mine)));
    let mine_by_the_hundred = [mine[0], mine[1], ("MaxResults", "100")];
    let tables = hand.ec2("DescribeRouteTables", &mine_by_the_hundred);
    let rules = [("Filter.1.Name", "tag-key"), ("Filter.1.Value.1", "infra:lineage"), ("MaxResults", "1000")];
    let rules = hand.ec2("DescribeSecurityGroupRules", &rules);
    let vpc = async {
        let id = hand.ec2("DescribeVpcs", &mine).await?.text("vpcId").to_owned();
        let attributes = ["enableDnsSupport", "enableDnsHostnames"];
        let asked = attributes.map(|name| async {
            let parameters = [("VpcId", id.as_str()), ("Attribute", name)];
            hand.ec2("DescribeVpcAttribute", &parameters).await
        });
        try_join_all(asked).await
    };
    let whoami = async { caller.query("sts", "GetCallerIdentity", &[]).await?.success("sts", "GetCallerIdentity") };
    let network = try_join3(try_join(lists, tables), rules, try_join(vpc, whoami));
    try_join(network, repositories(&hand)).await?;
    Ok(())
}

async fn repositories(hand: &Hand<'_>) -> Result<(), CallError> {
    let all = json!({"maxResults": 1000});
    let listed = hand.json("ecr", TARGET, "DescribeRepositories", &all);
    try_join(listed, tags(hand)).await?;
    Ok(())
}

/// Tags by the hundred; DescribeRepositories does not tell them.
async fn tags(hand: &Hand<'_>) -> Result<(), CallError> {
    let mut token = Value::from("");
    loop {
        let page = json!({
            "ResourceTypeFilters": ["ecr:repository"],
            "TagFilters": [{"Key": "project", "Values": [PROJECT]}],
            "ResourcesPerPage": 100,
            "PaginationToken": token,
        });
        let answer = hand.json("tagging", "ResourceGroupsTaggingAPI_20170126", "GetResources", &page).await?.json();
        token = answer["PaginationToken"].clone();
        if token.as_str().is_none_or(str::is_empty) {
            return Ok(());
        }
    }
}
