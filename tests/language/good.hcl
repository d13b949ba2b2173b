variable "services" {
  type    = map(object({ scan = optional(bool, false), size = optional(number) }))
  default = { one = {}, two = { scan = true } }
}
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
  tags       = { for name, it in var.services : name => it.scan ? "scan" : "plain" }
}
resource "aws_subnet" "each" {
  for_each   = var.services
  vpc_id     = aws_vpc.main.id
  cidr_block = cidrsubnet(aws_vpc.main.cidr_block, 8, each.value.scan ? 1 : 2)
}
output "secret" {
  value     = sensitive("x")
  sensitive = true
}
output "subnets" { value = values(aws_subnet.each)[*].id }
