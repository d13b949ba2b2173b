//! EKS add-ons: configurations are checked, and Deployments want nodes.

use serde_json::{Value, json};

use crate::client::Expect;
use crate::eks::{cluster, delete, get, light, node_role, post, until, until_gone};

#[tokio::test]
async fn a_configuration_follows_its_schema() {
    let caller = light("730000000001").await;
    cluster(&caller, "schema").await;
    let versions = get(&caller, "/addons/supported-versions?addonName=vpc-cni&kubernetesVersion=1.36").await.ok().json();
    let version = versions["addons"][0]["addonVersions"][0]["addonVersion"].as_str().expect("a version").to_owned();
    let path = format!("/addons/configuration-schemas?addonName=vpc-cni&addonVersion={version}");
    let described = get(&caller, &path).await.ok().json();
    let schema: Value = serde_json::from_str(described["configurationSchema"].as_str().expect("a schema")).expect("JSON");
    assert_eq!(schema["definitions"]["Configuration"]["additionalProperties"], false);
    for wrong in [r#"{"env":{"WARM_PREFIX_TARGET":1}}"#, r#"{"envs":{}}"#, "{"] {
        let input = json!({"addonName": "vpc-cni", "configurationValues": wrong});
        post(&caller, "/clusters/schema/addons", &input).await.refused("InvalidParameterException");
    }
    let unknown = json!({"addonName": "vpc-cni", "addonVersion": "v0.0.1-eksbuild.1"});
    post(&caller, "/clusters/schema/addons", &unknown).await.refused("InvalidParameterException");
    let right = json!({
        "addonName": "vpc-cni",
        "addonVersion": version,
        "resolveConflicts": "OVERWRITE",
        "configurationValues": r#"{"enableNetworkPolicy":"true","env":{"ENABLE_PREFIX_DELEGATION":"true","WARM_PREFIX_TARGET":"1"}}"#,
    });
    post(&caller, "/clusters/schema/addons", &right).await.ok();
    post(&caller, "/clusters/schema/addons", &right).await.refused("ResourceInUseException");
    until(&caller, "/clusters/schema/addons/vpc-cni", "ACTIVE").await;
    let update = json!({"configurationValues": r#"{"env":{"WARM_PREFIX_TARGET":"2"}}"#, "resolveConflicts": "PRESERVE"});
    let update = post(&caller, "/clusters/schema/addons/vpc-cni/update", &update).await.ok().json();
    let id = update["update"]["id"].as_str().expect("an id");
    until(&caller, &format!("/clusters/schema/updates/{id}?addonName=vpc-cni"), "Successful").await;
    let shown = until(&caller, "/clusters/schema/addons/vpc-cni", "ACTIVE").await;
    assert!(shown["configurationValues"].as_str().is_some_and(|text| text.contains("\"2\"")), "{shown}");
    delete(&caller, "/clusters/schema/addons/vpc-cni?preserve=true").await.ok();
    until_gone(&caller, "/clusters/schema/addons/vpc-cni").await;
}

#[tokio::test]
async fn coredns_waits_for_nodes() {
    let caller = light("730000000002").await;
    let network = cluster(&caller, "dns").await;
    for name in ["coredns", "vpc-cni"] {
        post(&caller, "/clusters/dns/addons", &json!({"addonName": name})).await.ok();
    }
    let shown = until(&caller, "/clusters/dns/addons/coredns", "DEGRADED").await;
    assert_eq!(shown["health"]["issues"][0]["code"], "InsufficientNumberOfReplicas");
    let role = node_role(&caller, "dns-node").await;
    let group = json!({"nodegroupName": "g", "nodeRole": role, "subnets": network.subnets});
    post(&caller, "/clusters/dns/node-groups", &group).await.ok();
    until(&caller, "/clusters/dns/node-groups/g", "ACTIVE").await;
    until(&caller, "/clusters/dns/addons/coredns", "ACTIVE").await;
    assert_eq!(get(&caller, "/clusters/dns/addons").await.ok().json()["addons"], json!(["coredns", "vpc-cni"]));
}
