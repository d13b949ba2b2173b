use serde_json::json;

use super::bench::{Bench, unique};

fn trust(principal: serde_json::Value) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }],
    })
    .to_string()
}

fn allow(action: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }] }).to_string()
}

#[tokio::test]
async fn aws_iam_role() {
    let bench = Bench::new().await;
    let settings = json!({
        "name": unique("role"), "path": "/devops-demo/dev/", "assume_role_policy": trust(json!({ "Service": "eks.amazonaws.com" })),
    });
    let changes = [
        json!({ "assume_role_policy": trust(json!({ "Service": ["ec2.amazonaws.com"] })) }),
        json!({ "description": "a role", "max_session_duration": 7200 }),
        json!({ "tags": { "team": "platform" } }),
    ];
    bench.keeps("aws_iam_role", settings, &changes).await;
}

#[tokio::test]
async fn aws_iam_policy() {
    let bench = Bench::new().await;
    let settings = json!({ "name": unique("policy"), "path": "/devops-demo/dev/", "policy": allow("s3:GetObject") });
    // More changes than a policy may have versions.
    let mut changes: Vec<_> = (0..7).map(|it| json!({ "policy": allow(&format!("s3:Get{it}")) })).collect();
    changes.push(json!({ "tags": { "team": "platform" } }));
    bench.keeps("aws_iam_policy", settings, &changes).await;
}

#[tokio::test]
async fn aws_iam_role_policy_attachment() {
    let bench = Bench::new().await;
    let trust = trust(json!({ "Service": "ec2.amazonaws.com" }));
    let role = bench.make("aws_iam_role", json!({ "name": unique("role"), "assume_role_policy": trust })).await;
    let policy = bench.make("aws_iam_policy", json!({ "name": unique("policy"), "policy": allow("s3:GetObject") })).await;
    let settings = json!({ "role": role.id.as_str(), "policy_arn": policy.id.as_str() });
    bench.keeps("aws_iam_role_policy_attachment", settings, &[]).await;
    bench.remove(role).await;
    bench.remove(policy).await;
}
