module "net" {
  source = "./net"
  cdir   = "x"
}
module "gone" { source = "../moduls/net" }
module "out" { source = "../../../x" }
module "none" {}
module "self" { source = "./loop" }
output "x" { value = module.net.idd }
# file: stacks/dev/net/main.hcl
variable "cidr" {}
stack { region = "x" }
output "id" { value = 1 }
# file: stacks/dev/loop/main.hcl
module "again" { source = "../loop" }
# file: stacks/modules/net/main.hcl
locals {}
