//! What the tests of EKS start from: a network, roles, a cluster; without a Kubernetes control plane.

use std::time::Duration;

use localstack::control::Settings;
use serde_json::{Value, json};

use crate::client::{Answer, Caller, Expect};
use crate::cloud;

/// A caller whose clusters have no control plane.
pub async fn light(account: &str) -> Caller {
    light_with(account, Settings::default()).await
}

pub async fn light_with(account: &str, settings: Settings) -> Caller {
    cloud().await.set_account_settings(account, Settings { kubernetes: false, ..settings });
    crate::caller(account).await
}

/// A VPC with a subnet in each of two zones.
pub struct Network {
    pub vpc: String,
    pub subnets: Vec<String>,
}

pub async fn network(caller: &Caller) -> Network {
    let vpc = caller.ec2("CreateVpc", &[("CidrBlock", "10.0.0.0/16")]).await.ok().text("vpcId").to_owned();
    let mut subnets = Vec::new();
    for (cidr, zone) in [("10.0.0.0/24", "eu-west-1a"), ("10.0.1.0/24", "eu-west-1b")] {
        let parameters = [("VpcId", vpc.as_str()), ("CidrBlock", cidr), ("AvailabilityZone", zone)];
        subnets.push(caller.ec2("CreateSubnet", &parameters).await.ok().text("subnetId").to_owned());
    }
    Network { vpc, subnets }
}

/// A role that `service` may assume, with these of AWS's policies. Returns its ARN.
pub async fn role(caller: &Caller, name: &str, service: &str, policies: &[&str]) -> String {
    let actions = json!(["sts:AssumeRole", "sts:TagSession"]);
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}],
    });
    let parameters = [("RoleName", name), ("AssumeRolePolicyDocument", &trust.to_string())];
    let made = caller.query("iam", "CreateRole", &parameters).await.ok();
    for policy in policies {
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        caller.query("iam", "AttachRolePolicy", &[("RoleName", name), ("PolicyArn", &arn)]).await.ok();
    }
    made.text("Arn").to_owned()
}

pub async fn cluster_role(caller: &Caller, name: &str) -> String {
    role(caller, name, "eks.amazonaws.com", &["AmazonEKSClusterPolicy"]).await
}

pub async fn node_role(caller: &Caller, name: &str) -> String {
    role(caller, name, "ec2.amazonaws.com", &["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"]).await
}

pub async fn post(caller: &Caller, path: &str, body: &Value) -> Answer {
    caller.rest("eks", "POST", path, &body.to_string()).await
}

pub async fn get(caller: &Caller, path: &str) -> Answer {
    caller.rest("eks", "GET", path, "").await
}

pub async fn delete(caller: &Caller, path: &str) -> Answer {
    caller.rest("eks", "DELETE", path, "").await
}

/// The input of a cluster that EKS takes.
pub fn wanted(name: &str, role: &str, network: &Network) -> Value {
    json!({
        "name": name,
        "version": "1.36",
        "roleArn": role,
        "resourcesVpcConfig": {"subnetIds": network.subnets},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": false},
        "bootstrapSelfManagedAddons": false,
    })
}

/// An active cluster.
pub async fn cluster(caller: &Caller, name: &str) -> Network {
    cluster_of(caller, name, "1.36").await
}

pub async fn cluster_of(caller: &Caller, name: &str, version: &str) -> Network {
    let network = network(caller).await;
    let role = cluster_role(caller, &format!("{name}-cluster")).await;
    let mut input = wanted(name, &role, &network);
    input["version"] = json!(version);
    post(caller, "/clusters", &input).await.ok();
    until_slowly(caller, &format!("/clusters/{name}"), "ACTIVE").await;
    network
}

/// Reads until the state is reached; the held states are short. Returns the description.
pub async fn until(caller: &Caller, path: &str, state: &str) -> Value {
    read_until(caller, path, state, Duration::from_millis(10)).await
}

/// The same where a control plane has to start or to do something.
pub async fn until_slowly(caller: &Caller, path: &str, state: &str) -> Value {
    read_until(caller, path, state, Duration::from_millis(200)).await
}

async fn read_until(caller: &Caller, path: &str, state: &str, pause: Duration) -> Value {
    for _ in 0..600 {
        let answer = get(caller, path).await.ok().json();
        let shown = answer.as_object().and_then(|members| members.values().next()).cloned().unwrap_or_default();
        if shown["status"] == state {
            return shown;
        }
        tokio::time::sleep(pause).await;
    }
    panic!("{path} never became {state}: {:?}", get(caller, path).await);
}

/// Reads until nothing is there any more.
pub async fn until_gone(caller: &Caller, path: &str) {
    for _ in 0..600 {
        let answer = get(caller, path).await;
        if answer.code() == "ResourceNotFoundException" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} is still there");
}
