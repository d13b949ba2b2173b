variable "azs" {}
locals { name = "x" }
resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
resource "aws_subnet" "many" {
  for_each   = { a = 1 }
  vpc_id     = aws_vpc.mian.id
  cidr_block = var.cidr
}
resource "aws_subnet" "one" {
  vpc_id            = aws_subnet.many.vpc_id
  cidr_block        = each.key
  availability_zone = local.nmae
}
output "a" { value = aws_subnet.many["b"].id }
output "b" { value = module.nothing.x }
output "c" { value = lenght([]) }
output "d" { value = name }
output "e" { value = aws_vpc.main["x"].id }
output "f" { value = stack.acount_id }
output "g" { value = data.aws_availability_zones.z.names }
output "h" { value = self.id }
