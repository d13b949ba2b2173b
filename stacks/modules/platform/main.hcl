# What a cluster has before anything runs in it: namespaces and what may be in them, which pods go first, and who may look.
# Add-ons and services come later, into these namespaces.

# Of the module eks.
variable "cluster" {
  type = object({
    arn                   = string
    endpoint              = string
    certificate_authority = object({ data = string })
  })
}

# Namespaces of services.
variable "services" { type = set(string) }

locals {
  # Namespaces of add-ons, and what Pod Security lets in. Most charts leave out a line of `restricted`; none needs more than `baseline`.
  addons = {
    argocd          = "baseline"
    cert-manager    = "restricted"
    external-dns    = "restricted"
    ingress-nginx   = "baseline"
    platform-system = "restricted"
    reloader        = "baseline"
  }

  namespaces = merge(local.addons, { for name in var.services : name => "restricted" })
}

resource "kubernetes_manifest" "all" {
  cluster = var.cluster
  folder  = "objects"
  vars = {
    addons     = keys(local.addons)
    namespaces = local.namespaces
    services   = sort(var.services)

    # Nothing is reached from outside but through the load balancers that infra makes, from whatever namespace.
    closed = sort(setunion(keys(local.namespaces), ["default", "kube-system"]))
    # In these, what may talk to whom is said pod by pod.
    silent = sort(setunion(var.services, ["default", "platform-system"]))
  }
}
