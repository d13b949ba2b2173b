//! `infra runs`: who changed what, when, from which files and why.

use std::process::Stdio;

use localstack::Cloud;

use super::{network, steady};
use crate::cli::person::Repository;

#[tokio::test(flavor = "multi_thread")]
async fn every_run_that_changes_something_is_on_record() {
    const ACCOUNT: &str = "800000000402";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&network("one"));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    assert_eq!(run("runs").ends(0).out, "No run is on record.\n");
    run("apply --auto-approve").ends(0);
    run("apply --auto-approve").ends(0);
    here.write("stacks/dev/stack.hcl", &network("two"));
    run("apply --auto-approve").ends(0);
    let bad = "resource \"aws_subnet\" \"bad\" {\n  vpc_id     = aws_vpc.main.id\n  cidr_block = \"192.168.0.0/24\"\n}\n";
    here.write("stacks/dev/stack.hcl", &format!("{}{bad}", network("two")));
    run("apply --auto-approve").ends(1);
    let list = run("runs").ends(0).out;
    assert_eq!(list.lines().count(), 4, "a heading and three runs; one changed nothing:\n{list}");

    let runs = run("runs --format json").ends(0).json();
    let [failed, changed, made] = runs["runs"].as_array().unwrap().as_slice() else { panic!("{runs}") };
    assert_eq!((&made["result"], &changed["result"], &failed["result"]), (&"done".into(), &"done".into(), &"failed".into()));
    assert!(made["caller"].as_str().unwrap().contains(ACCOUNT), "{made}");
    assert_eq!(made["steps"].as_array().unwrap().len(), 3);
    assert_eq!(changed["steps"][0]["why"][0], "configuration changed: tags[\"Name\"]");
    assert!(failed["steps"][0]["message"].as_str().unwrap().contains("InvalidSubnet.Range"), "{failed}");
    assert!(!failed["steps"][0]["requests"].as_array().unwrap().is_empty(), "{failed}");
    let id = changed["run"].as_str().unwrap();
    assert_eq!(run(&format!("runs dev {} --format json", &id[..6])).ends(0).json()["run"], *changed);
    assert_eq!(run("runs zzz").ends(1).codes(), ["no-run"]);

    let shown = [
        list,
        run(&format!("runs {id}")).ends(0).out,
        run(&format!("runs {}", failed["run"].as_str().unwrap())).ends(0).out,
        run("runs --address aws_vpc.main").ends(0).out,
        run("runs --address aws_subnet.a[\"one\"]").ends(0).out,
        run("runs --address aws_subnet.none").ends(0).out,
    ];
    insta::assert_snapshot!(steady(&shown.join("\n")));
    here.write("stacks/dev/stack.hcl", &network("two"));
    run("destroy dev --auto-approve").ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_a_run_that_was_killed_is_closed_by_the_next() {
    const ACCOUNT: &str = "800000000403";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&network("one").replace("{ one = 1, two = 2 }", "{ for it in range(30) : tostring(it) => it }"));
    let mut command = here.command("apply --auto-approve --parallelism 1");
    command.envs(cloud.env(ACCOUNT)).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    assert!(lines.any(|it| it.unwrap().contains("aws_subnet.a[\"0\"]: creat")));
    child.kill().unwrap();
    child.wait().unwrap();
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    assert_eq!(run("runs --format json").ends(0).json()["runs"][0]["result"], serde_json::Value::Null);
    assert!(run("runs").ends(0).out.contains("at work"));
    run("apply --auto-approve").ends(0);
    let runs = run("runs --format json").ends(0).json();
    let [next, killed] = runs["runs"].as_array().unwrap().as_slice() else { panic!("{runs}") };
    assert_eq!((&killed["result"], &next["result"]), (&"lost".into(), &"done".into()));
    let steps = killed["steps"].as_array().unwrap();
    let told = |it: &serde_json::Value| it["result"] == "done" || it["result"] == "open";
    assert!(steps[0]["address"] == "aws_vpc.main" && steps.iter().all(told), "{killed}");
    assert!(run("runs").ends(0).out.contains("killed"));
    run("plan --detailed-exitcode").ends(0);
    run("destroy dev --auto-approve").ends(0);
}
