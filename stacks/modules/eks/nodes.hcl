# Groups of nodes: `system` for what the cluster itself needs, `spot` for everything, `ondemand` for when there is no spot.
# A new group is there before the old one goes; the autoscaler owns how many nodes there are between the bounds.

variable "pools" {
  type = map(object({
    capacity = string       # ON_DEMAND or SPOT
    types    = list(string) # of one shape: the autoscaler takes all nodes of a group for equal
    min      = number
    max      = number
    per_zone = optional(bool, false) # a group for each zone, so that volumes stay where they can be mounted
    reserved = optional(bool, false) # for what tolerates CriticalAddonsOnly
    spare    = optional(number)      # percent of the nodes that an update takes away at a time; else one node
  }))
}

locals {
  whole = { for pool, it in var.pools : pool => { pool = pool, zones = keys(var.node_subnets) } if !it.per_zone }
  zonal = flatten([
    for pool, it in var.pools : [for zone in keys(var.node_subnets) : { name = "${pool}-${zone}", pool = pool, zone = zone }] if it.per_zone
  ])
  groups = merge(local.whole, { for it in local.zonal : it.name => { pool = it.pool, zones = [it.zone] } })
}

resource "aws_iam_role" "node" {
  name = "${var.name}-node"
  path = var.path

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Ec2"
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
    }]
  })
}

# Not AmazonEKS_CNI_Policy: the network plugin has a role of its own.
resource "aws_iam_role_policy_attachment" "node" {
  for_each   = toset(["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonSSMManagedInstanceCore"])
  role       = aws_iam_role.node.name
  policy_arn = "arn:${stack.partition}:iam::aws:policy/${each.key}"
}

# Image, bootstrap, role and groups are EKS's to fill in; instance types are the group's, so that there can be several.
resource "aws_launch_template" "node" {
  name                   = "${var.name}-node"
  update_default_version = true
  user_data              = base64encode(file("node.mime"))

  # Pods with a network of their own are one hop too far away to take on the node's role.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size           = 50
      volume_type           = "gp3"
      iops                  = 3000
      throughput            = 125
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])
    content {
      resource_type = tag_specifications.value
      tags          = { Name = "${var.name}-node" }
    }
  }
}

resource "aws_eks_node_group" "this" {
  for_each               = local.groups
  cluster_name           = aws_eks_cluster.main.name
  node_group_name_prefix = "${each.key}-"
  node_role_arn          = aws_iam_role.node.arn
  subnet_ids             = [for zone in each.value.zones : var.node_subnets[zone]]
  ami_type               = "AL2023_x86_64_STANDARD"
  release_version        = local.nodes
  version                = local.kubernetes
  capacity_type          = var.pools[each.value.pool].capacity
  instance_types         = var.pools[each.value.pool].types
  labels                 = { "platform/pool" = each.value.pool }

  launch_template {
    id      = aws_launch_template.node.id
    version = aws_launch_template.node.latest_version
  }

  scaling_config {
    min_size     = var.pools[each.value.pool].min
    max_size     = var.pools[each.value.pool].max
    desired_size = var.pools[each.value.pool].min # at first
  }

  update_config {
    max_unavailable            = var.pools[each.value.pool].spare == null ? 1 : null
    max_unavailable_percentage = var.pools[each.value.pool].spare
  }

  node_repair_config { enabled = true }

  dynamic "taint" {
    for_each = var.pools[each.value.pool].reserved ? ["NO_SCHEDULE"] : []
    content {
      key    = "CriticalAddonsOnly"
      value  = "true"
      effect = taint.value
    }
  }

  # Nodes join with a network plugin and rights; the way out is a part of `node_subnets`.
  depends_on = [aws_eks_addon.cni, aws_eks_addon.before_nodes, aws_iam_role_policy_attachment.node]

  lifecycle { owned_elsewhere = ["scaling_config.desired_size"] } # cluster-autoscaler
}

output "node_groups" { value = { for name, it in aws_eks_node_group.this : name => it.id } }
