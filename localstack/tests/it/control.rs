//! Counting, faults, settings.

use std::time::{Duration, Instant};

use localstack::control::{Effect, Fault, Settings};
use serde_json::json;

use crate::client::Expect;
use crate::{Caller, caller, cloud};

/// Faults are one list for the whole cloud: one test sets them all, for an account of its own.
#[tokio::test]
async fn faults_hit_as_asked() {
    const ACCOUNT: &str = "700000000001";
    let cloud = cloud().await;
    let caller = Caller::new(cloud, ACCOUNT);
    let own = |fault: Fault| Fault { account: Some(ACCOUNT.into()), ..fault };
    let identity = async || caller.query("sts", "GetCallerIdentity", &[]).await;

    cloud.faults(vec![own(Fault::on("sts", "Get*", Effect::Throttle).nth(&[2]))]);
    identity().await.ok();
    identity().await.refused("Throttling");
    identity().await.ok();

    let throttle = |service: &str| own(Fault::on(service, "*", Effect::Throttle));
    cloud.faults(["ec2", "s3", "kms", "apigateway"].map(throttle).to_vec());
    caller.ec2("DescribeVpcs", &[]).await.refused("RequestLimitExceeded");
    caller.rest("s3", "GET", "/", "").await.refused("SlowDown");
    caller.json("kms", "TrentService.ListKeys", &json!({})).await.refused("ThrottlingException");
    let answer = caller.rest("apigateway", "GET", "/v2/apis", "").await;
    assert_eq!(answer.headers["x-amzn-errortype"], "TooManyRequestsException");

    cloud.faults(vec![own(Fault::on("ec2", "CreateVpc", Effect::Deny))]);
    let answer = caller.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await.refused("UnauthorizedOperation");
    assert!(answer.text("Message").contains("ec2:CreateVpc"), "{answer:?}");

    cloud.faults(vec![own(Fault::on("ec2", "CreateVpc", Effect::Quota))]);
    caller.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await.refused("VpcLimitExceeded");

    cloud.faults(vec![own(Fault::on("sts", "*", Effect::LatencyMs(200)))]);
    let started = Instant::now();
    identity().await.ok();
    assert!(started.elapsed() >= Duration::from_millis(200));

    cloud.faults(vec![own(Fault::on("sts", "*", Effect::Hang))]);
    assert!(tokio::time::timeout(Duration::from_millis(200), identity()).await.is_err());

    let create = async |name: &str| {
        let headers = [("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.CreateRepository")];
        let body = json!({"repositoryName": name}).to_string();
        caller.send("ecr", "POST", "/", &headers, &body).await
    };
    cloud.faults(vec![own(Fault::on("ecr", "Create*", Effect::LostAnswer))]);
    assert!(create("done").await.is_err());
    cloud.faults(vec![own(Fault::on("ecr", "Create*", Effect::LostRequest))]);
    assert!(create("not-done").await.is_err());

    let rules = r#"[{"service":"sts","account":"700000000001","effect":{"refuse":{"status":503}}}]"#;
    caller.local("POST", "faults", rules).await.ok();
    assert_eq!(identity().await.status, 503);
    caller.local("POST", "faults", "[]").await.ok();
    assert_eq!(caller.local("POST", "faults", "[{}]").await.status, 400);

    let all = caller.json("ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", &json!({})).await.ok();
    let names: Vec<_> =
        all.json()["repositories"].as_array().into_iter().flatten().map(|one| one["repositoryName"].clone()).collect();
    assert_eq!(names, ["done"]);
}

#[tokio::test]
async fn calls_are_counted() {
    let account = "700000000002";
    let caller = caller(account).await;
    let calls = (0..20).map(|_| caller.query("sts", "GetCallerIdentity", &[]));
    futures::future::join_all(calls).await;
    caller.rest("s3", "PUT", "/a-bucket-to-count/key", "x").await;
    let counts = cloud().await.calls();
    let own = counts.account(account);
    assert_eq!((own.total, own.of("sts.GetCallerIdentity"), own.of("s3.PutObject")), (21, 20, 1));
    assert!(counts.max_in_flight > 1);
    let told = caller.local("GET", "calls", "").await.ok().json();
    assert_eq!(told["accounts"][account]["calls"]["sts.GetCallerIdentity"], 20);
    let log = caller.local("GET", "log", "").await.ok().json();
    assert!(log.as_array().into_iter().flatten().any(|entry| entry["account"] == account && entry["action"] == "PutObject"));
    assert_eq!(caller.local("GET", "health", "").await.ok().json()["status"], "ok");
}

#[tokio::test]
async fn latency_is_added_to_every_answer() {
    let account = "700000000003";
    let caller = caller(account).await;
    caller.query("sts", "GetCallerIdentity", &[]).await.ok();
    caller.local("POST", "settings?account=700000000003", r#"{"latency_ms":120}"#).await.ok();
    let started = Instant::now();
    caller.query("sts", "GetCallerIdentity", &[]).await.ok();
    assert!(started.elapsed() >= Duration::from_millis(120));
    assert_eq!(caller.local("POST", "settings", r#"{"latencyms":1}"#).await.status, 400);
}

#[tokio::test]
async fn rates_throttle() {
    let account = "700000000004";
    cloud().await.set_account_settings(account, Settings { rates: true, ..Settings::default() });
    let caller = caller(account).await;
    let calls = (0..20).map(|_| caller.rest("route53", "GET", "/2013-04-01/hostedzone", ""));
    let answers = futures::future::join_all(calls).await;
    let refused = answers.iter().filter(|answer| answer.code() == "Throttling").count();
    assert!((10..=15).contains(&refused), "{refused}");
}

#[tokio::test]
async fn services_that_nobody_serves_say_so() {
    let answer = caller(crate::ANYONE).await.json("quantum", "Quantum.List", &json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (501, "UnknownService"));
}

/// A caller that gives up learns nothing, but what it asked for is done. The emulator of a new account starts slowly.
#[tokio::test]
async fn calls_are_carried_out_without_their_caller() {
    let caller = caller("700000000008").await;
    let create = caller.ec2("CreateVpc", &[("CidrBlock", "10.99.0.0/16")]);
    assert!(tokio::time::timeout(Duration::from_millis(100), create).await.is_err());
    let filters = [("Filter.1.Name", "cidr-block"), ("Filter.1.Value.1", "10.99.0.0/16")];
    for _ in 0..100 {
        let found = caller.ec2("DescribeVpcs", &filters).await.ok();
        if !found.texts("vpcId").is_empty() {
            assert!(found.texts("state").contains(&"pending"), "{found:?}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the VPC was never made");
}
