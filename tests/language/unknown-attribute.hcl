resource "aws_subnet" "a" {
  cidr   = "10.0.0.0/24"
  vpc_id = aws_vpc.main.vpc
}
resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
