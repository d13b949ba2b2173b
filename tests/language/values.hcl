resource "aws_vpc" "a" {
  cidr_block       = "10.0.0.1/16"
  instance_tenancy = "Dedicated"
  tags             = "x"
}
resource "aws_vpc" "b" {
  cidr_block = "10.0.0.0"
  arn        = "arn:aws:x"
}
resource "aws_security_group" "both" {
  name        = "a-name-that-is-much-too-long"
  name_prefix = "x"
  ingress {
    protocol    = "tcp"
    from_port   = 70000
    to_port     = "https"
    cidr_blocks = ["10.0.0.0/8", "nonsense"]
  }
}
resource "aws_security_group" "neither" {}
resource "aws_s3_bucket" "b" {
  bucket = "Upper_Case"
  policy = "{ not json"
  encryption {}
  encryption {
    algorithm = "x"
    algoritm  = "y"
  }
}
resource "aws_subnet" "s" {
  cidr_block = null
}
