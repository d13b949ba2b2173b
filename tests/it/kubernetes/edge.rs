//! Single calls, refusals among them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use infra::cloud::Gate;
use infra::cloud::aws::limits::Limits;
use infra::cloud::aws::{Aws, Fence, Settings, StandIn, Wire};
use infra::cloud::kube::{ClusterRef, Complaint, Connection, Foreseen, Select};
use infra::remote::{Class, Fault};
use localstack::client::Caller;
use serde_json::{Value as Json, json};

const ACCOUNT: &str = "760000000001";

pub struct Open;

impl Gate for Open {
    fn allows(&self, _: Duration) -> bool {
        true
    }
}

async fn post(caller: &Caller, path: &str, body: &Json) -> Json {
    caller.rest("eks", "POST", path, &body.to_string()).await.unwrap().success("eks", path).unwrap().json()
}

/// An active cluster that its creator may use, as EKS describes it; made with a client that is not infra's.
pub async fn cluster(caller: &Caller, name: &str) -> Json {
    let vpc = caller.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await.unwrap().text("vpcId").to_owned();
    let mut subnets = Vec::new();
    for (cidr, zone) in [("10.0.0.0/24", "eu-west-1a"), ("10.0.1.0/24", "eu-west-1b")] {
        let parameters = [("VpcId", vpc.as_str()), ("CidrBlock", cidr), ("AvailabilityZone", zone)];
        subnets.push(caller.ec2("CreateSubnet", &parameters).await.unwrap().text("subnetId").to_owned());
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}]});
    let parameters = [("RoleName", name), ("AssumeRolePolicyDocument", &trust.to_string())];
    let role = caller.query("iam", "CreateRole", &parameters).await.unwrap().text("Arn").to_owned();
    let policy = [("RoleName", name), ("PolicyArn", "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")];
    caller.query("iam", "AttachRolePolicy", &policy).await.unwrap().success("iam", "AttachRolePolicy").unwrap();
    let wanted = json!({
        "name": name, "version": "1.36", "roleArn": role, "resourcesVpcConfig": {"subnetIds": subnets},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": false},
        "bootstrapSelfManagedAddons": false,
    });
    post(caller, "/clusters", &wanted).await;
    for _ in 0..300 {
        let shown = caller.rest("eks", "GET", &format!("/clusters/{name}"), "").await.unwrap().json()["cluster"].clone();
        if shown["status"] == "ACTIVE" {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the cluster {name} does not become active");
}

/// Makes the account's root known to the cluster, which lets it do nothing yet.
pub async fn enter(caller: &Caller, account: &str, name: &str) {
    post(caller, &format!("/clusters/{name}/access-entries"), &json!({"principalArn": root(account)})).await;
}

/// Lets it do what one of EKS's policies says.
pub async fn permit(caller: &Caller, account: &str, name: &str, policy: &str) {
    let path = format!("/clusters/{name}/access-entries/{}/access-policies", root(account).replace(':', "%3A"));
    let policy = format!("arn:aws:eks::aws:cluster-access-policy/{policy}");
    post(caller, &path, &json!({"policyArn": policy, "accessScope": {"type": "cluster"}})).await;
}

fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

async fn connected(local: &localstack::Cloud, fence: Fence) -> Aws {
    let stand_in = StandIn {
        endpoint: local.endpoint().to_owned(),
        access_key_id: ACCOUNT.into(),
        secret_access_key: localstack::SECRET.into(),
    };
    let settings = Settings { region: localstack::REGION.into(), stand_in: Some(stand_in), ..Settings::default() };
    Aws::connect(&settings, &Wire::new(Limits::off(), fence)).await
}

fn config_map(namespace: &str, data: Json) -> Json {
    let labels = json!({"infra/lineage": "abc"});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace, "labels": labels}, "data": data})
}

async fn apply(to: &Connection, object: &Json) -> Result<Json, Fault> {
    to.apply(object, &BTreeSet::new()).await
}

#[tokio::test]
async fn objects_are_applied_listed_and_deleted_and_refusals_are_told_apart() {
    let local = super::cloud().await;
    let caller = Caller::new(local, ACCOUNT);
    let shown = cluster(&caller, "edge").await;
    let fence = Fence::shut();
    let aws = connected(local, fence.clone()).await;
    let connection = aws.kube().connection_of(shown["arn"].as_str().unwrap(), &aws).await.unwrap();
    assert!(matches!(connection.cluster(), ClusterRef::Eks { name, .. } if name == "edge"));

    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hold"}});
    let stranger = connection.kind("", "Namespace").await.unwrap_err();
    assert_eq!(stranger.class, Class::Credentials);
    assert!(stranger.message.contains("aws_eks_access_entry") && stranger.message.contains(ACCOUNT), "{stranger}");
    aws.kube().access_changed("edge");
    assert_eq!(connection.kind("", "Namespace").await.unwrap_err().class, Class::Settling);
    enter(&caller, ACCOUNT, "edge").await;
    for _ in 0..50 {
        if connection.kind("", "Namespace").await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let known = connection.foresee(&namespace, &BTreeSet::new()).await.unwrap_err();
    assert_eq!(known.class, Class::Denied, "{known}");
    let words = ["knows the caller, who may not do this", "aws_eks_access_policy_association", "cannot patch resource"];
    assert!(words.iter().all(|it| known.message.contains(it)), "{known}");
    permit(&caller, ACCOUNT, "edge", "AmazonEKSClusterAdminPolicy").await;
    for _ in 0..50 {
        if connection.foresee(&namespace, &BTreeSet::new()).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let Foreseen::Taken(seen) = connection.foresee(&namespace, &BTreeSet::new()).await.unwrap() else { panic!() };
    assert_eq!(seen["status"]["phase"], "Active");
    assert_eq!(apply(&connection, &namespace).await.unwrap_err().class, Class::Fenced, "a dry run needs no lock, this does");
    fence.guard(Arc::new(Open), Duration::from_secs(20));
    let early = connection.foresee(&config_map("hold", json!({})), &BTreeSet::new()).await.unwrap_err();
    assert_eq!(early.class, Class::Settling, "{early}");
    let early = apply(&connection, &config_map("hold", json!({}))).await.unwrap_err();
    assert_eq!(early.class, Class::Settling, "{early}");
    apply(&connection, &namespace).await.unwrap();
    apply(&connection, &config_map("hold", json!({"a": "1"}))).await.unwrap();

    let kind = connection.served("v1", "ConfigMap").await.unwrap();
    let key = "ConfigMap/hold/c".parse().unwrap();
    let ours = Select { labels: "infra/lineage=abc", ..Select::default() };
    let listed = connection.list(&kind, ours).await.unwrap();
    assert_eq!((listed.len(), &listed[0]["kind"], &listed[0]["data"]["a"]), (1, &json!("ConfigMap"), &json!("1")));

    let unknown =
        apply(&connection, &json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "x"}})).await.unwrap_err();
    assert_eq!(unknown.class, Class::Settling, "its CRD may be on its way: {unknown}");
    let misspelt = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "w", "namespace": "hold"}, "dota": {}});
    let wrong = apply(&connection, &misspelt).await.unwrap_err();
    assert!(wrong.class == Class::Refused && wrong.message.contains("dota"), "{wrong}");
    let foreseen = connection.foresee(&misspelt, &BTreeSet::new()).await.unwrap();
    let complaint = Complaint { path: "dota".into(), message: "field not declared in schema".into() };
    assert_eq!(foreseen, Foreseen::Wrong(vec![complaint]));
    let invalid = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Not_A_Name", "namespace": "hold"}});
    let invalid = apply(&connection, &invalid).await.unwrap_err();
    assert!(invalid.class == Class::Refused && invalid.message.contains("metadata.name"), "{invalid}");

    let live = connection.get(&kind, &key).await.unwrap();
    let others = BTreeSet::from(["somebody".to_owned()]);
    let uid = live["metadata"]["uid"].as_str();
    assert_eq!(connection.delete(&kind, &key, Some("another")).await.unwrap_err().class, Class::Settling);
    apply(&connection, &config_map("hold", json!({"a": "2"}))).await.unwrap();
    connection.apply(&config_map("hold", json!({"a": "3"})), &others).await.unwrap();
    connection.delete(&kind, &key, uid).await.unwrap();
    for _ in 0..50 {
        match connection.get(&kind, &key).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(gone) => return assert_eq!(gone.class, Class::Missing),
        }
    }
    panic!("the object does not go");
}
