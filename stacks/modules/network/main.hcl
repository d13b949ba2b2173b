# A network over three zones. Per zone one public subnet (NAT gateways, the public load balancer), one intra subnet (what
# needs no way out: control-plane interfaces, endpoints, internal load balancers) and one private subnet (nodes and pods).

variable "name" { type = string }

variable "cidr" {
  type = string
  validation {
    condition     = endswith(var.cidr, "/16")
    error_message = "The address plan divides a /16."
  }
}

variable "zones" {
  type = map(string) # letter => availability zone
  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 3
    error_message = "The address plan has room for two or three zones."
  }
}

variable "nat_zones" {
  type = set(string) # letters of the zones that have a NAT gateway of their own; the others use the first
  validation {
    condition     = length(var.nat_zones) > 0 && length(setsubtract(var.nat_zones, keys(var.zones))) == 0
    error_message = "NAT gateways stand in at least one of the network's own zones."
  }
}

variable "edge_cidrs" { type = set(string) }

locals {
  letters = sort(keys(var.zones))
  at      = { for index, letter in local.letters : letter => index }

  public  = { for letter, index in local.at : letter => cidrsubnet(var.cidr, 8, index) }     # x.x.0.0/24 and on
  intra   = { for letter, index in local.at : letter => cidrsubnet(var.cidr, 9, 8 + index) } # x.x.4.0/25 and on
  private = { for letter, index in local.at : letter => cidrsubnet(var.cidr, 3, 1 + index) } # x.x.32.0/19 and on

  first_nat = sort(var.nat_zones)[0]
  nat_of    = { for letter in local.letters : letter => contains(var.nat_zones, letter) ? letter : local.first_nat }
}

resource "aws_vpc" "main" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

# Every VPC has one, and it cannot be deleted: adopted, and emptied so that nothing works by accident.
resource "aws_default_security_group" "main" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "${var.name}-default-unused" }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = var.name }
}

resource "aws_subnet" "public" {
  for_each          = local.public
  vpc_id            = aws_vpc.main.id
  cidr_block        = each.value
  availability_zone = var.zones[each.key]
  tags = {
    Name                     = "${var.name}-public-${each.key}"
    "kubernetes.io/role/elb" = "1"
  }
}

# No role tag: nothing in a cluster may place load balancers here.
resource "aws_subnet" "intra" {
  for_each          = local.intra
  vpc_id            = aws_vpc.main.id
  cidr_block        = each.value
  availability_zone = var.zones[each.key]
  tags              = { Name = "${var.name}-intra-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each          = local.private
  vpc_id            = aws_vpc.main.id
  cidr_block        = each.value
  availability_zone = var.zones[each.key]
  tags = {
    Name                              = "${var.name}-private-${each.key}"
    "kubernetes.io/role/internal-elb" = "1"
  }
}

output "vpc_id" { value = aws_vpc.main.id }
output "public_subnets" { value = { for letter, it in aws_subnet.public : letter => it.id } }
output "intra_subnets" { value = { for letter, it in aws_subnet.intra : letter => it.id } }

# Whoever is put into them has a way out.
output "private_subnets" {
  value      = { for letter, it in aws_subnet.private : letter => it.id }
  depends_on = [aws_route.nat, aws_route_table_association.private]
}
