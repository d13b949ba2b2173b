x = 1
resouce "aws_vpc" "a" {}
resource "aws_vpc" {}
resource "aws_vpcs" "a" {}
resource "aws_availability_zones" "a" {}
variable "a-b.c" {}
variable "source" {}
variable "t" {
  type        = strin
  descripton  = "x"
  default     = 1
}
variable "u" {
  type    = object({ a = optional(number, "x") })
  default = {}
}
output "none" {}
check "empty" {}
moved {
  from = aws_vpc
  to   = aws_vpc.b
}
aws "eu" {
  regoin = "x"
}
resource "aws_vpc" "c" {
  cidr_block = "10.0.0.0/16"
  aws        = "us"
  lifecycle {
    prevent_destory = true
    ignore_changes  = ["a${1}"]
  }
  timeouts {
    create = "soon"
  }
}
