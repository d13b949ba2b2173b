locals {
  a = local.b
  b = "${local.c}-b"
  c = local.a
}
resource "aws_security_group" "a" { name = aws_security_group.b.id }
resource "aws_security_group" "b" { name = aws_security_group.a.id }
resource "aws_vpc" "one" {
  cidr_block = "10.0.0.0/16"
  depends_on = [aws_vpc.two]
}
resource "aws_vpc" "two" {
  cidr_block = "10.0.0.0/16"
  depends_on = [aws_vpc.one]
}
resource "aws_vpc" "self" { cidr_block = aws_vpc.self.id }
