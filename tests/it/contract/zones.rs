use serde_json::json;

use super::bench::{Bench, unique};

#[tokio::test]
async fn aws_route53_zone() {
    let bench = Bench::new().await;
    let settings = json!({ "name": format!("{}.example.com", unique("zone")), "comment": "one" });
    bench.keeps("aws_route53_zone", settings, &[json!({ "comment": "two" }), json!({ "tags": { "Name": "main" } })]).await;

    let vpc = bench.make("aws_vpc", json!({ "cidr_block": "10.3.0.0/16", "enable_dns_hostnames": true })).await;
    let settings = json!({ "name": format!("{}.internal", unique("zone")), "vpc": [{ "vpc_id": vpc.id.as_str() }] });
    bench.keeps("aws_route53_zone", settings, &[]).await;
    bench.remove(vpc).await;
}

#[tokio::test]
async fn aws_route53_record() {
    let bench = Bench::new().await;
    let domain = format!("{}.example.com", unique("zone"));
    let zone = bench.make("aws_route53_zone", json!({ "name": domain })).await;
    let id = zone.id.as_str();

    let simple = json!({ "zone_id": id, "name": format!("*.{domain}"), "type": "A", "ttl": 300, "records": ["192.0.2.1"] });
    let changes = [json!({ "records": ["192.0.2.1", "192.0.2.2"] }), json!({ "ttl": 60 })];
    bench.keeps("aws_route53_record", simple, &changes).await;

    let text = json!({ "zone_id": id, "name": domain, "type": "TXT", "ttl": 300, "records": ["heritage=infra, owner=\"dev\""] });
    bench.keeps("aws_route53_record", text, &[]).await;

    let target = bench
        .make(
            "aws_route53_record",
            json!({ "zone_id": id, "name": format!("a.{domain}"), "type": "A", "ttl": 300, "records": ["192.0.2.1"] }),
        )
        .await;
    let alias = json!({ "zone_id": id, "name": format!("b.{domain}"), "type": "A", "alias": { "name": format!("a.{domain}"), "zone_id": id } });
    bench.keeps("aws_route53_record", alias, &[]).await;

    let weighted = |weight: i64| json!({ "weighted_routing_policy": { "weight": weight } });
    let mut settings = json!({
        "zone_id": id, "name": format!("w.{domain}"), "type": "CNAME", "ttl": 60, "records": ["one.example.com"], "set_identifier": "one",
    });
    settings["weighted_routing_policy"] = json!({ "weight": 10 });
    bench.keeps("aws_route53_record", settings, &[weighted(0), weighted(20)]).await;

    bench.remove(target).await;
    bench.remove(zone).await;
}
