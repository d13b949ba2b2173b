module "network" {
  source     = "../modules/network"
  name       = local.name
  cidr       = "10.20.0.0/16"
  zones      = local.zones
  nat_zones  = ["a", "b", "c"] # one a zone: no zone depends on another
  edge_cidrs = ["0.0.0.0/0"]
}

output "vpc_id" { value = module.network.vpc_id }
output "private_subnets" { value = module.network.private_subnets }
