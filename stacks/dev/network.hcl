module "network" {
  source     = "../modules/network"
  name       = local.name
  cidr       = "10.10.0.0/16"
  zones      = local.zones
  nat_zones  = ["a"] # one NAT gateway: a zone's failure may take dev's egress with it
  edge_cidrs = ["0.0.0.0/0"]
}

output "vpc_id" { value = module.network.vpc_id }
output "private_subnets" { value = module.network.private_subnets }
