# The production environment: an account of its own. `apply` and `destroy` ask for the stack's name.
stack {
  region      = "eu-west-1"
  accounts    = ["222222222222"]
  confirm     = true
  version     = ">= 0.1, < 0.2"
  max_deletes = 10
  tags        = { project = "devops-demo", env = "prod" }

  # Bucket and table are made by `infra bootstrap prod`.
  state "s3" {
    bucket     = "chene-factory-infra-prod-222222222222"
    key        = "prod/state.json"
    lock_table = "infra-lock"
    kms_key    = "alias/devops-demo-prod-state"
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
