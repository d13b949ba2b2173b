//! Plans that are kept: carried out as they were shown, or not at all.

use serde_json::json;

use super::checkout::Checkout;

const REPOSITORY: &str = "module.registry.aws_ecr_repository.this[\"devops-demo-dev\"]";

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_plan_holds_until_something_it_touches_changes() {
    let here = Checkout::local("700000000007", "700000000008").await;
    let caller = here.caller("dev");
    let apply = "apply dev --plan kept.plan --auto-approve";
    here.run("plan dev --out kept.plan").ends(0);
    let kept = std::fs::read(here.path().join("kept.plan")).unwrap();
    let other = here.run("apply prod --plan kept.plan --auto-approve --confirm prod").ends(1);
    assert_eq!(other.codes(), ["plan-file-other-stack"]);
    for length in [0, 1, kept.len() / 2, kept.len() - 1] {
        here.write("cut.plan", "");
        std::fs::write(here.path().join("cut.plan"), &kept[..length]).unwrap();
        let cut = here.run("apply dev --plan cut.plan --auto-approve").ends(1);
        assert_eq!(cut.codes(), ["plan-damaged"], "{length} bytes");
    }
    assert!(here.ids("dev").is_empty());
    here.run(apply).ends(0);
    here.is_settled("dev");
    assert_eq!(here.run(apply).ends(1).codes(), ["stale-plan"], "it is done once");

    // Something that it touches has changed since.
    here.edit("stacks/dev/ecr.hcl", "scan_on_push = false", "scan_on_push = true");
    here.run("plan dev --out kept.plan").ends(0);
    let mutability = json!({ "repositoryName": "devops-demo-dev", "imageTagMutability": "MUTABLE" });
    let answer = caller.json("ecr", "AmazonEC2ContainerRegistry_V20150921.PutImageTagMutability", &mutability).await;
    answer.unwrap().success("ecr", "PutImageTagMutability").unwrap();
    let stale = here.run(apply).ends(1);
    assert_eq!(stale.codes(), ["stale-plan"]);
    assert!(stale.err.contains(&format!("{REPOSITORY} has changed")), "{}", stale.err);
    assert_eq!(here.planned("dev"), [format!("update {REPOSITORY}")], "nothing was changed");

    // Something else has changed since: that is left for the next plan.
    here.run("plan dev --out kept.plan").ends(0);
    let subnet = here.ids("dev")["module.network.aws_subnet.intra[\"b\"]"].clone();
    let name = [("ResourceId.1", subnet.as_str()), ("Tag.1.Key", "Name"), ("Tag.1.Value", "mine")];
    caller.ec2("CreateTags", &name).await.unwrap().success("ec2", "CreateTags").unwrap();
    here.run(apply).ends(0);
    assert_eq!(here.planned("dev"), ["update module.network.aws_subnet.intra[\"b\"]"]);

    // The files have changed since.
    here.run("plan dev --out kept.plan").ends(0);
    here.edit("stacks/dev/ecr.hcl", "scan_on_push = true", "scan_on_push = false");
    let stale = here.run(apply).ends(1);
    assert_eq!(stale.codes(), ["stale-plan"]);
    assert!(stale.err.contains("files or variables have changed"), "{}", stale.err);
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");
}
