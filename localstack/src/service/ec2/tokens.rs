//! Client tokens: the same call again does nothing and answers the same; another call with the token is refused.
//!
//! Source: "Ensuring idempotency in Amazon EC2 API requests".

use std::collections::HashMap;
use std::sync::Mutex;

use hyper::StatusCode;

use super::{memory, mutate, remember};
use crate::gateway::{Answer, Call, Local, Refusal, Reply};
use crate::lock;
use crate::xml::Node;

/// Answers by account, region, action and token, with the parameters they were given for.
#[derive(Default)]
pub struct Tokens(Mutex<HashMap<String, (String, Node)>>);

/// Runs the mutation, unless its token shows that it was done before.
pub async fn once(local: &Local, call: Call) -> Answer {
    let token = call.form.get("ClientToken").filter(|token| !token.is_empty());
    let Some(token) = token.map(str::to_owned) else {
        let account = call.account.clone();
        let reply = mutate(local, call).await?;
        remember(local, &account, &reply);
        return Ok(reply);
    };
    let key = format!("{}/{}/{}/{token}", call.account, call.region, call.action);
    let said = call.form.canonical(&["ClientToken", "Version"]);
    let known = lock(&local.ec2.tokens.0).get(&key).cloned();
    if let Some((before, answer)) = known {
        if before != said {
            return Err(Refusal::new(
                "IdempotentParameterMismatch",
                format!("The request with client token '{token}' was made before with other parameters."),
            ));
        }
        return Ok(Reply::xml(StatusCode::OK, &answer));
    }
    let account = call.account.clone();
    let mut reply = mutate(local, call).await?;
    remember(local, &account, &reply);
    if let Some(mut document) = reply.document().filter(|_| reply.status.is_success()) {
        if memory::created(&document).is_some() {
            document.children.push(Node::leaf("clientToken", &token));
            reply.set_document(document.clone());
        }
        lock(&local.ec2.tokens.0).insert(key, (said, document));
    }
    Ok(reply)
}
