//! Help, versions, formats, colours: what is said without calling anything.

use super::person::{Repository, terminal};

const STACK: &str = r#"
stack {
  region = "eu-west-1"
}

variable "cidr" {
  default = "10.0.0.0/16"
}

resource "aws_vpc" "main" {
  cidr_block = var.cidr
}

resource "aws_subnet" "a" {
  for_each   = { a = 1, b = 2 }
  vpc_id     = aws_vpc.main.id
  cidr_block = cidrsubnet(var.cidr, 8, each.value)
}
"#;

#[test]
fn help_of_every_command() {
    let here = Repository::of(STACK);
    let mut all = here.run("--help").ends(0).out;
    for command in [
        "plan",
        "apply",
        "destroy",
        "drift",
        "output",
        "validate",
        "console",
        "graph",
        "rehearse",
        "schema",
        "import",
        "state",
        "state list",
        "state show",
        "state pull",
        "state history",
        "state mv",
        "state rm",
        "state push",
        "state rebuild",
        "runs",
        "rollback",
        "unlock",
        "bootstrap",
        "kubeconfig",
        "eks-token",
        "explain",
        "completions",
        "version",
    ] {
        all.push_str(&format!("\n==== {command}\n{}", here.run(&format!("{command} --help")).ends(0).out));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_cannot_be_understood_is_a_usage_error_with_a_suggestion() {
    let here = Repository::of(STACK);
    let said = here.run("aply dev").ends(64);
    assert!(said.out.is_empty() && said.err.contains("'apply'"), "{}", said.err);
    assert!(here.run("plan --targt x").ends(64).err.contains("--target"));
    assert!(here.run("").ends(64).err.contains("Usage:"));
    assert_eq!(here.run("destroy").ends(64).codes(), [""; 0], "destroy always names its stack");
    assert_eq!(here.run("validate --format markdown").ends(64).codes(), ["format"]);
    assert_eq!(here.run("apply --deadline soon").ends(64).codes(), [""; 0]);
}

#[test]
fn stacks_are_named_and_found() {
    let here = Repository::new(&[("stacks/dev/a.hcl", STACK), ("stacks/prod/a.hcl", STACK), ("stacks/modules/m/a.hcl", "")]);
    assert_eq!(here.run("validate").ends(64).codes(), ["which-stack"]);
    assert_eq!(here.run("validate ..").ends(64).codes(), ["stack-name"]);
    assert_eq!(here.run("validate ../../etc").ends(64).codes(), ["stack-name"]);
    let said = here.run("validate pro").ends(64);
    assert_eq!(said.codes(), ["no-such-stack"]);
    assert!(said.err.contains("did you mean `prod`?"), "{}", said.err);
    here.run("-C stacks/prod validate prod").ends(64);
    here.run("-C . validate prod").ends(0);
    let elsewhere = Repository::new(&[("readme", "")]);
    assert_eq!(elsewhere.run("plan").ends(64).codes(), ["no-stacks"]);
}

#[test]
fn versions_and_pages() {
    let here = Repository::of(STACK);
    assert_eq!(here.run("--version").ends(0).out, format!("infra {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(here.run("version --format json").ends(0).json()["plan_format"], 1);
    assert!(here.run("explain stale-plan").ends(0).out.starts_with("# stale-plan\n"));
    let said = here.run("explain stale-pan").ends(64);
    assert!(said.err.contains("did you mean `stale-plan`?"), "{}", said.err);
    assert!(here.run("completions bash").ends(0).out.contains("_infra()"));
}

#[test]
fn a_pipe_gets_no_colours_and_a_terminal_does() {
    let wrong = Repository::of("stack {\n  region = 1 +\n}\n");
    assert!(!wrong.run("validate").ends(1).err.contains('\u{1b}'));
    assert!(wrong.run_as("validate", "", terminal(80), &[]).ends(1).err.contains("\u{1b}["));
    for (line, env) in [("validate --no-color", &[][..]), ("validate", &[("NO_COLOR", "1")]), ("validate", &[("TERM", "dumb")])] {
        assert!(!wrong.run_as(line, "", terminal(80), env).err.contains('\u{1b}'), "{line} {env:?}");
    }
}

#[test]
fn a_stack_is_validated_and_drawn() {
    let here = Repository::of(STACK);
    assert_eq!(here.run("validate dev").ends(0).out, "The stack `dev` is valid: 3 resources and data sources.\n");
    let document = here.run("validate --format json").ends(0).json();
    assert_eq!((&document["valid"], &document["errors"]), (&true.into(), &0.into()));
    let graph = here.run("graph --format json").ends(0).json();
    assert_eq!(graph["edges"][0]["attribute"], "vpc_id");
    assert!(here.run("graph").ends(0).out.starts_with("digraph"));
}

#[test]
fn variables_come_from_four_places_and_the_nearest_wins() {
    let here = Repository::of(STACK);
    here.write("values.hcl", "cidr = \"10.2.0.0/16\"\n");
    here.write("values.json", "{\"cidr\": \"10.3.0.0/16\"}");
    let cidr = |line: &str, env: &[(&str, &str)]| {
        here.run_as(&format!("console {line}"), "var.cidr", Default::default(), env).ends(0).out
    };
    let set = [("INFRA_VAR_cidr", "10.1.0.0/16")];
    assert_eq!(cidr("", &[]), "\"10.0.0.0/16\"\n");
    assert_eq!(cidr("", &set), "\"10.1.0.0/16\"\n");
    assert_eq!(cidr("--var-file values.hcl", &set), "\"10.2.0.0/16\"\n");
    assert_eq!(cidr("-var-file=values.json", &set), "\"10.3.0.0/16\"\n");
    assert_eq!(cidr("-var cidr=10.4.0.0/16 --var-file values.hcl", &set), "\"10.4.0.0/16\"\n");
    assert_eq!(here.run("console --var cdr=1").ends(1).codes(), ["unknown-variable"]);
    assert_eq!(here.run("console --var cidr").ends(64).codes(), ["bad-variable"]);
    assert_eq!(here.run("console --var-file nowhere").ends(64).codes(), ["var-file"]);
}

#[test]
fn a_console_answers_line_by_line_and_stops_at_the_first_mistake() {
    let here = Repository::of(STACK);
    let lines = "1 + 2\n\nupper(\"a\")\n[for k, v in { a = 1 } : k]\nnowhere\n4\n";
    let said = here.run_as("console", lines, Default::default(), &[]).ends(1);
    assert!(said.out.starts_with("3\n\"A\"\n[") && !said.out.contains('4'), "{}", said.out);
    assert!(said.err.contains("nowhere") && said.err.contains("^^^"), "{}", said.err);
    assert_eq!(here.run_as("console", "1", Default::default(), &[]).ends(0).out, "1\n");
}

#[test]
fn types_are_documented() {
    let here = Repository::of(STACK);
    let list = here.run("schema").ends(0).out;
    assert!(list.lines().any(|it| it.starts_with("aws_vpc ")) && list.lines().any(|it| it.starts_with("data.aws_region ")));
    assert!(here.run("schema aws_vpc").ends(0).out.contains("cidr_block"));
    let schema = here.run("schema aws_vpc --format json").ends(0).json();
    assert_eq!(schema["properties"]["cidr_block"]["x-fixed"], true);
    assert!(here.run("schema aws_vcp").ends(64).err.contains("did you mean `aws_vpc`?"));
}

#[test]
fn a_stack_without_a_state_says_so() {
    let here = Repository::of(STACK);
    assert_eq!(here.run("output").ends(0).out, "");
    assert_eq!(here.run("output dev vpc").ends(1).codes(), ["no-output"]);
    assert_eq!(here.run("state list --format json").ends(0).json()["resources"], serde_json::json!([]));
    assert_eq!(here.run("state pull").ends(1).codes(), ["no-state"]);
    assert_eq!(here.run("state show aws_vpc.main").ends(1).codes(), ["no-state"]);
    assert_eq!(here.run("state show vpc").ends(64).codes(), ["address"]);
    assert_eq!(here.run("unlock").ends(0).out, "The stack `dev` is not locked.\n");
    let said = here.run_as("output", "", Default::default(), &[("CI", "true")]).ends(1);
    assert_eq!(said.codes(), ["ci-local-state"], "where nobody keeps the folder, a state is not kept in one");
}
