//! `infra rehearse`: a stack, and the engine.

use super::person::{Repository, terminal};

const STACK: &str = r#"
stack {
  region = "eu-west-1"
}

data "aws_availability_zones" "here" {}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "a" {
  for_each          = { a = 0, b = 1 }
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet("10.0.0.0/16", 8, each.value)
  availability_zone = data.aws_availability_zones.here.names[each.value]
}

resource "aws_eip" "out" {}

resource "aws_nat_gateway" "out" {
  subnet_id     = aws_subnet.a["a"].id
  allocation_id = aws_eip.out.id
}

resource "aws_dynamodb_table" "locks" {
  name         = "locks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute    = [{ name = "id", type = "S" }]
}
"#;

#[test]
fn a_stack_is_played_with_its_times_its_critical_path_and_its_crashes() {
    let here = Repository::of(STACK);
    let said = here.run("rehearse dev").ends(0);
    insta::assert_snapshot!(said.out);
    assert_eq!(said.err, "");

    let document = here.run("rehearse dev --crashes 12 --format json").ends(0).json();
    let all = |name: &str| document[name].as_array().unwrap().clone();
    assert_eq!((document["things"].as_u64(), all("steps").len(), all("crashes").len()), (Some(6), 6, 12));
    assert!(all("crashes").iter().all(|it| it["broken"].as_array().unwrap().is_empty() && it["again"].as_f64() > Some(60.0)));
    let path: Vec<_> = all("steps").into_iter().filter(|it| it["critical"] == true).collect();
    assert_eq!(path.last().unwrap()["address"], "aws_nat_gateway.out");
}

#[test]
fn a_stack_with_mistakes_is_not_played() {
    let here = Repository::of("resource \"aws_vpc\" \"main\" {}");
    assert_eq!(here.run("rehearse").ends(1).codes().first(), Some(&"missing-attribute"));
}

#[test]
fn stories_are_played_by_the_number_and_one_by_its_seed() {
    let here = Repository::of("");
    let said = here.run("rehearse --seeds 20 --seed 40").ends(0);
    assert!(
        said.out.starts_with("20 stories: ") && said.out.ends_with("nothing was lost, nothing made twice.\n"),
        "{}",
        said.out
    );
    let document = here.run("rehearse --seeds 20 --seed 40 --format json").ends(0).json();
    assert_eq!((document["stories"].as_u64(), document["broken"].as_array().map(Vec::len)), (Some(20), Some(0)));
    assert!(document["runs"].as_u64() > Some(40));
    let said = here.run_as("rehearse --seed 7", "", terminal(80), &[]).ends(0);
    assert!(said.out.starts_with("1 story: "), "{}", said.out);
    assert!(here.run("rehearse dev --seeds 3").ends(64).err.contains("--seeds"));
}

#[test]
fn the_projects_own_stacks_get_over_a_crash_anywhere() {
    let here = Repository::of("");
    for stack in ["dev", "prod"] {
        let line = format!("-C {} rehearse {stack} --crashes 25 --format json", env!("CARGO_MANIFEST_DIR"));
        let document = here.run(&line).ends(0).json();
        assert!(document["things"].as_u64() > Some(50), "{stack}: {}", document["things"]);
    }
}
