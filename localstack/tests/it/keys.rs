//! KMS and ECR: what they refuse.

use serde_json::{Value, json};

use crate::client::Expect;
use crate::{ANYONE, caller};

#[tokio::test]
async fn a_key_that_is_pending_deletion_takes_no_changes() {
    let caller = caller(ANYONE).await;
    let call = async |action: &str, body: Value| caller.json("kms", &format!("TrentService.{action}"), &body).await;
    let made = call("CreateKey", json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]})).await.ok().json();
    let key = made["KeyMetadata"]["KeyId"].clone();
    call("PutKeyPolicy", json!({"KeyId": key, "PolicyName": "default", "Policy": "{"}))
        .await
        .refused("MalformedPolicyDocumentException");
    call("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7})).await.ok();
    for (action, more) in [
        ("ScheduleKeyDeletion", json!({})),
        ("EnableKeyRotation", json!({})),
        ("TagResource", json!({"Tags": []})),
        ("UpdateKeyDescription", json!({"Description": "x"})),
    ] {
        let mut body = json!({"KeyId": key});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        call(action, body).await.refused("KMSInvalidStateException");
    }
    call("CreateAlias", json!({"AliasName": "alias/late", "TargetKeyId": key})).await.refused("KMSInvalidStateException");
    let read = call("DescribeKey", json!({"KeyId": key})).await.ok().json();
    assert_eq!(read["KeyMetadata"]["KeyState"], "PendingDeletion");
    call("CancelKeyDeletion", json!({"KeyId": key})).await.ok();
    call("UpdateKeyDescription", json!({"KeyId": key, "Description": "x"})).await.ok();
}

#[tokio::test]
async fn a_repository_with_images_stays() {
    let caller = caller(ANYONE).await;
    let call = async |action: &str, body: Value| {
        caller.json("ecr", &format!("AmazonEC2ContainerRegistry_V20150921.{action}"), &body).await
    };
    call("CreateRepository", json!({"repositoryName": "full"})).await.ok();
    call("CreateRepository", json!({"repositoryName": "full"})).await.refused("RepositoryAlreadyExistsException");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": format!("sha256:{:064}", 0)},
        "layers": [],
    });
    call("PutImage", json!({"repositoryName": "full", "imageTag": "1", "imageManifest": manifest.to_string()})).await.ok();
    call("DeleteRepository", json!({"repositoryName": "full"})).await.refused("RepositoryNotEmptyException");
    call("DeleteRepository", json!({"repositoryName": "full", "force": true})).await.ok();
    call("DeleteRepository", json!({"repositoryName": "full"})).await.refused("RepositoryNotFoundException");
}

#[tokio::test]
async fn parameters_of_eks_images_are_published() {
    let caller = caller(ANYONE).await;
    let get = async |name: &str| caller.json("ssm", "AmazonSSM.GetParameter", &json!({"Name": name})).await;
    let name = "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64/standard/recommended/release_version";
    let found = get(name).await.ok().json();
    assert!(found["Parameter"]["Value"].as_str().is_some_and(|it| it.starts_with("1.36.")), "{found}");
    get("/aws/service/eks/optimized-ami/1.1/amazon-linux-2023/x86_64/standard/recommended/release_version")
        .await
        .refused("ParameterNotFound");
}
