# Off (`--var platform=false`): a cluster with nothing of ours in it.
variable "platform" {
  type    = bool
  default = true
}

module "platform" {
  source     = "../modules/platform"
  enabled    = var.platform
  cluster    = module.eks.cluster
  services   = ["devops-demo"]
  depends_on = [module.eks] # nobody gets in before there is an access entry
}
