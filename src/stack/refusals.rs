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
    pub type_name: &'static str,
    pub whole: &'static str,
    /// A block or an attribute of the whole, as a stack file would have it.
    pub write: &'static str,
}

/// All of them. What takes their place is checked against the catalogue by a test.
pub const PARTS: &[Part] = &[
    part_of("aws_s3_bucket_versioning", "aws_s3_bucket", "versioning { status = \"Enabled\" }"),
    part_of("aws_s3_bucket_public_access_block", "aws_s3_bucket", "public_access_block { block_public_acls = true }"),
    part_of(
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket",
        "server_side_encryption_configuration {\n  rule {\n    apply_server_side_encryption_by_default { sse_algorithm = \"aws:kms\" }\n  }\n}",
    ),
    part_of("aws_s3_bucket_policy", "aws_s3_bucket", "policy = jsonencode({ Statement = [] })"),
    part_of(
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket",
        "ownership_controls {\n  rule { object_ownership = \"BucketOwnerEnforced\" }\n}",
    ),
    part_of(
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket",
        "lifecycle_configuration {\n  rule {\n    id     = \"old\"\n    status = \"Enabled\"\n  }\n}",
    ),
    part_of("aws_ecr_lifecycle_policy", "aws_ecr_repository", "lifecycle_policy = jsonencode({ rules = [] })"),
    part_of("aws_ecr_repository_policy", "aws_ecr_repository", "policy = jsonencode({ Statement = [] })"),
    part_of(
        "aws_security_group_rule",
        "aws_security_group",
        "ingress {\n  protocol    = \"tcp\"\n  from_port   = 443\n  to_port     = 443\n  cidr_blocks = [\"10.0.0.0/16\"]\n}",
    ),
    part_of("aws_kms_key_policy", "aws_kms_key", "policy = jsonencode({ Statement = [] })"),
    part_of("aws_internet_gateway_attachment", "aws_internet_gateway", "vpc_id = \"vpc-0\""),
];

const fn part_of(type_name: &'static str, whole: &'static str, write: &'static str) -> Part {
    Part { type_name, whole, write }
}

pub fn part(type_name: &str) -> Option<&'static Part> {
    PARTS.iter().find(|it| it.type_name == type_name)
}
