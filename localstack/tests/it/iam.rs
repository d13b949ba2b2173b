//! IAM: documents, principals, identity providers, late visibility.

use localstack::control::Settings;
use serde_json::json;

use crate::client::Expect;
use crate::{caller, cloud};

fn trust(principal: serde_json::Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})
        .to_string()
}

#[tokio::test]
async fn documents_are_documents_and_name_principals_that_exist() {
    let account = "760000000001";
    let caller = caller(account).await;
    let role = async |name: &str, document: &str| {
        let parameters = [("RoleName", name), ("AssumeRolePolicyDocument", document)];
        caller.query("iam", "CreateRole", &parameters).await
    };
    let lost = trust(json!({"AWS": format!("arn:aws:iam::{account}:role/lost")}));
    let said = role("a", &lost).await.refused("MalformedPolicyDocument");
    assert!(said.body.contains("Invalid principal in policy"), "{said:?}");
    role("a", "{").await.refused("MalformedPolicyDocument");
    role("a", r#"{"Version":"2012-10-17","Statement":[]}"#).await.refused("MalformedPolicyDocument");
    let bare = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}"#;
    role("a", bare).await.refused("MalformedPolicyDocument");
    role("a", &trust(json!({"Service": "ec2.amazonaws.com"}))).await.ok();
    role("b", &trust(json!({"AWS": [format!("arn:aws:iam::{account}:role/a"), "222222222222"]}))).await.ok();
    let named = [("PolicyName", "p"), ("PolicyDocument", lost.as_str())];
    caller.query("iam", "CreatePolicy", &named).await.refused("MalformedPolicyDocument");
}

#[tokio::test]
async fn an_identity_provider_is_made_once_and_changes() {
    let account = "760000000002";
    let caller = caller(account).await;
    let iam = async |action: &str, parameters: &[(&str, &str)]| caller.query("iam", action, parameters).await;
    let create = [("Url", "https://issuer.example.com/id/1"), ("ClientIDList.member.1", "sts.amazonaws.com")];
    let arn = format!("arn:aws:iam::{account}:oidc-provider/issuer.example.com/id/1");
    assert_eq!(iam("CreateOpenIDConnectProvider", &create).await.ok().text("OpenIDConnectProviderArn"), arn);
    iam("CreateOpenIDConnectProvider", &create).await.refused("EntityAlreadyExists");
    let named = ("OpenIDConnectProviderArn", arn.as_str());
    iam("AddClientIDToOpenIDConnectProvider", &[named, ("ClientID", "b")]).await.ok();
    iam("RemoveClientIDFromOpenIDConnectProvider", &[named, ("ClientID", "sts.amazonaws.com")]).await.ok();
    iam("TagOpenIDConnectProvider", &[named, ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")]).await.ok();
    iam("UpdateOpenIDConnectProviderThumbprint", &[named, ("ThumbprintList.member.1", "x")]).await.refused("InvalidInput");
    let got = iam("GetOpenIDConnectProvider", &[named]).await.ok();
    assert_eq!(got.text("Url"), "issuer.example.com/id/1", "without its scheme");
    assert!(got.body.contains("<member>b</member>") && got.body.contains("<Key>k</Key>"), "{got:?}");
    assert!(!got.body.contains("sts.amazonaws.com"), "{got:?}");
    iam("DeleteOpenIDConnectProvider", &[named]).await.ok();
    iam("GetOpenIDConnectProvider", &[named]).await.refused("NoSuchEntity");
}

#[tokio::test]
async fn a_new_role_is_not_visible_at_once_when_asked_for() {
    let account = "760000000003";
    let caller = caller(account).await;
    cloud().await.set_account_settings(account, Settings { late_reads: 2, ..Settings::default() });
    let document = trust(json!({"Service": "ec2.amazonaws.com"}));
    let made = [("RoleName", "late"), ("AssumeRolePolicyDocument", document.as_str())];
    caller.query("iam", "CreateRole", &made).await.ok();
    let get = async || caller.query("iam", "GetRole", &[("RoleName", "late")]).await;
    get().await.refused("NoSuchEntity");
    let list = async || caller.query("iam", "ListRoles", &[]).await.ok();
    assert!(!list().await.body.contains("late"), "lists come late as well");
    assert!(list().await.body.contains("late"));
    get().await.ok();
}
