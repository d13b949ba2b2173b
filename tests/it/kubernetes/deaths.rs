//! `kill -9` in the middle of each phase of a cluster's life; one run more converges.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use localstack::Cloud;
use localstack::client::Caller;
use localstack::control::{Effect, Fault};

use super::access::stack;
use crate::cli::person::{Repository, Said};
use crate::stacks::inventory;

const ACCOUNT: &str = "760000000005";
/// As much faster than AWS as the local cloud is; and a lease as short as can be.
const FAST: [(&str, &str); 2] = [("INFRA_RATE_LIMITS", "off"), ("INFRA_PATIENCE", "0.05")];
const LEASE: &str = "state \"local\" { lease = \"15s\" }\n  accounts";

const NODES: &str = r#"
resource "aws_iam_role" "node" {
  name = "deaths-node"
  assume_role_policy = {
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }]
  }
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each   = toset(["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"])
  role       = aws_iam_role.node.name
  policy_arn = "arn:aws:iam::aws:policy/${each.key}"
}

resource "aws_eks_addon" "network" {
  cluster_name = aws_eks_cluster.main.name
  addon_name   = "vpc-cni"
}

resource "aws_eks_node_group" "main" {
  cluster_name    = aws_eks_cluster.main.name
  node_group_name = "main"
  version         = "1.36"
  node_role_arn   = aws_iam_role.node.arn
  subnet_ids      = [aws_subnet.main["a"].id, aws_subnet.main["b"].id]
  scaling_config {
    min_size     = 2
    max_size     = 2
    desired_size = 2
  }
  depends_on = [aws_iam_role_policy_attachment.node, aws_eks_addon.network]
}

resource "kubernetes_manifest" "all" {
  cluster    = aws_eks_cluster.main
  folder     = "k8s"
  depends_on = [aws_eks_node_group.main]
}
"#;

const OBJECTS: &str = "
apiVersion: v1
kind: Namespace
metadata: { name: hold }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: hold }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: \"web:1\" }] }
";

/// When the process dies.
enum At {
    /// Its first call of this action of this service was carried out, and it did not hear so.
    Done(&'static str, &'static str),
    /// It says so.
    Says(&'static str),
}

use At::{Done, Says};

struct Story {
    cloud: &'static Cloud,
    here: Repository,
}

impl Story {
    fn run(&self, line: &str) -> Said {
        self.here.binary_with(self.cloud, ACCOUNT, line, &FAST)
    }

    /// A command that dies there.
    fn killed(&self, line: &str, at: &At) {
        let mut command = self.here.command(line);
        command.envs(self.cloud.env(ACCOUNT)).envs(FAST).stdout(Stdio::null());
        match at {
            Done(service, action) => self.killed_at_call(command, service, action),
            Says(words) => killed_at_words(command, words),
        }
    }

    fn killed_at_call(&self, mut command: Command, service: &str, action: &str) {
        self.cloud.account_faults(ACCOUNT, vec![Fault::on(service, action, Effect::Unanswered).nth(&[1])]);
        let mut run = command.stderr(Stdio::null()).spawn().unwrap();
        while self.cloud.hits(ACCOUNT) == 0 || self.cloud.under_way(ACCOUNT) > 0 {
            assert_eq!(run.try_wait().unwrap(), None, "it ended before it called {service}:{action}");
            std::thread::sleep(Duration::from_millis(2));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        self.cloud.account_faults(ACCOUNT, Vec::new());
    }

    /// Nothing is left to do of what is there to do at `target`.
    #[track_caller]
    fn is_converged(&self, target: &str) {
        let plan = self.run(&format!("plan{target} --detailed-exitcode"));
        assert_eq!(plan.code, 0, "{}{}", plan.out, plan.err);
    }
}

fn killed_at_words(mut command: Command, words: &str) {
    let mut run = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let said: Vec<String> = lines.map_while(Result::ok).take_while(|it| !it.contains(words)).collect();
    assert_eq!(run.try_wait().unwrap(), None, "it never said {words:?}: {said:#?}");
    run.kill().unwrap();
    run.wait().unwrap();
}

/// A control plane of EKS answers while it is updated; the local one is away for some seconds.
async fn is_active(account: &Caller) {
    while account.rest("eks", "GET", "/clusters/deaths", "").await.unwrap().json()["cluster"]["status"] != "ACTIVE" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Phases of making it all: what is made, and where the process dies on the way.
const MAKING: &[(&str, At)] = &[
    ("aws_subnet.main", Done("ec2", "CreateSubnet")),
    ("aws_eks_cluster.main", Done("eks", "CreateCluster")),
    ("aws_eks_addon.network", Done("eks", "CreateAddon")),
    ("aws_eks_node_group.main", Done("eks", "CreateNodegroup")),
    ("kubernetes_manifest.all", Says("Deployment.apps/hold/web\"]: creating")),
];

#[tokio::test(flavor = "multi_thread")]
async fn in_the_middle_of_each_phase() {
    let cloud = super::cloud().await;
    let account = Caller::new(cloud, ACCOUNT);
    let empty = inventory::list(&account).await;
    let files = format!("{}{NODES}", stack(ACCOUNT, "deaths")).replace("accounts", LEASE);
    let story = Story { cloud, here: Repository::of(&files.replace("\"1.36\"", "\"1.35\"")) };
    story.here.write("stacks/dev/k8s/all.yaml", OBJECTS);

    for (target, at) in MAKING {
        let target = format!(" --target {target}");
        story.killed(&format!("apply --auto-approve{target}"), at);
        story.run(&format!("apply --auto-approve{target}")).ends(0);
        story.is_converged(&target);
    }
    story.is_converged("");

    // Updates of the control plane, of its nodes, and of an object.
    story.here.write("stacks/dev/stack.hcl", &files);
    story.here.write("stacks/dev/k8s/all.yaml", &OBJECTS.replace("web:1", "web:2"));
    let web = Says("Deployment.apps/hold/web\"]: updating");
    for at in [Done("eks", "UpdateClusterVersion"), Done("eks", "UpdateNodegroupVersion"), web] {
        story.killed("apply --auto-approve", &at);
        is_active(&account).await;
    }
    story.run("apply --auto-approve").ends(0);
    story.is_converged("");

    // Pruning.
    let (kept, _) = OBJECTS.split_once("---").unwrap();
    story.here.write("stacks/dev/k8s/all.yaml", kept);
    story.killed("apply --auto-approve", &Says("Deployment.apps/hold/web\"]: deleting"));
    story.run("apply --auto-approve").ends(0);
    story.is_converged("");

    for at in [Says("Namespace/hold\"]: deleting"), Done("eks", "DeleteNodegroup"), Done("eks", "DeleteCluster")] {
        story.killed("destroy dev --auto-approve", &at);
    }
    story.run("destroy dev --auto-approve").ends(0);
    assert_eq!(story.run("state list").ends(0).out, "");
    inventory::same(&empty, &inventory::list(&account).await);
}
