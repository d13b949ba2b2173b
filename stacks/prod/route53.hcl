# The name servers of dev's zone, as `infra output dev name_servers` prints them. Without them there is no delegation yet.
variable "dev_name_servers" {
  type    = list(string)
  default = []
}

module "dns" {
  source      = "../modules/dns"
  domain      = "chene-factory.com"
  delegations = length(var.dev_name_servers) == 0 ? {} : { devops-demo = var.dev_name_servers }
}

output "name_servers" { value = module.dns.name_servers }
