//! `infra kubeconfig` and `infra eks-token`: other programs reach the cluster with what they say.

use k8s_openapi::api::core::v1::Namespace;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use localstack::{Cloud, REGION};

use crate::cli::person::Repository;

const ACCOUNT: &str = "760000000002";

fn stack() -> String {
    format!(
        r#"
stack {{
  region   = "{REGION}"
  accounts = ["{ACCOUNT}"]
}}

resource "aws_vpc" "main" {{ cidr_block = "10.0.0.0/16" }}

resource "aws_subnet" "main" {{
  for_each          = {{ a = 0, b = 1 }}
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet("10.0.0.0/16", 8, each.value)
  availability_zone = "{REGION}${{each.key}}"
}}

resource "aws_iam_role" "cluster" {{
  name = "access-cluster"
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
  name       = "access"
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

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_gets_in_with_what_infra_writes() {
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&stack());
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

    // As kubectl does, with the binary of this test on its PATH and the environment of a shell.
    let mut config = Kubeconfig::read_from(here.path().join("other")).unwrap();
    for user in &mut config.auth_infos {
        let exec = user.auth_info.as_mut().unwrap().exec.as_mut().unwrap();
        assert_eq!(exec.command.as_deref(), Some("infra"));
        exec.command = Some(env!("CARGO_BIN_EXE_infra").to_owned());
        let env = cloud.env(ACCOUNT).into_iter().map(|(name, it)| [("name".into(), name.into()), ("value".into(), it)].into());
        exec.env = Some(env.collect());
    }
    let options = KubeConfigOptions { context: Some("work".into()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(config, &options).await.unwrap();
    let namespaces: Api<Namespace> = Api::all(Client::try_from(config).unwrap());
    namespaces.get("kube-system").await.unwrap();
    run("destroy dev --auto-approve").ends(0);
}
