# What may reach nodes and pods, on the group that EKS makes for them: the group is EKS's, only these rules are ours. No other
# group may carry the cluster's tag.

locals {
  # From a group of the network to the cluster's.
  into_cluster = {
    nlb-443    = { group = "nlb", protocol = "tcp", port = 443 }
    nlb-80     = { group = "nlb", protocol = "tcp", port = 80 }
    alb-8080   = { group = "alb", protocol = "tcp", port = 8080 } # pods without a group of their own
    pods-dns   = { group = "pod-service", protocol = "udp", port = 53 }
    pods-dns-t = { group = "pod-service", protocol = "tcp", port = 53 }
  }
}

resource "aws_vpc_security_group_ingress_rule" "cluster" {
  for_each                     = local.into_cluster
  security_group_id            = aws_eks_cluster.main.cluster_security_group_id
  referenced_security_group_id = var.security_groups[each.value.group]
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

resource "aws_vpc_security_group_egress_rule" "cluster" {
  for_each                     = local.into_cluster
  security_group_id            = var.security_groups[each.value.group]
  referenced_security_group_id = aws_eks_cluster.main.cluster_security_group_id
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

# The ingress controller and the kubelet's probes reach pods that have a group of their own.
resource "aws_vpc_security_group_ingress_rule" "pods" {
  security_group_id            = var.security_groups["pod-service"]
  referenced_security_group_id = aws_eks_cluster.main.cluster_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
  description                  = "cluster-to-pods"
}
