//! S3: defaults of new buckets, and policies that are none.

use hyper::Method;
use serde_json::Value;

use crate::gateway::{Answer, Call, Local, Question, Refusal};

/// "Starting in April 2023, all Block Public Access settings are enabled by default for new buckets" (S3 User Guide).
const BLOCKED: &str = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
    <IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>\
    <RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";

pub async fn serve(local: &Local, call: Call) -> Answer {
    match call.action.as_str() {
        "CreateBucket" => create(local, call).await,
        "PutBucketPolicy" => {
            let document: Value = serde_json::from_slice(call.body.bytes()).unwrap_or_default();
            let statements = document["Statement"].as_array().map(Vec::len);
            if statements == Some(0) || document["Statement"].is_null() {
                return Err(Refusal::new("MalformedPolicy", "Policies must be valid JSON and have at least one statement"));
            }
            local.forward(call).await
        }
        _ => local.forward(call).await,
    }
}

async fn create(local: &Local, call: Call) -> Answer {
    let asker = call.without_body();
    let path = format!("{}?publicAccessBlock", call.parts.uri.path());
    let existed = exists(local, &asker).await?;
    let reply = local.forward(call).await?;
    if reply.status.is_success() && !existed {
        let question = Question { method: Method::PUT, path: &path, body: BLOCKED.to_owned(), ..Question::default() };
        local.question(&asker, asker.service, question).await?;
    }
    Ok(reply)
}

/// In us-east-1 a create of one's own bucket succeeds again and changes nothing.
async fn exists(local: &Local, call: &Call) -> Result<bool, Refusal> {
    let question = Question { method: Method::HEAD, path: call.parts.uri.path(), ..Question::default() };
    let reply = local.question(call, call.service, question).await?;
    Ok(reply.status.is_success())
}
