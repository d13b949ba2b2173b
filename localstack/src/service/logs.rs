//! CloudWatch Logs: what the emulator does not serve of log groups, which is their protection and changes of their key.
//!
//! Source: CloudWatch Logs API Reference, PutLogGroupDeletionProtection, AssociateKmsKey, DisassociateKmsKey.

use std::collections::HashMap;
use std::sync::Mutex;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::eks;
use crate::gateway::{Answer, Call, Local, Refusal, Reply};
use crate::lock;

/// By account, region and group.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<(String, String, String), Group>>);

#[derive(Clone, Default)]
struct Group {
    protected: bool,
    /// What was said of its key since it was made.
    key: Option<Value>,
}

pub async fn serve(local: &Local, call: Call) -> Answer {
    let input = call.json();
    let name = ["logGroupName", "logGroupIdentifier"].into_iter().find_map(|it| input[it].as_str()).unwrap_or_default();
    let name = name.rsplit(":log-group:").next().unwrap_or(name).to_owned();
    let place = (call.account.clone(), call.region.clone());
    let of = |name: &str| (place.0.clone(), place.1.clone(), name.to_owned());
    match call.action.as_str() {
        "PutLogGroupDeletionProtection" => {
            require(local, &call, &name).await?;
            let protected = input["deletionProtectionEnabled"].as_bool().unwrap_or_default();
            lock(&local.logs.0).entry(of(&name)).or_default().protected = protected;
            Ok(Reply::json(StatusCode::OK, &json!({})))
        }
        "AssociateKmsKey" | "DisassociateKmsKey" => {
            require(local, &call, &name).await?;
            lock(&local.logs.0).entry(of(&name)).or_default().key = Some(input["kmsKeyId"].clone());
            Ok(Reply::json(StatusCode::OK, &json!({})))
        }
        "DeleteLogGroup" if lock(&local.logs.0).get(&of(&name)).is_some_and(|it| it.protected) => {
            Err(Refusal::new("ValidationException", format!("The log group {name} is protected from deletion")))
        }
        "CreateLogGroup" | "DeleteLogGroup" => {
            let reply = eks::serve_logs(local, call).await?;
            if reply.status.is_success() {
                let protected = input["deletionProtectionEnabled"].as_bool().unwrap_or_default();
                lock(&local.logs.0).insert(of(&name), Group { protected, key: None });
            }
            Ok(reply)
        }
        "DescribeLogGroups" => {
            let mut reply = local.forward(call).await?;
            let mut answer = reply.json_body();
            let known = lock(&local.logs.0).clone();
            for group in answer["logGroups"].as_array_mut().into_iter().flatten() {
                let Some(it) = known.get(&of(group["logGroupName"].as_str().unwrap_or_default())) else { continue };
                group["deletionProtectionEnabled"] = json!(it.protected);
                if let Some(key) = &it.key {
                    group["kmsKeyId"] = key.clone();
                }
            }
            if answer.is_object() {
                reply.set_json(&answer);
            }
            Ok(reply)
        }
        _ => eks::serve_logs(local, call).await,
    }
}

async fn require(local: &Local, call: &Call, name: &str) -> Result<(), Refusal> {
    let question = json!({"logGroupNamePrefix": name});
    let answer = local.ask_json(call, call.service, "Logs_20140328.DescribeLogGroups", &question).await?;
    match answer["logGroups"].as_array().into_iter().flatten().any(|it| it["logGroupName"] == name) {
        true => Ok(()),
        false => Err(Refusal::new("ResourceNotFoundException", "The specified log group does not exist.")),
    }
}
