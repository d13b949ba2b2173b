variable "token" {
  type      = string
  default   = "s3cret"
  sensitive = true
}
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
resource "kubernetes_manifest" "written" {
  cluster = { context = "dev", more = "is left out" }
  manifest = [
    { apiVersion = "v1", kind = "Namespace", metadata = { name = "hold" } },
    {
      apiVersion = "v1"
      kind       = "ConfigMap"
      metadata   = { name = "net", namespace = "hold" }
      data       = { vpc = aws_vpc.main.id }
    },
  ]
}
resource "kubernetes_manifest" "each" {
  for_each = { a = "one", b = "two" }
  cluster  = { context = "dev" }
  manifest = { apiVersion = "v1", kind = "ServiceAccount", metadata = { name = each.value, namespace = "hold" } }
}
resource "kubernetes_manifest" "file" {
  cluster = { context = "dev" }
  file    = "app.yaml"
  vars = {
    image    = "app:1"
    vpc      = aws_vpc.main.id
    token    = var.token
    replicas = 3
    ports    = [80, 443]
  }
  force_conflicts = ["helm"]
}
resource "kubernetes_manifest" "folder" {
  cluster = { context = "dev" }
  folder  = "../../k8s"
}
resource "kubernetes_manifest" "other" {
  cluster = { context = "prod" }
  glob    = "../../k8s/**/*.yaml"
}
output "config" { value = kubernetes_manifest.written["ConfigMap/hold/net"].manifest.metadata.name }
output "all" { value = keys(kubernetes_manifest.file) }
# file: stacks/dev/app.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: hold
  annotations: { vpc: "${vpc}", note: "in ${vpc} of ${image}" }
spec:
  replicas: ${replicas}
  template:
    spec:
      containers:
        - name: web
          image: ${image}
          ports:
%{ for port in ports ~}
            - containerPort: ${port}
%{ endfor ~}
---
apiVersion: v1
kind: Secret
metadata: { name: token, namespace: hold }
stringData:
  token: ${token}
  plain: in a secret
---
apiVersion: v1
kind: ConfigMap
metadata: { name: leaked, namespace: hold }
data:
  header: "Bearer ${token}"
  other: visible
  pem: |
    ${indent(4, "a\nb")}
---
# Nothing but a comment.
# file: k8s/crd.yaml
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  group: example.com
  names: { kind: Thing, plural: things }
# file: k8s/list.json
{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "one"}},
  {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "two", "namespace": "hold"}}
]}
# file: k8s/below/mode.yaml
apiVersion: v1
kind: Pod
metadata: { name: p, namespace: hold }
spec: { volumes: [{ name: v, secret: { secretName: s, defaultMode: 0644 } }], yes: "no" }
# file: k8s/README.md
No object.
