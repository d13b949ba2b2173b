# A public zone, who may issue certificates for it, and the zones below it that others hold.

variable "domain" { type = string }

variable "certificate_authorities" {
  type    = set(string)
  default = ["amazon.com", "letsencrypt.org"]
}

# Name below the domain => the name servers of the account that holds it. Committed values: no role reaches across accounts.
variable "delegations" {
  type    = map(list(string))
  default = {}
}

resource "aws_route53_zone" "main" {
  name    = var.domain
  comment = "Managed by infra"
}

resource "aws_route53_record" "caa" {
  zone_id = aws_route53_zone.main.zone_id
  name    = var.domain
  type    = "CAA"
  ttl     = 3600
  records = [for authority in var.certificate_authorities : "0 issue \"${authority}\""]
}

resource "aws_route53_record" "delegation" {
  for_each = var.delegations
  zone_id  = aws_route53_zone.main.zone_id
  name     = "${each.key}.${var.domain}"
  type     = "NS"
  ttl      = 3600
  records  = each.value
}

output "zone_id" { value = aws_route53_zone.main.zone_id }
output "name_servers" { value = aws_route53_zone.main.name_servers }
