use infra::cloud::Query;
use serde_json::json;

use super::bench::{Bench, unique};

#[tokio::test]
async fn aws_launch_template() {
    let bench = Bench::new().await;
    let volume = |size: u32| json!([{ "device_name": "/dev/xvda", "ebs": { "volume_size": size, "volume_type": "gp3", "encrypted": true } }]);
    let tagged = json!([{ "resource_type": "instance", "tags": { "pool": "a" } }]);
    let settings = json!({
        "name": unique("template"), "update_default_version": true, "block_device_mappings": volume(20),
        "metadata_options": { "http_tokens": "required", "http_put_response_hop_limit": 1 }, "tag_specifications": tagged,
        "user_data": "IyEvYmluL3NoCg==", "tags": { "Name": "a" },
    });
    let changes = [
        json!({ "block_device_mappings": volume(50), "description": "larger" }),
        json!({ "instance_type": "m5.large", "ebs_optimized": true, "tags": { "Name": "b" } }),
        json!({ "user_data": null, "monitoring": { "enabled": true }, "tag_specifications": [] }),
    ];
    bench.keeps("aws_launch_template", settings, &changes).await;
}

#[tokio::test]
async fn each_change_of_a_launch_template_is_a_version() {
    let bench = Bench::new().await;
    let settings = json!({ "name": unique("template"), "instance_type": "m5.large" });
    let made = bench.make("aws_launch_template", settings).await;
    let numbers =
        |made: &super::bench::Made| (made.live.outputs.get("latest_version"), made.live.settings.get("default_version"));
    assert_eq!(numbers(&made), (1.into(), 1.into()));
    let made = bench.change(made, json!({ "tags": { "Name": "b" } })).await;
    assert_eq!(numbers(&made), (1.into(), 1.into()), "tags are the template's");
    let made = bench.change(made, json!({ "instance_type": "m6i.large" })).await;
    assert_eq!(numbers(&made), (2.into(), 1.into()));
    let made = bench.change(made, json!({ "default_version": 2 })).await;
    assert_eq!(numbers(&made), (2.into(), 2.into()));

    let mut all = vec![made];
    for _ in 0..4 {
        all.push(bench.make("aws_launch_template", json!({ "name": unique("template") })).await);
    }
    let before = bench.clouds.calls();
    let query = Query { ids: all.iter().map(|it| it.id.clone()).collect(), shared: true, ..Query::default() };
    assert_eq!(bench.read("aws_launch_template", query).await.len(), 5);
    let calls = bench.clouds.calls();
    for call in ["ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions"] {
        assert_eq!(calls[call], before[call] + 1, "{call}");
    }
    for it in all {
        bench.remove(it).await;
    }
}
