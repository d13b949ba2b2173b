//! `localstack bench --objects`: infra on 300 objects of six kinds, in a control plane of their own.

use std::fs;
use std::path::Path;
use std::time::Duration;

use localstack::kube::{self, ControlPlane};
use localstack::{Cloud, Options, REGION};

use super::{child, report};
use crate::Failure;
use crate::infra::{Infra, is_release};

const OBJECTS: usize = 300;
/// From nothing, and when there is nothing to do.
const APPLY: Duration = Duration::from_secs(10);
const PLAN: Duration = Duration::from_millis(1500);

/// With `NUMBER` in place of each object's own.
const KINDS: [&str; 5] = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: many-NUMBER, namespace: many }\ndata: { a: b }\n",
    "apiVersion: v1\nkind: Secret\nmetadata: { name: many-NUMBER, namespace: many }\nstringData: { a: b }\n",
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: many-NUMBER, namespace: many }\n",
    "apiVersion: v1\nkind: Service\nmetadata: { name: many-NUMBER, namespace: many }\nspec: { selector: { app: a }, ports: [{ port: 80 }] }\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: many-NUMBER, namespace: many }\nspec:\n  replicas: 0\n  \
     selector: { matchLabels: { app: a } }\n  template:\n    metadata: { labels: { app: a } }\n    \
     spec: { containers: [{ name: a, image: a }] }\n",
];

/// Measures, prints the table, and fails if a target is missed.
pub async fn run() -> Result<(), Failure> {
    let infra = Infra::build().await?;
    let cloud = Cloud::start(Options::default()).await?;
    let plane = ControlPlane::start(kube::Options::default()).await?;
    let profile = if is_release() { "release" } else { "debug: the targets are those of a release build" };
    anstream::println!("{OBJECTS} objects of {} kinds; {profile}", KINDS.len() + 1);
    let root = cloud.folder().join("objects");
    write(&root, &plane)?;
    let apply = child::run(&infra, &cloud, &root, &["apply", "many", "--auto-approve"]).await?;
    let plan = child::run(&infra, &cloud, &root, &["plan", "many", "--detailed-exitcode"]).await?;

    let targets =
        [report::time("apply".to_owned(), apply.took, APPLY), report::time("plan without changes".to_owned(), plan.took, PLAN)];
    report::print(&targets);
    report::verdict(&targets)
}

/// The stack `many`, in the current context of the plane's own kubeconfig.
fn write(root: &Path, plane: &ControlPlane) -> Result<(), Failure> {
    let folder = root.join("stacks/many/k8s");
    fs::create_dir_all(&folder)?;
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: { name: many }\n".to_owned();
    let others = (1..OBJECTS).zip(KINDS.iter().cycle()).map(|(number, it)| it.replace("NUMBER", &number.to_string()));
    let all: Vec<String> = std::iter::once(namespace).chain(others).collect();
    fs::write(folder.join("all.yaml"), all.join("---\n"))?;
    let stack = format!(
        "stack {{ region = \"{REGION}\" }}\n\n\
         data \"kubernetes_cluster\" \"here\" {{\n  kubeconfig = \"{}\"\n  context    = \"{}\"\n}}\n\n\
         resource \"kubernetes_manifest\" \"many\" {{\n  cluster = data.kubernetes_cluster.here\n  folder  = \"k8s\"\n}}\n",
        plane.kubeconfig_file().display(),
        kube::CONTEXT
    );
    Ok(fs::write(root.join("stacks/many/stack.hcl"), stack)?)
}
