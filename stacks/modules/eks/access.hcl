# Who gets into the cluster. Every principal is named here; whoever makes the cluster gets nothing by that.

# Roles of IAM Identity Center or of pipelines that administer the cluster: name => ARN, with the whole path.
variable "administrators" {
  type    = map(string)
  default = {}
}

# What developers may do, by the last part of the policy's ARN, and where.
variable "developer_policy" { type = string }
variable "developer_namespaces" { type = set(string) }

locals {
  people = {
    admin     = { policy = "AmazonEKSClusterAdminPolicy", groups = [], namespaces = [] }
    developer = { policy = var.developer_policy, groups = ["platform:developers"], namespaces = var.developer_namespaces }
  }
}

# Taken on by whoever the account's own policies let.
resource "aws_iam_role" "person" {
  for_each = local.people
  name     = "${var.name}-${each.key}"
  path     = var.path

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Account"
      Effect    = "Allow"
      Principal = { AWS = "arn:${stack.partition}:iam::${stack.account_id}:root" }
      Action    = ["sts:AssumeRole"]
    }]
  })
}

resource "aws_eks_access_entry" "person" {
  for_each          = local.people
  cluster_name      = aws_eks_cluster.main.name
  principal_arn     = aws_iam_role.person[each.key].arn
  principal_id      = aws_iam_role.person[each.key].unique_id # a role that is made again is somebody else
  kubernetes_groups = each.value.groups
}

resource "aws_eks_access_policy_association" "person" {
  for_each      = local.people
  cluster_name  = aws_eks_cluster.main.name
  principal_arn = aws_eks_access_entry.person[each.key].principal_arn
  policy_arn    = "arn:${stack.partition}:eks::aws:cluster-access-policy/${each.value.policy}"

  access_scope {
    type       = length(each.value.namespaces) == 0 ? "cluster" : "namespace"
    namespaces = each.value.namespaces
  }

  # With its entry it goes, and comes again.
  lifecycle { replace_triggered_by = [aws_eks_access_entry.person[each.key].access_entry_arn] }
}

resource "aws_eks_access_entry" "administrator" {
  for_each      = var.administrators
  cluster_name  = aws_eks_cluster.main.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "administrator" {
  for_each      = var.administrators
  cluster_name  = aws_eks_cluster.main.name
  principal_arn = aws_eks_access_entry.administrator[each.key].principal_arn
  policy_arn    = "arn:${stack.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
  access_scope { type = "cluster" }

  lifecycle { replace_triggered_by = [aws_eks_access_entry.administrator[each.key].access_entry_arn] }
}
