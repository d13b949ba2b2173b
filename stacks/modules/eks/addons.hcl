# EKS's add-ons, in the order in which they can work: network, proxy and identities before the nodes, which are not ready without
# them; names and volumes after, because they run on nodes.

locals {
  issuer = replace(aws_eks_cluster.main.identity.oidc.issuer, "https://", "")

  before_nodes = ["kube-proxy", "eks-pod-identity-agent"]
  after_nodes = {
    coredns            = { autoScaling = { enabled = true, minReplicas = 2, maxReplicas = 8 } }
    aws-ebs-csi-driver = { controller = { extraVolumeTags = { "infra:stack" = stack.name } } }
  }
}

resource "aws_iam_role" "cni" {
  name = "${var.name}-vpc-cni"
  path = var.path

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Irsa"
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.cluster.arn }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = "system:serviceaccount:kube-system:aws-node"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "cni" {
  role       = aws_iam_role.cni.name
  policy_arn = "arn:${stack.partition}:iam::aws:policy/AmazonEKS_CNI_Policy"
}

resource "aws_eks_addon" "cni" {
  cluster_name             = aws_eks_cluster.main.name
  addon_name               = "vpc-cni"
  addon_version            = local.addons["vpc-cni"]
  service_account_role_arn = aws_iam_role.cni.arn

  # All values are texts. NAT gateways translate; a whole prefix for each interface makes room for 110 pods on a node.
  configuration_values = jsonencode({
    enableNetworkPolicy = "true"
    env = {
      AWS_VPC_K8S_CNI_EXTERNALSNAT      = "true"
      ENABLE_POD_ENI                    = "true"
      ENABLE_PREFIX_DELEGATION          = "true"
      NETWORK_POLICY_ENFORCING_MODE     = "standard"
      POD_SECURITY_GROUP_ENFORCING_MODE = "standard"
      WARM_PREFIX_TARGET                = "1"
    }
  })

  depends_on = [aws_iam_role_policy_attachment.cni]
}

resource "aws_eks_addon" "before_nodes" {
  for_each      = toset(local.before_nodes)
  cluster_name  = aws_eks_cluster.main.name
  addon_name    = each.key
  addon_version = local.addons[each.key]
}

resource "aws_eks_addon" "after_nodes" {
  for_each             = local.after_nodes
  cluster_name         = aws_eks_cluster.main.name
  addon_name           = each.key
  addon_version        = local.addons[each.key]
  configuration_values = jsonencode(each.value)
  depends_on           = [aws_eks_node_group.this, module.identity]
}
