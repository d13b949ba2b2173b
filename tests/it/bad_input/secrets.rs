//! A canary: a secret that goes through everything, and must be seen nowhere but in AWS.

use localstack::{Cloud, REGION};

use super::contents;
use crate::cli::person::{Repository, Said};

const ACCOUNT: &str = "800000000130";
const CANARY: &str = "Zx9-canary-Qw7";

fn stack(value: &str, extra: &str) -> String {
    format!(
        r#"
stack {{
  region = "{REGION}"
}}

variable "secret" {{
  type      = string
  sensitive = true
}}

locals {{
  wrapped = "<${{var.secret}}>"
  table   = {{ inner = [var.secret] }}
}}

resource "aws_vpc" "main" {{
  cidr_block = "10.0.0.0/16"
  tags       = {{ Name = "{value}", Secret = var.secret }}
}}

resource "aws_security_group" "web" {{
  name        = "canary"
  description = local.wrapped
  vpc_id      = aws_vpc.main.id
}}

resource "aws_ecr_repository" "service" {{
  name   = "canary"
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Sid = replace(var.secret, "-", ""), Effect = "Allow", Principal = "*", Action = "ecr:BatchGetImage" }}]
  }})
}}

output "secret" {{
  value     = local.table
  sensitive = true
}}
{extra}
"#
    )
}

/// The secret in the ways in which a careless writer would show it.
fn is_told(text: &str) -> bool {
    [CANARY, "Zx9canaryQw7", "Zx9-canary", "WngtY2FuYXJ5"].iter().any(|it| text.contains(it))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_seen_nowhere() {
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&stack("one", ""));
    let run = |line: &str| here.binary_with(cloud, ACCOUNT, line, &[("INFRA_VAR_secret", CANARY)]);
    let silent = |said: Said, line: &str| {
        assert!(!is_told(&said.out) && !is_told(&said.err), "`infra {line}` tells:\n{}\n{}", said.out, said.err);
        for (name, bytes) in contents(here.path()) {
            assert!(!is_told(&String::from_utf8_lossy(&bytes)), "`infra {line}` wrote it to {name}");
        }
        said
    };
    let look = |line: &str| {
        for format in ["", " --format json", " --format markdown"] {
            let line = format!("{line}{format}");
            let said = silent(run(&line), &line);
            assert!([0, 2, 64].contains(&said.code), "`infra {line}`: {}", said.err);
        }
    };
    look("validate");
    look("plan");
    silent(run("plan --out kept.plan").ends(0), "plan --out kept.plan");
    silent(run("apply --plan kept.plan --auto-approve").ends(0), "apply --plan kept.plan");
    for line in ["plan", "plan --all", "drift", "output", "state list", "state show aws_vpc.main", "state pull", "graph"] {
        look(line);
    }
    look("state show aws_security_group.web");
    look("state show aws_ecr_repository.service");
    run("plan --detailed-exitcode").ends(0);

    here.write("stacks/dev/stack.hcl", &stack("two", ""));
    let other = |line: &str| here.binary_with(cloud, ACCOUNT, line, &[("INFRA_VAR_secret", "another-value")]);
    silent(other("plan --out kept.plan").ends(0), "plan, with another secret");
    silent(other("plan --format json").ends(0), "plan, with another secret");
    silent(run("apply --auto-approve --format json").ends(0), "apply --format json");

    for wrong in [
        "output \"plain\" { value = var.secret }",
        "resource \"aws_vpc\" \"bad\" { cidr_block = var.secret }",
        "resource \"aws_vpc\" \"each\" {\n  for_each   = { (var.secret) = 1 }\n  cidr_block = \"10.0.0.0/16\"\n}",
        "output \"number\" { value = tonumber(var.secret) }",
        "output \"json\" { value = jsondecode(var.secret) }",
        "output \"file\" { value = file(var.secret) }",
        "output \"key\" { value = { a = 1 }[var.secret] }",
        "output \"regex\" { value = regex(\"^x$\", var.secret) }",
        "resource \"aws_vpc\" \"stopped\" {\n  cidr_block = \"10.0.0.0/16\"\n  lifecycle {\n    precondition {\n      condition     = var.secret == \"\"\n      error_message = \"not ${var.secret}\"\n    }\n  }\n}",
    ] {
        here.write("stacks/dev/stack.hcl", &stack("two", wrong));
        for line in ["validate", "plan", "validate --format json"] {
            let said = silent(run(line), &format!("{line} of {wrong}"));
            assert_eq!(said.code, 1, "{line} of {wrong}: {}{}", said.out, said.err);
        }
    }
    here.write("stacks/dev/stack.hcl", &stack("two", ""));
    let console = |expression: &str| {
        let (mut command, pipe) = (here.command("console"), std::process::Stdio::piped);
        command.envs(cloud.env(ACCOUNT)).env("INFRA_VAR_secret", CANARY).stdin(pipe()).stdout(pipe()).stderr(pipe());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), expression.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(!is_told(&said), "console {expression}: {said}");
    };
    for expression in
        ["var.secret", "local.table", "upper(local.wrapped)", "[for it in [var.secret] : it]", "tonumber(var.secret)"]
    {
        console(expression);
    }
    silent(run("destroy dev --auto-approve --format json").ends(0), "destroy");
}
