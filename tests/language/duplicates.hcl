resource "aws_vpc" "a" { cidr_block = "10.0.0.0/16" }
resource "aws_vpc" "a" { cidr_block = "10.1.0.0/16" }
variable "v" { default = 1 }
variable "v" { default = 2 }
locals { l = 1 }
locals { l = 2 }
output "o" { value = 1 }
output "o" { value = 1 }
stack { region = "x" }
resource "aws_security_group" "g" {
  name    = "g"
  ingress = []
  ingress {
    protocol = "tcp"
  }
}
