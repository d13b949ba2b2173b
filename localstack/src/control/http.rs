//! The same controls over HTTP, for other processes.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{Fault, Settings};
use crate::form::Form;
use crate::gateway::{Local, Reply};
use crate::service::eks;

pub const PREFIX: &str = "/_local/";

/// `GET calls`, `POST calls/reset`, `GET|POST faults`, `GET|POST settings`, `GET log`, `GET health`.
///
/// `POST eks/ACCOUNT/REGION/CLUSTER/token` is the TokenReview that control planes ask for.
///
/// Settings are everyone's, or one account's with `settings?account=…`.
pub async fn answer(local: &Local, request: Request<Incoming>) -> Reply {
    let control = &local.control;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(failure) => return refuse(&failure.to_string()),
    };
    if let Some(cluster) = path.strip_prefix("eks/") {
        return eks::review(local, cluster, &body).await;
    }
    let query = Form::parse(parts.uri.query().unwrap_or_default());
    let account = query.get("account");
    let current = account.map_or_else(|| control.common(), |account| control.settings(account));
    let value = match (&parts.method, path) {
        (&Method::GET, "calls") => json!(control.calls.counts()),
        (&Method::POST, "calls/reset") => {
            control.calls.reset();
            json!({})
        }
        (&Method::GET, "faults") => json!(control.faults.list()),
        (&Method::POST, "faults") => match serde_json::from_slice::<Vec<Fault>>(&body) {
            Ok(faults) => {
                control.faults.set(faults);
                json!(control.faults.list())
            }
            Err(failure) => return refuse(&failure.to_string()),
        },
        (&Method::GET, "settings") => json!(current),
        (&Method::POST, "settings") => match changed(current, &body) {
            Ok(settings) => {
                control.set(account, settings);
                json!(settings)
            }
            Err(failure) => return refuse(&failure.to_string()),
        },
        (&Method::GET, "log") => json!(control.log.entries()),
        (&Method::GET, "health") => json!({"status": "ok"}),
        _ => {
            return Reply::json(
                StatusCode::NOT_FOUND,
                &json!({"error": "there is calls, calls/reset, faults, settings, log and health"}),
            );
        }
    };
    Reply::json(StatusCode::OK, &value)
}

/// Settings that are not named stay as they are.
fn changed(settings: Settings, body: &[u8]) -> serde_json::Result<Settings> {
    let mut all = serde_json::to_value(settings)?;
    let wanted: serde_json::Map<String, Value> = serde_json::from_slice(body)?;
    if let Value::Object(all) = &mut all {
        all.extend(wanted);
    }
    serde_json::from_value(all)
}

fn refuse(why: &str) -> Reply {
    Reply::json(StatusCode::BAD_REQUEST, &json!({"error": why}))
}
