module "dns" {
  source = "../modules/dns"
  domain = "devops-demo.chene-factory.com"
}

# What prod's delegation must name.
output "name_servers" { value = module.dns.name_servers }
