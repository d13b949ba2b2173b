//! STS and IAM hand out access keys; the gateway must know them to check signatures made with them.

use crate::gateway::access::Key;
use crate::gateway::{Answer, Call, Local};
use crate::xml::Node;

pub async fn serve(local: &Local, call: Call) -> Answer {
    let account = match call.form.get("RoleArn") {
        // The keys of a role belong to the role's account.
        Some(role) => role.split(':').nth(4).unwrap_or(&call.account).to_owned(),
        None => call.account.clone(),
    };
    let hands_out =
        matches!(call.action.as_str(), "AssumeRole" | "AssumeRoleWithWebIdentity" | "GetSessionToken" | "CreateAccessKey");
    let reply = local.forward(call).await?;
    if let Some(document) = reply.document().filter(|_| hands_out) {
        learn(local, &document, &account);
    }
    Ok(reply)
}

fn learn(local: &Local, node: &Node, account: &str) {
    let (id, secret) = (node.get("AccessKeyId"), node.get("SecretAccessKey"));
    if !id.is_empty() && !secret.is_empty() {
        let key = Key { account: account.to_owned(), secret: secret.to_owned() };
        local.keys.add(id, key);
    }
    for child in &node.children {
        learn(local, child, account);
    }
}
