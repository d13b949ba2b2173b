//! A refresh asks by types and pages, not by things.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use infra::cloud::Query;
use infra::remote::Id;
use serde_json::json;

use super::bench::{Bench, Made, unique};

#[tokio::test]
async fn a_refresh_asks_once_for_each_type() {
    let bench = Bench::new().await;
    let bench = &bench;
    let vpc = bench.make("aws_vpc", json!({ "cidr_block": "10.4.0.0/16", "enable_dns_hostnames": true })).await;
    let id = vpc.id.as_str();
    let gateway = bench.make("aws_internet_gateway", json!({ "vpc_id": id })).await;
    let subnet = |n: usize| bench.make("aws_subnet", json!({ "vpc_id": id, "cidr_block": format!("10.4.{n}.0/24") }));
    let subnets = join_all((0..5).map(subnet)).await;
    let tables = join_all((0..3).map(|_| bench.make("aws_route_table", json!({ "vpc_id": id })))).await;
    let route = |table: &Made| {
        bench.make(
            "aws_route",
            json!({ "route_table_id": table.id.as_str(), "destination_cidr_block": "0.0.0.0/0", "gateway_id": gateway.id.as_str() }),
        )
    };
    let routes = join_all(tables.iter().map(route)).await;
    let associate = |(subnet, table): (&Made, &Made)| {
        bench.make("aws_route_table_association", json!({ "subnet_id": subnet.id.as_str(), "route_table_id": table.id.as_str() }))
    };
    let associations = join_all(subnets.iter().zip(tables.iter().cycle()).map(associate)).await;
    let ingress = json!([{ "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8"] }]);
    let egress = json!([{ "protocol": "-1", "cidr_blocks": ["0.0.0.0/0"] }]);
    let group = |_| {
        bench.make("aws_security_group", json!({ "name": unique("bulk"), "vpc_id": id, "ingress": ingress, "egress": egress }))
    };
    let groups = join_all((0..5).map(group)).await;
    let rule = |it: &Made| {
        bench.make(
            "aws_vpc_security_group_ingress_rule",
            json!({ "security_group_id": it.id.as_str(), "ip_protocol": "udp", "from_port": 53, "to_port": 53, "cidr_ipv4": "10.0.0.0/8" }),
        )
    };
    let rules = join_all(groups.iter().map(rule)).await;
    let repositories = join_all((0..5).map(|_| bench.make("aws_ecr_repository", json!({ "name": unique("bulk") })))).await;

    let kinds = [vec![vpc, gateway], subnets, tables, routes, associations, groups, rules, repositories];
    let all: Vec<Made> = kinds.into_iter().flatten().collect();
    let mut by_type: BTreeMap<&str, (Vec<Id>, BTreeSet<Arc<str>>)> = BTreeMap::new();
    for it in &all {
        let entry = by_type.entry(it.type_name).or_default();
        entry.0.push(it.id.clone());
        entry.1.extend(it.parts().iter().cloned());
    }

    let before = bench.clouds.calls();
    let reads = by_type.into_iter().map(|(type_name, (ids, parts))| async move {
        let query = Query { ids, parts, lineage: Some(bench.lineage.clone()), shared: true, ..Query::default() };
        (type_name, query.ids.len(), bench.read(type_name, query).await)
    });
    for (type_name, asked, found) in join_all(reads).await {
        assert_eq!(found.len(), asked, "{type_name}");
    }
    let mut calls = bench.clouds.calls();
    for (call, count) in before {
        let now = calls.get_mut(&call).unwrap();
        *now -= count;
    }
    calls.retain(|_, count| *count > 0);
    let once = [
        "ec2:DescribeInternetGateways",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ecr:DescribeRepositories",
        "tag:GetResources",
    ];
    let mut expected: BTreeMap<String, u64> = once.iter().map(|it| ((*it).to_owned(), 1)).collect();
    expected.insert("ec2:DescribeVpcAttribute".into(), 2);
    assert_eq!(calls, expected);

    for it in all.into_iter().rev() {
        bench.remove(it).await;
    }
}
