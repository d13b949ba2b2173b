module "registry" {
  source       = "../modules/registry"
  repositories = ["devops-demo-prod"]
  scan_on_push = false
}

output "registries" { value = module.registry.urls }
