//! EKS with a real control plane: nodes, tokens, access entries that decide who is who.

use std::time::Duration;

use base64::Engine as _;
use hyper::Method;
use jiff::Timestamp;
use localstack::kube::{Api, token};
use localstack::sigv4::Signer;
use serde_json::{Value, json};

use crate::client::{Caller, Expect};
use crate::eks::{cluster, cluster_of, delete, get, node_role, post, role, until_gone, until_slowly};
use crate::{REGION, caller};

/// A token for a cluster, as the AWS CLI makes it.
fn token_of(caller: &Caller, cluster: &str) -> String {
    let signer = Signer {
        access_key: &caller.access_key,
        secret: &caller.secret,
        session_token: caller.session_token.as_deref(),
        region: REGION,
        service: "sts",
    };
    let sts = format!("https://sts.{REGION}.amazonaws.com");
    token::mint(&signer, &sts, cluster, Timestamp::now()).expect("a token")
}

/// What a GET is answered with.
async fn ask(api: &Api, caller: &Caller, cluster: &str, path: &str) -> (u16, Value) {
    let api = api.clone().with_token(&token_of(caller, cluster));
    let (status, value) = api.call(Method::GET, path, None).await.expect("an answer");
    (status.as_u16(), value)
}

/// The same until it is the expected one: control planes remember for a second who somebody is.
async fn until_answered(api: &Api, caller: &Caller, cluster: &str, path: &str, wanted: u16) -> Value {
    for _ in 0..50 {
        let (status, value) = ask(api, caller, cluster, path).await;
        if status == wanted {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{path} is never answered with {wanted}: {:?}", ask(api, caller, cluster, path).await);
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

async fn admit(caller: &Caller, cluster: &str, principal: &str, policy: &str, scope: Value) {
    let entries = format!("/clusters/{cluster}/access-entries");
    post(caller, &entries, &json!({"principalArn": principal})).await.ok();
    let path = format!("{entries}/{}/access-policies", principal.replace(':', "%3A").replace('/', "%2F"));
    let arn = format!("arn:aws:eks::aws:cluster-access-policy/{policy}");
    post(caller, &path, &json!({"policyArn": arn, "accessScope": scope})).await.ok();
}

#[tokio::test]
async fn entries_decide_who_is_who_on_a_real_control_plane() {
    let account = "750000000001";
    let caller = caller(account).await;
    let network = cluster(&caller, "real").await;
    let shown = get(&caller, "/clusters/real").await.ok().json()["cluster"].clone();
    let api = client(&shown);

    let nodes = "/api/v1/nodes";
    assert_eq!(ask(&api, &caller, "real", nodes).await.0, 401);
    let everywhere = json!({"type": "cluster"});
    admit(&caller, "real", &format!("arn:aws:iam::{account}:root"), "AmazonEKSClusterAdminPolicy", everywhere).await;
    until_answered(&api, &caller, "real", nodes, 200).await;
    let mut forger = caller.clone();
    "wrong".clone_into(&mut forger.secret);
    assert_eq!(ask(&api, &forger, "real", nodes).await.0, 401);

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
    let list = until_answered(&api, &caller, "real", nodes, 200).await;
    let labels: Vec<&Value> = list["items"].as_array().expect("nodes").iter().map(|node| &node["metadata"]["labels"]).collect();
    assert_eq!(labels.len(), 2, "{list}");
    assert!(labels.iter().all(|labels| labels["eks.amazonaws.com/nodegroup"] == "system" && labels["platform/pool"] == "system"));
    assert_ne!(labels[0]["topology.kubernetes.io/zone"], labels[1]["topology.kubernetes.io/zone"]);
    until_slowly(&caller, "/clusters/real/addons/coredns", "ACTIVE").await;
    let dns = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";
    let mut available = Value::Null;
    for _ in 0..100 {
        available = ask(&api, &caller, "real", dns).await.1["status"]["availableReplicas"].clone();
        if available == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(available, 2);

    let viewers = role(&caller, "viewers", "ec2.amazonaws.com", &[]).await;
    admit(&caller, "real", &viewers, "AmazonEKSViewPolicy", json!({"type": "namespace", "namespaces": ["kube-*"]})).await;
    let viewer = assume(&caller, &viewers).await;
    until_answered(&api, &viewer, "real", "/api/v1/namespaces/kube-system/pods", 200).await;
    assert_eq!(ask(&api, &viewer, "real", "/api/v1/namespaces/default/pods").await.0, 403);
    assert_eq!(ask(&api, &viewer, "real", nodes).await.0, 403);

    // The same ARN is not the same role.
    caller.query("iam", "DeleteRole", &[("RoleName", "viewers")]).await.ok();
    role(&caller, "viewers", "ec2.amazonaws.com", &[]).await;
    let viewer = assume(&caller, &viewers).await;
    until_answered(&api, &viewer, "real", "/api/v1/namespaces/kube-system/pods", 401).await;

    delete(&caller, "/clusters/real/node-groups/system").await.ok();
    until_gone(&caller, "/clusters/real/node-groups/system").await;
    assert_eq!(until_answered(&api, &caller, "real", nodes, 200).await["items"].as_array().map(Vec::len), Some(0));
    delete(&caller, "/clusters/real").await.ok();
    until_gone(&caller, "/clusters/real").await;
    assert!(api.call(Method::GET, "/readyz", None).await.is_err());
}

#[tokio::test]
async fn nodes_change_with_their_group_as_far_as_budgets_let_them() {
    let caller = caller("750000000002").await;
    let network = cluster_of(&caller, "moving", "1.35").await;
    let shown = get(&caller, "/clusters/moving").await.ok().json()["cluster"].clone();
    let api = client(&shown);
    let root = "arn:aws:iam::750000000002:root";
    admit(&caller, "moving", root, "AmazonEKSClusterAdminPolicy", json!({"type": "cluster"})).await;
    post(&caller, "/clusters/moving/addons", &json!({"addonName": "vpc-cni"})).await.ok();
    let role = node_role(&caller, "moving-node").await;
    let group = json!({
        "nodegroupName": "g",
        "nodeRole": role,
        "subnets": network.subnets,
        "version": "1.35",
        "labels": {"a": "1", "b": "1"},
    });
    post(&caller, "/clusters/moving/node-groups", &group).await.ok();
    let path = "/clusters/moving/node-groups/g";
    until_slowly(&caller, path, "ACTIVE").await;
    let nodes = async || {
        let list = until_answered(&api, &caller, "moving", "/api/v1/nodes", 200).await;
        list["items"].as_array().cloned().unwrap_or_default()
    };
    let before = nodes().await;
    assert_eq!(before[0]["status"]["nodeInfo"]["kubeletVersion"], "v1.35.6");

    let change = json!({
        "labels": {"addOrUpdateLabels": {"a": "2"}, "removeLabels": ["b"]},
        "taints": {"addOrUpdateTaints": [{"key": "t", "value": "v", "effect": "PREFER_NO_SCHEDULE"}]},
    });
    updated(&caller, &format!("{path}/update-config"), &change, "Successful").await;
    let after = nodes().await;
    assert_eq!((&after[0]["metadata"]["labels"]["a"], &after[0]["metadata"]["labels"]["b"]), (&json!("2"), &Value::Null));
    assert_eq!(after[0]["spec"]["taints"][0]["effect"], "PreferNoSchedule");

    updated(&caller, "/clusters/moving/updates", &json!({"version": "1.36"}), "Successful").await;
    let version = until_answered(&api, &caller, "moving", "/version", 200).await;
    assert_eq!(version["minor"], "36", "{version}");

    let call = async |path: &str, body: Value| {
        let api = api.clone().with_token(&token_of(&caller, "moving"));
        api.create(path, &body).await.expect("created")
    };
    let labels = json!({"app": "held"});
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "held"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    });
    call("/apis/apps/v1/namespaces/default/deployments", deployment).await;
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "held"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
    });
    call("/apis/policy/v1/namespaces/default/poddisruptionbudgets", budget).await;
    let budget = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/held";
    for _ in 0..100 {
        if until_answered(&api, &caller, "moving", budget, 200).await["status"]["currentHealthy"] == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let failed = updated(&caller, &format!("{path}/update-version"), &json!({}), "Failed").await;
    assert_eq!(failed["errors"][0]["errorCode"], "PodEvictionFailure", "{failed}");
    assert_eq!(nodes().await[0]["metadata"]["name"], before[0]["metadata"]["name"]);
    updated(&caller, &format!("{path}/update-version"), &json!({"force": true}), "Successful").await;
    let replaced = nodes().await;
    assert_eq!(replaced.len(), 1);
    assert_ne!(replaced[0]["metadata"]["name"], before[0]["metadata"]["name"]);
    assert_eq!(replaced[0]["status"]["nodeInfo"]["kubeletVersion"], "v1.36.3");
}

/// Makes a change, and reads until its update has this state. Returns the update.
async fn updated(caller: &Caller, path: &str, body: &Value, state: &str) -> Value {
    let update = post(caller, path, body).await.ok().json();
    let id = update["update"]["id"].as_str().expect("an id").to_owned();
    let query = if path.contains("node-groups") { "?nodegroupName=g" } else { "" };
    until_slowly(caller, &format!("/clusters/moving/updates/{id}{query}"), state).await
}

/// A client that is nobody yet.
fn client(shown: &Value) -> Api {
    let authority = shown["certificateAuthority"]["data"].as_str().expect("a CA");
    let authority = base64::engine::general_purpose::STANDARD.decode(authority).expect("base64");
    let endpoint = shown["endpoint"].as_str().expect("an endpoint");
    Api::new(endpoint, &String::from_utf8(authority).expect("PEM"), None).expect("a client")
}
