use serde_json::json;

use super::bench::{Bench, Made};

async fn vpc(bench: &Bench) -> Made {
    bench.make("aws_vpc", json!({ "cidr_block": "10.1.0.0/16" })).await
}

async fn subnet(bench: &Bench, vpc: &Made) -> Made {
    bench.make("aws_subnet", json!({ "vpc_id": vpc.id.as_str(), "cidr_block": "10.1.0.0/24" })).await
}

#[tokio::test]
async fn aws_vpc() {
    let bench = Bench::new().await;
    let settings = json!({ "cidr_block": "10.1.0.0/16", "tags": { "Name": "a", "Old": "1" } });
    let changes = [
        json!({ "enable_dns_hostnames": true }),
        json!({ "enable_network_address_usage_metrics": true }),
        json!({ "enable_dns_hostnames": false, "enable_dns_support": false }),
        json!({ "enable_dns_hostnames": true, "enable_dns_support": true, "tags": { "Name": "b", "New": "1" } }),
    ];
    bench.keeps("aws_vpc", settings, &changes).await;
}

#[tokio::test]
async fn what_lies_in_a_vpc_is_in_its_way() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    assert_eq!(bench.blockers(&vpc).await, Vec::<String>::new(), "what AWS made with it goes with it");
    let subnet = subnet(&bench, &vpc).await;
    let group = json!({ "name": "in-the-way", "description": "x", "vpc_id": vpc.id.as_str() });
    let group = bench.make("aws_security_group", group).await;
    let table = bench.make("aws_route_table", json!({ "vpc_id": vpc.id.as_str() })).await;
    let gateway = bench.make("aws_internet_gateway", json!({ "vpc_id": vpc.id.as_str() })).await;
    let named = [("subnet", &subnet), ("security group", &group), ("route table", &table), ("internet gateway", &gateway)];
    assert_eq!(bench.blockers(&vpc).await, named.map(|(what, it)| format!("the {what} {}", it.id)));
    for it in [gateway, table, group, subnet, vpc] {
        bench.remove(it).await;
    }
}

#[tokio::test]
async fn aws_subnet() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let zone = format!("{}a", localstack::REGION);
    let settings = json!({
        "vpc_id": vpc.id.as_str(), "cidr_block": "10.1.1.0/24", "availability_zone": zone,
        "tags": { "kubernetes.io/role/elb": "1" },
    });
    let changes = [
        json!({ "map_public_ip_on_launch": true, "enable_resource_name_dns_a_record_on_launch": true }),
        json!({ "map_public_ip_on_launch": false, "enable_resource_name_dns_a_record_on_launch": false }),
    ];
    bench.keeps("aws_subnet", settings, &changes).await;
    bench.remove(vpc).await;
}

#[tokio::test]
async fn aws_internet_gateway() {
    let bench = Bench::new().await;
    let (one, other) = tokio::join!(vpc(&bench), vpc(&bench));
    let settings = json!({ "vpc_id": one.id.as_str(), "tags": { "Name": "a" } });
    let changes = [json!({ "vpc_id": other.id.as_str() }), json!({ "vpc_id": null }), json!({ "vpc_id": one.id.as_str() })];
    bench.keeps("aws_internet_gateway", settings, &changes).await;
    bench.remove(one).await;
    bench.remove(other).await;
}

#[tokio::test]
async fn aws_eip() {
    let bench = Bench::new().await;
    bench.keeps("aws_eip", json!({ "domain": "vpc" }), &[json!({ "tags": { "Name": "nat" } })]).await;
}

#[tokio::test]
async fn aws_nat_gateway() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let subnet = subnet(&bench, &vpc).await;
    let gateway = bench.make("aws_internet_gateway", json!({ "vpc_id": vpc.id.as_str() })).await;
    let address = bench.make("aws_eip", json!({})).await;
    let settings = json!({ "subnet_id": subnet.id.as_str(), "allocation_id": address.id.as_str() });
    bench.keeps("aws_nat_gateway", settings, &[json!({ "tags": { "Name": "nat" } })]).await;
    for it in [address, gateway, subnet, vpc] {
        bench.remove(it).await;
    }
}

#[tokio::test]
async fn aws_route_table_with_routes_and_associations() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let id = vpc.id.as_str();
    bench.keeps("aws_route_table", json!({ "vpc_id": id }), &[json!({ "tags": { "Name": "private" } })]).await;

    let table = bench.make("aws_route_table", json!({ "vpc_id": id })).await;
    let other = bench.make("aws_route_table", json!({ "vpc_id": id })).await;
    let gateway = bench.make("aws_internet_gateway", json!({ "vpc_id": id })).await;
    let subnet = subnet(&bench, &vpc).await;

    let route = json!({
        "route_table_id": table.id.as_str(), "destination_cidr_block": "0.0.0.0/0", "gateway_id": gateway.id.as_str(),
    });
    bench.keeps("aws_route", route, &[]).await;

    let association = json!({ "route_table_id": table.id.as_str(), "subnet_id": subnet.id.as_str() });
    bench.keeps("aws_route_table_association", association, &[json!({ "route_table_id": other.id.as_str() })]).await;

    for it in [subnet, gateway, table, other, vpc] {
        bench.remove(it).await;
    }
}

#[tokio::test]
async fn a_route_changes_its_target_in_place() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let subnet = subnet(&bench, &vpc).await;
    let gateway = bench.make("aws_internet_gateway", json!({ "vpc_id": vpc.id.as_str() })).await;
    let nat = bench.make("aws_nat_gateway", json!({ "subnet_id": subnet.id.as_str(), "connectivity_type": "private" })).await;
    let table = bench.make("aws_route_table", json!({ "vpc_id": vpc.id.as_str() })).await;
    let settings = json!({
        "route_table_id": table.id.as_str(), "destination_cidr_block": "192.168.0.0/16", "nat_gateway_id": nat.id.as_str(),
    });
    let change = json!({ "nat_gateway_id": null, "gateway_id": gateway.id.as_str() });
    bench.keeps("aws_route", settings, &[change]).await;
    for it in [table, nat, gateway, subnet, vpc] {
        bench.remove(it).await;
    }
}
