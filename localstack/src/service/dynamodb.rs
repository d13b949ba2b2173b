//! DynamoDB: tables take time to come and go.
//!
//! Source: Amazon DynamoDB API Reference (CreateTable, DeleteTable, UpdateContinuousBackups).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::control::Settings;
use crate::gateway::{Answer, Call, Local, Refusal, Reply};
use crate::lock;

/// A state that a table goes through, and how long AWS takes for it, roughly.
struct Phase(&'static str, Duration);

const CREATING: Phase = Phase("CREATING", Duration::from_secs(8));
const UPDATING: Phase = Phase("UPDATING", Duration::from_secs(4));
const DELETING: Phase = Phase("DELETING", Duration::from_secs(8));
/// Backups can be switched on a while after the table is active.
const BACKUPS: Duration = Duration::from_secs(20);

/// The last description of tables that are being deleted: the emulator forgets them at once.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<String, Value>>);

pub async fn serve(local: &Local, call: Call) -> Answer {
    let Some(table) = table_name(&call.json()) else {
        return local.forward(call).await;
    };
    let name = format!("dynamodb/{}/{}/{table}", call.account, call.region);
    let settings = local.control.settings(&call.account);
    match call.action.as_str() {
        "CreateTable" => {
            refuse_while(local, &name, &table, &["DELETING"])?;
            let reply = local.forward(call).await?;
            Ok(start(local, reply, &name, &CREATING, settings))
        }
        "UpdateTable" => {
            refuse_while(local, &name, &table, &["CREATING", "UPDATING", "DELETING"])?;
            let reply = local.forward(call).await?;
            Ok(start(local, reply, &name, &UPDATING, settings))
        }
        "DeleteTable" => {
            refuse_while(local, &name, &table, &["CREATING", "UPDATING", "DELETING"])?;
            let reply = local.forward(call).await?;
            let reply = start(local, reply, &name, &DELETING, settings);
            if reply.status.is_success() {
                let last = reply.json_body()["TableDescription"].take();
                lock(&local.dynamodb.0).insert(name, last);
            }
            Ok(reply)
        }
        "DescribeTable" => describe(local, call, &name).await,
        "UpdateContinuousBackups" => {
            let backups = local.held.look(&format!("{name}/backups"));
            if backups.is_some() || local.held.look(&name) == Some("CREATING") {
                return Err(Refusal::new(
                    "ContinuousBackupsUnavailableException",
                    format!("Backups are being enabled for the table: {table}. Please retry later"),
                ));
            }
            local.forward(call).await
        }
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "Query" | "Scan" => match local.held.look(&name) {
            Some("CREATING" | "DELETING") => Err(Refusal::new("ResourceNotFoundException", "Requested resource not found")),
            _ => local.forward(call).await,
        },
        _ => local.forward(call).await,
    }
}

/// Tables are called by name or ARN.
fn table_name(input: &Value) -> Option<String> {
    let given = input["TableName"].as_str()?;
    given.rsplit('/').next().map(str::to_owned)
}

fn refuse_while(local: &Local, name: &str, table: &str, states: &[&str]) -> Result<(), Refusal> {
    match local.held.look(name) {
        Some(state) if states.contains(&state) => Err(Refusal::new(
            "ResourceInUseException",
            format!("Attempt to change a resource which is still in use: Table is being {}: {table}", doing(state)),
        )),
        _ => Ok(()),
    }
}

fn doing(state: &str) -> &'static str {
    match state {
        "CREATING" => "created",
        "UPDATING" => "updated",
        _ => "deleted",
    }
}

fn start(local: &Local, mut reply: Reply, name: &str, phase: &Phase, settings: Settings) -> Reply {
    if !reply.status.is_success() {
        return reply;
    }
    let Phase(state, usual) = *phase;
    local.held.hold(name, state, usual, settings);
    if state == "CREATING" {
        let backups = format!("{name}/backups");
        local.held.hold(&backups, "ENABLING", BACKUPS, settings);
    }
    let mut answer = reply.json_body();
    answer["TableDescription"]["TableStatus"] = json!(state);
    reply.set_json(&answer);
    reply
}

async fn describe(local: &Local, call: Call, name: &str) -> Answer {
    let Some(state) = local.held.look(name) else {
        lock(&local.dynamodb.0).remove(name);
        return local.forward(call).await;
    };
    if state == "DELETING" {
        let last = lock(&local.dynamodb.0).get(name).cloned();
        return Ok(Reply::json(StatusCode::OK, &json!({"Table": last})));
    }
    let mut reply = local.forward(call).await?;
    let mut answer = reply.json_body();
    if reply.status.is_success() {
        answer["Table"]["TableStatus"] = json!(state);
        reply.set_json(&answer);
    }
    Ok(reply)
}
