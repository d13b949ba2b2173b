//! What Terraform has and we have not, with what to write instead.

/// Why there is no such thing, and what takes its place.
pub struct Instead {
    pub why: &'static str,
    pub write: &'static str,
}

/// Top-level blocks.
pub fn block(kind: &str) -> Option<Instead> {
    let (why, write) = match kind {
        "terraform" => (
            "Versions, backend and providers are not configured apart: infra is one binary, and a stack says where its state is.",
            "stack { version = \">= 0.1\", state \"s3\" { … } }, one argument a line",
        ),
        "provider" => (
            "There are no providers. Region and accounts belong to the stack; Kubernetes resources name their cluster.",
            "stack { region = \"…\" }; a second region: aws \"us_east_1\" { region = \"us-east-1\" } and aws = \"us_east_1\" in the resource",
        ),
        "backend" => ("Where the state is kept is said in the stack.", "stack { state \"s3\" { … } }"),
        "variables" => ("Each variable has a block of its own.", "variable \"NAME\" { … }"),
        "local" => ("Local values share one block.", "locals { NAME = … }"),
        "ephemeral" => {
            ("Secrets are kept out of state and plan by marking them.", "sensitive(…), or a variable with sensitive = true")
        }
        "action" | "list" => ("Only resources and data sources are managed.", "infra schema"),
        _ => return None,
    };
    Some(Instead { why, write })
}

/// Arguments and blocks within a resource or module.
pub fn argument(name: &str, is_block: bool) -> Option<Instead> {
    let (why, write) = match (name, is_block) {
        ("provider", false) => ("There are no providers; a second region or account is an `aws` block.", "aws = \"us_east_1\""),
        ("providers", false) => ("A module needs no providers.", "set `aws` on the resources that need it"),
        ("provisioner", true) => (
            "Nothing is run on or beside a resource: what such a script did is not known to plan, drift or destroy.",
            "user data, a container's entry point, or a step of the pipeline",
        ),
        ("connection", true) => ("Nothing is run on a resource, so there is nothing to connect to.", "take the block away"),
        _ => return None,
    };
    Some(Instead { why, write })
}

/// A resource of Terraform's provider that is a part of another thing here.
pub struct Part {
    pub whole: &'static str,
    pub write: &'static str,
}

pub fn part(type_name: &str) -> Option<Part> {
    let (whole, write) = match type_name {
        "aws_s3_bucket_versioning" => ("aws_s3_bucket", "versioning { enabled = true }"),
        "aws_s3_bucket_public_access_block" => ("aws_s3_bucket", "public_access_block { block_public_acls = true … }"),
        "aws_s3_bucket_server_side_encryption_configuration" => (
            "aws_s3_bucket",
            "server_side_encryption_configuration { rule { apply_server_side_encryption_by_default { sse_algorithm = \"aws:kms\" } } }",
        ),
        "aws_s3_bucket_policy" => ("aws_s3_bucket", "policy = jsonencode({ … })"),
        "aws_s3_bucket_ownership_controls" => {
            ("aws_s3_bucket", "ownership_controls { rule { object_ownership = \"BucketOwnerEnforced\" } }")
        }
        "aws_s3_bucket_lifecycle_configuration" => ("aws_s3_bucket", "lifecycle_rule { … }"),
        "aws_s3_bucket_logging" => ("aws_s3_bucket", "logging { target_bucket = … }"),
        "aws_s3_bucket_cors_configuration" => ("aws_s3_bucket", "cors_rule { … }"),
        "aws_s3_bucket_acl" => ("aws_s3_bucket", "acl = \"private\""),
        "aws_s3_bucket_notification" => ("aws_s3_bucket", "notification { … }"),
        "aws_ecr_lifecycle_policy" => ("aws_ecr_repository", "lifecycle_policy = jsonencode({ rules = […] })"),
        "aws_ecr_repository_policy" => ("aws_ecr_repository", "repository_policy = jsonencode({ … })"),
        "aws_security_group_rule" => {
            ("aws_security_group", "ingress { … } or egress { … }; a rule on its own is aws_vpc_security_group_ingress_rule")
        }
        "aws_iam_role_policies_exclusive" | "aws_iam_role_policy_attachments_exclusive" => {
            ("aws_iam_role", "inline_policy { … } and managed_policy_arns = […]: a role owns what it declares")
        }
        "aws_iam_role_policy" => {
            ("aws_iam_role", "inline_policy { name = \"…\", policy = jsonencode({ … }) }, one argument a line")
        }
        "aws_kms_key_policy" => ("aws_kms_key", "policy = jsonencode({ … })"),
        "aws_sqs_queue_policy" => ("aws_sqs_queue", "policy = jsonencode({ … })"),
        "aws_sqs_queue_redrive_policy" => ("aws_sqs_queue", "redrive_policy = jsonencode({ … })"),
        "aws_sns_topic_policy" => ("aws_sns_topic", "policy = jsonencode({ … })"),
        "aws_vpc_ipv4_cidr_block_association" => ("aws_vpc", "a VPC of the right size: cidr_block = \"10.0.0.0/16\""),
        "aws_internet_gateway_attachment" => ("aws_internet_gateway", "vpc_id = …"),
        "aws_dynamodb_tag" | "aws_ec2_tag" => ("the resource itself", "tags = { … }"),
        _ => return None,
    };
    Some(Part { whole, write })
}
