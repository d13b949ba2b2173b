//! What people do when something went wrong: look at former versions, mend the record, go back.

mod destroy;
mod encryption;
mod import;
mod kms;
mod ledger;
mod mending;
mod rebuild;
mod rollback;
mod secrets;
mod tools;

use localstack::REGION;

/// A network and what lies in it, told apart by a name.
fn network(name: &str) -> String {
    format!(
        r#"
stack {{
  region = "{REGION}"
}}

resource "aws_vpc" "main" {{
  cidr_block = "10.0.0.0/16"
  tags       = {{ Name = "{name}" }}
}}

resource "aws_subnet" "a" {{
  for_each   = {{ one = 1, two = 2 }}
  vpc_id     = aws_vpc.main.id
  cidr_block = cidrsubnet("10.0.0.0/16", 8, each.value)
}}

output "vpc" {{
  value = aws_vpc.main.id
}}
"#
    )
}

/// A text without what differs from run to run: ids, times, commits.
fn steady(text: &str) -> String {
    let rules = [
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "REQUEST"),
        (r"\b[0-9a-f]{32}\b", "RUN"),
        (r"run [0-9a-f]{8}\b", "run RUNID"),
        (r"(?m)^[0-9a-f]{8} ", "RUNID    "),
        (r"\b(vpc|subnet|rtb|igw|sg)-[0-9a-f]{8,17}", "$1-ID"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME"),
        (r"\b\d+\.\ds\b|\b\d+m?\d*s\b", "LONG"),
        (r"ann@[\w.-]+", "ann@HOST"),
        (r"127\.0\.0\.1:\d+", "LOCAL"),
        (r"(\S) {2,}", "$1  "),
        (r" +(\n|$)", "$1"),
    ];
    rules.iter().fold(text.to_owned(), |text, (rule, to)| regex::Regex::new(rule).unwrap().replace_all(&text, *to).into_owned())
}
