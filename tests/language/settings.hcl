stack {
  accounts = ["123"]
  confirm  = "yes"
  version  = "new"
  lease    = "1s"
  tags     = { "infra:x" = "y" }
  max_deletes = -1
  state "gcs" {}
}
variable "needed" {}
