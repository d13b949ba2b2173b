# A role for one service account of a cluster, by pod identity: it trusts that cluster's pods alone.

variable "name" { type = string }
variable "path" { type = string }
variable "cluster_name" { type = string }
variable "cluster_arn" { type = string }
variable "namespace" { type = string }
variable "service_account" { type = string }

# Names of AWS's own policies.
variable "managed" { type = list(string) }

# Whether it has a policy of its own, and the statements of that, as JSON.
variable "own_policy" { type = bool }
variable "statements" {
  type    = string
  default = "[]"
}

resource "aws_iam_role" "main" {
  name = var.name
  path = var.path

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PodIdentity"
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringEquals = { "aws:SourceAccount" = stack.account_id }
        ArnEquals    = { "aws:SourceArn" = var.cluster_arn }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "managed" {
  for_each   = toset(var.managed)
  role       = aws_iam_role.main.name
  policy_arn = "arn:${stack.partition}:iam::aws:policy/${each.key}"
}

resource "aws_iam_policy" "own" {
  enabled = var.own_policy
  name    = var.name
  path    = var.path
  policy  = jsonencode({ Version = "2012-10-17", Statement = jsondecode(var.statements) })
}

resource "aws_iam_role_policy_attachment" "own" {
  enabled    = var.own_policy
  role       = aws_iam_role.main.name
  policy_arn = try(aws_iam_policy.own.arn, null)
}

resource "aws_eks_pod_identity_association" "main" {
  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.main.arn
}

output "role_arn" { value = aws_iam_role.main.arn }
