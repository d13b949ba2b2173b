//! S3: names, conditions, versions, defaults.

use crate::client::{Answer, Expect};
use crate::{ANYONE, Caller, caller};

const PLACE: &str = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";

async fn put(caller: &Caller, path: &str, condition: (&str, &str), body: &str) -> Answer {
    caller.send("s3", "PUT", path, &[condition], body).await.expect("an answer")
}

#[tokio::test]
async fn bucket_names_belong_to_one_account() {
    let (mine, other) = (caller(ANYONE).await, caller("222222222222").await);
    mine.rest("s3", "PUT", "/names-of-buckets", PLACE).await.ok();
    mine.rest("s3", "PUT", "/names-of-buckets", PLACE).await.refused("BucketAlreadyOwnedByYou");
    other.rest("s3", "PUT", "/names-of-buckets", PLACE).await.refused("BucketAlreadyExists");
    other.rest("s3", "GET", "/names-of-buckets?list-type=2", "").await.refused("AccessDenied");
}

#[tokio::test]
async fn writes_can_depend_on_what_is_there() {
    let caller = caller(ANYONE).await;
    caller.rest("s3", "PUT", "/conditions", PLACE).await.ok();
    let key = "/conditions/state";
    let first = put(&caller, key, ("if-none-match", "*"), "1").await.ok();
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    assert_eq!(put(&caller, key, ("if-none-match", "*"), "2").await.status, 412);
    put(&caller, key, ("if-match", &tag), "3").await.ok();
    assert_eq!(put(&caller, key, ("if-match", &tag), "4").await.refused("PreconditionFailed").status, 412);
    assert_eq!(caller.rest("s3", "GET", key, "").await.ok().body, "3");
    let writes = (0..20).map(|n| {
        let caller = caller.clone();
        async move { put(&caller, "/conditions/race", ("if-none-match", "*"), &n.to_string()).await }
    });
    let answers = futures::future::join_all(writes).await;
    assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1);
}

#[tokio::test]
async fn versions_are_kept_and_hold_the_bucket() {
    let caller = caller(ANYONE).await;
    caller.rest("s3", "PUT", "/versions", PLACE).await.ok();
    let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    caller.rest("s3", "PUT", "/versions?versioning", on).await.ok();
    for body in ["one", "two"] {
        caller.rest("s3", "PUT", "/versions/key", body).await.ok();
    }
    caller.rest("s3", "DELETE", "/versions/key", "").await.ok();
    let all = caller.rest("s3", "GET", "/versions?versions", "").await.ok();
    let ids = all.texts("VersionId");
    assert_eq!((ids.len(), all.texts("DeleteMarker").len()), (3, 1), "{all:?}");
    let mut bodies = Vec::new();
    for id in &ids {
        let answer = caller.rest("s3", "GET", &format!("/versions/key?versionId={id}"), "").await;
        if answer.status.is_success() {
            bodies.push(answer.body);
        }
    }
    bodies.sort();
    assert_eq!(bodies, ["one", "two"]);
    caller.rest("s3", "DELETE", "/versions", "").await.refused("BucketNotEmpty");
    for id in ids {
        caller.rest("s3", "DELETE", &format!("/versions/key?versionId={id}"), "").await.ok();
    }
    caller.rest("s3", "DELETE", "/versions", "").await.ok();
}

#[tokio::test]
async fn new_buckets_block_public_access_and_policies_are_policies() {
    let caller = caller(ANYONE).await;
    caller.rest("s3", "PUT", "/defaults-of-buckets", PLACE).await.ok();
    let block = caller.rest("s3", "GET", "/defaults-of-buckets?publicAccessBlock", "").await.ok();
    assert_eq!(block.text("BlockPublicPolicy"), "true");
    caller.rest("s3", "DELETE", "/defaults-of-buckets?publicAccessBlock", "").await.ok();
    caller.rest("s3", "GET", "/defaults-of-buckets?publicAccessBlock", "").await.refused("NoSuchPublicAccessBlockConfiguration");
    for policy in ["{", r#"{"Version":"2012-10-17","Statement":[]}"#] {
        caller.rest("s3", "PUT", "/defaults-of-buckets?policy", policy).await.refused("MalformedPolicy");
    }
}

/// What SDKs send when they stream: chunks with a checksum behind them.
#[tokio::test]
async fn chunked_uploads_arrive_whole() {
    let caller = caller(ANYONE).await;
    caller.rest("s3", "PUT", "/chunks", PLACE).await.ok();
    let headers =
        [("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", "11"), ("x-amz-trailer", "x-amz-checksum-crc32")];
    let body = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
    caller.send("s3", "PUT", "/chunks/key", &headers, body).await.expect("an answer").ok();
    assert_eq!(caller.rest("s3", "GET", "/chunks/key", "").await.ok().body, "hello world");
}
