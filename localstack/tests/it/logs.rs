//! CloudWatch Logs: protection, keys.

use serde_json::{Value, json};

use crate::caller;
use crate::client::Expect;

#[tokio::test]
async fn a_protected_group_stays_and_its_key_changes() {
    let caller = caller("760000000004").await;
    let logs = async |action: &str, body: Value| caller.json("logs", &format!("Logs_20140328.{action}"), &body).await;
    logs("CreateLogGroup", json!({"logGroupName": "/a", "deletionProtectionEnabled": true})).await.ok();
    logs("DeleteLogGroup", json!({"logGroupName": "/a"})).await.refused("ValidationException");
    logs("AssociateKmsKey", json!({"logGroupName": "/a", "kmsKeyId": "arn:aws:kms:eu-west-1:1:key/k"})).await.ok();
    let shown = logs("DescribeLogGroups", json!({})).await.ok().json()["logGroups"][0].clone();
    assert_eq!(shown["kmsKeyId"], "arn:aws:kms:eu-west-1:1:key/k");
    assert_eq!(shown["deletionProtectionEnabled"], true);
    logs("DisassociateKmsKey", json!({"logGroupName": "/a"})).await.ok();
    logs("PutLogGroupDeletionProtection", json!({"logGroupIdentifier": "/a", "deletionProtectionEnabled": false})).await.ok();
    logs("DeleteLogGroup", json!({"logGroupName": "/a"})).await.ok();
    logs("AssociateKmsKey", json!({"logGroupName": "/a", "kmsKeyId": "k"})).await.refused("ResourceNotFoundException");
}
