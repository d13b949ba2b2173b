//! The Resource Groups Tagging API: everything tagged in a region, asked of the backends as it is now.
//!
//! Source: Resource Groups Tagging API Reference, GetResources. IAM is not among the services it covers for roles
//! and policies.

mod sources;

use base64::Engine as _;
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::gateway::{Answer, Call, Local, Refusal, Reply};
use sources::Tagged;

const DEFAULT_PAGE: u64 = 50;
const LARGEST_PAGE: u64 = 100;

pub async fn serve(local: &Local, call: Call) -> Answer {
    if call.action != "GetResources" {
        return Err(Refusal::new(
            "InvalidParameterException",
            format!("the local cloud serves GetResources only, not {}", call.action),
        ));
    }
    let input = call.json();
    let mut all = sources::all(local, &call, |service| wants(&input, service)).await?;
    all.retain(|resource| matches(resource, &input));
    all.sort_by(|a, b| a.arn.cmp(&b.arn));
    let size = match input["ResourcesPerPage"].as_u64() {
        None => DEFAULT_PAGE,
        Some(size @ 1..=LARGEST_PAGE) => size,
        Some(size) => {
            return Err(Refusal::new(
                "InvalidParameterException",
                format!("ResourcesPerPage must be between 1 and {LARGEST_PAGE}, not {size}"),
            ));
        }
    };
    let size = local
        .control
        .settings(&call.account)
        .page_size
        .unwrap_or(usize::MAX)
        .min(usize::try_from(size).unwrap_or(usize::MAX))
        .max(1);
    // A token names the last resource seen, so that changes between two pages neither repeat nor skip the others.
    let after = read_token(input["PaginationToken"].as_str().unwrap_or_default())?;
    let mut rest = all.into_iter().filter(|resource| resource.arn > after);
    let page: Vec<Tagged> = rest.by_ref().take(size).collect();
    let token = match (rest.next(), page.last()) {
        (Some(_), Some(last)) => base64::engine::general_purpose::STANDARD.encode(&last.arn),
        _ => String::new(),
    };
    let list: Vec<Value> = page.iter().map(Tagged::to_json).collect();
    Ok(Reply::json(StatusCode::OK, &json!({"PaginationToken": token, "ResourceTagMappingList": list})))
}

fn read_token(token: &str) -> Result<String, Refusal> {
    base64::engine::general_purpose::STANDARD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Refusal::new("PaginationTokenExpiredException", "The pagination token is not valid."))
}

fn list<'a>(input: &'a Value, name: &str) -> &'a [Value] {
    input[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Is any resource of this service asked for?
fn wants(input: &Value, service: &str) -> bool {
    let names = |name: &str, at: usize| {
        let wanted = list(input, name);
        wanted.is_empty() || wanted.iter().filter_map(Value::as_str).any(|it| it.split(':').nth(at) == Some(service))
    };
    names("ResourceTypeFilters", 0) && names("ResourceARNList", 2)
}

fn matches(resource: &Tagged, input: &Value) -> bool {
    let list = |name: &str| list(input, name);
    let (service, kind) = resource.kind();
    let types = list("ResourceTypeFilters");
    let arns = list("ResourceARNList");
    let is_wanted = types.is_empty()
        || types.iter().filter_map(Value::as_str).any(|wanted| match wanted.split_once(':') {
            Some((of, what)) => of == service && what == kind,
            None => wanted == service,
        });
    let is_named = arns.is_empty() || arns.iter().any(|arn| arn == resource.arn.as_str());
    let has_tags = list("TagFilters").iter().all(|filter| {
        let values = filter["Values"].as_array().map(Vec::as_slice).unwrap_or_default();
        resource.tags.iter().any(|(key, value)| {
            filter["Key"] == key.as_str() && (values.is_empty() || values.iter().any(|wanted| wanted == value.as_str()))
        })
    });
    is_wanted && is_named && has_tags
}
