# Who may talk to whom. Groups are empty shells; each permitted flow is a rule of its own, so that groups may name each other
# and a rule's history is its own.

locals {
  groups = {
    nlb         = "Public network load balancer"
    eks-api     = "Extra group on the control plane's interfaces"
    vpn         = "Client VPN associations"
    codebuild   = "Deployment jobs"
    vpce        = "Interface endpoints"
    vpclink     = "API Gateway's VPC link"
    alb         = "Internal application load balancer"
    pod-service = "Pods of the services"
  }

  # Each flow is an egress rule of its source and an ingress rule of its target.
  flows = {
    vpn-to-api       = { from = "vpn", to = "eks-api", port = 443 }
    codebuild-to-api = { from = "codebuild", to = "eks-api", port = 443 }
    link-to-alb      = { from = "vpclink", to = "alb", port = 443 }
    alb-to-pods      = { from = "alb", to = "pod-service", port = 8080 }
  }

  from_ranges = merge(
    { for range in var.edge_cidrs : "nlb-443-${range}" => { group = "nlb", port = 443, cidr = range } },
    { for range in var.edge_cidrs : "nlb-80-${range}" => { group = "nlb", port = 80, cidr = range } },
    { "vpce-443" = { group = "vpce", port = 443, cidr = var.cidr } },
  )

  to_ranges = {
    "codebuild-443" = { group = "codebuild", port = 443, cidr = "0.0.0.0/0" }
  }
}

resource "aws_security_group" "this" {
  for_each    = local.groups
  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.main.id
  tags        = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each                     = local.flows
  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each                     = local.flows
  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

resource "aws_vpc_security_group_ingress_rule" "range" {
  for_each          = local.from_ranges
  security_group_id = aws_security_group.this[each.value.group].id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "range" {
  for_each          = local.to_ranges
  security_group_id = aws_security_group.this[each.value.group].id
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

output "security_groups" { value = { for name, it in aws_security_group.this : name => it.id } }
