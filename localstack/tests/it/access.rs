//! Who may call, and what they hear otherwise.

use serde_json::json;

use crate::client::Expect;
use crate::{ANYONE, caller};

/// The code that each protocol uses: EC2, Query, JSON, S3.
async fn codes(caller: &crate::Caller) -> [String; 4] {
    [
        caller.ec2("DescribeVpcs", &[]).await.code(),
        caller.query("sts", "GetCallerIdentity", &[]).await.code(),
        caller.json("kms", "TrentService.ListKeys", &json!({})).await.code(),
        caller.rest("s3", "GET", "/", "").await.code(),
    ]
}

#[tokio::test]
async fn the_access_key_is_the_account() {
    for account in ["111111111111", "222222222222"] {
        let answer = caller(account).await.query("sts", "GetCallerIdentity", &[]).await.ok();
        assert_eq!(answer.text("Account"), account);
    }
}

#[tokio::test]
async fn wrong_keys_are_refused_as_each_service_does() {
    let mut caller = caller(ANYONE).await;
    caller.access_key = "AKIANOBODY".into();
    let expected = ["AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"];
    assert_eq!(codes(&caller).await, expected);
}

#[tokio::test]
async fn wrong_secrets_are_refused_as_each_service_does() {
    let mut caller = caller(ANYONE).await;
    caller.secret = "guessed".into();
    let expected = ["AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch"];
    assert_eq!(codes(&caller).await, expected);
}

#[tokio::test]
async fn expired_credentials_are_refused_as_each_service_does() {
    let mut caller = caller(ANYONE).await;
    caller.session_token = Some("expired".into());
    let expected = ["RequestExpired", "ExpiredToken", "ExpiredTokenException", "ExpiredToken"];
    assert_eq!(codes(&caller).await, expected);
}

#[tokio::test]
async fn keys_that_sts_hands_out_are_good() {
    let mut caller = caller(ANYONE).await;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    let role = [("RoleName", "assumed"), ("AssumeRolePolicyDocument", trust)];
    let arn = caller.query("iam", "CreateRole", &role).await.ok().text("Arn").to_owned();
    let session = [("RoleArn", arn.as_str()), ("RoleSessionName", "someone")];
    let answer = caller.query("sts", "AssumeRole", &session).await.ok();
    caller.access_key = answer.text("AccessKeyId").into();
    caller.secret = answer.text("SecretAccessKey").into();
    caller.session_token = Some(answer.text("SessionToken").into());
    let identity = caller.query("sts", "GetCallerIdentity", &[]).await.ok();
    assert_eq!(identity.text("Arn"), "arn:aws:sts::111111111111:assumed-role/assumed/someone");
    assert_eq!(caller.ec2("DescribeVpcs", &[]).await.ok().text("ownerId"), ANYONE);
    caller.secret.push('x');
    caller.query("sts", "GetCallerIdentity", &[]).await.refused("SignatureDoesNotMatch");
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let caller = caller(ANYONE).await;
    let of = |answer: &crate::client::Answer, header: &str| {
        answer.headers.get(header).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned()
    };
    let good = caller.ec2("DescribeVpcs", &[]).await.ok();
    assert_eq!(of(&good, "x-amzn-requestid"), good.text("requestId"));
    let bad = caller.ec2("DescribeVpcs", &[("VpcId.1", "vpc-0")]).await;
    assert_eq!(of(&bad, "x-amzn-requestid"), bad.text("RequestID"));
    let bad = caller.rest("s3", "GET", "/no-such-bucket-here", "").await;
    assert_eq!(of(&bad, "x-amz-request-id"), bad.text("RequestId"));
    let good = caller.json("kms", "TrentService.ListKeys", &json!({})).await.ok();
    assert_eq!(of(&good, "x-amzn-requestid").len(), 36);
}
