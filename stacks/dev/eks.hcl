module "eks" {
  source              = "../modules/eks"
  name                = local.name
  path                = "/devops-demo/dev/"
  control_subnets     = module.network.intra_subnets
  node_subnets        = module.network.private_subnets
  security_groups     = module.network.security_groups
  key_arn             = local.secrets_key
  zone_id             = module.dns.zone_id
  domain              = "devops-demo.chene-factory.com"
  public_access_cidrs = ["198.51.100.7/32"] # the office; from elsewhere by VPN
  log_types           = ["api", "audit", "authenticator"]
  log_retention       = 14
  support_type        = "STANDARD" # AWS upgrades what nobody did in time
  zonal_shift         = false
  deletion_protection = false

  # Whoever runs infra gets into the cluster by this: its role, on a real account. The local cloud takes everybody for root.
  administrators = { infra = "arn:aws:iam::111111111111:root" }

  developer_policy     = "AmazonEKSEditPolicy"
  developer_namespaces = ["devops-demo*"]

  pools = {
    system   = { capacity = "ON_DEMAND", types = ["m6i.large", "m5.large"], min = 2, max = 3, reserved = true }
    spot     = { capacity = "SPOT", types = ["m5.large", "m5a.large", "m5d.large", "m6i.large", "m6a.large", "m7i.large", "m7a.large"], min = 1, max = 6, spare = 33 }
    ondemand = { capacity = "ON_DEMAND", types = ["m6i.large", "m5.large"], min = 0, max = 6, spare = 33 }
  }
}

output "cluster" { value = module.eks.name }
output "cluster_endpoint" { value = module.eks.endpoint }
