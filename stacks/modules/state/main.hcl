# What states are kept with: a versioned, encrypted bucket, a table for locks and journals, and a key with a name.
# `infra bootstrap` makes it for a stack; its state lies in the bucket itself.

variable "bucket" { type = string }
variable "lock_table" { type = string }

# `alias/…`; null leaves encryption to S3's own key.
variable "kms_alias" {
  type    = string
  default = null
}

resource "aws_s3_bucket" "state" {
  bucket = var.bucket

  versioning {
    status = "Enabled"
  }

  server_side_encryption_configuration {
    rule {
      bucket_key_enabled = true

      apply_server_side_encryption_by_default {
        sse_algorithm     = var.kms_alias == null ? "AES256" : "aws:kms"
        kms_master_key_id = try(aws_kms_key.state.arn, null)
      }
    }
  }

  public_access_block {
    block_public_acls       = true
    block_public_policy     = true
    ignore_public_acls      = true
    restrict_public_buckets = true
  }

  ownership_controls {
    rule {
      object_ownership = "BucketOwnerEnforced"
    }
  }

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["arn:${stack.partition}:s3:::${var.bucket}", "arn:${stack.partition}:s3:::${var.bucket}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      var.kms_alias == null ? [] : [{
        Sid       = "OnlyOurKey"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "arn:${stack.partition}:s3:::${var.bucket}/*"
        Condition = {
          StringNotEqualsIfExists = {
            "s3:x-amz-server-side-encryption-aws-kms-key-id" = try(aws_kms_key.state.arn, null)
          }
        }
      }],
    )
  })

  lifecycle_configuration {
    rule {
      id     = "former-states"
      status = "Enabled"

      noncurrent_version_expiration {
        noncurrent_days           = 90
        newer_noncurrent_versions = 20
      }
    }

    rule {
      id     = "aborted-uploads"
      status = "Enabled"

      abort_incomplete_multipart_upload {
        days_after_initiation = 7
      }
    }
  }

  lifecycle {
    prevent_destroy = true
    prevent_replace = true
  }
}

resource "aws_dynamodb_table" "lock" {
  name                        = var.lock_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "Stack"
  range_key                   = "Item"
  deletion_protection_enabled = true

  attribute {
    name = "Stack"
    type = "S"
  }

  attribute {
    name = "Item"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
    prevent_replace = true
  }
}

# The account's own IAM policies say who may use it: a key policy cannot name roles that do not exist yet.
resource "aws_kms_key" "state" {
  enabled                 = var.kms_alias != null
  description             = "States in ${var.bucket}"
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

  lifecycle {
    prevent_destroy = true
    prevent_replace = true
  }
}

resource "aws_kms_alias" "state" {
  enabled       = var.kms_alias != null
  name          = var.kms_alias
  target_key_id = try(aws_kms_key.state.key_id, null)
}

output "bucket" { value = aws_s3_bucket.state.bucket }
output "lock_table" { value = aws_dynamodb_table.lock.name }
