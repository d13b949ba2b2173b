//! The stack that is measured: its numbers, its names, and its files.

use std::fs;
use std::io;
use std::path::Path;

use localstack::REGION;

use crate::infra::ACCOUNT;

pub const NAME: &str = "bench";
/// The value of the tag `project` of everything in it.
pub const PROJECT: &str = "infra-bench";

pub const SUBNETS: usize = 100;
pub const TABLES: usize = 50;
pub const GROUPS: usize = 450;
pub const REPOSITORIES: usize = 300;

pub const VPC_CIDR: &str = "10.0.0.0/16";
/// What each group lets in. With AWS's own rule that lets everything out left in place, one call makes a group's rules.
pub const PORTS: [u16; 2] = [80, 443];

const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];

/// What infra adds to them to know its own again. The client that was written by hand puts as much on, so that both give the
/// emulators the same work.
pub fn ownership() -> [(&'static str, &'static str); 4] {
    let id = "0123456789abcdef0123456789abcdef";
    [("by-hand:stack", NAME), ("by-hand:lineage", id), ("by-hand:id", id), ("by-hand:address", "aws_security_group.this")]
}

/// The tags of everything that can have some.
pub fn tags() -> [(&'static str, &'static str); 2] {
    [("project", PROJECT), ("env", NAME)]
}

pub fn subnet_cidr(number: usize) -> String {
    format!("10.0.{number}.0/24")
}

pub fn zone(number: usize) -> &'static str {
    ZONES[number % ZONES.len()]
}

/// The route table of a subnet.
pub fn table_of(subnet: usize) -> usize {
    subnet % TABLES
}

pub fn group_name(number: usize) -> String {
    format!("bench-{number}")
}

pub fn repository_name(number: usize) -> String {
    format!("bench/service-{number}")
}

/// Writes the stack's files below `root`.
pub fn write(root: &Path) -> io::Result<()> {
    let folder = root.join("stacks").join(NAME);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("stack.hcl"), settings())?;
    fs::write(folder.join("network.hcl"), network())?;
    fs::write(folder.join("groups.hcl"), groups())?;
    fs::write(folder.join("registry.hcl"), registry())
}

fn settings() -> String {
    let tags = tags().map(|(key, value)| format!("{key} = \"{value}\"")).join(", ");
    format!(
        r#"stack {{
  region   = "{REGION}"
  accounts = ["{ACCOUNT}"]
  tags     = {{ {tags} }}

  state "s3" {{
    bucket     = "{PROJECT}-{ACCOUNT}"
    key        = "{NAME}/state.json"
    lock_table = "{PROJECT}-lock"
  }}
}}
"#
    )
}

fn network() -> String {
    format!(
        r#"locals {{
  subnets = {{ for number in range({SUBNETS}) : tostring(number) => number }}
  tables  = {{ for number in range({TABLES}) : tostring(number) => number }}
  zones   = {ZONES:?}
}}

resource "aws_vpc" "main" {{ cidr_block = "{VPC_CIDR}" }}

resource "aws_internet_gateway" "main" {{ vpc_id = aws_vpc.main.id }}

resource "aws_subnet" "this" {{
  for_each          = local.subnets
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet("{VPC_CIDR}", 8, each.value)
  availability_zone = local.zones[each.value % {}]
}}

resource "aws_route_table" "this" {{
  for_each = local.tables
  vpc_id   = aws_vpc.main.id
}}

resource "aws_route" "internet" {{
  for_each               = local.tables
  route_table_id         = aws_route_table.this[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main.id
}}

resource "aws_route_table_association" "this" {{
  for_each       = local.subnets
  subnet_id      = aws_subnet.this[each.key].id
  route_table_id = aws_route_table.this[tostring(each.value % {TABLES})].id
}}
"#,
        ZONES.len()
    )
}

fn groups() -> String {
    let ingress = PORTS.map(|port| {
        format!(
            r#"  ingress {{
    protocol    = "tcp"
    from_port   = {port}
    to_port     = {port}
    cidr_blocks = ["{VPC_CIDR}"]
  }}
"#
        )
    });
    format!(
        r#"resource "aws_security_group" "this" {{
  for_each    = toset([for number in range({GROUPS}) : "bench-${{number}}"])
  name        = each.key
  description = each.key
  vpc_id      = aws_vpc.main.id
{}  egress {{
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }}
}}
"#,
        ingress.concat()
    )
}

fn registry() -> String {
    format!(
        r#"resource "aws_ecr_repository" "this" {{
  for_each = toset([for number in range({REPOSITORIES}) : "bench/service-${{number}}"])
  name     = each.key
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::by_hand::{LEAST_TO_CREATE, LEAST_TO_DESTROY};

    #[test]
    fn the_least_calls_are_those_of_the_numbers() {
        let gateway = 2; // made and attached, detached and deleted
        let create = 1 + gateway + SUBNETS + TABLES + TABLES + SUBNETS + 2 * GROUPS + REPOSITORIES;
        assert_eq!(u64::try_from(create).unwrap(), LEAST_TO_CREATE);
        let destroy = 1 + gateway + SUBNETS + TABLES + GROUPS + REPOSITORIES;
        assert_eq!(u64::try_from(destroy).unwrap(), LEAST_TO_DESTROY);
    }
}
