//! Everything in an account, as a client that shares nothing with infra lists it.

use std::collections::BTreeMap;

use localstack::client::Caller;
use serde_json::{Value, json};

/// Describe calls, the element that names a thing, and what is left out by a filter.
const EC2: &[(&str, &[(&str, &str)])] = &[
    ("DescribeVpcs", &[]),
    ("DescribeSubnets", &[]),
    ("DescribeSecurityGroups", &[]),
    ("DescribeSecurityGroupRules", &[]),
    ("DescribeInternetGateways", &[]),
    // One that is deleted is shown for an hour.
    ("DescribeNatGateways", &[("Filter.1.Name", "state"), ("Filter.1.Value.1", "pending"), ("Filter.1.Value.2", "available")]),
    ("DescribeAddresses", &[]),
    ("DescribeRouteTables", &[]),
    ("DescribeNetworkInterfaces", &[]),
    ("DescribeLaunchTemplates", &[]),
];

/// What each list call answers, without what differs from answer to answer.
pub async fn list(caller: &Caller) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (action, filter) in EC2 {
        let answer = caller.ec2(action, filter).await.unwrap().success("ec2", action).unwrap();
        out.insert((*action).to_owned(), without(&answer.body, "requestId"));
    }
    let zones = caller.rest("route53", "GET", "/2013-04-01/hostedzone", "").await.unwrap().success("route53", "list").unwrap();
    for zone in zones.texts("Id") {
        let path = format!("/2013-04-01{zone}/rrset");
        let records = caller.rest("route53", "GET", &path, "").await.unwrap().success("route53", "records").unwrap();
        out.insert(path, records.body);
    }
    out.insert("zones".into(), zones.texts("Id").join(" "));
    let buckets = caller.rest("s3", "GET", "/", "").await.unwrap().success("s3", "ListBuckets").unwrap();
    out.insert("buckets".into(), buckets.texts("Name").join(" "));
    let all = json(caller, "ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", json!({})).await;
    out.insert("repositories".into(), all["repositories"].to_string());
    let all = json(caller, "dynamodb", "DynamoDB_20120810.ListTables", json!({})).await;
    out.insert("tables".into(), all["TableNames"].to_string());
    let all = json(caller, "kms", "TrentService.ListAliases", json!({})).await;
    out.insert("aliases".into(), all["Aliases"].to_string());
    let all = json(caller, "logs", "Logs_20140328.DescribeLogGroups", json!({})).await;
    out.insert("log groups".into(), all["logGroups"].to_string());
    let clusters = caller.rest("eks", "GET", "/clusters", "").await.unwrap().success("eks", "ListClusters").unwrap();
    out.insert("clusters".into(), clusters.body);
    for (action, element) in [("ListRoles", "RoleName"), ("ListOpenIDConnectProviders", "Arn"), ("ListInstanceProfiles", "Arn")] {
        let answer = caller.query("iam", action, &[]).await.unwrap().success("iam", action).unwrap();
        out.insert(action.into(), answer.texts(element).join(" "));
    }
    let policies = caller.query("iam", "ListPolicies", &[("Scope", "Local")]).await.unwrap().success("iam", "ListPolicies");
    out.insert("policies".into(), policies.unwrap().texts("PolicyName").join(" "));
    let mut keys = Vec::new();
    for key in json(caller, "kms", "TrentService.ListKeys", json!({})).await["Keys"].as_array().unwrap() {
        let key = json(caller, "kms", "TrentService.DescribeKey", json!({ "KeyId": key["KeyId"] })).await;
        if key["KeyMetadata"]["KeyState"] != "PendingDeletion" {
            keys.push(key.to_string());
        }
    }
    out.insert("keys".into(), keys.join(" "));
    out
}

async fn json(caller: &Caller, service: &str, target: &str, body: Value) -> Value {
    caller.json(service, target, &body).await.unwrap().success(service, target).unwrap().json()
}

/// A document without an element that it has once.
fn without(body: &str, element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    match (body.split_once(&open), body.split_once(&close)) {
        (Some((head, _)), Some((_, tail))) => format!("{head}{tail}"),
        _ => body.to_owned(),
    }
}

/// Fails with what is not as it was.
#[track_caller]
pub fn same(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    for call in before.keys().chain(after.keys()) {
        assert_eq!(before.get(call), after.get(call), "{call}");
    }
}
