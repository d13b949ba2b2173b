# Encrypts the cluster's secrets.
module "eks_key" {
  source      = "../modules/key"
  name        = "${local.name}-eks"
  description = "Kubernetes secrets of ${local.name}"
}

locals { secrets_key = module.eks_key.arn }
