# A cluster: the control plane and what it needs before it. Nodes, add-ons, access and identities are in the files beside this
# one; which version of what runs is in versions.hcl.

variable "name" { type = string }

# Groups roles and policies in IAM; begins and ends with a slash.
variable "path" { type = string }

# Letter => subnet, for the control plane's interfaces; for nodes and pods.
variable "control_subnets" { type = map(string) }
variable "node_subnets" { type = map(string) }

# By name, as the network module has them.
variable "security_groups" { type = map(string) }

# Encrypts Kubernetes' secrets.
variable "key_arn" { type = string }

# Where the API is reached from outside the network; none: from inside alone.
variable "public_access_cidrs" {
  type    = set(string)
  default = []
  validation {
    condition     = !contains(var.public_access_cidrs, "0.0.0.0/0")
    error_message = "The API is never open to everybody: name the ranges that need it."
  }
}

variable "log_types" { type = set(string) }
variable "log_retention" { type = number } # days

# What happens at the end of standard support: STANDARD upgrades by itself, EXTENDED costs more.
variable "support_type" { type = string }

variable "zonal_shift" { type = bool }
variable "deletion_protection" { type = bool }

locals {
  arn = "arn:${stack.partition}:eks:${stack.region}:${stack.account_id}:cluster/${var.name}"
}

# Before the cluster, which would else make it by itself and keep everything; and after it, because it would make it again.
resource "aws_cloudwatch_log_group" "cluster" {
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = var.log_retention
}

resource "aws_iam_role" "cluster" {
  name = "${var.name}-cluster"
  path = var.path

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Eks"
      Effect    = "Allow"
      Principal = { Service = "eks.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
      Condition = { StringEquals = { "aws:SourceAccount" = stack.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "cluster" {
  # The second one is for pods with security groups of their own.
  for_each   = toset(["AmazonEKSClusterPolicy", "AmazonEKSVPCResourceController"])
  role       = aws_iam_role.cluster.name
  policy_arn = "arn:${stack.partition}:iam::aws:policy/${each.key}"
}

resource "aws_eks_cluster" "main" {
  name                          = var.name
  version                       = local.kubernetes
  role_arn                      = aws_iam_role.cluster.arn
  bootstrap_self_managed_addons = false
  enabled_cluster_log_types     = var.log_types
  deletion_protection           = var.deletion_protection

  vpc_config {
    subnet_ids              = values(var.control_subnets)
    security_group_ids      = [var.security_groups["eks-api"]]
    endpoint_private_access = true
    endpoint_public_access  = length(var.public_access_cidrs) > 0
    public_access_cidrs     = length(var.public_access_cidrs) > 0 ? var.public_access_cidrs : null
  }

  kubernetes_network_config {
    ip_family         = "ipv4"
    service_ipv4_cidr = "172.20.0.0/16"
  }

  # Who may do what is in access.hcl alone.
  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  encryption_config {
    resources = ["secrets"]
    provider { key_arn = var.key_arn }
  }

  upgrade_policy { support_type = var.support_type }
  zonal_shift_config { enabled = var.zonal_shift }

  depends_on = [aws_iam_role_policy_attachment.cluster, aws_cloudwatch_log_group.cluster]

  lifecycle { prevent_replace = true }
}

# Roles of service accounts by way of the cluster's own tokens: for the network plugin alone, which runs before anything that
# could hand roles out.
resource "aws_iam_openid_connect_provider" "cluster" {
  url            = aws_eks_cluster.main.identity.oidc.issuer
  client_id_list = ["sts.amazonaws.com"]
}

output "name" { value = aws_eks_cluster.main.name }
output "cluster" { value = aws_eks_cluster.main }
output "endpoint" { value = aws_eks_cluster.main.endpoint }
output "security_group" { value = aws_eks_cluster.main.cluster_security_group_id }
