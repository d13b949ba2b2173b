//! `infra kubeconfig` and `infra eks-token`: other programs reach the cluster with what they say.

use std::path::Path;
use std::process::Command;

use localstack::{Cloud, REGION};

use super::many;
use crate::cli::person::{Repository, Said};

const ACCOUNT: &str = "760000000002";

/// A cluster and what it stands on.
pub fn stack(account: &str, name: &str) -> String {
    format!(
        r#"
stack {{
  region   = "{REGION}"
  accounts = ["{account}"]
}}

resource "aws_vpc" "main" {{ cidr_block = "10.0.0.0/16" }}

resource "aws_subnet" "main" {{
  for_each          = {{ a = 0, b = 1 }}
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet("10.0.0.0/16", 8, each.value)
  availability_zone = "{REGION}${{each.key}}"
}}

resource "aws_iam_role" "cluster" {{
  name = "{name}-cluster"
  assume_role_policy = {{
    Version = "2012-10-17"
    Statement = [{{
      Effect = "Allow", Principal = {{ Service = "eks.amazonaws.com" }}, Action = ["sts:AssumeRole", "sts:TagSession"]
    }}]
  }}
}}

resource "aws_iam_role_policy_attachment" "cluster" {{
  role       = aws_iam_role.cluster.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
}}

resource "aws_eks_cluster" "main" {{
  name       = "{name}"
  role_arn   = aws_iam_role.cluster.arn
  version    = "1.36"
  depends_on = [aws_iam_role_policy_attachment.cluster]
  vpc_config {{ subnet_ids = [aws_subnet.main["a"].id, aws_subnet.main["b"].id] }}
  access_config {{
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = true
  }}
  bootstrap_self_managed_addons = false
}}
"#
    )
}

const OTHER: &str = r#"
data "kubernetes_cluster" "work" {
  kubeconfig = "other"
  context    = "work"
}

resource "kubernetes_manifest" "elsewhere" {
  cluster = data.kubernetes_cluster.work
  manifest = { apiVersion = "v1", kind = "Namespace", metadata = { name = "elsewhere" } }
}
"#;

/// What a person types who has `infra` on the PATH.
pub fn kubectl(here: &Repository, cloud: &Cloud, account: &str, args: &[&str]) -> Said {
    let program = localstack::kube::kubectl().unwrap();
    let folder = Path::new(env!("CARGO_BIN_EXE_infra")).parent().unwrap();
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]).args(args).current_dir(here.path());
    command.env_clear().env("PATH", folder).env("HOME", here.path()).envs(cloud.env(account));
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = done.status.code().and_then(|it| u8::try_from(it).ok()).unwrap_or(u8::MAX);
    Said { code, out: text(&done.stdout), err: text(&done.stderr) }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_gets_in_with_what_infra_writes() {
    let cloud = super::cloud().await;
    let here = Repository::of(&stack(ACCOUNT, "access"));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    assert_eq!(run("kubeconfig").ends(1).codes(), ["no-cluster"]);
    run("apply --auto-approve").ends(0);

    let told = run("kubeconfig").ends(0).out;
    assert_eq!(told, "REPOSITORY/.kube/config: the context access is the EKS cluster access\n");
    let file = here.path().join(".kube/config");
    let once = std::fs::read_to_string(&file).unwrap();
    let told = run("kubeconfig --format json").ends(0).json();
    assert_eq!(told["contexts"][0]["cluster"], format!("arn:aws:eks:{REGION}:{ACCOUNT}:cluster/access"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), once, "a second time changes nothing");
    run("kubeconfig --kubeconfig other --context work").ends(0);
    assert!(run("kubeconfig --kubeconfig -").ends(0).out.contains("current-context: access"));
    here.write("taken", "contexts: [{name: access, context: {cluster: home}}]");
    assert_eq!(run("kubeconfig --kubeconfig taken").ends(1).codes(), ["kubeconfig"]);

    let credential = run(&format!("eks-token access --region {REGION}")).ends(0).json();
    assert!(credential["status"]["token"].as_str().unwrap().starts_with("k8s-aws-v1."));

    let shown = kubectl(&here, cloud, ACCOUNT, &["--kubeconfig", "other", "get", "namespaces", "-o", "name"]).ends(0).out;
    assert!(shown.lines().any(|it| it == "namespace/kube-system"), "{shown}");

    // Objects of another stack, in what is any cluster to it.
    here.write("stacks/other/stack.hcl", &format!("stack {{ region = \"{REGION}\" }}\n{OTHER}"));
    let folder = Path::new(env!("CARGO_BIN_EXE_infra")).parent().unwrap().display().to_string();
    let other = |line: &str| here.binary_with(cloud, ACCOUNT, line, &[("PATH", &folder)]);
    other("apply other --auto-approve").ends(0);
    other("plan other --detailed-exitcode").ends(0);
    assert!(kubectl(&here, cloud, ACCOUNT, &["get", "namespace", "elsewhere", "-o", "name"]).ends(0).out.contains("elsewhere"));
    other("destroy other --auto-approve").ends(0);
    many::are_read_a_kind_at_a_time(&here, cloud, ACCOUNT, other);
    here.write(
        "stacks/other/stack.hcl",
        &format!("stack {{ region = \"{REGION}\" }}\n{}", OTHER.replace("\"work\"", "\"gone\"")),
    );
    let gone = other("plan other").ends(1);
    assert!(gone.err.contains("gone"), "{}", gone.err);

    run("destroy dev --auto-approve").ends(0);
}
