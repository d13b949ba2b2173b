//! What is said of objects without a cluster, and without calling anything.

use super::access::stack;
use crate::cli::person::Repository;

const OBJECTS: &str = r#"
resource "kubernetes_manifest" "all" {
  cluster = aws_eks_cluster.main
  glob    = "k8s/*.yaml"
  vars    = { replicas = 2, image = "app:1" }
}
"#;

const DEPLOYMENT: &str = "# The web.
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
%{ for name in [\"a\", \"b\"] ~}
        - name: ${name}
          image: ${image}
          ports: [{ containerPort: 80 }]
%{ endfor ~}
";

#[test]
fn validate_knows_the_kinds_of_the_version() {
    let here = Repository::of(&format!("{}{OBJECTS}", stack("111111111111", "words")));
    let file = "stacks/dev/k8s/web.yaml";
    here.write(file, DEPLOYMENT);
    here.run("validate").ends(0);
    for (from, to, words, line) in [
        ("image:", "imgae:", "has no field `imgae`", "web.yaml:14"),
        ("80", "\"80\"", "takes a whole number", "web.yaml:15"),
        ("  selector: { matchLabels: { app: web } }\n", "", "`spec.selector` is missing", "web.yaml:5"),
        ("apps/v1", "apps/v1beta1", "Kubernetes 1.36 has no Deployment in apps/v1beta1", "web.yaml:2"),
    ] {
        here.write(file, &DEPLOYMENT.replace(from, to));
        let said = here.run("validate").ends(1);
        assert!(said.err.contains("[unfit-object]") && said.err.contains(words) && said.err.contains(line), "{}", said.err);
    }
}

#[test]
fn who_waits_says_for_what() {
    let here = Repository::of(&format!("{}{OBJECTS}", stack("111111111111", "words")));
    here.write("stacks/dev/k8s/web.yaml", DEPLOYMENT);
    for (wait, code, words) in [
        ("{ status = \"False\" }", "missing-attribute", "needs one of `wait_for.condition`, `wait_for.path`"),
        ("{}", "missing-attribute", "needs one of"),
        ("{\n condition = \"Ready\"\n path = \".status.phase\"\n }", "conflicting", "exclude each other"),
    ] {
        let waits = OBJECTS.replace("\n}", &format!("\n  wait_for {wait}\n}}"));
        here.write("stacks/dev/stack.hcl", &format!("{}{waits}", stack("111111111111", "words")));
        let said = here.run("validate").ends(1);
        assert!(said.codes() == [code] && said.err.contains(words) && said.err.contains("wait_for {"), "{}", said.err);
    }
}
