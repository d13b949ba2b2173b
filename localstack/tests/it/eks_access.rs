//! EKS access entries, access policies, pod identity associations.

use localstack::control::Settings;
use serde_json::{Value, json};

use crate::client::Expect;
use crate::eks::{cluster, cluster_role, delete, get, light, light_with, network, post, role, until, wanted};

fn encoded(text: &str) -> String {
    text.replace(':', "%3A").replace('/', "%2F")
}

#[tokio::test]
async fn entries_name_principals_that_exist() {
    let account = "740000000001";
    let caller = light(account).await;
    cluster(&caller, "entries").await;
    let path = "/clusters/entries/access-entries";
    let lost = json!({"principalArn": format!("arn:aws:iam::{account}:role/lost")});
    let answer = post(&caller, path, &lost).await.refused("InvalidParameterException");
    assert!(answer.body.contains("invalid principal"), "{answer:?}");
    let arn = role(&caller, "developers", "ec2.amazonaws.com", &[]).await;
    for wrong in [json!({"username": "system:admin"}), json!({"kubernetesGroups": ["system:masters"]})] {
        let mut input = json!({"principalArn": arn});
        input.as_object_mut().expect("an object").extend(wrong.as_object().expect("an object").clone());
        post(&caller, path, &input).await.refused("InvalidParameterException");
    }
    let input = json!({"principalArn": arn, "kubernetesGroups": ["platform:developers"]});
    let made = post(&caller, path, &input).await.ok().json();
    let username = format!("arn:aws:sts::{account}:assumed-role/developers/{{{{SessionName}}}}");
    assert_eq!(made["accessEntry"]["username"], username.as_str());
    post(&caller, path, &input).await.refused("ResourceInUseException");

    let one = format!("{path}/{}", encoded(&arn));
    let policies = format!("{one}/access-policies");
    let policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy";
    for wrong in [
        json!({"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "accessScope": {"type": "cluster"}}),
        json!({"policyArn": policy, "accessScope": {"type": "namespace"}}),
    ] {
        post(&caller, &policies, &wrong).await.refused("InvalidParameterException");
    }
    let scope = json!({"type": "namespace", "namespaces": ["devops-demo"]});
    post(&caller, &policies, &json!({"policyArn": policy, "accessScope": scope})).await.ok();
    let listed = get(&caller, &policies).await.ok().json();
    assert_eq!(listed["associatedAccessPolicies"][0]["accessScope"], scope);
    delete(&caller, &format!("{policies}/{}", encoded(policy))).await.ok();
    delete(&caller, &format!("{policies}/{}", encoded(policy))).await.refused("ResourceNotFoundException");

    post(&caller, &one, &json!({"kubernetesGroups": []})).await.ok();
    assert_eq!(get(&caller, &one).await.ok().json()["accessEntry"]["kubernetesGroups"], json!([]));
    delete(&caller, &one).await.ok();
    get(&caller, &one).await.refused("ResourceNotFoundException");
}

#[tokio::test]
async fn whoever_makes_a_cluster_is_its_administrator_unless_told_otherwise() {
    let caller = light("740000000002").await;
    let network = network(&caller).await;
    let role = cluster_role(&caller, "mine-cluster").await;
    let mut input = wanted("mine", &role, &network);
    input["accessConfig"] = json!({"authenticationMode": "API_AND_CONFIG_MAP"});
    post(&caller, "/clusters", &input).await.ok();
    until(&caller, "/clusters/mine", "ACTIVE").await;
    let entries = get(&caller, "/clusters/mine/access-entries").await.ok().json();
    assert_eq!(entries["accessEntries"], json!(["arn:aws:iam::740000000002:root"]));
    let mode = |mode: &str| json!({"accessConfig": {"authenticationMode": mode}});
    post(&caller, "/clusters/mine/update-config", &mode("CONFIG_MAP")).await.refused("InvalidParameterException");
    post(&caller, "/clusters/mine/update-config", &mode("API")).await.ok();
    assert_eq!(until(&caller, "/clusters/mine", "ACTIVE").await["accessConfig"]["authenticationMode"], "API");
}

#[tokio::test]
async fn a_service_account_has_one_association() {
    let caller = light("740000000003").await;
    cluster(&caller, "pods").await;
    let path = "/clusters/pods/pod-identity-associations";
    let wrong = role(&caller, "pods-wrong", "ec2.amazonaws.com", &[]).await;
    let right = role(&caller, "pods-right", "pods.eks.amazonaws.com", &[]).await;
    let input = |role: &str| json!({"namespace": "external-dns", "serviceAccount": "external-dns", "roleArn": role});
    post(&caller, path, &input(&wrong)).await.refused("InvalidParameterException");
    let made: Value = post(&caller, path, &input(&right)).await.ok().json();
    post(&caller, path, &input(&right)).await.refused("ResourceInUseException");
    let id = made["association"]["associationId"].as_str().expect("an id");
    let listed = get(&caller, &format!("{path}?namespace=external-dns")).await.ok().json();
    assert_eq!(listed["associations"][0]["associationId"], id);
    assert_eq!(listed["associations"][0]["roleArn"], Value::Null);
    post(&caller, &format!("{path}/{id}"), &json!({"disableSessionTags": true})).await.ok();
    assert_eq!(get(&caller, &format!("{path}/{id}")).await.ok().json()["association"]["disableSessionTags"], true);
    delete(&caller, &format!("{path}/{id}")).await.ok();
    get(&caller, &format!("{path}/{id}")).await.refused("ResourceNotFoundException");
}

#[tokio::test]
async fn eks_hears_late_of_new_principals() {
    let calm = light("740000000004").await;
    let (role, network) = (cluster_role(&calm, "late-cluster").await, network(&calm).await);
    let caller = light_with("740000000004", Settings { late_reads: 2, ..Settings::default() }).await;
    for _ in 0..2 {
        post(&caller, "/clusters", &wanted("late", &role, &network)).await.refused("InvalidParameterException");
    }
    post(&caller, "/clusters", &wanted("late", &role, &network)).await.ok();
    until(&caller, "/clusters/late", "ACTIVE").await;
}
