use infra::cloud::Query;
use infra::remote::Class;
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

#[tokio::test]
async fn aws_iam_role_policy() {
    let bench = Bench::new().await;
    let trust = trust(json!({ "Service": "ec2.amazonaws.com" }));
    let role = bench.make("aws_iam_role", json!({ "name": unique("role"), "assume_role_policy": trust })).await;
    let settings = json!({ "name": "own", "role": role.id.as_str(), "policy": allow("s3:GetObject") });
    let changes = [json!({ "policy": allow("s3:PutObject") })];
    bench.keeps("aws_iam_role_policy", settings.clone(), &changes).await;

    // One that somebody else made is not overwritten.
    let other = bench.make("aws_iam_role_policy", settings.clone()).await;
    let fault = bench.refused("aws_iam_role_policy", settings).await;
    assert_eq!(fault.class, Class::Exists, "{fault}");
    bench.remove(other).await;
    bench.remove(role).await;
}

#[tokio::test]
async fn many_roles_and_policies_are_read_by_a_few_calls() {
    let bench = Bench::new().await;
    let trust = trust(json!({ "Service": "ec2.amazonaws.com" }));
    let mut made = Vec::new();
    for _ in 0..5 {
        let role = bench.make("aws_iam_role", json!({ "name": unique("role"), "assume_role_policy": trust })).await;
        let own = json!({ "name": "own", "role": role.id.as_str(), "policy": allow("s3:GetObject") });
        made.push(bench.make("aws_iam_role_policy", own).await);
        made.push(bench.make("aws_iam_policy", json!({ "name": unique("policy"), "policy": allow("s3:GetObject") })).await);
        made.push(role);
    }
    let before = bench.clouds.calls();
    let of = |type_name: &str| {
        let ids = made.iter().filter(|it| it.type_name == type_name).map(|it| it.id.clone()).collect();
        Query { ids, shared: true, ..Query::default() }
    };
    for type_name in ["aws_iam_role", "aws_iam_role_policy", "aws_iam_policy"] {
        assert_eq!(bench.read(type_name, of(type_name)).await.len(), 5, "{type_name}");
    }
    let mut calls = bench.clouds.calls();
    calls.retain(|call, count| *count > before.get(call).copied().unwrap_or_default());
    let calls: Vec<&str> = calls.keys().map(String::as_str).collect();
    assert_eq!(calls, ["iam:GetAccountAuthorizationDetails", "iam:GetPolicy", "iam:ListRoles"]);
    made.sort_by_key(|it| it.type_name == "aws_iam_role");
    for it in made {
        bench.remove(it).await;
    }
}

#[tokio::test]
async fn aws_iam_instance_profile() {
    let bench = Bench::new().await;
    let trust = trust(json!({ "Service": "ec2.amazonaws.com" }));
    let (name, other) = (unique("role"), unique("role"));
    let one = bench.make("aws_iam_role", json!({ "name": name, "assume_role_policy": trust })).await;
    let two = bench.make("aws_iam_role", json!({ "name": other, "assume_role_policy": trust })).await;
    let settings = json!({ "name": unique("profile"), "path": "/devops-demo/dev/", "role": name });
    let changes = [json!({ "role": other }), json!({ "role": null, "tags": { "team": "platform" } }), json!({ "role": name })];
    bench.keeps("aws_iam_instance_profile", settings, &changes).await;
    bench.remove(one).await;
    bench.remove(two).await;
}

#[tokio::test]
async fn aws_iam_openid_connect_provider() {
    let bench = Bench::new().await;
    let url = format!("https://issuer.example.com/{}", unique("id"));
    let settings = json!({ "url": url, "client_id_list": ["sts.amazonaws.com"] });
    let changes = [
        json!({ "client_id_list": ["a", "b"], "tags": { "team": "platform" } }),
        json!({ "thumbprint_list": ["9E99A48A9960B14926BB7F3B02E22DA2B0AB7281"] }),
    ];
    bench.keeps("aws_iam_openid_connect_provider", settings, &changes).await;
}
