//! The machines of a node group: interfaces in EC2, nodes in the control plane, a group of Auto Scaling.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::create::Template;
use super::effect;
use crate::gateway::{Call, Local, Refusal};
use crate::ids;
use crate::service::eks::input::texts;
use crate::service::eks::place::{Cluster, Leaving, Machine, NodeGroup};
use crate::service::eks::plane::NewNode;
use crate::service::eks::{ask, network, version};

/// Makes what the group runs on. The nodes join later.
pub async fn provision(
    local: &Local,
    call: &Call,
    cluster: &Cluster,
    group: &mut NodeGroup,
    template: Option<&Template>,
) -> Result<(), Refusal> {
    let name = format!("eks-{}-{}", group.thing.text("nodegroupName"), ids::request_id());
    let copy = copy_template(local, call, &group.thing.shown, template, &name).await?;
    let size = |member: &str| group.thing.shown["scalingConfig"][member].as_i64().unwrap_or_default().to_string();
    let (of, own) = (group.thing.text("clusterName").to_owned(), group.thing.text("nodegroupName").to_owned());
    let subnets = texts(&group.thing.shown["subnets"]).join(",");
    let owned = format!("k8s.io/cluster-autoscaler/{of}");
    let tags = [
        ("eks:cluster-name", of.as_str()),
        ("eks:nodegroup-name", &own),
        (&owned, "owned"),
        ("k8s.io/cluster-autoscaler/enabled", "true"),
        (&format!("kubernetes.io/cluster/{of}"), "owned"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()));
    // The machines are the gateway's own: Auto Scaling would start some that never become nodes.
    let mut parameters = vec![
        ("AutoScalingGroupName".to_owned(), name.clone()),
        ("LaunchTemplate.LaunchTemplateId".to_owned(), copy.clone()),
        ("LaunchTemplate.Version".to_owned(), "1".to_owned()),
        ("MinSize".to_owned(), "0".to_owned()),
        ("MaxSize".to_owned(), size("maxSize")),
        ("DesiredCapacity".to_owned(), "0".to_owned()),
        ("VPCZoneIdentifier".to_owned(), subnets),
    ];
    for (index, (key, value)) in tags.into_iter().enumerate() {
        let prefix = format!("Tags.member.{}", index + 1);
        parameters.push((format!("{prefix}.Key"), key));
        parameters.push((format!("{prefix}.Value"), value));
        parameters.push((format!("{prefix}.PropagateAtLaunch"), "true".to_owned()));
        parameters.push((format!("{prefix}.ResourceId"), name.clone()));
        parameters.push((format!("{prefix}.ResourceType"), "auto-scaling-group".to_owned()));
    }
    let borrowed: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    ask::autoscaling(local, call, "CreateAutoScalingGroup", &borrowed).await?;
    group.template = Some(copy);
    group.thing.shown["resources"] = json!({"autoScalingGroups": [{"name": name}]});
    let desired = group.thing.shown["scalingConfig"]["desiredSize"].as_u64().unwrap_or_default();
    let wanted = usize::try_from(desired).unwrap_or_default();
    grow(local, call, cluster, group, wanted).await
}

/// EKS does not use the template that it is given, but a copy that it completes.
async fn copy_template(
    local: &Local,
    call: &Call,
    shown: &Value,
    template: Option<&Template>,
    name: &str,
) -> Result<String, Refusal> {
    let own = template.map_or("", |template| template.data.get("instanceType"));
    let instance = shown["instanceTypes"][0].as_str().unwrap_or(own);
    let image = template.map(|template| template.data.get("imageId")).filter(|image| !image.is_empty());
    let tags = [("eks:cluster-name", &shown["clusterName"]), ("eks:nodegroup-name", &shown["nodegroupName"])];
    let mut parameters = vec![
        ("LaunchTemplateName".to_owned(), name.to_owned()),
        ("LaunchTemplateData.InstanceType".to_owned(), instance.to_owned()),
        ("LaunchTemplateData.ImageId".to_owned(), image.unwrap_or("ami-0eb5115914ccc4bc2").to_owned()),
        ("TagSpecification.1.ResourceType".to_owned(), "launch-template".to_owned()),
    ];
    for (index, (key, value)) in tags.into_iter().enumerate() {
        parameters.push((format!("TagSpecification.1.Tag.{}.Key", index + 1), key.to_owned()));
        parameters.push((format!("TagSpecification.1.Tag.{}.Value", index + 1), value.as_str().unwrap_or_default().to_owned()));
    }
    let borrowed: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let made = ask::ec2(local, call, "CreateLaunchTemplate", &borrowed).await?;
    Ok(made.find(&["launchTemplate", "launchTemplateId"]).map(|id| id.text.clone()).unwrap_or_default())
}

/// More machines, in the subnets in turn, until there are `wanted`.
pub async fn grow(local: &Local, call: &Call, cluster: &Cluster, group: &mut NodeGroup, wanted: usize) -> Result<(), Refusal> {
    let ids = texts(&group.thing.shown["subnets"]);
    let subnets = network::subnets(local, call, &ids).await?;
    let groups = [cluster.group.clone()];
    let of = cluster.thing.text("name").to_owned();
    while group.nodes.len() < wanted {
        let turn = usize::try_from(group.counter).unwrap_or_default() % subnets.len().max(1);
        let Some(subnet) = subnets.get(turn) else {
            break;
        };
        group.counter += 1;
        let instance = format!("i-0{}", ids::hex(16).to_lowercase());
        let tags = [
            ("node.k8s.amazonaws.com/instance_id", instance.as_str()),
            ("cluster.k8s.amazonaws.com/name", &of),
            ("eks:eni:owner", "amazon-vpc-cni"),
        ];
        let description = format!("aws-K8S-{instance}");
        let (interface, address) = network::make_interface(local, call, &subnet.id, &groups, &description, &tags).await?;
        let name = format!("ip-{}.{}.compute.internal", address.replace('.', "-"), call.region);
        group.nodes.push(Machine { name, instance, interface, zone: subnet.zone.clone() });
    }
    Ok(())
}

/// Takes machines out of EC2, and out of the control plane as fast as their pods let them go. One interface stays behind where
/// leaks are asked for.
pub async fn leave(local: &Local, call: &Call, cluster: &Cluster, machines: Vec<Machine>, leaks: bool) -> Leaving {
    for (index, machine) in machines.iter().enumerate() {
        if leaks && index == 0 {
            local.ec2.attached.remove(&machine.interface);
            continue;
        }
        // Gone already, where somebody deleted it behind EKS's back.
        let _ = network::delete_interface(local, call, &machine.interface).await;
    }
    let plane = cluster.plane().filter(|_| !machines.is_empty());
    tokio::spawn(async move {
        match plane {
            Some(plane) => plane.remove_nodes(machines.into_iter().map(|machine| machine.name).collect()).await,
            None => Ok(()),
        }
    })
}

/// The machines become nodes.
pub async fn join(cluster: &Cluster, group: &mut NodeGroup, machines: &[Machine]) -> Result<(), Refusal> {
    if let Some(plane) = cluster.plane().filter(|_| !machines.is_empty()) {
        let nodes = machines.iter().map(|machine| node(&group.thing.shown, machine, group.template.as_deref())).collect();
        plane.add_nodes(nodes).await.map_err(Refusal::internal)?;
    }
    group.joined = true;
    Ok(())
}

/// Nodes that are there follow the labels and taints of their group.
pub async fn relabel(cluster: &Cluster, group: &NodeGroup, removed: Vec<String>) -> Result<(), Refusal> {
    let Some(plane) = cluster.plane().filter(|_| group.joined && !group.nodes.is_empty()) else {
        return Ok(());
    };
    let nodes = group.nodes.iter().map(|machine| node(&group.thing.shown, machine, group.template.as_deref())).collect();
    plane.change_nodes(nodes, removed).await.map_err(Refusal::internal)
}

fn node(shown: &Value, machine: &Machine, template: Option<&str>) -> NewNode {
    let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
    let instance = shown["instanceTypes"][0].as_str().unwrap_or("m5.large");
    let arch = if text("amiType").contains("ARM") { "arm64" } else { "amd64" };
    let mut labels: BTreeMap<String, String> = [
        ("eks.amazonaws.com/nodegroup", text("nodegroupName").as_str()),
        ("eks.amazonaws.com/capacityType", &text("capacityType")),
        ("eks.amazonaws.com/nodegroup-image", "ami-0eb5115914ccc4bc2"),
        ("eks.amazonaws.com/sourceLaunchTemplateId", shown["launchTemplate"]["id"].as_str().or(template).unwrap_or_default()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let own = shown["labels"].as_object().into_iter().flatten();
    labels.extend(own.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())));
    let taints = shown["taints"].as_array().into_iter().flatten().filter_map(|taint| {
        let text = |name: &str| taint[name].as_str().unwrap_or_default();
        Some((text("key").to_owned(), text("value").to_owned(), effect(text("effect"))?.to_owned()))
    });
    let patch = version::find(&text("version")).map_or_else(|_| text("version"), |version| version.patch.to_owned());
    NewNode {
        name: machine.name.clone(),
        provider_id: format!("aws:///{}/{}", machine.zone, machine.instance),
        zone: machine.zone.clone(),
        instance_type: instance.to_owned(),
        architecture: arch.to_owned(),
        labels,
        taints: taints.collect(),
        version: format!("v{patch}"),
    }
}
