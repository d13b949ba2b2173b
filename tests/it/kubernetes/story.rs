//! A cluster and its objects from nothing to nothing, by the binary.

use std::process::Stdio;
use std::time::Duration;

use localstack::Cloud;

use super::access::{kubectl, stack};
use crate::cli::person::{Repository, Said};

const ACCOUNT: &str = "760000000004";
/// A part of how long late answers of AWS are waited for: the local cloud is as much faster.
const PATIENCE: (&str, &str) = ("INFRA_PATIENCE", "0.05");

const OBJECTS: &str = r#"
resource "kubernetes_manifest" "all" {
  cluster = aws_eks_cluster.main
  folder  = "k8s"
  vars    = { zone = "eu-west-1a" }
}

resource "kubernetes_manifest" "secret" {
  cluster = aws_eks_cluster.main
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "key", namespace = "hold" }
    stringData = { password = "hunter2" }
  }
}
"#;

const BASE: &str = "
apiVersion: v1
kind: Namespace
metadata:
  name: hold
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: ResourceQuota
metadata:
  name: no-load-balancers
  namespace: hold
spec:
  hard:
    services.loadbalancers: 0
    requests.cpu: 2000m
";

const CONFIG: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: hold
data:
  zone: ${zone}
";

/// A kind and an object of it, in this order only by what they are.
const WIDGETS: &str = "
apiVersion: example.org/v1
kind: Widget
metadata:
  name: first
  namespace: hold
spec:
  size: 3
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.org
spec:
  group: example.org
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: {type: integer}
";

const RIGHTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: readers
  namespace: hold
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: readers
";

struct Story {
    cloud: &'static Cloud,
    here: Repository,
}

impl Story {
    fn run(&self, line: &str) -> Said {
        self.here.binary_with(self.cloud, ACCOUNT, line, &[PATIENCE])
    }

    fn kubectl(&self, args: &[&str]) -> String {
        kubectl(&self.here, self.cloud, ACCOUNT, args).ends(0).out
    }

    #[track_caller]
    fn is_converged(&self) {
        assert_eq!(self.run("plan --detailed-exitcode").ends(0).out, "No changes: `dev` is as its files say.\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_nothing_to_nothing() {
    let cloud = super::cloud().await;
    let here = Repository::of(&format!("{}{OBJECTS}", stack(ACCOUNT, "story")));
    here.write("stacks/dev/k8s/base.yaml", BASE);
    here.write("stacks/dev/k8s/config.yaml", CONFIG);
    here.write("stacks/dev/k8s/widgets.yaml", WIDGETS);
    here.write("stacks/dev/k8s/rights.yaml", RIGHTS);
    let story = Story { cloud, here };

    let plan = story.run("plan").ends(0).out;
    for key in ["Namespace/hold", "Widget.example.org/hold/first", "ConfigMap/hold/settings"] {
        assert!(plan.contains(&format!("kubernetes_manifest.all[\"{key}\"]")), "{key} in {plan}");
    }
    assert!(!plan.contains("hunter2"), "{plan}");
    let applied = story.run("apply --auto-approve").ends(0);
    assert!(!applied.err.contains("hunter2") && !applied.out.contains("hunter2"));
    story.is_converged();
    story.run("drift").ends(0);
    story.run("kubeconfig").ends(0);
    assert_eq!(story.kubectl(&["get", "widgets", "-A", "-o", "name"]), "widget.example.org/first\n");
    assert_eq!(story.kubectl(&["get", "secret", "-n", "hold", "key", "-o", "jsonpath={.data.password}"]), "aHVudGVyMg==");

    by_hand(&story);
    others(&story);
    replaced(&story);
    pruned(&story);
    wrong(&story);
    taken_over(&story);
    killed(&story);

    story.run("destroy dev --auto-approve").ends(0);
    assert_eq!(story.run("state list").ends(0).out, "");
}

/// What kubectl changes is drift, and is taken back.
fn by_hand(story: &Story) {
    story.kubectl(&["patch", "configmap", "-n", "hold", "settings", "-p", r#"{"data": {"zone": "nowhere"}}"#]);
    let drift = story.run("drift").ends(2).out;
    assert!(drift.contains("nowhere") && drift.contains("ConfigMap/hold/settings"), "{drift}");
    let plan = story.run("plan").ends(0).out;
    assert!(plan.contains("manifest.data.zone"), "{plan}");
    story.run("apply --auto-approve").ends(0);
    let zone = story.kubectl(&["get", "configmap", "-n", "hold", "settings", "-o", "jsonpath={.data.zone}"]);
    assert_eq!(zone, "eu-west-1a");
    story.kubectl(&["delete", "widget", "-n", "hold", "first"]);
    story.run("apply --auto-approve").ends(0);
    story.kubectl(&["get", "widget", "-n", "hold", "first"]);
    story.is_converged();
}

/// What others add is theirs.
fn others(story: &Story) {
    story.here.write("theirs.yaml", &CONFIG.replace("zone: ${zone}", "other: value"));
    story.kubectl(&["apply", "--server-side", "--field-manager", "argocd", "-f", "theirs.yaml"]);
    story.kubectl(&["annotate", "namespace", "hold", "note=theirs"]);
    story.is_converged();
    story.here.write("stacks/dev/k8s/config.yaml", &format!("{CONFIG}  other: ours\n"));
    let refused = story.run("plan").ends(1);
    assert!(refused.err.contains("belongs to argocd") && refused.err.contains("config.yaml:9"), "{}", refused.err);
    story.here.write("stacks/dev/k8s/config.yaml", CONFIG);
    story.is_converged();
}

/// What cannot change is made anew.
fn replaced(story: &Story) {
    story.here.write("stacks/dev/k8s/rights.yaml", &RIGHTS.replace("name: view", "name: edit"));
    let plan = story.run("plan").ends(0).out;
    assert!(plan.contains("1 to replace") || plan.contains("replace"), "{plan}");
    story.run("apply --auto-approve").ends(0);
    let role = story.kubectl(&["get", "rolebinding", "-n", "hold", "readers", "-o", "jsonpath={.roleRef.name}"]);
    assert_eq!(role, "edit");
    story.is_converged();
}

/// What left the folder leaves the cluster.
fn pruned(story: &Story) {
    std::fs::remove_file(story.here.path().join("stacks/dev/k8s/rights.yaml")).unwrap();
    story.run("apply --auto-approve").ends(0);
    assert_eq!(story.kubectl(&["get", "rolebindings", "-n", "hold", "-o", "name"]), "");
    story.is_converged();
}

/// What is wrong is told before anything is done, where it is written.
fn wrong(story: &Story) {
    let file = "stacks/dev/k8s/wrong.yaml";
    for (text, words, line) in [
        (CONFIG.replace("name: settings", "name: more").replace("\ndata:", "\ndota:"), "dota", "wrong.yaml:7"),
        (CONFIG.replace("name: settings", "name: Not_A_Name").replace("${zone}", "x"), "Not_A_Name", "wrong.yaml:5"),
        (CONFIG.replace("name: settings", "name: [").replace("${zone}", "x"), "YAML", "wrong.yaml:"),
        (CONFIG.replace("apiVersion: v1", "apiVersion:"), "apiVersion", "wrong.yaml:"),
    ] {
        story.here.write(file, &text);
        let refused = story.run("plan").ends(1);
        assert!(refused.err.contains(words) && refused.err.contains(line), "{words} {line}: {}", refused.err);
    }
    std::fs::remove_file(story.here.path().join(file)).unwrap();
    story.is_converged();
}

/// What exists is not touched, until it is taken over.
fn taken_over(story: &Story) {
    let (file, text) = ("stacks/dev/k8s/found.yaml", CONFIG.replace("name: settings", "name: found"));
    story.kubectl(&["create", "configmap", "-n", "hold", "found", "--from-literal", "zone=old"]);
    story.here.write(file, &text);
    let refused = story.run("plan").ends(1);
    assert!(refused.err.contains("exists already") && refused.err.contains("found.yaml:5"), "{}", refused.err);
    let id = format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/story#ConfigMap/hold/found");
    let import = format!("import {{\n  to = kubernetes_manifest.all[\"ConfigMap/hold/found\"]\n  id = \"{id}\"\n}}\n");
    story.here.write("stacks/dev/import.hcl", &import);
    story.run("apply --auto-approve").ends(0);
    story.is_converged();
    let zone = story.kubectl(&["get", "configmap", "-n", "hold", "found", "-o", "jsonpath={.data.zone}"]);
    assert_eq!(zone, "eu-west-1a");
    for it in [file, "stacks/dev/import.hcl"] {
        std::fs::remove_file(story.here.path().join(it)).unwrap();
    }
    story.run("apply --auto-approve").ends(0);
    assert!(!story.kubectl(&["get", "configmaps", "-n", "hold", "-o", "name"]).contains("found"));
}

/// Killed in the middle of 200 objects, again and again: one run more converges.
fn killed(story: &Story) {
    let one = |index: u32| CONFIG.replace("name: settings", &format!("name: many-{index}"));
    let all: Vec<String> = (0..200).map(one).collect();
    story.here.write("stacks/dev/k8s/many.yaml", &all.join("---"));
    for (round, millis) in [1500, 2000, 2500].into_iter().enumerate() {
        let mut run = story
            .here
            .command("apply --auto-approve")
            .envs(story.cloud.env(ACCOUNT))
            .envs([PATIENCE])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        run.kill().unwrap();
        run.wait().unwrap();
        if round == 1 {
            std::fs::remove_file(story.here.path().join("stacks/dev/k8s/many.yaml")).unwrap();
        }
    }
    story.run("apply --auto-approve").ends(0);
    story.is_converged();
    let left = story.kubectl(&["get", "configmaps", "-A", "-l", "infra/lineage", "-o", "name"]);
    assert_eq!(left, "configmap/settings\n");
}
