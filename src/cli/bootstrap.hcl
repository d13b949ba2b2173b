# What states are kept with. Made by `infra bootstrap`, and a stack like any other from then on.

stack {
  region   = var.region
  accounts = var.accounts
  tags     = var.tags

  state "s3" {
    bucket     = var.bucket
    key        = "bootstrap/state.json"
    lock_table = var.lock_table
    lease      = var.lease
  }
}

variable "region" { type = string }
variable "accounts" { type = list(string) }
variable "tags" { type = map(string) }
variable "bucket" { type = string }
variable "lock_table" { type = string }
variable "lease" { type = string }

# `alias/…`; null leaves encryption to S3's own key.
variable "kms_alias" {
  type    = string
  default = null
}

# Bucket and table exist before there is anywhere to write down that they do; here they become the stack's own.
import {
  to = module.state.aws_s3_bucket.state
  id = var.bucket
}

import {
  to = module.state.aws_dynamodb_table.lock
  id = var.lock_table
}

module "state" {
  source     = "../modules/state"
  bucket     = var.bucket
  lock_table = var.lock_table
  kms_alias  = var.kms_alias
}
