//! Real control planes: what runs on one, who is let in, and that nothing stays behind.

use std::convert::Infallible;
use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use localstack::kube::{Api, ControlPlane, Node, Options, Version, schemas, token};
use localstack::sigv4::{Claim, Signer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

const STS: &str = "https://sts.eu-west-1.amazonaws.com";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// Asks until `is_so`, for as long as a busy machine may take.
async fn until(api: &Api, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let (_, value) = api.call(Method::GET, path, None).await.expect("an answer");
        if is_so(&value) {
            return value;
        }
        assert!(Instant::now() < end, "{path} is still {value:#}");
        sleep(Duration::from_millis(100)).await;
    }
}

fn has_condition(object: &Value, kind: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| condition["type"] == kind && condition["status"] == "True")
}

/// A workload of `kind` whose pods are `pods`.
fn workload(api_version: &str, kind: &str, name: &str, spec: Value) -> Value {
    let labels = json!({"app": name});
    let container = json!({"name": "main", "image": "registry.k8s.io/pause:3.10", "resources": {"requests": {"cpu": "100m"}}});
    let mut spec = spec;
    if kind != "Job" {
        spec["selector"] = json!({"matchLabels": labels});
    }
    spec["template"] = json!({"metadata": {"labels": labels}, "spec": {"containers": [container], "restartPolicy": "Always"}});
    if kind == "Job" {
        spec["template"]["spec"]["restartPolicy"] = json!("Never");
    }
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Answers TokenReviews as the gateway does, for one cluster `dev` and one key; gives its URL.
async fn webhook() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serve = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(reviewed));
            tokio::spawn(serve);
        }
    });
    url
}

async fn reviewed(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let check = token::Check { cluster: "dev", sts: "127.0.0.1:1", now: Timestamp::now() };
    let secret = |claim: &Claim| (claim.access_key == "111111111111").then(|| "test".to_owned());
    let outcome = check.claim(token::asked(&asked).unwrap_or_default(), secret).map(|claim| token::User {
        name: "developer".to_owned(),
        uid: claim.access_key,
        groups: vec!["viewers".to_owned()],
    });
    let answer = token::review(outcome.map_err(|why| why.to_string()));
    let response =
        Response::builder().header("content-type", "application/json").body(Full::new(Bytes::from(answer.to_string())));
    Ok(response.expect("a response"))
}

fn minted(secret: &str, cluster: &str, at: Timestamp) -> String {
    let signer = Signer { access_key: "111111111111", secret, session_token: None, region: "eu-west-1", service: "sts" };
    token::mint(&signer, STS, cluster, at).expect("a token")
}

/// One plane for all of it: planes are what takes time here.
#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_is_real() {
    let issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF".to_owned();
    let version: Version = "1.35".parse().expect("a version");
    let options = Options { token_webhook: Some(webhook().await), issuer: issuer.clone(), version, ..Options::default() };
    let plane = ControlPlane::start(options).await.expect("it starts");
    let nodes = ["a", "b", "c"].map(|zone| Node::sample(zone, version));
    plane.add_nodes(&nodes).await.expect("nodes");
    let api = plane.admin();

    workloads_run_on_nodes(api).await;
    admission_is_on(api).await;
    what_needs_a_cloud_stays_pending(api).await;
    tokens_are_checked(&plane, &issuer).await;
    nodes_leave_with_their_pods(&plane, &nodes).await;
    versions_change(&plane).await;

    let processes = plane.processes();
    assert_eq!(processes.len(), 5);
    let file = plane.kubeconfig_file();
    drop(plane);
    for group in processes {
        let group = process_group(group);
        assert!(rustix::process::test_kill_process_group(group).is_err(), "{group:?} is still there");
    }
    assert!(!file.exists());
}

fn process_group(group: u32) -> rustix::process::Pid {
    i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw).expect("a process group")
}

async fn workloads_run_on_nodes(api: &Api) {
    let spread = json!([{
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }]);
    let mut web = workload("apps/v1", "Deployment", "web", json!({"replicas": 3}));
    web["spec"]["template"]["spec"]["topologySpreadConstraints"] = spread;
    for (path, object) in [
        (DEPLOYMENTS, web),
        ("/apis/apps/v1/namespaces/default/daemonsets", workload("apps/v1", "DaemonSet", "agent", json!({}))),
        (
            "/apis/apps/v1/namespaces/default/statefulsets",
            workload("apps/v1", "StatefulSet", "store", json!({"replicas": 2, "serviceName": "store"})),
        ),
        ("/apis/batch/v1/namespaces/default/jobs", workload("batch/v1", "Job", "once", json!({}))),
    ] {
        api.create(path, &object).await.expect(path);
    }
    until(api, &format!("{DEPLOYMENTS}/web"), |web| has_condition(web, "Available") && web["status"]["readyReplicas"] == 3).await;
    until(api, "/apis/apps/v1/namespaces/default/daemonsets/agent", |set| set["status"]["numberReady"] == 3).await;
    until(api, "/apis/apps/v1/namespaces/default/statefulsets/store", |set| set["status"]["readyReplicas"] == 2).await;
    until(api, "/apis/batch/v1/namespaces/default/jobs/once", |job| has_condition(job, "Complete")).await;
    let pods = api.get("/api/v1/namespaces/default/pods?labelSelector=app%3Dweb").await.expect("pods");
    let mut places: Vec<&str> =
        pods["items"].as_array().into_iter().flatten().filter_map(|pod| pod["spec"]["nodeName"].as_str()).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 3, "one in each zone");
    let nodes = api.get("/api/v1/nodes").await.expect("nodes");
    assert!(
        nodes["items"]
            .as_array()
            .expect("nodes")
            .iter()
            .all(|node| has_condition(node, "Ready") && node["spec"]["taints"].is_null())
    );
}

async fn admission_is_on(api: &Api) {
    let restricted = json!({"metadata": {"name": "strict", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    api.create("/api/v1/namespaces", &restricted).await.expect("a namespace");
    let pod = json!({"metadata": {"name": "loose"}, "spec": {"containers": [{"name": "main", "image": "x"}]}});
    let refused = |path: &'static str, object: Value, words: &'static str| async move {
        let failure = api.create(path, &object).await.expect_err("refused").to_string();
        assert!(failure.contains(words), "{failure}");
    };
    refused("/api/v1/namespaces/strict/pods", pod, "violates PodSecurity").await;

    api.create("/api/v1/namespaces", &json!({"metadata": {"name": "small"}})).await.expect("a namespace");
    let quota = json!({"metadata": {"name": "one"}, "spec": {"hard": {"secrets": "1"}}});
    api.create("/api/v1/namespaces/small/resourcequotas", &quota).await.expect("a quota");
    // Secrets, because nobody else makes some in a new namespace: what comes while a quota is first counted is missed by it.
    until(api, "/api/v1/namespaces/small/resourcequotas/one", |quota| quota["status"]["used"]["secrets"] == "0").await;
    api.create("/api/v1/namespaces/small/secrets", &json!({"metadata": {"name": "one"}})).await.expect("a secret");
    refused("/api/v1/namespaces/small/secrets", json!({"metadata": {"name": "two"}}), "exceeded quota").await;

    let range = json!({"metadata": {"name": "max"}, "spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}});
    api.create("/api/v1/namespaces/small/limitranges", &range).await.expect("a limit range");
    let big = json!({"metadata": {"name": "big"}, "spec": {"containers": [
        {"name": "main", "image": "x", "resources": {"limits": {"cpu": "2"}}},
    ]}});
    refused("/api/v1/namespaces/small/pods", big, "maximum cpu usage").await;

    let policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]});
    let policy = json!({"metadata": {"name": "no-secrets"}, "spec": {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "object.metadata.name != 'forbidden'", "message": "not this name"}],
    }});
    api.create(policies, &policy).await.expect("a policy");
    let binding =
        json!({"metadata": {"name": "no-secrets"}, "spec": {"policyName": "no-secrets", "validationActions": ["Deny"]}});
    api.create("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings", &binding).await.expect("a binding");
    let dry = "/api/v1/namespaces/default/secrets?dryRun=All";
    let secret = json!({"metadata": {"name": "forbidden"}});
    let end = Instant::now() + Duration::from_secs(30);
    while api.create(dry, &secret).await.is_ok() {
        assert!(Instant::now() < end, "the policy never took effect");
        sleep(Duration::from_millis(200)).await;
    }
    refused("/api/v1/namespaces/default/secrets", secret, "not this name").await;
}

/// There is neither a load balancer controller nor a volume driver, as on a bare EKS cluster.
async fn what_needs_a_cloud_stays_pending(api: &Api) {
    let service = json!({"metadata": {"name": "public"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": "web"}}});
    let service = api.create("/api/v1/namespaces/default/services", &service).await.expect("a service");
    assert!(service["spec"]["clusterIP"].as_str().is_some_and(|address| address.starts_with("172.20.")), "{service}");
    let claim = json!({"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "gp3",
    }});
    api.create("/api/v1/namespaces/default/persistentvolumeclaims", &claim).await.expect("a claim");
    sleep(Duration::from_secs(1)).await;
    let service = api.get("/api/v1/namespaces/default/services/public").await.expect("the service");
    assert_eq!(service["status"]["loadBalancer"], json!({}));
    let claim = api.get("/api/v1/namespaces/default/persistentvolumeclaims/data").await.expect("the claim");
    assert_eq!(claim["status"]["phase"], "Pending");
}

async fn tokens_are_checked(plane: &ControlPlane, issuer: &str) {
    let now = Timestamp::now();
    let anonymous = plane.anonymous().expect("a client");
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let whoami = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let known = anonymous.clone().with_token(&minted("test", "dev", now));
    let answer = known.create(whoami, &review).await.expect("whoami");
    assert_eq!(answer["status"]["userInfo"]["username"], "developer");
    assert_eq!(answer["status"]["userInfo"]["groups"], json!(["viewers", "system:authenticated"]));

    // Known, and allowed nothing until a binding says so.
    let (status, _) = known.call(Method::GET, DEPLOYMENTS, None).await.expect("an answer");
    assert_eq!(status, 403);
    let binding = json!({
        "metadata": {"name": "viewers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "viewers"}],
    });
    plane.admin().create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", &binding).await.expect("a binding");
    until(&known, DEPLOYMENTS, |list| list["kind"] == "DeploymentList").await;

    let minutes = |minutes: i64| Timestamp::from_second(now.as_second() + minutes * 60).expect("a time");
    for bad in [
        "k8s-aws-v1.bad".to_owned(),
        minted("test", "prod", now),
        minted("other", "dev", now),
        minted("test", "dev", minutes(-16)),
    ] {
        let (status, _) = anonymous.clone().with_token(&bad).call(Method::GET, DEPLOYMENTS, None).await.expect("an answer");
        assert_eq!(status, 401);
    }

    let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let made = plane.admin().create(path, &json!({"spec": {"audiences": ["sts.amazonaws.com", issuer]}})).await.expect("a token");
    let own = anonymous.with_token(made["status"]["token"].as_str().expect("a token"));
    let answer = own.create(whoami, &review).await.expect("whoami");
    assert_eq!(answer["status"]["userInfo"]["username"], "system:serviceaccount:default:default");
    let discovery = plane.admin().get("/.well-known/openid-configuration").await.expect("a document");
    assert_eq!(discovery["issuer"], issuer);
}

async fn nodes_leave_with_their_pods(plane: &ControlPlane, nodes: &[Node]) {
    let leaving = &nodes[2].name;
    plane.remove_nodes(&[leaving.clone(), "no-such-node".to_owned()]).await.expect("removed");
    let path = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{leaving}");
    until(plane.admin(), &path, |pods| pods["items"].as_array().is_some_and(Vec::is_empty)).await;
    until(plane.admin(), "/apis/apps/v1/namespaces/default/daemonsets/agent", |set| set["status"]["desiredNumberScheduled"] == 2)
        .await;
}

async fn versions_change(plane: &ControlPlane) {
    let said = |version: Value| format!("{} {}", version["gitVersion"], version["minor"]);
    assert_eq!(said(plane.admin().get("/version").await.expect("a version")), r#""v1.35.3" "35""#);
    infra_knows_what_is_served(plane, "1.35").await;
    plane.update(Version::default()).await.expect("updated");
    assert_eq!(said(plane.admin().get("/version").await.expect("a version")), r#""v1.36.3" "36""#);
    // What there was is there, and is looked after again.
    let job = workload("batch/v1", "Job", "again", json!({}));
    plane.admin().create("/apis/batch/v1/namespaces/default/jobs", &job).await.expect("a job");
    until(plane.admin(), "/apis/batch/v1/namespaces/default/jobs/again", |job| has_condition(job, "Complete")).await;
    until(plane.admin(), &format!("{DEPLOYMENTS}/web"), |web| has_condition(web, "Available")).await;
    infra_knows_what_is_served(plane, "1.36").await;
}

/// What infra carries of a version is what a server of it says; else `localstack schemas` writes it anew.
async fn infra_knows_what_is_served(plane: &ControlPlane, version: &str) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/object/schemas/");
    let known = unpacked(&std::fs::read(format!("{file}{version}.json.gz")).expect("the data"));
    let end = Instant::now() + Duration::from_secs(60);
    // A server tells of its parts one after the other.
    while known != unpacked(&schemas(plane, version).await.expect("documents")) {
        assert!(Instant::now() < end, "the schemas of {version} are not those of its server: cargo run -p localstack -- schemas");
        sleep(Duration::from_secs(1)).await;
    }
}

fn unpacked(data: &[u8]) -> Value {
    let mut text = String::new();
    GzDecoder::new(data).read_to_string(&mut text).expect("a text");
    serde_json::from_str(&text).expect("JSON")
}
