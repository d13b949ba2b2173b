//! EKS node groups: what is refused, what fails later, nodes and what they hold in EC2.

use localstack::control::Settings;
use serde_json::{Value, json};

use crate::client::{Caller, Expect};
use crate::eks::{cluster, delete, get, light, light_with, node_role, post, role, until, until_gone};

/// The input of a node group that EKS takes.
fn group(name: &str, role: &str, subnets: &[String]) -> Value {
    json!({
        "nodegroupName": name,
        "nodeRole": role,
        "subnets": subnets,
        "instanceTypes": ["m6i.large", "m5.large"],
        "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 2},
    })
}

async fn add_network(caller: &Caller, cluster: &str) {
    post(caller, &format!("/clusters/{cluster}/addons"), &json!({"addonName": "vpc-cni"})).await.ok();
    until(caller, &format!("/clusters/{cluster}/addons/vpc-cni"), "ACTIVE").await;
}

async fn interfaces(caller: &Caller, tag: (&str, &str)) -> Vec<String> {
    let name = format!("tag:{}", tag.0);
    let filters = [("Filter.1.Name", name.as_str()), ("Filter.1.Value.1", tag.1)];
    let found = caller.ec2("DescribeNetworkInterfaces", &filters).await.ok();
    found.texts("status").into_iter().filter(|status| matches!(*status, "in-use" | "available")).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_group_has_nodes_until_it_goes() {
    let caller = light("720000000001").await;
    let network = cluster(&caller, "nodes").await;
    add_network(&caller, "nodes").await;
    let role = node_role(&caller, "nodes-node").await;
    let mut input = group("system", &role, &network.subnets);
    input["labels"] = json!({"platform/pool": "system"});
    input["taints"] = json!([{"key": "CriticalAddonsOnly", "value": "true", "effect": "NO_SCHEDULE"}]);
    let made = post(&caller, "/clusters/nodes/node-groups", &input).await.ok().json();
    assert_eq!(made["nodegroup"]["status"], "CREATING");
    post(&caller, "/clusters/nodes/node-groups", &input).await.refused("ResourceInUseException");
    let shown = until(&caller, "/clusters/nodes/node-groups/system", "ACTIVE").await;
    let asg = shown["resources"]["autoScalingGroups"][0]["name"].as_str().expect("an Auto Scaling group").to_owned();
    let found = caller.query("autoscaling", "DescribeAutoScalingGroups", &[("AutoScalingGroupNames.member.1", &asg)]).await.ok();
    assert_eq!(found.texts("AutoScalingGroupName").len(), 1, "{found:?}");
    let entries = get(&caller, "/clusters/nodes/access-entries").await.ok().json();
    assert_eq!(entries["accessEntries"], json!([role]));
    let tag = ("cluster.k8s.amazonaws.com/name", "nodes");
    assert_eq!(interfaces(&caller, tag).await, ["in-use"; 4]);
    delete(&caller, "/clusters/nodes").await.refused("ResourceInUseException");

    delete(&caller, "/clusters/nodes/node-groups/system").await.ok();
    until_gone(&caller, "/clusters/nodes/node-groups/system").await;
    assert_eq!(interfaces(&caller, tag).await, ["in-use"; 2]);
    assert_eq!(get(&caller, "/clusters/nodes/access-entries").await.ok().json()["accessEntries"], json!([]));
    let found = caller.query("autoscaling", "DescribeAutoScalingGroups", &[]).await.ok();
    assert_eq!(found.texts("AutoScalingGroupName").len(), 0, "{found:?}");
}

#[tokio::test]
async fn nodes_without_network_or_rights_do_not_join() {
    let caller = light("720000000002").await;
    let network = cluster(&caller, "bare").await;
    let weak = role(&caller, "bare-weak", "ec2.amazonaws.com", &["AmazonEKSWorkerNodePolicy"]).await;
    let strong = node_role(&caller, "bare-node").await;
    for (name, role, code) in [("weak", &weak, "AccessDenied"), ("early", &strong, "NodeCreationFailure")] {
        post(&caller, "/clusters/bare/node-groups", &group(name, role, &network.subnets)).await.ok();
        let shown = until(&caller, &format!("/clusters/bare/node-groups/{name}"), "CREATE_FAILED").await;
        assert_eq!(shown["health"]["issues"][0]["code"], code, "{shown}");
        let scaling = json!({"scalingConfig": {"desiredSize": 1}});
        post(&caller, &format!("/clusters/bare/node-groups/{name}/update-config"), &scaling)
            .await
            .refused("ResourceInUseException");
        delete(&caller, &format!("/clusters/bare/node-groups/{name}")).await.ok();
        until_gone(&caller, &format!("/clusters/bare/node-groups/{name}")).await;
    }
}

#[tokio::test]
async fn what_a_group_needs_is_checked() {
    let caller = light("720000000003").await;
    let network = cluster(&caller, "strict").await;
    let role = node_role(&caller, "strict-node").await;
    let template = [("LaunchTemplateName", "strict"), ("LaunchTemplateData.InstanceType", "m5.large")];
    let template = caller.ec2("CreateLaunchTemplate", &template).await.ok().text("launchTemplateId").to_owned();
    let refused = async |change: &dyn Fn(&mut Value), words: &str| {
        let mut input = group("checked", &role, &network.subnets);
        change(&mut input);
        let answer = post(&caller, "/clusters/strict/node-groups", &input).await;
        assert!(answer.status.as_u16() == 400 && answer.body.contains(words), "{words}: {answer:?}");
    };
    refused(&|input| input["scalingConfig"] = json!({"minSize": 3, "maxSize": 2, "desiredSize": 2}), "maximum size").await;
    refused(&|input| input["scalingConfig"] = json!({"minSize": 1, "maxSize": 2, "desiredSize": 3}), "max size").await;
    refused(&|input| input["scalingConfig"] = json!({"minSize": 2, "maxSize": 2, "desiredSize": 1}), "desired size").await;
    refused(&|input| input["launchTemplate"] = json!({"id": template, "name": "strict"}), "Either provide launch template ID")
        .await;
    refused(&|input| input["launchTemplate"] = json!({"id": template}), "an instance type both").await;
    refused(&|input| input["launchTemplate"] = json!({"name": "lost"}), "lost").await;
    refused(&|input| input["nodeRole"] = json!("arn:aws:iam::720000000003:role/lost"), "cannot be found").await;
    refused(&|input| input["instanceTypes"] = json!(["m99.large"]), "do not exist: [m99.large]").await;
    refused(&|input| input["subnets"] = json!(["subnet-0123456789abcdef0"]), "does not exist").await;
    refused(&|input| input["version"] = json!("1.37"), "newer than the cluster version").await;
    refused(&|input| input["labels"] = json!({"eks.amazonaws.com/mine": "x"}), "reserved prefixes").await;
    refused(&|input| input["taints"] = json!([{"key": "a", "effect": "NoSchedule"}]), "taint effect").await;
    refused(&|input| input["updateConfig"] = json!({"maxUnavailable": 1, "maxUnavailablePercentage": 33}), "at the same time")
        .await;
}

#[tokio::test]
async fn groups_change_size_labels_and_version() {
    let caller = light("720000000004").await;
    let network = cluster(&caller, "grow").await;
    add_network(&caller, "grow").await;
    let role = node_role(&caller, "grow-node").await;
    let mut input = group("spot", &role, &network.subnets);
    input["version"] = json!("1.35");
    input["capacityType"] = json!("SPOT");
    post(&caller, "/clusters/grow/node-groups", &input).await.ok();
    let path = "/clusters/grow/node-groups/spot";
    until(&caller, path, "ACTIVE").await;
    let config = format!("{path}/update-config");
    post(&caller, &config, &json!({"scalingConfig": {"minSize": 3, "maxSize": 4}})).await.refused("InvalidParameterException");
    let change = json!({
        "scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 4},
        "labels": {"addOrUpdateLabels": {"a": "b"}},
        "taints": {"addOrUpdateTaints": [{"key": "a", "value": "b", "effect": "NO_EXECUTE"}]},
    });
    let id = post(&caller, &config, &change).await.ok().json()["update"]["id"].as_str().expect("an id").to_owned();
    post(&caller, &config, &change).await.refused("ResourceInUseException");
    until(&caller, &format!("/clusters/grow/updates/{id}?nodegroupName=spot"), "Successful").await;
    let shown = until(&caller, path, "ACTIVE").await;
    assert_eq!((&shown["labels"]["a"], &shown["taints"][0]["effect"]), (&json!("b"), &json!("NO_EXECUTE")));
    assert_eq!(interfaces(&caller, ("cluster.k8s.amazonaws.com/name", "grow")).await.len(), 6);

    let version = format!("{path}/update-version");
    post(&caller, &version, &json!({"version": "1.37"})).await.refused("InvalidParameterException");
    post(&caller, &version, &json!({"releaseVersion": "1.36.3-20260714"})).await.refused("InvalidParameterException");
    let id = post(&caller, &version, &json!({})).await.ok().json()["update"]["id"].as_str().expect("an id").to_owned();
    until(&caller, &format!("/clusters/grow/updates/{id}?nodegroupName=spot"), "Successful").await;
    assert_eq!(until(&caller, path, "ACTIVE").await["version"], "1.36");
    post(&caller, &version, &json!({"version": "1.35"})).await.refused("InvalidParameterException");
}

#[tokio::test]
async fn a_leaked_interface_is_available_and_in_the_way() {
    let caller = light_with("720000000005", Settings { leaks: true, ..Settings::default() }).await;
    let network = cluster(&caller, "leak").await;
    add_network(&caller, "leak").await;
    let role = node_role(&caller, "leak-node").await;
    post(&caller, "/clusters/leak/node-groups", &group("g", &role, &network.subnets)).await.ok();
    until(&caller, "/clusters/leak/node-groups/g", "ACTIVE").await;
    delete(&caller, "/clusters/leak/node-groups/g").await.ok();
    until_gone(&caller, "/clusters/leak/node-groups/g").await;
    delete(&caller, "/clusters/leak").await.ok();
    until_gone(&caller, "/clusters/leak").await;
    assert_eq!(interfaces(&caller, ("cluster.k8s.amazonaws.com/name", "leak")).await, ["available"]);
    let groups = [("Filter.1.Name", "tag:aws:eks:cluster-name"), ("Filter.1.Value.1", "leak")];
    let group = caller.ec2("DescribeSecurityGroups", &groups).await.ok().text("groupId").to_owned();
    caller.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.refused("DependencyViolation");
    let filters = [("Filter.1.Name", "group-id"), ("Filter.1.Value.1", group.as_str())];
    let left = caller.ec2("DescribeNetworkInterfaces", &filters).await.ok();
    caller.ec2("DeleteNetworkInterface", &[("NetworkInterfaceId", left.text("networkInterfaceId"))]).await.ok();
    caller.ec2("DeleteSecurityGroup", &[("GroupId", &group)]).await.ok();
}
