# What is tortured: sixty things of every type, in two turns. The second changes, replaces, adds and removes some of each.

locals {
  second = local.turn == 2
  zones  = { a = "eu-west-1a", b = "eu-west-1b", c = "eu-west-1c" }
  public = { a = 0, b = 1, c = 2 }

  # The last one moves: a subnet cannot change its range.
  private = { a = 10, b = 11, c = local.second ? 13 : 12 }
  nats    = local.second ? toset(["a"]) : toset(["a", "b"])
  nat_of  = local.second ? { a = "a", b = "a", c = "a" } : { a = "a", b = "b", c = "a" }

  groups   = local.second ? toset(["web", "app", "db", "cache"]) : toset(["web", "app", "db", "mail"])
  flows    = { app = "web", db = "app" }
  ports    = { web = local.second ? 8443 : 443, app = 8080, db = 5432 }
  services = local.second ? toset(["api", "site", "jobs", "search"]) : toset(["api", "site", "jobs", "mail"])
  hosts    = local.second ? { api = 11, site = 2, jobs = 3, search = 5 } : { api = 1, site = 2, jobs = 3, mail = 4 }
}

resource "aws_vpc" "main" {
  cidr_block           = "10.7.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = local.second ? "tortured again" : "tortured" }
}

resource "aws_default_security_group" "main" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "unused" }
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_subnet" "public" {
  for_each                = local.public
  vpc_id                  = aws_vpc.main.id
  cidr_block              = cidrsubnet("10.7.0.0/16", 8, each.value)
  availability_zone       = local.zones[each.key]
  map_public_ip_on_launch = local.second
}

resource "aws_subnet" "private" {
  for_each          = local.private
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet("10.7.0.0/16", 8, each.value)
  availability_zone = local.zones[each.key]
}

resource "aws_eip" "nat" {
  for_each   = local.nats
  domain     = "vpc"
  depends_on = [aws_internet_gateway.main]
}

resource "aws_nat_gateway" "main" {
  for_each      = local.nats
  subnet_id     = aws_subnet.public[each.key].id
  allocation_id = aws_eip.nat[each.key].id
  depends_on    = [aws_internet_gateway.main]
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table" "private" {
  for_each = local.private
  vpc_id   = aws_vpc.main.id
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}

resource "aws_route" "nat" {
  for_each               = local.nat_of
  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.main[each.value].id
}

resource "aws_route_table_association" "public" {
  for_each       = aws_subnet.public
  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}

resource "aws_route_table_association" "private" {
  for_each       = aws_subnet.private
  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}

resource "aws_security_group" "this" {
  for_each    = local.groups
  name        = each.key
  description = each.key
  vpc_id      = aws_vpc.main.id
}

# Another name makes another group, before the former one goes.
resource "aws_security_group" "renamed" {
  name        = local.second ? "after" : "before"
  description = "Changes its name"
  vpc_id      = aws_vpc.main.id
  ingress {
    protocol        = "tcp"
    from_port       = 22
    to_port         = 22
    security_groups = [aws_security_group.this["app"].id]
  }
  lifecycle { create_before_destroy = true }
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each                     = local.flows
  security_group_id            = aws_security_group.this[each.key].id
  referenced_security_group_id = aws_security_group.this[each.value].id
  ip_protocol                  = "tcp"
  from_port                    = local.ports[each.key]
  to_port                      = local.ports[each.key]
  description                  = local.second ? "from ${each.value}" : each.value
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each                     = local.flows
  security_group_id            = aws_security_group.this[each.value].id
  referenced_security_group_id = aws_security_group.this[each.key].id
  ip_protocol                  = "tcp"
  from_port                    = local.ports[each.key]
  to_port                      = local.ports[each.key]
}

resource "aws_vpc_security_group_ingress_rule" "world" {
  security_group_id = aws_security_group.this["web"].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = local.ports.web
  to_port           = local.ports.web
}

resource "aws_vpc_security_group_egress_rule" "world" {
  for_each          = local.second ? toset(["web", "app"]) : toset(["web", "mail"])
  security_group_id = aws_security_group.this[each.key].id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_kms_key" "this" {
  for_each                = toset(["one", "two"])
  description             = local.second ? "key ${each.key}" : each.key
  deletion_window_in_days = 7
}

resource "aws_kms_alias" "data" {
  name          = "alias/tortured"
  target_key_id = aws_kms_key.this[local.second ? "two" : "one"].key_id
}

resource "aws_ecr_repository" "this" {
  for_each             = local.services
  name                 = "tortured/${each.key}"
  image_tag_mutability = local.second ? "IMMUTABLE" : "MUTABLE"
}

resource "aws_dynamodb_table" "this" {
  for_each     = { orders = "id", events = local.second ? "at" : "id" } # a key cannot change
  name         = "tortured-${each.key}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = each.value
  attribute {
    name = each.value
    type = "S"
  }
  ttl {
    enabled        = each.key == "orders" && local.second
    attribute_name = "Expires"
  }
}

resource "aws_s3_bucket" "this" {
  for_each = local.second ? toset(["data", "logs", "more"]) : toset(["data", "logs"])
  bucket   = "tortured-${each.key}-ACCOUNT"
  versioning { status = local.second ? "Suspended" : "Enabled" }
  tags = { Name = each.key }
}

resource "aws_route53_zone" "public" {
  name    = "tortured.example.com"
  comment = local.second ? "again" : "once"
}

resource "aws_route53_zone" "private" {
  name = "tortured.internal"
  vpc { vpc_id = aws_vpc.main.id }
}

resource "aws_route53_record" "host" {
  for_each = local.hosts
  zone_id  = aws_route53_zone.public.zone_id
  name     = "${each.key}.tortured.example.com"
  type     = "A"
  ttl      = 300
  records  = ["192.0.2.${each.value}"]
}

resource "aws_route53_record" "inside" {
  for_each = local.flows
  zone_id  = aws_route53_zone.private.zone_id
  name     = "${each.key}.tortured.internal"
  type     = local.second ? "TXT" : "CNAME"
  ttl      = 60
  records  = ["${each.value}.tortured.internal"]
}

# Nothing that infra writes may tell it.
variable "secret" {
  type      = string
  sensitive = true
}

resource "aws_route53_record" "secret" {
  zone_id = aws_route53_zone.private.zone_id
  name    = "secret.tortured.internal"
  type    = "TXT"
  ttl     = 60
  records = ["${var.secret} in turn ${local.turn}"]
}

output "vpc" { value = aws_vpc.main.id }
output "addresses" { value = { for zone, it in aws_eip.nat : zone => it.public_ip } }
