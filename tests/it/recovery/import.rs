//! `infra import`: what exists is taken in under an address that the files declare.

use localstack::Cloud;
use localstack::client::Caller;

use super::{network, steady};
use crate::cli::person::Repository;

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_is_taken_in_and_brought_to_what_the_files_say() {
    const ACCOUNT: &str = "800000000413";
    let cloud = Cloud::shared().await.unwrap();
    let caller = Caller::new(cloud, ACCOUNT);
    let here = Repository::of(&network("one"));
    let run = |line: &str| here.binary(cloud, ACCOUNT, line);
    let make = async |action: &str, parameters: &[(&str, &str)], id: &str| {
        caller.ec2(action, parameters).await.unwrap().success("ec2", action).unwrap().text(id).to_owned()
    };
    let vpc = make("CreateVpc", &[("CidrBlock", "10.0.0.0/16")], "vpcId").await;
    let other = make("CreateVpc", &[("CidrBlock", "10.9.0.0/16")], "vpcId").await;
    let subnet = make("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", "10.0.1.0/24")], "subnetId").await;

    for (line, exit, code) in [
        (format!("import aws_vpc.none {vpc} --auto-approve"), 1, "import-target"),
        ("import aws_vpc.main vpc-0123456789abcdef0 --auto-approve".to_owned(), 1, "import-missing"),
        (format!("import aws_vpc.main {other} --auto-approve"), 1, "import-differs"),
        (format!("import nothing {vpc}"), 64, "address"),
        (format!("import aws_vpc.main {vpc}"), 64, "nobody-to-ask"),
    ] {
        let said = run(&line).ends(exit);
        assert!(said.codes().contains(&code), "{line}: {}", said.err);
    }
    assert_eq!(run("import aws_vpc.main").ends(64).codes(), [""; 0]);
    assert_eq!(run("state list").ends(0).out, "", "nothing was changed");

    let mut shown = run(&format!("import aws_vpc.main {vpc} --auto-approve")).ends(0).out;
    assert_eq!(run(&format!("import aws_vpc.main {vpc} --auto-approve")).ends(1).codes(), ["already-recorded"]);
    shown.push_str(&run(&format!("import dev aws_subnet.a[\"one\"] {subnet} --auto-approve")).ends(0).out);
    let twice = run(&format!("import aws_subnet.a[\"two\"] {subnet} --auto-approve")).ends(1);
    assert!(twice.codes() == ["already-recorded"] && twice.err.contains("aws_subnet.a[\"one\"]"), "{}", twice.err);
    let plan = run("plan --format json").ends(0).json();
    assert_eq!(plan["summary"]["create"], 1, "only the second subnet is new: {plan}");
    assert_eq!(plan["summary"]["update"], 0, "{plan}");
    run("apply --auto-approve").ends(0);
    run("plan --detailed-exitcode").ends(0);
    assert!(run("runs").ends(0).out.contains("infra import dev"));
    run("destroy dev --auto-approve").ends(0);
    insta::assert_snapshot!(steady(&shown));
}
