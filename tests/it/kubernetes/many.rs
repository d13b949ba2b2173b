//! A thousand objects: what a plan without changes asks of the API server, as the server itself counts it.

use std::collections::BTreeMap;

use localstack::{Cloud, REGION};

use super::access::kubectl;
use crate::cli::person::{Repository, Said};

/// Kinds of which nothing else in an idle cluster asks: name, version, what there is in one, and what the server calls them.
const KINDS: [(&str, &str, &str, &str); 4] = [
    ("ConfigMap", "v1", "data: { a: b }", "configmaps"),
    ("Secret", "v1", "data: { a: Yg== }", "secrets"),
    ("LimitRange", "v1", "spec: { limits: [] }", "limitranges"),
    ("Role", "rbac.authorization.k8s.io/v1", "rules: [{ apiGroups: [\"\"], resources: [pods], verbs: [get] }]", "roles"),
];
const OF_EACH: usize = 250;

const STACK: &str = r#"
data "kubernetes_cluster" "work" {
  kubeconfig = "other"
  context    = "work"
}

resource "kubernetes_manifest" "many" {
  cluster = data.kubernetes_cluster.work
  folder  = "k8s"
}
"#;

fn objects() -> String {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: { name: many }\n".to_owned();
    let one = |(kind, version, rest, _): &(&str, &str, &str, &str), index: usize| {
        format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{ name: many-{index}, namespace: many }}\n{rest}\n")
    };
    KINDS.iter().flat_map(|it| (0..OF_EACH).map(move |index| one(it, index))).fold(namespace, |all, it| all + &it)
}

/// How many requests on these kinds the server has answered, by verb.
fn answered(here: &Repository, cloud: &Cloud, account: &str) -> BTreeMap<String, u64> {
    let metrics = kubectl(here, cloud, account, &["get", "--raw", "/metrics"]).ends(0).out;
    let mut out = BTreeMap::new();
    for line in metrics.lines().filter(|it| it.starts_with("apiserver_request_total{")) {
        let label = |name: &str| line.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split('"').next()).unwrap();
        if KINDS.iter().any(|it| it.3 == label("resource")) {
            *out.entry(label("verb").to_owned()).or_default() += line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
        }
    }
    out
}

/// In the cluster of the context `work` in the file `other`. They stay: whoever takes the cluster takes them along.
pub fn are_read_a_kind_at_a_time(here: &Repository, cloud: &Cloud, account: &str, run: impl Fn(&str) -> Said) {
    here.write("stacks/many/stack.hcl", &format!("stack {{ region = \"{REGION}\" }}\n{STACK}"));
    here.write("stacks/many/k8s/all.yaml", &objects());
    let applied = run("apply many --auto-approve").ends(0).out;
    assert!(applied.contains("Applied: 1001 steps done"), "{applied}");
    let before = answered(here, cloud, account);
    run("plan many --detailed-exitcode").ends(0);
    let mut made = answered(here, cloud, account);
    for (verb, count) in before {
        *made.get_mut(&verb).unwrap() -= count;
    }
    made.retain(|verb, count| *count > 0 && verb != "WATCH");
    assert_eq!(made, BTreeMap::from([("LIST".to_owned(), 4)]), "a list for each kind, and nothing for each object");
}
