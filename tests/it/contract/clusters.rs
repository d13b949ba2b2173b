//! EKS, without Kubernetes behind it.

use infra::cloud::aws::Aws;
use infra::remote::ConfigName;
use serde_json::json;

use super::bench::{Bench, Made, unique};

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
