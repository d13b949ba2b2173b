use serde_json::json;

use super::bench::{Bench, unique};

#[tokio::test]
async fn aws_cloudwatch_log_group() {
    let bench = Bench::new().await;
    let key = bench.make("aws_kms_key", json!({ "description": "logs" })).await;
    let name = unique("/contract/logs");
    // Its name begins with the other's.
    let longer = bench.make("aws_cloudwatch_log_group", json!({ "name": format!("{name}0-longer") })).await;
    let settings = json!({ "name": name, "retention_in_days": 14 });
    let changes = [
        json!({ "retention_in_days": 0, "tags": { "team": "platform" } }),
        json!({ "kms_key_id": key.output("arn"), "deletion_protection_enabled": true }),
        json!({ "kms_key_id": null, "deletion_protection_enabled": false, "retention_in_days": 365 }),
    ];
    bench.keeps("aws_cloudwatch_log_group", settings, &changes).await;
    bench.remove(longer).await;
    bench.remove(key).await;
}
