# Roles of service accounts, handed out by the pod identity agent. None may do more than its document says.

# The hosted zone in which names and certificates are made, and its domain.
variable "zone_id" { type = string }
variable "domain" { type = string }

locals {
  zone = "arn:${stack.partition}:route53:::hostedzone/${var.zone_id}"
  # Auto Scaling groups of this cluster's node groups.
  groups_of_nodes = "arn:${stack.partition}:autoscaling:${stack.region}:${stack.account_id}:autoScalingGroup:*:autoScalingGroupName/eks-*"

  identities = {
    ebs-csi = {
      namespace       = "kube-system"
      service_account = "ebs-csi-controller-sa"
      managed         = ["AmazonEBSCSIDriverPolicyV2"]
      statements      = "[]"
    }

    cluster-autoscaler = {
      namespace       = "kube-system"
      service_account = "cluster-autoscaler"
      managed         = []
      statements = jsonencode([
        {
          Sid    = "Observe"
          Effect = "Allow"
          Action = [
            "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
            "autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags",
            "ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions",
            "ec2:GetInstanceTypesFromInstanceRequirements",
          ]
          Resource = "*"
        },
        {
          Sid      = "ScaleFromZeroHints"
          Effect   = "Allow"
          Action   = ["eks:DescribeNodegroup"]
          Resource = "arn:${stack.partition}:eks:${stack.region}:${stack.account_id}:nodegroup/${var.name}/*/*"
        },
        {
          Sid       = "ScaleOwnGroups"
          Effect    = "Allow"
          Action    = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
          Resource  = local.groups_of_nodes
          Condition = { StringEquals = { "aws:ResourceTag/kubernetes.io/cluster/${var.name}" = "owned" } }
        },
      ])
    }

    # ForAllValues holds for an empty set too, hence the Null beside it.
    external-dns = {
      namespace       = "external-dns"
      service_account = "external-dns"
      managed         = []
      statements = jsonencode([
        {
          Sid      = "ChangeOwnNames"
          Effect   = "Allow"
          Action   = ["route53:ChangeResourceRecordSets"]
          Resource = local.zone
          Condition = {
            "ForAllValues:StringEquals" = { "route53:ChangeResourceRecordSetsRecordTypes" = ["A", "AAAA", "TXT"] }
            "ForAllValues:StringLike" = {
              "route53:ChangeResourceRecordSetsNormalizedRecordNames" = [var.domain, "extdns-*.${var.domain}"]
            }
            Null = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = "false" }
          }
        },
        { Sid = "ReadZone", Effect = "Allow", Action = ["route53:ListResourceRecordSets", "route53:ListTagsForResources"], Resource = local.zone },
        { Sid = "FindZones", Effect = "Allow", Action = ["route53:ListHostedZones"], Resource = "*" },
      ])
    }

    cert-manager = {
      namespace       = "cert-manager"
      service_account = "cert-manager"
      managed         = []
      statements = jsonencode([
        { Sid = "WatchChange", Effect = "Allow", Action = ["route53:GetChange"], Resource = "arn:${stack.partition}:route53:::change/*" },
        {
          Sid      = "ChallengeRecords"
          Effect   = "Allow"
          Action   = ["route53:ChangeResourceRecordSets"]
          Resource = local.zone
          Condition = {
            "ForAllValues:StringEquals" = { "route53:ChangeResourceRecordSetsRecordTypes" = ["TXT"] }
            "ForAllValues:StringLike"   = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = ["_acme-challenge.*"] }
            Null                        = { "route53:ChangeResourceRecordSetsNormalizedRecordNames" = "false" }
          }
        },
        { Sid = "ReadZone", Effect = "Allow", Action = ["route53:ListResourceRecordSets"], Resource = local.zone },
      ])
    }

    # It registers pods with target groups of ours, and makes nothing.
    load-balancer-controller = {
      namespace       = "kube-system"
      service_account = "aws-load-balancer-controller"
      managed         = []
      statements = jsonencode([
        {
          Sid    = "Look"
          Effect = "Allow"
          Action = [
            "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetGroupAttributes",
            "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeTags", "ec2:DescribeAvailabilityZones",
            "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
          ]
          Resource = "*"
        },
        {
          Sid       = "RegisterPodsInOwnTargetGroups"
          Effect    = "Allow"
          Action    = ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]
          Resource  = "arn:${stack.partition}:elasticloadbalancing:${stack.region}:${stack.account_id}:targetgroup/${var.name}-*/*"
          Condition = { StringEquals = { "aws:ResourceTag/infra:stack" = stack.name } }
        },
      ])
    }
  }
}

module "identity" {
  source          = "../pod-identity"
  for_each        = local.identities
  name            = "${var.name}-${each.key}"
  path            = var.path
  cluster_name    = aws_eks_cluster.main.name
  cluster_arn     = local.arn
  namespace       = each.value.namespace
  service_account = each.value.service_account
  managed         = each.value.managed
  own_policy      = length(each.value.managed) == 0
  statements      = each.value.statements
}
