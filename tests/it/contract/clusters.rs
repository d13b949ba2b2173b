//! EKS, without Kubernetes behind it.

use infra::cloud::aws::Aws;
use infra::cloud::{Cloud, Target};
use infra::remote::{Class, ConfigName};
use infra::value::Value;
use serde_json::json;

use super::bench::{ACCOUNT, Bench, Made, unique};

fn aws(bench: &Bench) -> &Aws {
    bench.clouds.config(&ConfigName::default()).unwrap()
}

/// The ARN of a role that a service may assume, with policies of AWS's own.
async fn role(bench: &Bench, service: &str, policies: &[&str]) -> String {
    let (iam, name) = (aws(bench).iam(), unique("contract"));
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" }],
    });
    let made = iam.create_role().role_name(&name).assume_role_policy_document(trust.to_string()).send().await.unwrap();
    for policy in policies {
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        iam.attach_role_policy().role_name(&name).policy_arn(arn).send().await.unwrap();
    }
    made.role.unwrap().arn
}

struct Network {
    vpc: Made,
    subnets: Vec<Made>,
}

impl Network {
    async fn new(bench: &Bench) -> Self {
        let vpc = bench.make("aws_vpc", json!({ "cidr_block": "10.9.0.0/16" })).await;
        let mut subnets = Vec::new();
        for (index, zone) in ["a", "b", "c"].into_iter().enumerate() {
            let zone = format!("{}{zone}", localstack::REGION);
            let cidr = format!("10.9.{index}.0/24");
            let subnet = json!({ "vpc_id": vpc.id.as_str(), "cidr_block": cidr, "availability_zone": zone });
            subnets.push(bench.make("aws_subnet", subnet).await);
        }
        Self { vpc, subnets }
    }

    fn ids(&self, some: std::ops::Range<usize>) -> Vec<&str> {
        self.subnets[some].iter().map(|it| it.id.as_str()).collect()
    }

    async fn remove(self, bench: &Bench) {
        for subnet in self.subnets {
            bench.remove(subnet).await;
        }
        bench.remove(self.vpc).await;
    }
}

#[tokio::test]
async fn aws_eks_cluster() {
    let bench = Bench::new().await;
    let network = Network::new(&bench).await;
    let role = role(&bench, "eks.amazonaws.com", &["AmazonEKSClusterPolicy"]).await;
    let key = bench.make("aws_kms_key", json!({ "description": "secrets" })).await;
    let vpc_config = json!({ "subnet_ids": network.ids(0..2), "public_access_cidrs": ["198.51.100.7/32"] });
    let settings = json!({
        "name": unique("contract"), "role_arn": role, "version": "1.35", "vpc_config": vpc_config,
        "access_config": { "authentication_mode": "API_AND_CONFIG_MAP", "bootstrap_cluster_creator_admin_permissions": false },
        "bootstrap_self_managed_addons": false, "enabled_cluster_log_types": ["api", "audit"],
        "upgrade_policy": { "support_type": "EXTENDED" }, "tags": { "Name": "a" },
    });
    let private = json!({ "subnet_ids": network.ids(0..2), "endpoint_private_access": true, "endpoint_public_access": false });
    let wider = json!({ "subnet_ids": network.ids(0..3), "endpoint_private_access": true, "endpoint_public_access": false });
    let changes = [
        json!({ "access_config": { "authentication_mode": "API" }, "tags": { "Name": "b" } }),
        json!({ "vpc_config": private, "enabled_cluster_log_types": ["api", "scheduler"] }),
        json!({ "vpc_config": wider, "upgrade_policy": { "support_type": "STANDARD" } }),
        json!({ "zonal_shift_config": { "enabled": true }, "deletion_protection": true }),
        json!({
            "encryption_config": { "provider": { "key_arn": key.output("arn") }, "resources": ["secrets"] }, "version": "1.36",
        }),
        json!({ "deletion_protection": false, "enabled_cluster_log_types": [] }),
    ];
    bench.keeps("aws_eks_cluster", settings, &changes).await;
    bench.remove(key).await;
    network.remove(&bench).await;
}

/// A cluster with a network, and what is needed to put things into it.
pub struct Place {
    network: Network,
    cluster: Made,
}

impl Place {
    pub async fn new(bench: &Bench) -> Self {
        let network = Network::new(bench).await;
        let role = role(bench, "eks.amazonaws.com", &["AmazonEKSClusterPolicy"]).await;
        let settings = json!({
            "name": unique("place"), "role_arn": role, "version": "1.36", "vpc_config": { "subnet_ids": network.ids(0..2) },
            "access_config": { "authentication_mode": "API" },
        });
        Self { cluster: bench.make("aws_eks_cluster", settings).await, network }
    }

    fn name(&self) -> &str {
        self.cluster.id.as_str()
    }

    async fn remove(self, bench: &Bench) {
        bench.remove(self.cluster).await;
        self.network.remove(bench).await;
    }

    /// What any group of nodes says.
    async fn group(&self, bench: &Bench, more: serde_json::Value) -> serde_json::Value {
        let policies = ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"];
        let mut settings = json!({
            "cluster_name": self.name(), "node_role_arn": role(bench, "ec2.amazonaws.com", &policies).await,
            "subnet_ids": self.network.ids(0..3), "scaling_config": { "min_size": 1, "max_size": 3 },
        });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        settings
    }
}

#[tokio::test]
async fn aws_eks_node_group() {
    let bench = Bench::new().await;
    let place = Place::new(&bench).await;
    let template = json!({ "name": unique("nodes"), "metadata_options": { "http_tokens": "required" } });
    let template = bench.make("aws_launch_template", template).await;
    let template = bench.change(template, json!({ "metadata_options": { "http_tokens": "optional" } })).await;
    let version = |number: &str| json!({ "id": template.id.as_str(), "version": number });
    let more = json!({
        "node_group_name": "a", "capacity_type": "SPOT", "instance_types": ["m5.large", "m5a.large"], "version": "1.35",
        "launch_template": version("1"), "labels": { "platform/pool": "a" }, "tags": { "Name": "a" },
    });
    let settings = place.group(&bench, more).await;
    let taint = |value: &str| json!([{ "key": "CriticalAddonsOnly", "value": value, "effect": "NO_SCHEDULE" }]);
    let changes = [
        json!({ "scaling_config": { "min_size": 2, "max_size": 5 }, "labels": { "platform/pool": "b" }, "taint": taint("true") }),
        json!({ "update_config": { "max_unavailable_percentage": 33 }, "node_repair_config": { "enabled": true }, "labels": {} }),
        json!({ "launch_template": version("2"), "taint": taint("yes"), "tags": { "Name": "b" } }),
        json!({ "version": "1.36", "scaling_config": { "min_size": 0, "max_size": 2, "desired_size": 1 }, "taint": [] }),
    ];
    bench.keeps("aws_eks_node_group", settings.clone(), &changes).await;
    let group = bench.make("aws_eks_node_group", settings).await;
    assert_eq!(bench.blockers(&place.cluster).await, ["the node group a"]);
    bench.remove(group).await;
    bench.remove(template).await;
    place.remove(&bench).await;
}

#[tokio::test]
async fn a_node_group_with_a_prefix_has_a_name_of_its_own() {
    let bench = Bench::new().await;
    let place = Place::new(&bench).await;
    let settings = place.group(&bench, json!({ "node_group_name_prefix": "spot-" })).await;
    let (one, two) =
        (bench.make("aws_eks_node_group", settings.clone()).await, bench.make("aws_eks_node_group", settings.clone()).await);
    assert!(one.id != two.id && one.id.as_str().contains(":spot-"), "{} {}", one.id, two.id);
    bench.remove(one).await;
    bench.remove(two).await;
    bench.keeps("aws_eks_node_group", settings, &[json!({ "labels": { "a": "b" } })]).await;
    place.remove(&bench).await;
}

#[tokio::test]
async fn a_node_group_that_cannot_be_made_says_why() {
    let bench = Bench::new().await;
    let place = Place::new(&bench).await;
    let bare = role(&bench, "ec2.amazonaws.com", &[]).await;
    let settings = place.group(&bench, json!({ "node_group_name": "bare", "node_role_arn": bare })).await;
    let (made, why) = bench.make_failed("aws_eks_node_group", settings).await;
    assert!(why.starts_with("CREATE_FAILED: ") && why.contains("AmazonEKSWorkerNodePolicy"), "{why}");
    bench.remove(made).await;
    place.remove(&bench).await;
}

#[tokio::test]
async fn what_an_update_failed_with_is_the_failure() {
    let stuck = localstack::control::Settings { stuck_pods: true, ..localstack::control::Settings::default() };
    let bench = Bench::of("700000000041", stuck).await;
    let place = Place::new(&bench).await;
    let settings = place.group(&bench, json!({ "node_group_name": "stuck", "version": "1.35" })).await;
    let made = bench.make("aws_eks_node_group", settings).await;
    let fault = bench.change_refused(&made, json!({ "version": "1.36" })).await;
    assert_eq!((fault.class, fault.code.as_deref()), (Class::Refused, Some("PodEvictionFailure")), "{fault}");
    assert!(fault.message.contains("kubectl get pdb -A"), "{fault}");
    let made = bench.change(made, json!({ "version": "1.36", "force_update_version": true })).await;
    bench.remove(made).await;
    place.remove(&bench).await;
}

#[tokio::test]
async fn aws_eks_addon() {
    let bench = Bench::new().await;
    let place = Place::new(&bench).await;
    let env = |number: &str| json!({ "env": { "WARM_PREFIX_TARGET": number } }).to_string();
    let settings = json!({
        "cluster_name": place.name(), "addon_name": "vpc-cni", "addon_version": "v1.22.3-eksbuild.1", "configuration_values": env("1"),
    });
    let role_arn = role(&bench, "ec2.amazonaws.com", &[]).await;
    let changes = [
        json!({ "addon_version": "v1.23.0-eksbuild.1", "tags": { "Name": "b" } }),
        json!({ "configuration_values": env("2"), "service_account_role_arn": role_arn }),
        json!({ "configuration_values": "{}", "service_account_role_arn": null }),
    ];
    bench.keeps("aws_eks_addon", settings, &changes).await;

    let identity = role(&bench, "pods.eks.amazonaws.com", &[]).await;
    let driver = json!([{ "service_account": "ebs-csi-controller-sa", "role_arn": identity }]);
    let settings =
        json!({ "cluster_name": place.name(), "addon_name": "eks-pod-identity-agent", "pod_identity_association": driver });
    bench.keeps("aws_eks_addon", settings, &[json!({ "pod_identity_association": [] })]).await;
    place.remove(&bench).await;
}

/// What is said against a part of a stack before anything is made.
pub async fn objections(bench: &Bench, type_name: &str, settings: serde_json::Value) -> Vec<String> {
    let target = Target { type_name: type_name.into(), config: ConfigName::default() };
    let found = bench.clouds.objections(&target, None, &Value::from_json(&settings)).await.unwrap();
    found.into_iter().map(|it| format!("{}: {}", it.path, it.message)).collect()
}

#[tokio::test]
async fn the_configuration_of_an_add_on_is_checked_before_it_is_made() {
    let bench = Bench::new().await;
    let addon = |version: serde_json::Value, values: serde_json::Value| {
        let settings = json!({ "addon_name": "vpc-cni", "addon_version": version, "configuration_values": values.to_string() });
        objections(&bench, "aws_eks_addon", settings)
    };
    let right = json!({ "env": { "WARM_PREFIX_TARGET": "1" } });
    assert_eq!(addon(json!("v1.23.0-eksbuild.1"), right.clone()).await, Vec::<String>::new());
    assert_eq!(addon(serde_json::Value::Null, right.clone()).await, Vec::<String>::new());
    let wrong = json!({ "env": { "WARM_PREFIX_TARGETS": "1", "ENABLE_POD_ENI": true } });
    let said = addon(json!("v1.23.0-eksbuild.1"), wrong).await;
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("did you mean WARM_PREFIX_TARGET?"), "{said:?}");
    assert!(said[1].starts_with("configuration_values.env.ENABLE_POD_ENI: "), "{said:?}");
    let said = addon(json!("v0.0.1"), right).await;
    assert!(said.len() == 1 && said[0].starts_with("addon_version: "), "{said:?}");
}

#[tokio::test]
async fn aws_eks_access_entry() {
    let bench = Bench::new().await;
    let place = Place::new(&bench).await;
    let principal = role(&bench, "ec2.amazonaws.com", &[]).await;
    let settings =
        json!({ "cluster_name": place.name(), "principal_arn": principal, "kubernetes_groups": ["platform:developers"] });
    let changes = [
        json!({ "kubernetes_groups": ["platform:developers", "platform:admins"], "tags": { "Name": "b" } }),
        json!({ "kubernetes_groups": [], "user_name": "developer" }),
    ];
    bench.keeps("aws_eks_access_entry", settings, &changes).await;
    place.remove(&bench).await;
}

#[tokio::test]
async fn aws_eks_access_policy_association() {
    let bench = Bench::new().await;
    let place = Place::new(&bench).await;
    let principal = role(&bench, "ec2.amazonaws.com", &[]).await;
    let entry = json!({ "cluster_name": place.name(), "principal_arn": principal });
    let entry = bench.make("aws_eks_access_entry", entry).await;
    let settings = json!({
        "cluster_name": place.name(), "principal_arn": principal,
        "policy_arn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy",
        "access_scope": { "type": "namespace", "namespaces": ["devops-demo*"] },
    });
    let changes = [
        json!({ "access_scope": { "type": "namespace", "namespaces": ["a", "b"] } }),
        json!({ "access_scope": { "type": "cluster" } }),
    ];
    bench.keeps("aws_eks_access_policy_association", settings.clone(), &changes).await;
    let other = bench.make("aws_eks_access_policy_association", settings.clone()).await;
    let fault = bench.refused("aws_eks_access_policy_association", settings).await;
    assert_eq!(fault.class, Class::Exists, "{fault}");
    bench.remove(other).await;
    bench.remove(entry).await;
    place.remove(&bench).await;
}

#[tokio::test]
async fn aws_eks_pod_identity_association() {
    let bench = Bench::new().await;
    let place = Place::new(&bench).await;
    let (one, two) =
        (role_with_sessions(&bench, "pods.eks.amazonaws.com").await, role_with_sessions(&bench, "pods.eks.amazonaws.com").await);
    let settings = json!({
        "cluster_name": place.name(), "namespace": "external-dns", "service_account": "external-dns", "role_arn": one,
    });
    let target = format!("arn:aws:iam::{ACCOUNT}:role/target");
    let changes = [
        json!({ "role_arn": two, "tags": { "Name": "b" } }),
        json!({ "target_role_arn": target, "disable_session_tags": true }),
        json!({ "target_role_arn": null, "disable_session_tags": false }),
    ];
    bench.keeps("aws_eks_pod_identity_association", settings, &changes).await;
    let wrong = json!({ "namespace": "kube-system", "service_account": "aws-node" });
    let said = objections(&bench, "aws_eks_pod_identity_association", wrong).await;
    assert!(said.len() == 1 && said[0].contains("the VPC CNI cannot take its role from a pod identity"), "{said:?}");
    place.remove(&bench).await;
}

/// Pod identities tag their sessions.
async fn role_with_sessions(bench: &Bench, service: &str) -> String {
    let (iam, name) = (aws(bench).iam(), unique("contract"));
    let actions = ["sts:AssumeRole", "sts:TagSession"];
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": service }, "Action": actions }],
    });
    let made = iam.create_role().role_name(&name).assume_role_policy_document(trust.to_string()).send().await.unwrap();
    made.role.unwrap().arn
}

#[tokio::test]
async fn clusters_and_versions_are_looked_up() {
    let bench = Bench::new().await;
    let place = Place::new(&bench).await;
    let ask = async |type_name: &str, arguments: serde_json::Value| {
        let target = Target { type_name: type_name.into(), config: ConfigName::default() };
        bench.clouds.data(&target, &Value::from_json(&arguments)).await
    };
    let found = ask("aws_eks_cluster", json!({ "name": place.name() })).await.unwrap();
    assert_eq!(found.get("version"), Value::from("1.36"));
    assert_eq!(found.get("arn"), Value::from(place.cluster.output("arn")));
    assert_eq!(found.get("vpc_config").get("vpc_id").as_str(), Some(place.network.vpc.id.as_str()));
    assert_eq!(ask("aws_eks_cluster", json!({ "name": "none" })).await.unwrap_err().class, Class::Missing);
    let version = json!({ "addon_name": "vpc-cni", "kubernetes_version": "1.36", "most_recent": true });
    assert_eq!(ask("aws_eks_addon_version", version).await.unwrap().get("version"), Value::from("v1.23.0-eksbuild.1"));
    let none = json!({ "addon_name": "kube-proxy", "kubernetes_version": "1.1" });
    assert!(ask("aws_eks_addon_version", none).await.is_err());
    place.remove(&bench).await;
}
