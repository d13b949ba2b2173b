use std::time::Duration;

use futures::StreamExt;
use infra::cloud::{Cloud, Query};
use infra::remote::{Status, Target};
use localstack::client::Caller;
use localstack::control::{Effect, Fault, Settings};
use serde_json::json;

use super::bench::{ACCOUNT, Bench, unique};

#[tokio::test]
async fn aws_s3_bucket() {
    let bench = Bench::new().await;
    let name = unique("contract");
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": ["s3:*"],
            "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    });
    let closed = json!({
        "block_public_acls": true, "block_public_policy": true, "ignore_public_acls": true, "restrict_public_buckets": true,
    });
    let lifecycle = json!({ "rule": [{ "id": "old", "status": "Enabled", "expiration": { "days": 90 } }] });
    let settings = json!({ "bucket": name, "tags": { "Name": "a" } });
    let changes = [
        json!({ "versioning": { "status": "Enabled" } }),
        json!({ "public_access_block": closed }),
        json!({ "policy": policy.to_string(), "lifecycle_configuration": lifecycle }),
        json!({ "versioning": { "status": "Suspended" }, "tags": { "Name": "b", "New": "1" } }),
        json!({ "policy": null, "lifecycle_configuration": null }),
    ];
    bench.keeps("aws_s3_bucket", settings, &changes).await;
}

#[tokio::test]
async fn a_bucket_is_emptied_a_page_a_round() {
    let bench = Bench::new().await;
    let caller = Caller::new(localstack::Cloud::shared().await.unwrap(), ACCOUNT);
    let name = unique("full");
    let versioning = json!({ "status": "Enabled" });
    let bucket = bench.make("aws_s3_bucket", json!({ "bucket": name, "versioning": versioning })).await;
    let put = |at: usize| {
        let (caller, path) = (caller.clone(), format!("/{name}/{}", at % 700));
        async move { caller.rest("s3", "PUT", &path, "text").await.unwrap().success("s3", "PutObject").unwrap() }
    };
    futures::stream::iter((0..1100).map(put)).buffer_unordered(16).collect::<Vec<_>>().await;
    assert_eq!(bench.contents(&bucket).await, ["1100 object versions"]);
    assert_eq!(bench.emptied(&bucket).await, [1000, 100, 0]);
    assert_eq!(bench.contents(&bucket).await, Vec::<String>::new());
    bench.remove(bucket).await;
}

#[tokio::test]
async fn aws_dynamodb_table() {
    let bench = Bench::new().await;
    let settings = json!({
        "name": unique("contract"), "billing_mode": "PAY_PER_REQUEST", "hash_key": "Stack", "range_key": "Item",
        "attribute": [{ "name": "Stack", "type": "S" }, { "name": "Item", "type": "S" }],
        "point_in_time_recovery": { "enabled": true },
    });
    let changes = [
        json!({ "deletion_protection_enabled": true, "tags": { "Name": "lock" } }),
        json!({ "deletion_protection_enabled": false, "point_in_time_recovery": { "enabled": false } }),
        json!({ "ttl": { "enabled": true, "attribute_name": "Expires" } }),
    ];
    bench.keeps("aws_dynamodb_table", settings, &changes).await;
}

/// A run that was killed may have sent the deletion: it arrives between two calls of one read, and the second is refused as
/// forbidden.
#[tokio::test]
async fn a_table_that_goes_while_it_is_read_is_not_forbidden() {
    const ACCOUNT: &str = "700000000042";
    let bench = Bench::of(ACCOUNT, Settings::default()).await;
    let cloud = localstack::Cloud::shared().await.unwrap();
    let caller = Caller::new(cloud, ACCOUNT);
    let settings = json!({
        "name": unique("going"), "billing_mode": "PAY_PER_REQUEST", "hash_key": "A", "attribute": [{ "name": "A", "type": "S" }],
    });
    let table = bench.make("aws_dynamodb_table", settings).await;
    let query = Query { ids: vec![table.id.clone()], ..Query::default() };
    let target = Target { type_name: table.type_name.into(), config: Default::default() };
    cloud.account_faults(ACCOUNT, vec![Fault::on("dynamodb", "ListTagsOfResource", Effect::LatencyMs(2_000))]);
    let delete = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let named = json!({ "TableName": table.id.as_str() });
        caller.json("dynamodb", "DynamoDB_20120810.DeleteTable", &named).await.unwrap()
    };
    let find = bench.clouds.find(&target, &table.desired, &table.token);
    let (seen, found, _) = tokio::join!(bench.read("aws_dynamodb_table", query), find, delete);
    assert!(seen.values().all(|it| matches!(it.status, Status::Pending(_))), "{seen:?}");
    assert_eq!(found, Ok(vec![]));
    cloud.account_faults(ACCOUNT, Vec::new());
    bench.remove(table).await;
}

#[tokio::test]
async fn aws_kms_key_and_alias() {
    let bench = Bench::new().await;
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Account", "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") },
            "Action": "kms:*", "Resource": "*",
        }],
    });
    let settings = json!({ "description": "state", "policy": policy.to_string(), "deletion_window_in_days": 7 });
    let changes = [
        json!({ "enable_key_rotation": true }),
        json!({ "description": "states", "tags": { "Name": "state" } }),
        json!({ "enable_key_rotation": false, "is_enabled": false }),
        json!({ "is_enabled": true }),
    ];
    bench.keeps("aws_kms_key", settings, &changes).await;

    let one = bench.make("aws_kms_key", json!({ "description": "one" })).await;
    let two = bench.make("aws_kms_key", json!({ "description": "two" })).await;
    let settings = json!({ "name": format!("alias/{}", unique("contract")), "target_key_id": one.output("key_id") });
    bench.keeps("aws_kms_alias", settings, &[json!({ "target_key_id": two.output("key_id") })]).await;
    bench.remove(one).await;
    bench.remove(two).await;
}

#[tokio::test]
async fn aws_ecr_repository() {
    let bench = Bench::new().await;
    let lifecycle = json!({
        "rules": [{
            "rulePriority": 1, "description": "a week", "action": { "type": "expire" },
            "selection": { "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7 },
        }],
    });
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Pull", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::222222222222:root" },
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        }],
    });
    let settings = json!({
        "name": unique("contract"), "image_tag_mutability": "IMMUTABLE",
        "image_scanning_configuration": { "scan_on_push": false }, "encryption_configuration": { "encryption_type": "AES256" },
    });
    let changes = [
        json!({ "image_tag_mutability": "MUTABLE" }),
        json!({ "image_scanning_configuration": { "scan_on_push": true } }),
        json!({ "lifecycle_policy": lifecycle.to_string(), "policy": policy.to_string() }),
        json!({ "lifecycle_policy": null, "policy": null, "tags": { "Name": "service" } }),
    ];
    bench.keeps("aws_ecr_repository", settings, &changes).await;
}
