//! EKS with a real control plane: nodes, tokens, access entries that decide who is who.

use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use hyper::Method;
use localstack::kube::Api;
use localstack::sigv4::Signer;
use serde_json::{Value, json};

use crate::client::{Caller, Expect};
use crate::eks::{cluster, delete, get, node_role, post, role, until_gone, until_slowly};
use crate::{REGION, caller};

/// A token for a cluster, as the AWS CLI makes it.
fn token(caller: &Caller, cluster: &str) -> String {
    let now = Command::new("date").args(["-u", "+%Y%m%dT%H%M%SZ"]).output().expect("the time");
    let now = String::from_utf8(now.stdout).expect("text");
    let signer = Signer {
        access_key: &caller.access_key,
        secret: &caller.secret,
        session_token: caller.session_token.as_deref(),
        region: REGION,
        service: "sts",
    };
    let address = format!("https://sts.{REGION}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15");
    let address = signer.presign(&address, &[("x-k8s-aws-id", cluster)], now.trim(), 60).expect("an address");
    format!("k8s-aws-v1.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(address))
}

/// What a GET is answered with.
async fn ask(api: &Api, caller: &Caller, path: &str) -> (u16, Value) {
    let api = api.clone().with_token(&token(caller, "real"));
    let (status, value) = api.call(Method::GET, path, None).await.expect("an answer");
    (status.as_u16(), value)
}

/// The same until it is the expected one: control planes remember for a second who somebody is.
async fn until_answered(api: &Api, caller: &Caller, path: &str, wanted: u16) -> Value {
    for _ in 0..50 {
        let (status, value) = ask(api, caller, path).await;
        if status == wanted {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{path} is never answered with {wanted}: {:?}", ask(api, caller, path).await);
}

/// The same caller with the keys of a session of a role.
async fn assume(caller: &Caller, role: &str) -> Caller {
    let session = [("RoleArn", role), ("RoleSessionName", "somebody")];
    let keys = caller.query("sts", "AssumeRole", &session).await.ok();
    let mut other = caller.clone();
    other.access_key = keys.text("AccessKeyId").to_owned();
    other.secret = keys.text("SecretAccessKey").to_owned();
    other.session_token = Some(keys.text("SessionToken").to_owned());
    other
}

async fn admit(caller: &Caller, principal: &str, policy: &str, scope: Value) {
    post(caller, "/clusters/real/access-entries", &json!({"principalArn": principal})).await.ok();
    let path = format!("/clusters/real/access-entries/{}/access-policies", principal.replace(':', "%3A").replace('/', "%2F"));
    let arn = format!("arn:aws:eks::aws:cluster-access-policy/{policy}");
    post(caller, &path, &json!({"policyArn": arn, "accessScope": scope})).await.ok();
}

#[tokio::test]
async fn entries_decide_who_is_who_on_a_real_control_plane() {
    let account = "750000000001";
    let caller = caller(account).await;
    let network = cluster(&caller, "real").await;
    let shown = get(&caller, "/clusters/real").await.ok().json()["cluster"].clone();
    let authority = shown["certificateAuthority"]["data"].as_str().expect("a CA");
    let authority = base64::engine::general_purpose::STANDARD.decode(authority).expect("base64");
    let endpoint = shown["endpoint"].as_str().expect("an endpoint");
    let api = Api::new(endpoint, &String::from_utf8(authority).expect("PEM"), None).expect("a client");

    let nodes = "/api/v1/nodes";
    assert_eq!(ask(&api, &caller, nodes).await.0, 401);
    let everywhere = json!({"type": "cluster"});
    admit(&caller, &format!("arn:aws:iam::{account}:root"), "AmazonEKSClusterAdminPolicy", everywhere).await;
    until_answered(&api, &caller, nodes, 200).await;
    let mut forger = caller.clone();
    "wrong".clone_into(&mut forger.secret);
    assert_eq!(ask(&api, &forger, nodes).await.0, 401);

    for addon in ["vpc-cni", "coredns"] {
        post(&caller, "/clusters/real/addons", &json!({"addonName": addon})).await.ok();
    }
    let node_role = node_role(&caller, "real-node").await;
    let group = json!({
        "nodegroupName": "system",
        "nodeRole": node_role,
        "subnets": network.subnets,
        "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 2},
        "labels": {"platform/pool": "system"},
    });
    post(&caller, "/clusters/real/node-groups", &group).await.ok();
    until_slowly(&caller, "/clusters/real/node-groups/system", "ACTIVE").await;
    let list = until_answered(&api, &caller, nodes, 200).await;
    let labels: Vec<&Value> = list["items"].as_array().expect("nodes").iter().map(|node| &node["metadata"]["labels"]).collect();
    assert_eq!(labels.len(), 2, "{list}");
    assert!(labels.iter().all(|labels| labels["eks.amazonaws.com/nodegroup"] == "system" && labels["platform/pool"] == "system"));
    assert_ne!(labels[0]["topology.kubernetes.io/zone"], labels[1]["topology.kubernetes.io/zone"]);
    until_slowly(&caller, "/clusters/real/addons/coredns", "ACTIVE").await;
    let dns = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";
    let mut available = Value::Null;
    for _ in 0..100 {
        available = ask(&api, &caller, dns).await.1["status"]["availableReplicas"].clone();
        if available == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(available, 2);

    let viewers = role(&caller, "viewers", "ec2.amazonaws.com", &[]).await;
    admit(&caller, &viewers, "AmazonEKSViewPolicy", json!({"type": "namespace", "namespaces": ["kube-*"]})).await;
    let viewer = assume(&caller, &viewers).await;
    until_answered(&api, &viewer, "/api/v1/namespaces/kube-system/pods", 200).await;
    assert_eq!(ask(&api, &viewer, "/api/v1/namespaces/default/pods").await.0, 403);
    assert_eq!(ask(&api, &viewer, nodes).await.0, 403);

    // The same ARN is not the same role.
    caller.query("iam", "DeleteRole", &[("RoleName", "viewers")]).await.ok();
    role(&caller, "viewers", "ec2.amazonaws.com", &[]).await;
    let viewer = assume(&caller, &viewers).await;
    until_answered(&api, &viewer, "/api/v1/namespaces/kube-system/pods", 401).await;

    delete(&caller, "/clusters/real/node-groups/system").await.ok();
    until_gone(&caller, "/clusters/real/node-groups/system").await;
    assert_eq!(until_answered(&api, &caller, nodes, 200).await["items"].as_array().map(Vec::len), Some(0));
    delete(&caller, "/clusters/real").await.ok();
    until_gone(&caller, "/clusters/real").await;
    assert!(api.call(Method::GET, "/readyz", None).await.is_err());
}
