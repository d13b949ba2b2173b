# The development environment: one account, one region, three zones.
stack {
  region   = "eu-west-1"
  accounts = ["111111111111"]
  version  = ">= 0.1, < 0.2"
  tags     = { project = "devops-demo", env = "dev" }

  # Bucket and table are made by `infra bootstrap dev`.
  state "s3" {
    bucket     = "chene-factory-infra-dev-111111111111"
    key        = "dev/state.json"
    lock_table = "infra-lock"
    kms_key    = "alias/devops-demo-dev-state"
  }
}

locals {
  name = "devops-demo-${stack.name}"

  # Letters name things; which zone a letter means is decided here, once.
  zones = {
    a = "eu-west-1a"
    b = "eu-west-1b"
    c = "eu-west-1c"
  }
}
