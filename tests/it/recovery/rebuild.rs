//! `infra state rebuild`: the state is lost, and the account still holds everything.

use localstack::{Cloud, REGION};

use super::steady;
use crate::cli::person::Repository;

fn stack(secret: &str) -> String {
    format!(
        r#"
stack {{
  region = "{REGION}"
  tags   = {{ project = "demo" }}
}}

resource "aws_vpc" "main" {{
  cidr_block = "10.0.0.0/16"
  tags       = {{ Name = "{secret}" }}
}}

resource "aws_subnet" "a" {{
  for_each   = {{ "one/x y" = 1, two = 2 }}
  vpc_id     = aws_vpc.main.id
  cidr_block = cidrsubnet("10.0.0.0/16", 8, each.value)
}}

resource "aws_internet_gateway" "main" {{
  vpc_id = aws_vpc.main.id
}}

resource "aws_route_table" "main" {{
  vpc_id = aws_vpc.main.id
}}

resource "aws_route" "out" {{
  route_table_id         = aws_route_table.main.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}}

resource "aws_route_table_association" "a" {{
  for_each       = aws_subnet.a
  subnet_id      = each.value.id
  route_table_id = aws_route_table.main.id
}}

resource "aws_security_group" "web" {{
  name        = "web"
  description = "web"
  vpc_id      = aws_vpc.main.id
  ingress {{
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["10.0.0.0/8"]
  }}
}}

aws "virginia" {{
  region = "us-east-1"
}}

resource "aws_vpc" "far" {{
  aws        = "virginia"
  cidr_block = "10.9.0.0/16"
}}

resource "aws_kms_key" "main" {{
  description = "main"
}}

resource "aws_kms_alias" "main" {{
  name          = "alias/rebuilt"
  target_key_id = aws_kms_key.main.id
}}

resource "aws_s3_bucket" "data" {{
  bucket = "rebuilt-800000000406"
}}

resource "aws_ecr_repository" "service" {{
  name = "rebuilt"
}}

resource "aws_dynamodb_table" "table" {{
  name         = "rebuilt"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {{
    name = "id"
    type = "S"
  }}
}}

resource "aws_iam_role" "node" {{
  name               = "rebuilt-node"
  assume_role_policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {{ Service = "ec2.amazonaws.com" }} }}]
  }})
}}

resource "aws_iam_instance_profile" "node" {{
  name = "rebuilt-node"
  role = aws_iam_role.node.name
}}

output "vpc" {{
  value = aws_vpc.main.id
}}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_state_is_recorded_anew() {
    const ACCOUNT: &str = "800000000406";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&stack("main"));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    assert_eq!(run("state rebuild --auto-approve").ends(1).codes(), ["nothing-tagged"]);
    run("apply --auto-approve").ends(0);
    let before = run("state list").ends(0).out;
    let lineage = run("state pull").ends(0).json()["lineage"].clone();
    let orphan = "resource \"aws_vpc\" \"more\" {\n  cidr_block = \"10.1.0.0/16\"\n}\n";
    here.write("stacks/dev/more.hcl", orphan);
    run("apply --auto-approve").ends(0);
    std::fs::remove_file(here.path().join("stacks/dev/more.hcl")).unwrap();
    std::fs::remove_dir_all(here.path().join(".infra")).unwrap();

    let lost = run("plan").ends(1);
    assert_eq!(lost.codes(), ["lost-state"]);
    assert!(lost.err.contains("infra state rebuild dev"), "{}", lost.err);
    let rebuilt = run("state rebuild --auto-approve").ends(0);
    assert_eq!(rebuilt.codes(), ["no-tags", "not-in-files"], "{}", rebuilt.err);
    assert!(rebuilt.out.contains("Plan: 0 to create, 0 to update, 17 to import, 0 to delete."), "{}", rebuilt.out);
    assert_eq!(run("state list").ends(0).out, before);
    assert_eq!(run("state pull").ends(0).json()["lineage"], lineage, "the things are still its own");
    let plan = run("plan --detailed-exitcode");
    assert_eq!(plan.code, 0, "{}", plan.out);
    run("drift").ends(0);
    assert!(run("state rebuild --auto-approve").ends(0).out.contains("Nothing was found"));
    here.write("stacks/dev/more.hcl", orphan);
    run("state rebuild --auto-approve").ends(0);
    run("plan --detailed-exitcode").ends(0);
    run("destroy dev --auto-approve").ends(0);
    insta::assert_snapshot!(steady(&rebuilt.out));
}
