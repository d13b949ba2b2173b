use infra::cloud::Query;
use serde_json::json;

use super::bench::{Bench, Made, unique};
use super::clusters::objections;

async fn vpc(bench: &Bench) -> Made {
    bench.make("aws_vpc", json!({ "cidr_block": "10.2.0.0/16" })).await
}

#[tokio::test]
async fn aws_security_group() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let other = bench.make("aws_security_group", json!({ "name": unique("other"), "vpc_id": vpc.id.as_str() })).await;
    let https = json!({
        "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8", "192.168.0.0/16"], "self": true,
    });
    let all = json!({ "protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"] });
    let from_other = json!({
        "protocol": "tcp", "from_port": 8080, "to_port": 8080, "security_groups": [other.id.as_str()], "description": "pods",
    });
    let told_anew = json!({
        "protocol": "tcp", "from_port": 8080, "to_port": 8080, "security_groups": [other.id.as_str()], "description": "services",
    });
    let settings = json!({ "name": unique("web"), "vpc_id": vpc.id.as_str(), "ingress": [https], "egress": [all] });
    let changes = [
        json!({ "ingress": [https, from_other] }),
        json!({ "ingress": [told_anew] }),
        json!({ "egress": [], "tags": { "Name": "web" } }),
        json!({ "ingress": [] }),
    ];
    bench.keeps("aws_security_group", settings, &changes).await;
    bench.remove(other).await;
    bench.remove(vpc).await;
}

#[tokio::test]
async fn groups_that_name_each_other_can_be_deleted() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let one = bench.make("aws_security_group", json!({ "name": unique("one"), "vpc_id": vpc.id.as_str() })).await;
    let from = |it: &Made| json!([{ "protocol": "-1", "security_groups": [it.id.as_str()] }]);
    let settings = json!({ "name": unique("two"), "vpc_id": vpc.id.as_str(), "ingress": from(&one) });
    let two = bench.make("aws_security_group", settings).await;
    let one = bench.change(one, json!({ "ingress": from(&two) })).await;
    tokio::join!(bench.remove(one), bench.remove(two));
    bench.remove(vpc).await;
}

#[tokio::test]
async fn rules_are_things_of_their_own() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let group = bench.make("aws_security_group", json!({ "name": unique("web"), "vpc_id": vpc.id.as_str() })).await;
    let settings = json!({
        "security_group_id": group.id.as_str(), "ip_protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": "10.0.0.0/8",
    });
    let changes = [json!({ "description": "web" }), json!({ "tags": { "Name": "web" } })];
    bench.keeps("aws_vpc_security_group_ingress_rule", settings, &changes).await;
    let settings = json!({
        "security_group_id": group.id.as_str(), "ip_protocol": "-1", "referenced_security_group_id": group.id.as_str(),
    });
    bench.keeps("aws_vpc_security_group_egress_rule", settings, &[json!({ "description": "all" })]).await;
    bench.remove(group).await;
    bench.remove(vpc).await;
}

/// Rules that are resources do not show in the group; what AWS put there does, and is taken out.
#[tokio::test]
async fn a_group_leaves_separate_rules_alone() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let group = bench.make("aws_security_group", json!({ "name": unique("web"), "vpc_id": vpc.id.as_str() })).await;
    let rule = bench
        .make(
            "aws_vpc_security_group_ingress_rule",
            json!({ "security_group_id": group.id.as_str(), "ip_protocol": "tcp", "from_port": 1, "to_port": 1, "cidr_ipv4": "10.0.0.0/8" }),
        )
        .await;
    for shared in [false, true] {
        let query = Query { ids: vec![group.id.clone()], shared, lineage: Some(bench.lineage.clone()), ..Query::default() };
        let live = bench.read("aws_security_group", query).await.remove(&group.id).unwrap();
        assert_eq!(live.settings.get("ingress").items().map(|it| it.len()), Some(0), "{:?}", live.settings);
        assert_eq!(live.settings.get("egress").items().map(|it| it.len()), Some(0), "{:?}", live.settings);
    }
    bench.remove(rule).await;
    bench.remove(group).await;
    bench.remove(vpc).await;
}

/// Whether a group is there is one call; whose its rules are is another.
#[tokio::test]
async fn of_a_group_that_goes_or_was_just_made_it_is_not_asked_whose_the_rules_are() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let group = bench.make("aws_security_group", json!({ "name": unique("goes"), "vpc_id": vpc.id.as_str() })).await;
    let asked = || bench.clouds.calls().get("ec2:DescribeSecurityGroupRules").copied().unwrap_or_default();
    let before = asked();
    let query = |presence, fresh| Query { ids: vec![group.id.clone()], presence, fresh, ..Query::default() };
    assert!(bench.read("aws_security_group", query(true, false)).await.contains_key(&group.id));
    assert!(bench.read("aws_security_group", query(false, true)).await.contains_key(&group.id));
    assert_eq!(asked(), before);
    bench.read("aws_security_group", query(false, false)).await;
    assert!(asked() > before);
    bench.remove(group).await;
    bench.remove(vpc).await;
}

#[tokio::test]
async fn aws_default_security_group() {
    let bench = Bench::new().await;
    let vpc = vpc(&bench).await;
    let settings = json!({ "vpc_id": vpc.id.as_str(), "tags": { "Name": "unused" } });
    let https = json!({ "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8"] });
    bench.keeps("aws_default_security_group", settings, &[json!({ "ingress": [https] }), json!({ "ingress": [] })]).await;
    bench.remove(vpc).await;
}

#[tokio::test]
async fn only_eks_tags_groups_for_a_cluster() {
    let bench = Bench::new().await;
    let group = |key: &str| objections(&bench, "aws_security_group", json!({ "name": "a", "tags": { key: "owned" } }));
    assert_eq!(group("Name").await, Vec::<String>::new());
    let said = group("kubernetes.io/cluster/devops-demo-dev").await;
    assert!(said.len() == 1 && said[0].starts_with("tags[\"kubernetes.io/cluster/devops-demo-dev\"]: "), "{said:?}");
}
