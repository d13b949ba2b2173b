//! EKS clusters: what is refused, states, updates one at a time.

use localstack::control::Settings;
use serde_json::{Value, json};

use crate::client::{Caller, Expect};
use crate::eks::{cluster, cluster_role, delete, get, light, light_with, network, post, role, until, until_gone, wanted};

#[tokio::test]
async fn a_cluster_comes_and_goes() {
    let caller = light("710000000001").await;
    let network = network(&caller).await;
    let role = cluster_role(&caller, "come-cluster").await;
    let mut input = wanted("come", &role, &network);
    input["clientRequestToken"] = json!("token-1");
    let made = post(&caller, "/clusters", &input).await.ok().json();
    assert_eq!(made["cluster"]["status"], "CREATING");
    assert_eq!(made["cluster"]["endpoint"], Value::Null);
    assert_eq!(post(&caller, "/clusters", &input).await.ok().json()["cluster"]["arn"], made["cluster"]["arn"]);
    input["version"] = json!("1.35");
    post(&caller, "/clusters", &input).await.refused("InvalidParameterException");
    input["clientRequestToken"] = json!("token-2");
    post(&caller, "/clusters", &input).await.refused("ResourceInUseException");

    let shown = until(&caller, "/clusters/come", "ACTIVE").await;
    assert!(shown["endpoint"].as_str().is_some_and(|endpoint| endpoint.starts_with("https://")), "{shown}");
    assert!(shown["identity"]["oidc"]["issuer"].as_str().is_some_and(|url| url.contains("oidc.eks.eu-west-1.amazonaws.com/id/")));
    let group = shown["resourcesVpcConfig"]["clusterSecurityGroupId"].as_str().expect("a security group").to_owned();
    let seen = caller.ec2("DescribeSecurityGroups", &[("GroupId.1", &group)]).await.ok();
    assert!(seen.texts("key").contains(&"aws:eks:cluster-name"), "{seen:?}");
    assert!(seen.texts("key").contains(&"kubernetes.io/cluster/come"), "{seen:?}");

    for subnet in &network.subnets {
        caller.ec2("DeleteSubnet", &[("SubnetId", subnet)]).await.refused("DependencyViolation");
    }
    let interfaces =
        caller.ec2("DescribeNetworkInterfaces", &[("Filter.1.Name", "group-id"), ("Filter.1.Value.1", &group)]).await.ok();
    let interface = interfaces.text("networkInterfaceId");
    assert_eq!(interfaces.text("status"), "in-use", "{interfaces:?}");
    caller.ec2("DeleteNetworkInterface", &[("NetworkInterfaceId", interface)]).await.refused("InvalidNetworkInterface.InUse");

    delete(&caller, "/clusters/come").await.ok();
    assert_eq!(get(&caller, "/clusters/come").await.ok().json()["cluster"]["status"], "DELETING");
    until_gone(&caller, "/clusters/come").await;
    for subnet in &network.subnets {
        caller.ec2("DeleteSubnet", &[("SubnetId", subnet)]).await.ok();
    }
    caller.ec2("DeleteVpc", &[("VpcId", &network.vpc)]).await.ok();
}

#[tokio::test]
async fn what_a_cluster_needs_is_checked() {
    let caller = light("710000000002").await;
    let network = network(&caller).await;
    let create = async |change: &dyn Fn(&mut Value)| {
        let role = "arn:aws:iam::710000000002:role/checked";
        let mut input = wanted("checked", role, &network);
        change(&mut input);
        let answer = post(&caller, "/clusters", &input).await;
        (answer.code(), answer.json()["message"].as_str().unwrap_or_default().to_owned())
    };
    let refused = async |change: &dyn Fn(&mut Value), words: &str| {
        let (code, message) = create(change).await;
        assert_eq!(code, "InvalidParameterException", "{message}");
        assert!(message.contains(words), "{message}");
    };
    refused(&|_| {}, "does not exist").await;
    role(&caller, "checked", "ec2.amazonaws.com", &[]).await;
    refused(&|_| {}, "Role could not be assumed because the trusted entity is not correct").await;
    caller.query("iam", "DeleteRole", &[("RoleName", "checked")]).await.ok();
    role(&caller, "checked", "eks.amazonaws.com", &[]).await;
    refused(&|_| {}, "doesn't have the Amazon EKS Managed Policies").await;
    let policy = [("RoleName", "checked"), ("PolicyArn", "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")];
    caller.query("iam", "AttachRolePolicy", &policy).await.ok();
    refused(&|input| input["version"] = json!("1.12"), "unsupported Kubernetes version").await;
    refused(&|input| input["resourcesVpcConfig"]["subnetIds"] = json!([network.subnets[0]]), "at least two different AZs").await;
    refused(&|input| input["resourcesVpcConfig"]["subnetIds"][0] = json!("subnet-0123456789abcdef0"), "does not exist").await;
    refused(&|input| input["resourcesVpcConfig"]["securityGroupIds"] = json!(["sg-0123456789abcdef0"]), "does not exist").await;
    refused(&|input| input["resourcesVpcConfig"]["publicAccessCidrs"] = json!(["10.0.0.0"]), "invalid in publicAccessCidrs")
        .await;
    refused(&|input| input["resourcesVpcConfig"]["endpointPublicAccess"] = json!(false), "cannot be false").await;
    refused(&|input| input["name"] = json!("-no"), "must start with").await;
    refused(&|input| input["logging"] = json!({"clusterLogging": [{"types": ["apis"], "enabled": true}]}), "apis").await;
    assert_eq!(create(&|_| {}).await.0, "");
}

async fn update(caller: &Caller, name: &str, body: Value) -> Value {
    let update = post(caller, &format!("/clusters/{name}/update-config"), &body).await.ok().json();
    let id = update["update"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(update["update"]["status"], "InProgress");
    let shown = until(caller, &format!("/clusters/{name}/updates/{id}"), "Successful").await;
    get(caller, &format!("/clusters/{name}")).await.ok();
    shown
}

#[tokio::test]
async fn updates_are_of_one_kind_and_come_one_after_the_other() {
    let caller = light("710000000003").await;
    cluster(&caller, "change").await;
    let config = "/clusters/change/update-config";
    let two = json!({"upgradePolicy": {"supportType": "STANDARD"}, "deletionProtection": true});
    post(&caller, config, &two).await.refused("InvalidParameterException");
    let both = json!({"resourcesVpcConfig": {"endpointPrivateAccess": true, "securityGroupIds": []}});
    post(&caller, config, &both).await.refused("InvalidParameterException");

    post(&caller, config, &json!({"resourcesVpcConfig": {"endpointPrivateAccess": true}})).await.ok();
    assert_eq!(get(&caller, "/clusters/change").await.ok().json()["cluster"]["status"], "UPDATING");
    post(&caller, config, &json!({"deletionProtection": true})).await.refused("ResourceInUseException");
    let shown = until(&caller, "/clusters/change", "ACTIVE").await;
    assert_eq!(shown["resourcesVpcConfig"]["endpointPrivateAccess"], true);
    let again = post(&caller, config, &json!({"resourcesVpcConfig": {"endpointPrivateAccess": true}})).await;
    assert!(again.body.contains("already at the desired configuration"), "{again:?}");

    update(&caller, "change", json!({"upgradePolicy": {"supportType": "STANDARD"}})).await;
    post(&caller, config, &json!({"upgradePolicy": {"supportType": "STANDARD"}})).await.refused("InvalidRequestException");
    update(&caller, "change", json!({"zonalShiftConfig": {"enabled": true}})).await;
    let done = update(&caller, "change", json!({"deletionProtection": true})).await;
    assert_eq!(done["type"], "DeletionProtectionUpdate");
    delete(&caller, "/clusters/change").await.refused("InvalidRequestException");
    update(&caller, "change", json!({"deletionProtection": false})).await;
    assert_eq!(get(&caller, "/clusters/change/updates").await.ok().json()["updateIds"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn versions_go_up_one_by_one() {
    let caller = light("710000000004").await;
    let network = network(&caller).await;
    let role = cluster_role(&caller, "up-cluster").await;
    let mut input = wanted("up", &role, &network);
    input["version"] = json!("1.34");
    post(&caller, "/clusters", &input).await.ok();
    until(&caller, "/clusters/up", "ACTIVE").await;
    let change = async |version: &str| post(&caller, "/clusters/up/updates", &json!({"version": version})).await;
    for wrong in ["1.33", "1.34", "1.36", "1.99"] {
        change(wrong).await.refused("InvalidParameterException");
    }
    let id = change("1.35").await.ok().json()["update"]["id"].as_str().expect("an id").to_owned();
    until(&caller, &format!("/clusters/up/updates/{id}"), "Successful").await;
    assert_eq!(until(&caller, "/clusters/up", "ACTIVE").await["version"], "1.35");
    let versions = get(&caller, "/cluster-versions?defaultOnly=true").await.ok().json();
    assert_eq!(versions["clusterVersions"].as_array().map(Vec::len), Some(1), "{versions}");
    let insights = async |filter: serde_json::Value| {
        let body = json!({"filter": filter});
        post(&caller, "/clusters/up/insights", &body).await.ok().json()["insights"].as_array().expect("a list").clone()
    };
    let ready = insights(json!({"kubernetesVersions": ["1.36"], "categories": ["UPGRADE_READINESS"]})).await;
    assert_eq!((ready.len(), &ready[0]["insightStatus"]["status"]), (1, &json!("PASSING")));
    assert!(insights(json!({"statuses": ["ERROR", "WARNING"]})).await.is_empty());
    assert!(insights(json!({"kubernetesVersions": ["1.37"]})).await.is_empty());
}

#[tokio::test]
async fn a_cluster_that_logs_makes_its_log_group_again() {
    let caller = light("710000000005").await;
    cluster(&caller, "logging").await;
    let logs = async |action: &str| {
        let body = match action {
            "DescribeLogGroups" => json!({"logGroupNamePrefix": "/aws/eks/logging/cluster"}),
            _ => json!({"logGroupName": "/aws/eks/logging/cluster"}),
        };
        caller.json("logs", &format!("Logs_20140328.{action}"), &body).await
    };
    let exists = async || logs("DescribeLogGroups").await.ok().json()["logGroups"].as_array().is_some_and(|all| !all.is_empty());
    assert!(!exists().await);
    update(&caller, "logging", json!({"logging": {"clusterLogging": [{"types": ["api", "audit"], "enabled": true}]}})).await;
    let shown = get(&caller, "/clusters/logging").await.ok().json();
    assert_eq!(shown["cluster"]["logging"]["clusterLogging"][1]["types"].as_array().map(Vec::len), Some(3), "{shown}");
    assert!(exists().await);
    logs("DeleteLogGroup").await.ok();
    assert!(exists().await);
    delete(&caller, "/clusters/logging").await.ok();
    until_gone(&caller, "/clusters/logging").await;
    logs("DeleteLogGroup").await.ok();
    assert!(!exists().await);
}

#[tokio::test]
async fn clusters_are_listed_in_pages_and_tagged() {
    let caller = light_with("710000000006", Settings { page_size: Some(1), ..Settings::default() }).await;
    let network = network(&caller).await;
    let role = cluster_role(&caller, "pages-cluster").await;
    let mut arns = Vec::new();
    for name in ["a", "b"] {
        let mut input = wanted(name, &role, &network);
        input["tags"] = json!({"team": name});
        arns.push(post(&caller, "/clusters", &input).await.ok().json()["cluster"]["arn"].as_str().expect("an ARN").to_owned());
    }
    let first = get(&caller, "/clusters").await.ok().json();
    assert_eq!(first["clusters"], json!(["a"]));
    let next = format!("/clusters?nextToken={}", first["nextToken"].as_str().expect("a token"));
    assert_eq!(get(&caller, &next).await.ok().json(), json!({"clusters": ["b"]}));

    let path = format!("/tags/{}", arns[0].replace(':', "%3A").replace('/', "%2F"));
    post(&caller, &path, &json!({"tags": {"env": "dev"}})).await.ok();
    delete(&caller, &format!("{path}?tagKeys=team")).await.ok();
    assert_eq!(get(&caller, &path).await.ok().json(), json!({"tags": {"env": "dev"}}));
    let wanted = json!({"ResourceTypeFilters": ["eks:cluster"], "TagFilters": [{"Key": "env", "Values": ["dev"]}]});
    let found = caller.json("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", &wanted).await.ok().json();
    assert_eq!(found["ResourceTagMappingList"][0]["ResourceARN"], arns[0].as_str(), "{found}");
}
