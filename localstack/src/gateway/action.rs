//! The name of the action that a request asks for.
//!
//! Query and JSON protocols say it; for REST it follows from method, path and sub-resource
//! (Amazon S3, Route 53 and API Gateway v2 API references).

use hyper::Method;
use hyper::http::request::Parts;

use crate::form::Form;

/// `CreateVpc`, `PutObject`, … or `method path` where the request fits no known action.
pub fn name(service: &str, parts: &Parts, form: &Form) -> String {
    let header = |name: &str| parts.headers.get(name)?.to_str().ok();
    if let Some(target) = header("x-amz-target") {
        return target.rsplit('.').next().unwrap_or(target).to_owned();
    }
    if let Some(action) = form.get("Action") {
        return action.to_owned();
    }
    let path: Vec<&str> = parts.uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let query = Form::parse(parts.uri.query().unwrap_or_default());
    let found = match service {
        "s3" => Some(s3(&parts.method, path.len(), &query, header("x-amz-copy-source").is_some())),
        "route53" => route53(&parts.method, path.get(1..).unwrap_or_default()),
        "eks" => crate::service::eks::action(parts.method.as_str(), &path).map(str::to_owned),
        "apigateway" => api_gateway(&parts.method, path.get(1..).unwrap_or_default()),
        _ => None,
    };
    found.unwrap_or_else(|| format!("{} {}", parts.method, parts.uri.path()))
}

/// Sub-resources of a bucket or object, with the noun that the action ends in.
const S3_PARTS: [(&str, &str); 24] = [
    ("accelerate", "BucketAccelerateConfiguration"),
    ("acl", "Acl"),
    ("analytics", "BucketAnalyticsConfiguration"),
    ("attributes", "ObjectAttributes"),
    ("cors", "BucketCors"),
    ("encryption", "BucketEncryption"),
    ("intelligent-tiering", "BucketIntelligentTieringConfiguration"),
    ("inventory", "BucketInventoryConfiguration"),
    ("legal-hold", "ObjectLegalHold"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("location", "BucketLocation"),
    ("logging", "BucketLogging"),
    ("metrics", "BucketMetricsConfiguration"),
    ("notification", "BucketNotificationConfiguration"),
    ("object-lock", "ObjectLockConfiguration"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("policyStatus", "BucketPolicyStatus"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("replication", "BucketReplication"),
    ("requestPayment", "BucketRequestPayment"),
    ("retention", "ObjectRetention"),
    ("versioning", "BucketVersioning"),
    ("website", "BucketWebsite"),
];

fn s3(method: &Method, depth: usize, query: &Form, copies: bool) -> String {
    let level = match depth {
        0 => return "ListBuckets".to_owned(),
        1 => "Bucket",
        _ => "Object",
    };
    let verb = match *method {
        Method::GET => "Get",
        Method::PUT => "Put",
        Method::DELETE => "Delete",
        Method::HEAD => "Head",
        _ => "Post",
    };
    let has = |name: &str| query.get(name).is_some();
    if has("tagging") {
        return format!("{verb}{level}Tagging");
    }
    if let Some((_, noun)) = S3_PARTS.iter().find(|(part, _)| has(part)) {
        return match (*noun, verb) {
            ("Acl", _) => format!("{verb}{level}Acl"),
            ("BucketLifecycleConfiguration", "Delete") => "DeleteBucketLifecycle".to_owned(),
            _ => format!("{verb}{noun}"),
        };
    }
    let plain = match (level, verb) {
        ("Bucket", "Get") if has("versions") => "ListObjectVersions",
        ("Bucket", "Get") if has("uploads") => "ListMultipartUploads",
        ("Bucket", "Get") if has("list-type") => "ListObjectsV2",
        ("Bucket", "Get") => "ListObjects",
        ("Bucket", "Put") => "CreateBucket",
        ("Bucket", "Post") if has("delete") => "DeleteObjects",
        ("Object", "Get") if has("uploadId") => "ListParts",
        ("Object", "Put") if has("partNumber") => "UploadPart",
        ("Object", "Put") if copies => "CopyObject",
        ("Object", "Post") if has("uploads") => "CreateMultipartUpload",
        ("Object", "Post") if has("uploadId") => "CompleteMultipartUpload",
        ("Object", "Delete") if has("uploadId") => "AbortMultipartUpload",
        _ => return format!("{verb}{level}"),
    };
    plain.to_owned()
}

fn route53(method: &Method, path: &[&str]) -> Option<String> {
    let action = match (method.as_str(), path) {
        ("POST", ["hostedzone"]) => "CreateHostedZone",
        ("GET", ["hostedzone"]) => "ListHostedZones",
        ("GET", ["hostedzonesbyname"]) => "ListHostedZonesByName",
        ("GET", ["hostedzonesbyvpc"]) => "ListHostedZonesByVPC",
        ("GET", ["hostedzonecount"]) => "GetHostedZoneCount",
        ("GET", ["hostedzone", _]) => "GetHostedZone",
        ("POST", ["hostedzone", _]) => "UpdateHostedZoneComment",
        ("DELETE", ["hostedzone", _]) => "DeleteHostedZone",
        ("POST", ["hostedzone", _, "rrset"]) => "ChangeResourceRecordSets",
        ("GET", ["hostedzone", _, "rrset"]) => "ListResourceRecordSets",
        ("POST", ["hostedzone", _, "associatevpc"]) => "AssociateVPCWithHostedZone",
        ("POST", ["hostedzone", _, "disassociatevpc"]) => "DisassociateVPCFromHostedZone",
        ("GET", ["hostedzone", _, "dnssec"]) => "GetDNSSEC",
        ("GET", ["change", _]) => "GetChange",
        ("GET", ["tags", _, _]) => "ListTagsForResource",
        ("POST", ["tags", _, _]) => "ChangeTagsForResource",
        ("POST", ["tags", _]) => "ListTagsForResources",
        ("POST", ["healthcheck"]) => "CreateHealthCheck",
        ("GET", ["healthcheck"]) => "ListHealthChecks",
        ("GET", ["healthcheck", _]) => "GetHealthCheck",
        ("POST", ["healthcheck", _]) => "UpdateHealthCheck",
        ("DELETE", ["healthcheck", _]) => "DeleteHealthCheck",
        _ => return None,
    };
    Some(action.to_owned())
}

/// Collections and their members alternate: `/v2/apis/{id}/routes/{id}`.
fn api_gateway(method: &Method, path: &[&str]) -> Option<String> {
    let (noun, one) = match path {
        [.., collection, _] if path.len().is_multiple_of(2) => (collection, true),
        [.., collection] => (collection, false),
        [] => return None,
    };
    let (single, plural) = match *noun {
        "apis" => ("Api", "Apis"),
        "authorizers" => ("Authorizer", "Authorizers"),
        "apimappings" => ("ApiMapping", "ApiMappings"),
        "deployments" => ("Deployment", "Deployments"),
        "domainnames" => ("DomainName", "DomainNames"),
        "integrations" => ("Integration", "Integrations"),
        "models" => ("Model", "Models"),
        "routes" => ("Route", "Routes"),
        "stages" => ("Stage", "Stages"),
        "vpclinks" => ("VpcLink", "VpcLinks"),
        "tags" => ("Tags", "Tags"),
        _ => return None,
    };
    Some(match (method.as_str(), one) {
        ("POST", true) if *noun == "tags" => "TagResource".to_owned(),
        ("DELETE", true) if *noun == "tags" => "UntagResource".to_owned(),
        ("POST", false) => format!("Create{single}"),
        ("GET", false) => format!("Get{plural}"),
        ("GET", true) => format!("Get{single}"),
        ("PATCH", true) => format!("Update{single}"),
        ("DELETE", true) => format!("Delete{single}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    #[test]
    fn rest_requests_have_names() {
        for (service, method, uri, expected) in [
            ("s3", "GET", "/", "ListBuckets"),
            ("s3", "PUT", "/b", "CreateBucket"),
            ("s3", "GET", "/b?versioning", "GetBucketVersioning"),
            ("s3", "DELETE", "/b?lifecycle", "DeleteBucketLifecycle"),
            ("s3", "PUT", "/b?tagging", "PutBucketTagging"),
            ("s3", "PUT", "/b/k?tagging", "PutObjectTagging"),
            ("s3", "GET", "/b?list-type=2", "ListObjectsV2"),
            ("s3", "PUT", "/b/k/l", "PutObject"),
            ("s3", "POST", "/b/k?uploads", "CreateMultipartUpload"),
            ("route53", "POST", "/2013-04-01/hostedzone", "CreateHostedZone"),
            ("route53", "POST", "/2013-04-01/hostedzone/Z1/rrset/", "ChangeResourceRecordSets"),
            ("route53", "POST", "/2013-04-01/tags/hostedzone", "ListTagsForResources"),
            ("apigateway", "POST", "/v2/apis", "CreateApi"),
            ("apigateway", "GET", "/v2/apis/a/routes", "GetRoutes"),
            ("apigateway", "DELETE", "/v2/apis/a/routes/r", "DeleteRoute"),
        ] {
            let request = Request::builder().method(method).uri(uri).body(());
            let (parts, ()) = request.expect("a request").into_parts();
            assert_eq!(name(service, &parts, &Form::default()), expected, "{method} {uri}");
        }
    }
}
