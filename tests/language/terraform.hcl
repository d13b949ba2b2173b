terraform {
  required_version = ">= 1.0"
  backend "s3" {}
}
provider "aws" { region = "eu-west-1" }
resource "aws_vpc" "a" {
  count      = 2
  provider   = aws.other
  cidr_block = "10.${count.index}.0.0/16"
  provisioner "local-exec" {
    command = "true"
  }
}
resource "aws_s3_bucket_versioning" "a" {
  bucket = "x"
}
resource "aws_security_group_rule" "a" {}
resource "aws_subnet" "s" {
  for_each   = ["a", "b"]
  vpc_id     = terraform.workspace
  cidr_block = "10.0.0.0/24"
}
output "t" { value = timestamp() }
module "m" { source = "terraform-aws-modules/vpc/aws" }
