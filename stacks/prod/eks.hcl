module "eks" {
  source              = "../modules/eks"
  name                = local.name
  path                = "/devops-demo/prod/"
  control_subnets     = module.network.intra_subnets
  node_subnets        = module.network.private_subnets
  security_groups     = module.network.security_groups
  key_arn             = local.secrets_key
  zone_id             = module.dns.zone_id
  domain              = "chene-factory.com"
  log_types           = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  log_retention       = 365
  support_type        = "EXTENDED" # never surprised by an upgrade
  zonal_shift         = true
  deletion_protection = true

  # Whoever runs infra gets into the cluster by this: its role, on a real account. The local cloud takes everybody for root.
  administrators = { infra = "arn:aws:iam::222222222222:root" }

  developer_policy     = "AmazonEKSViewPolicy"
  developer_namespaces = ["devops-demo*"]

  pools = {
    system   = { capacity = "ON_DEMAND", types = ["m6i.large", "m5.large"], min = 3, max = 6, reserved = true }
    spot     = { capacity = "SPOT", types = ["m5.large", "m5a.large", "m5d.large", "m6i.large", "m6a.large", "m7i.large", "m7a.large"], min = 1, max = 5, spare = 33, per_zone = true }
    ondemand = { capacity = "ON_DEMAND", types = ["m6i.large", "m5.large"], min = 0, max = 6, spare = 33 }
  }
}

output "cluster" { value = module.eks.name }
output "cluster_endpoint" { value = module.eks.endpoint }
