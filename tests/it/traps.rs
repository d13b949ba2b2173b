//! What Terraform's users of EKS fall into, and what keeps users of infra out of it.
//!
//! Each test here names its trap. Those that another test covers already:
//!
//! | trap | what goes wrong there | covered here by |
//! |---|---|---|
//! | T2 | identity agent and network plugin wait for each other | `contract::clusters::aws_eks_pod_identity_association` |
//! | T4 | entries collide, or lose their path | `contract::clusters::aws_eks_access_policy_association`, unit tests of `catalog::eks::access_entry` |
//! | T6 | Auto Mode is a permanent difference | unit tests of `catalog::eks::cluster::seen` |
//! | T8 | a change of instance types takes the nodes down | `stacks::edits`, `plans` ("A type that makes the new one first") |
//! | T10 | two groups carry the cluster's tag | `contract::security::only_eks_tags_groups_for_a_cluster` |
//! | T11 | the log group comes back | `stacks::story`, whose inventory lists log groups |
//! | T13 | tokens expire; a cluster does not know its users yet | unit tests of `cloud::kube::token`, `kubernetes::edge` |
//! | T15 | an update fails for a pod that cannot go | `kubernetes::environment` (told by the plan), `contract::clusters::what_an_update_failed_with_is_the_failure` |
//! | T16 | EKS takes one kind of update a call | `contract::clusters::aws_eks_cluster` |
//! | T17 | a configuration conflicts or is not one | `contract::clusters::the_configuration_of_an_add_on_is_checked_before_it_is_made` |

use localstack::client::Caller;
use localstack::control::{Effect, Fault, Settings};
use serde_json::{Value, json};

use crate::stacks::checkout::Checkout;

const GROUP: &str = "module.eks.aws_eks_node_group.this[\"spot\"]";

async fn eks(caller: &Caller, method: &str, path: &str, body: Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    caller.rest("eks", method, path, &body).await.unwrap().success("eks", path).unwrap().json()
}

/// Reads a node group until nothing is under way.
async fn settled(caller: &Caller, path: &str) -> Value {
    loop {
        let group = eks(caller, "GET", path, Value::Null).await["nodegroup"].take();
        if group["status"] == "ACTIVE" {
            return group;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// T1: nodes that start before their network never become ready. T9: interfaces and a security group that EKS leaves do not hold
/// the network.
#[tokio::test(flavor = "multi_thread")]
async fn t1_t9_no_node_is_asked_for_before_the_network_plugin_and_nothing_is_left_of_them() {
    let here = Checkout::local("700000000051", "700000000052").await;
    let account = here.account("dev");
    // The plugin is the add-on that is asked for last.
    here.cloud().account_faults(account, vec![Fault::on("eks", "CreateAddon", Effect::Deny)]);
    let failed = here.run("apply dev --auto-approve");
    assert_ne!(failed.code, 0);
    assert!(failed.out.contains("failed module.eks.aws_eks_addon.cni"), "{}", failed.out);
    assert_eq!(here.cloud().calls().account(account).of("eks.CreateNodegroup"), 0);
    here.cloud().account_faults(account, Vec::new());
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");
    let cloud = here.cloud();
    cloud.set_account_settings(account, Settings { leaks: true, ..cloud.settings() });
    here.run("destroy dev --auto-approve").ends(0);
}

/// T3, T7, T26 on one cluster, which takes a while to make.
#[tokio::test(flavor = "multi_thread")]
async fn t3_t7_t26_what_others_own_or_make_again() {
    let here = Checkout::local("700000000053", "700000000054").await;
    here.run("apply dev --auto-approve").ends(0);
    let caller = here.caller("dev");

    // T3: what counts at creation alone is no reason to make a cluster again.
    let cluster = "stacks/modules/eks/main.hcl";
    here.edit(cluster, "bootstrap_self_managed_addons = false", "bootstrap_self_managed_addons = true");
    let planned = here.planned("dev");
    assert!(planned.iter().all(|it| it == "update module.eks.aws_eks_cluster.main"), "{planned:?}");
    here.edit(cluster, "bootstrap_self_managed_addons = true", "bootstrap_self_managed_addons = false");
    here.edit(cluster, "service_ipv4_cidr = \"172.20.0.0/16\"", "service_ipv4_cidr = \"172.21.0.0/16\"");
    let refused = here.run("plan dev").ends(1);
    assert!(refused.codes().contains(&"prevent-replace"), "{}", refused.err);
    here.edit(cluster, "service_ipv4_cidr = \"172.21.0.0/16\"", "service_ipv4_cidr = \"172.20.0.0/16\"");

    // T7: how many nodes there are is the autoscaler's; bounds take it along.
    let id = here.ids("dev")[GROUP].clone();
    let (name, group) = id.split_once(':').unwrap();
    let path = format!("/clusters/{name}/node-groups/{group}");
    let scaled = json!({ "scalingConfig": { "desiredSize": 5 } });
    eks(&caller, "POST", &format!("{path}/update-config"), scaled).await;
    settled(&caller, &path).await;
    here.is_settled("dev");
    here.edit("stacks/dev/eks.hcl", "min = 1, max = 6", "min = 1, max = 4");
    assert_eq!(here.planned("dev"), [format!("update {GROUP}")]);
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");
    let sizes = settled(&caller, &path).await["scalingConfig"].clone();
    assert_eq!(sizes, json!({ "minSize": 1, "maxSize": 4, "desiredSize": 4 }));

    // T26: a role that is made again is another principal, whatever its name.
    let role = here.ids("dev")["module.eks.aws_iam_role.person[\"developer\"]"].clone();
    let iam = async |action: &str, more: &[(&str, &str)]| {
        let parameters: Vec<_> = [("RoleName", role.as_str())].into_iter().chain(more.iter().copied()).collect();
        caller.query("iam", action, &parameters).await.unwrap().success("iam", action).unwrap()
    };
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "AWS": here.account("dev") }, "Action": "sts:AssumeRole" }],
    });
    iam("DeleteRole", &[]).await;
    iam("CreateRole", &[("AssumeRolePolicyDocument", &trust.to_string()), ("Path", "/devops-demo/dev/")]).await;
    let planned = here.planned("dev");
    let entry = "module.eks.aws_eks_access_entry.person[\"developer\"]";
    assert!(planned.contains(&format!("replace {entry}")), "{planned:?}");
    assert!(planned.contains(&"update module.eks.aws_iam_role.person[\"developer\"]".to_owned()), "{planned:?}");
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");
    here.run("destroy dev --auto-approve").ends(0);
}

/// T5: who runs infra is no part of what shall be.
#[test]
fn t5_no_stack_asks_who_runs_it() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = std::fs::read_to_string(&entry).unwrap();
            assert!(!text.contains("aws_caller_identity"), "{}", entry.display());
        }
    }
}

/// T20: nodes are never ahead of the control plane, and follow it in the same run, a minor version at a time; EKS is asked before
/// whether it knows of anything that would break.
#[tokio::test(flavor = "multi_thread")]
async fn t20_the_control_plane_moves_first_and_by_name_only() {
    let here = Checkout::local("700000000055", "700000000056").await;
    let versions = "stacks/modules/eks/versions.hcl";
    let new = here.read(versions);
    let old = new.replace("\"1.36\"", "\"1.35\"").replace("1.36.3-20260714", "1.35.6-20260714").replace("v1.36.3-", "v1.35.6-");
    here.write(versions, &old);
    here.run("apply dev --auto-approve").ends(0);
    here.is_settled("dev");

    here.edit(versions, "kubernetes = \"1.35\"", "kubernetes = \"1.37\"");
    let leap = here.run("plan dev").ends(1);
    assert!(leap.codes() == ["refused-settings"] && leap.err.contains("from 1.35 it goes to 1.36 first"), "{}", leap.err);

    here.write(versions, &new);
    let moved = here.run("apply dev --auto-approve").ends(0).err;
    here.is_settled("dev");
    let at = |text: &str| moved.find(text).unwrap_or_else(|| panic!("{text}: {moved}"));
    let cluster = at("module.eks.aws_eks_cluster.main: updated");
    for group in ["system", "spot", "ondemand"] {
        assert!(cluster < at(&format!("module.eks.aws_eks_node_group.this[\"{group}\"]: updating")), "{moved}");
    }
    let calls = here.cloud().calls();
    let calls = calls.account(here.account("dev"));
    assert_eq!((calls.of("eks.UpdateClusterVersion"), calls.of("eks.UpdateNodegroupVersion")), (1, 3));
    assert_eq!(calls.of("eks.ListInsights"), 1);

    // As if EKS had moved it by itself at the end of the old version's support.
    here.write(versions, &old);
    let moved = here.run("plan dev").ends(0);
    assert!(moved.codes().contains(&"to-be-weighed") && moved.err.contains("which does so when the support"), "{}", moved.err);
    here.write(versions, &new);
    here.run("destroy dev --auto-approve").ends(0);
}
