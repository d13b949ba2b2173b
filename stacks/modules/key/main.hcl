# An encryption key with rotation and a name. The account's own IAM policies say who may use it.

variable "name" { type = string }
variable "description" { type = string }

resource "aws_kms_key" "main" {
  description             = var.description
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Account"
      Effect    = "Allow"
      Principal = { AWS = "arn:${stack.partition}:iam::${stack.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
}

resource "aws_kms_alias" "main" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.main.key_id
}

output "arn" { value = aws_kms_key.main.arn }
