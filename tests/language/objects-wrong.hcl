locals { here = { context = "dev" } }
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
resource "kubernetes_manifest" "two_sources" {
  cluster = local.here
  file    = "a.yaml"
  folder  = "k8s"
}
resource "kubernetes_manifest" "no_source" {
  cluster = local.here
}
resource "kubernetes_manifest" "no_file" {
  cluster = local.here
  file    = "not-there.yaml"
}
resource "kubernetes_manifest" "outside" {
  cluster = local.here
  file    = "../../../a.yaml"
}
resource "kubernetes_manifest" "empty" {
  cluster = local.here
  glob    = "none/*.yaml"
}
resource "kubernetes_manifest" "shapes" {
  cluster = local.here
  manifest = [
    "text",
    { kind = "Pod", metadata = { name = "a" } },
    { apiVersion = "v1", kind = "Pod", metadata = { generateName = "a-" } },
    { apiVersion = "v1", kind = "Pod", metadata = { name = sensitive("a") } },
    { apiVersion = 1, kind = "Pod", metadata = { name = "a" } },
    { apiVersion = "v1", kind = "Pod", metadata = { name = "a/b" } },
    { apiVersion = "v1", kind = "Pod", metadata = { name = "same" } },
    { apiVersion = "v1", kind = "Pod", metadata = { name = "same" } },
  ]
}
resource "kubernetes_manifest" "files" {
  cluster = local.here
  folder  = "k8s"
}
resource "kubernetes_manifest" "templates" {
  cluster = local.here
  glob    = "templates/*.yaml"
  vars    = { name = "x", secret = sensitive("a: b: c"), none = null }
}
resource "kubernetes_manifest" "deferred" {
  cluster  = local.here
  manifest = { apiVersion = "v1", kind = "Pod", metadata = { name = aws_vpc.main.id } }
}
resource "kubernetes_manifest" "twice" {
  cluster  = local.here
  manifest = { apiVersion = "v1", kind = "Pod", metadata = { name = "elsewhere" } }
}
resource "kubernetes_manifest" "again" {
  cluster  = local.here
  manifest = { apiVersion = "v1", kind = "Pod", metadata = { name = "elsewhere" } }
}
output "none" { value = kubernetes_manifest.twice["Pod/elswhere"].id }
# file: stacks/dev/a.yaml
# file: stacks/dev/k8s/broken.yaml
apiVersion: v1
kind: Pod
metadata:
  name: a
   namespace: b
# file: stacks/dev/k8s/duplicate-key.yaml
apiVersion: v1
kind: Pod
metadata: { name: a, name: b }
# file: stacks/dev/k8s/good.yaml
apiVersion: v1
kind: Pod
metadata:
  name: one
# file: stacks/dev/k8s/nameless.yaml
apiVersion: v1
kind: Pod
metadata:
  namespace: b
---
apiVersion: v1
kind: Pod
metadata:
  name: 7
---
apiVersion: v1
kind: Pod
metadata:
  name: one
# file: stacks/dev/templates/directive.yaml
%{ for it in [1, 2] }
# ${it}
%{ endfor }
apiVersion: v1
kind: Pod
metadata:
  generateName: ${name}
# file: stacks/dev/templates/name.yaml
apiVersion: v1
kind: Pod
metadata:
  name: ${nmae}
# file: stacks/dev/templates/null.yaml
apiVersion: v1
kind: Pod
metadata:
  name: a${none}
# file: stacks/dev/templates/secret.yaml
apiVersion: v1
kind: Pod
metadata:
  name: a
spec: ${secret}
# file: stacks/dev/templates/syntax.yaml
apiVersion: v1
kind: ${name
