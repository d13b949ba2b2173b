//! How prod differs from dev: exactly as `docs/environments.md` says.

use std::collections::{BTreeMap, BTreeSet};

use infra::stack::StateSettings;
use serde_json::Value;

use super::checkout::Checkout;
use super::load;

/// What takes the place of what in prod, everywhere. The order counts: the domain of prod is a part of dev's.
const REPLACED: &[(&str, &str)] = &[
    ("devops-demo.chene-factory.com", "chene-factory.com"),
    ("devops-demo-dev", "devops-demo-prod"),
    ("\"dev\"", "\"prod\""),
    ("\\\"dev\\\"", "\\\"prod\\\""),
    ("/devops-demo/dev/", "/devops-demo/prod/"),
    ("10.10.", "10.20."),
    ("700000000019", "700000000020"),
];

/// What only prod has.
const ADDED: &[&str] = &[
    "module.platform.kubernetes_manifest.all[\"Namespace/devops-demo-tenant-1\"]",
    "module.platform.kubernetes_manifest.all[\"Namespace/devops-demo-tenant-2\"]",
    "module.platform.kubernetes_manifest.all[\"NetworkPolicy.networking.k8s.io/devops-demo-tenant-1/platform-default-deny\"]",
    "module.platform.kubernetes_manifest.all[\"NetworkPolicy.networking.k8s.io/devops-demo-tenant-1/platform-dns\"]",
    "module.platform.kubernetes_manifest.all[\"NetworkPolicy.networking.k8s.io/devops-demo-tenant-2/platform-default-deny\"]",
    "module.platform.kubernetes_manifest.all[\"NetworkPolicy.networking.k8s.io/devops-demo-tenant-2/platform-dns\"]",
    "module.platform.kubernetes_manifest.all[\"ResourceQuota/devops-demo-tenant-1/platform-exposure\"]",
    "module.platform.kubernetes_manifest.all[\"ResourceQuota/devops-demo-tenant-2/platform-exposure\"]",
    "module.eks.aws_eks_node_group.this[\"spot-a\"]",
    "module.eks.aws_eks_node_group.this[\"spot-b\"]",
    "module.eks.aws_eks_node_group.this[\"spot-c\"]",
    "module.network.aws_eip.nat[\"b\"]",
    "module.network.aws_eip.nat[\"c\"]",
    "module.network.aws_nat_gateway.main[\"b\"]",
    "module.network.aws_nat_gateway.main[\"c\"]",
];

/// What only dev has: one group for all zones, and one namespace for all who use the service.
const LEFT_OUT: &[&str] = &[
    "module.eks.aws_eks_node_group.this[\"spot\"]",
    "module.platform.kubernetes_manifest.all[\"Namespace/devops-demo\"]",
    "module.platform.kubernetes_manifest.all[\"NetworkPolicy.networking.k8s.io/devops-demo/platform-default-deny\"]",
    "module.platform.kubernetes_manifest.all[\"NetworkPolicy.networking.k8s.io/devops-demo/platform-dns\"]",
    "module.platform.kubernetes_manifest.all[\"ResourceQuota/devops-demo/platform-exposure\"]",
];

/// What is otherwise in prod: each zone's way out is its own gateway; the cluster is private, kept and watched more closely;
/// developers look and do not touch; there are more nodes.
const TURNED: &[&str] = &[
    "module.eks.aws_cloudwatch_log_group.cluster",
    "module.eks.aws_eks_access_policy_association.person[\"developer\"]",
    "module.eks.aws_eks_cluster.main",
    "module.eks.aws_eks_node_group.this[\"system\"]",
    "module.network.aws_route.nat[\"b\"]",
    "module.network.aws_route.nat[\"c\"]",
];

/// Attributes whose values name a thing or a range of addresses: no two stacks may share one.
const NAMES: &[&str] = &["name", "bucket", "cidr_block", "tags[\"Name\"]"];

/// The plan of a stack in an empty account, by address.
fn planned(here: &Checkout, stack: &str) -> BTreeMap<String, Value> {
    let plan = here.run(&format!("plan {stack} --format json")).ends(0).json();
    let changes = plan["changes"].as_array().unwrap().iter();
    changes.map(|it| (it["address"].as_str().unwrap().to_owned(), it["attributes"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_differ_as_documented() {
    let here = Checkout::whole("700000000019", "700000000020").await;
    let (mut dev, prod) = (planned(&here, "dev"), planned(&here, "prod"));
    dev.retain(|address, _| !LEFT_OUT.contains(&address.as_str()));
    let as_prod = |text: String| REPLACED.iter().fold(text, |text, (from, to)| text.replace(from, to));

    let expected: BTreeSet<String> =
        dev.keys().map(|it| as_prod(it.clone())).chain(ADDED.iter().map(|it| (*it).to_owned())).collect();
    assert_eq!(prod.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (address, attributes) in &dev {
        let (address, attributes) = (as_prod(address.clone()), as_prod(attributes.to_string()));
        let there = prod[&address].to_string();
        assert_eq!(attributes != there, TURNED.contains(&address.as_str()), "{address}:\ndev  {attributes}\nprod {there}");
    }

    let names = |plan: &BTreeMap<String, Value>| -> BTreeSet<String> {
        let all = plan.values().flat_map(|it| it.as_array().unwrap());
        let named = all.filter(|it| NAMES.contains(&it["path"].as_str().unwrap()) && it["after"].is_string());
        named.map(|it| it["after"].as_str().unwrap().to_owned()).collect()
    };
    let (dev, prod) = (names(&dev), names(&prod));
    assert!(dev.len() > 20 && prod.len() > 20, "{dev:?}");
    assert_eq!(dev.intersection(&prod).collect::<Vec<_>>(), Vec::<&String>::new(), "shared");
    // Every range of dev lies in 10.10.0.0/16, every one of prod in 10.20.0.0/16.
    for (names, range) in [(&dev, "10.10."), (&prod, "10.20.")] {
        assert!(names.iter().filter(|it| it.contains('/') && it.starts_with("10.")).all(|it| it.starts_with(range)));
    }
}

#[test]
fn settings_differ_as_documented() {
    let (dev, prod) = (load("dev").settings, load("prod").settings);
    assert_eq!((dev.confirm, prod.confirm), (false, true));
    assert_eq!((dev.max_deletes, prod.max_deletes), (None, Some(10)));
    assert_eq!((dev.accounts, prod.accounts), (vec!["111111111111".to_owned()], vec!["222222222222".to_owned()]));
    assert_eq!((&dev.region, &dev.version), (&prod.region, &prod.version));
    assert_eq!((dev.tags["env"].as_str(), prod.tags["env"].as_str()), ("dev", "prod"));
    assert_eq!(dev.tags["project"], prod.tags["project"]);
    let place = |it: &StateSettings| match it {
        StateSettings::S3 { bucket, key, kms_key, .. } => (bucket.clone(), key.clone(), kms_key.clone()),
        StateSettings::Local { .. } => panic!("the states of both are kept in buckets"),
    };
    let text = |bucket: &str, key: &str, alias: &str| (bucket.to_owned(), key.to_owned(), Some(alias.to_owned()));
    let of_dev = text("chene-factory-infra-dev-111111111111", "dev/state.json", "alias/devops-demo-dev-state");
    let of_prod = text("chene-factory-infra-prod-222222222222", "prod/state.json", "alias/devops-demo-prod-state");
    assert_eq!((place(&dev.state), place(&prod.state)), (of_dev, of_prod));
}
