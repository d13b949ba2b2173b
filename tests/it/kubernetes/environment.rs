//! `stacks/dev` with a service in it, from an empty account to an empty account: one graph from the network to the objects.

use serde_json::Value as Json;

use super::access::kubectl;
use crate::stacks::checkout::Checkout;
use crate::stacks::inventory;

/// What a team adds to the stack.
const SERVICE: &str = r#"
resource "kubernetes_manifest" "service" {
  cluster    = module.eks.cluster
  folder     = "service"
  depends_on = [module.platform]
}
"#;

/// A Deployment with a replica in each zone, as the namespace's Pod Security wants it.
const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: devops-demo }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      securityContext: { runAsNonRoot: true, seccompProfile: { type: RuntimeDefault } }
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: topology.kubernetes.io/zone
          whenUnsatisfiable: DoNotSchedule
          labelSelector: { matchLabels: { app: web } }
      containers:
        - name: web
          image: web:1
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web, namespace: devops-demo }
spec:
  maxUnavailable: 1
  selector: { matchLabels: { app: web } }
";

/// An object and its kind, in one first apply.
const ROUTE: &str = "
apiVersion: example.org/v1
kind: Route
metadata: { name: first, namespace: devops-demo }
spec: { host: devops-demo.chene-factory.com }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: routes.example.org }
spec:
  group: example.org
  scope: Namespaced
  names: { plural: routes, singular: route, kind: Route }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: { type: object, properties: { host: { type: string } } }
";

const SETTINGS: &str = "
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: devops-demo }
data: { level: info }
";

const VERSIONS: &str = "stacks/modules/eks/versions.hcl";

#[tokio::test(flavor = "multi_thread")]
async fn stacks_dev_is_one_graph_from_the_network_to_the_objects() {
    super::cloud().await;
    let here = Checkout::whole("760000000011", "760000000012").await;
    here.edit("stacks/dev/eks.hcl", "min = 1, max = 6", "min = 3, max = 6"); // a node in each zone
    let newest = here.read(VERSIONS);
    here.write(VERSIONS, &a_version_earlier(&newest));
    here.write("stacks/dev/service.hcl", SERVICE);
    for (name, text) in [("web", WEB), ("route", ROUTE), ("settings", SETTINGS)] {
        here.write(&format!("stacks/dev/service/{name}.yaml"), text);
    }
    let account = here.caller("dev");
    let empty = inventory::list(&account).await;

    let planned = here.planned("dev");
    for address in [
        "module.network.aws_vpc.main",
        "module.eks.aws_eks_cluster.main",
        "module.eks.aws_eks_node_group.this[\"spot\"]",
        "module.platform.kubernetes_manifest.all[\"Namespace/devops-demo\"]",
        "kubernetes_manifest.service[\"Route.example.org/devops-demo/first\"]",
    ] {
        assert!(planned.contains(&format!("create {address}")), "{address} in {planned:#?}");
    }
    let applied = here.run("apply dev --auto-approve").ends(0);
    assert!(applied.out.contains(&format!("Applied: {} steps done", planned.len())), "{}", applied.out);
    here.is_settled("dev");
    here.run("kubeconfig dev").ends(0);
    is_available(&here);

    forbidden(&here);
    rights(&here);
    drift(&here);
    more_nodes(&here);
    newer(&here, &newest);
    pruned(&here);

    here.run("destroy dev --auto-approve").ends(0);
    assert!(here.ids("dev").is_empty());
    inventory::same(&empty, &inventory::list(&account).await);
}

fn a_version_earlier(versions: &str) -> String {
    versions.replace("\"1.36\"", "\"1.35\"").replace("1.36.3-20260714", "1.35.6-20260714").replace("v1.36.3-", "v1.35.6-")
}

#[track_caller]
fn ask(here: &Checkout, line: &str) -> String {
    let args: Vec<&str> = line.split(' ').collect();
    kubectl(here.repository(), here.cloud(), here.account("dev"), &args).ends(0).out
}

fn list(here: &Checkout, line: &str) -> Vec<Json> {
    let document: Json = serde_json::from_str(&ask(here, &format!("get {line} -o json"))).unwrap();
    document["items"].as_array().unwrap().clone()
}

/// All Deployments are Available, and the service has a pod in each zone.
#[track_caller]
fn is_available(here: &Checkout) {
    for deployment in list(here, "deployments -A") {
        let conditions = deployment["status"]["conditions"].as_array().unwrap();
        let is_available = conditions.iter().any(|it| it["type"] == "Available" && it["status"] == "True");
        assert!(is_available, "{deployment:#}");
    }
    let zone = |node: &Json| node["metadata"]["labels"]["topology.kubernetes.io/zone"].as_str().unwrap().to_owned();
    let nodes = list(here, "nodes");
    let pods = list(here, "pods -n devops-demo -l app=web");
    let running = pods.iter().filter(|it| it["status"]["phase"] == "Running" && it["metadata"]["deletionTimestamp"].is_null());
    let mut zones: Vec<String> = running
        .filter_map(|pod| nodes.iter().find(|node| node["metadata"]["name"] == pod["spec"]["nodeName"]).map(zone))
        .collect();
    zones.sort();
    assert_eq!(zones, ["eu-west-1a", "eu-west-1b", "eu-west-1c"], "{pods:#?}");
}

/// What the quotas and the Pod Security of the namespaces refuse.
fn forbidden(here: &Checkout) {
    let refused = |line: &str, words: &str| {
        let args: Vec<&str> = line.split(' ').collect();
        let said = kubectl(here.repository(), here.cloud(), here.account("dev"), &args).ends(1);
        assert!(said.err.contains(words), "{line}: {}", said.err);
    };
    for namespace in ["devops-demo", "default", "ingress-nginx"] {
        for kind in ["loadbalancer", "nodeport"] {
            refused(&format!("create service {kind} open --tcp=80 -n {namespace}"), "exceeded quota: platform-exposure");
        }
    }
    refused("run root --image=x --privileged -n devops-demo", "violates PodSecurity \"restricted:latest\"");
}

/// Who may do what: the groups of the access entries, and accounts of pods.
fn rights(here: &Checkout) {
    let may = |who: &str, what: &str| {
        let args: Vec<&str> = ["auth", "can-i"].into_iter().chain(what.split(' ')).chain(who.split(' ')).collect();
        kubectl(here.repository(), here.cloud(), here.account("dev"), &args).out == "yes\n"
    };
    const DEVELOPER: &str = "--as ann --as-group platform:developers";
    const DRIFT: &str = "--as system:serviceaccount:platform-system:infra-drift";
    const POD: &str = "--as system:serviceaccount:devops-demo:default";
    for (who, what, expected) in [
        (DEVELOPER, "list nodes", true),
        (DEVELOPER, "list priorityclasses", true),
        (DEVELOPER, "list secrets -n devops-demo", false),
        (DEVELOPER, "delete nodes", false),
        (DRIFT, "list deployments -A", true),
        (DRIFT, "patch deployments -n argocd", true),
        (DRIFT, "patch deployments -n devops-demo", false),
        (DRIFT, "list secrets -n argocd", false),
        (POD, "list pods -n devops-demo", false),
    ] {
        assert_eq!(may(who, what), expected, "{who} {what}");
    }
}

/// What is ours is put right; what another manager says stays.
fn drift(here: &Checkout) {
    ask(here, "set image -n devops-demo deployment/web web=web:2");
    ask(here, "annotate -n devops-demo deployment/web --field-manager=others team=blue");
    let drift = here.run("drift dev").ends(2).out;
    assert!(drift.contains("Deployment.apps/devops-demo/web") && drift.contains("web:2") && !drift.contains("blue"), "{drift}");
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");
    let web: Json = serde_json::from_str(&ask(here, "get deployment -n devops-demo web -o json")).unwrap();
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], "web:1");
    assert_eq!(web["metadata"]["annotations"]["team"], "blue");
}

/// An update of a node group.
fn more_nodes(here: &Checkout) {
    here.edit("stacks/dev/eks.hcl", "min = 3, max = 6", "min = 4, max = 6");
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");
    assert_eq!(list(here, "nodes -l platform/pool=spot").len(), 4);
}

/// The control plane and then its nodes move to the next version, with the service on them. The plan names what would keep the
/// nodes from going (trap T15), before EKS finds out.
fn newer(here: &Checkout, newest: &str) {
    here.write(VERSIONS, newest);
    ask(here, "create poddisruptionbudget tight -n devops-demo --selector=app=web --min-available=3");
    ask(here, "run bare -n default --image=x");
    ask(here, "wait pod/bare -n default --for=condition=Ready --timeout=60s");
    ask(here, "wait pdb/tight -n devops-demo --for=jsonpath={.status.disruptionsAllowed}=0 --timeout=60s");
    let warned = here.run("plan dev").ends(0).err;
    assert!(warned.contains("warning[to-be-weighed]") && warned.contains("stacks/modules/eks/nodes.hcl"), "{warned}");
    assert!(warned.contains("(budget tight)") && warned.contains("default/bare"), "{warned}");
    ask(here, "delete pdb/tight -n devops-demo");
    ask(here, "delete pod/bare -n default");
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");
    assert!(list(here, "nodes").iter().all(|it| it["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3"));
    ask(here, "wait deployment/web -n devops-demo --for=condition=Available --timeout=60s");
    is_available(here);
}

/// What left the folder leaves the cluster, and nothing else does.
fn pruned(here: &Checkout) {
    std::fs::remove_file(here.path().join("stacks/dev/service/settings.yaml")).unwrap();
    assert_eq!(here.planned("dev"), ["delete kubernetes_manifest.service[\"ConfigMap/devops-demo/settings\"]"]);
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");
    assert_eq!(ask(here, "get configmaps -n devops-demo -l infra/lineage -o name"), "");
}
