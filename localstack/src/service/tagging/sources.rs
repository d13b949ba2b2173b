//! Where tagged resources are found: one question, or one per resource, to each service.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::form::Form;
use crate::gateway::{Call, Local, Protocol, Question, Refusal};
use crate::service::{self, Service, ec2, eks};
use crate::xml::Node;

/// Where global services are listed.
const GLOBAL_REGION: &str = "us-east-1";

const GET_RESOURCES: &str = "ResourceGroupsTaggingAPI_20170126.GetResources";

/// What moto tells by itself; its EC2 part does not leave out what was deleted.
const FROM_MOTO: [&str; 3] = ["acm", "elasticloadbalancing", "autoscaling"];

/// moto's own tagging service.
static MOTO: Service = Service { name: "tagging", backend: Backend::Moto, protocol: Protocol::Json };

/// A resource with its tags.
pub struct Tagged {
    pub arn: String,
    pub tags: Vec<(String, String)>,
}

impl Tagged {
    pub fn to_json(&self) -> Value {
        let tags: Vec<Value> = self.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({"ResourceARN": self.arn, "Tags": tags})
    }

    /// `ec2` and `vpc` of `arn:aws:ec2:eu-west-1:111111111111:vpc/vpc-1`.
    pub fn kind(&self) -> (&str, &str) {
        let mut parts = self.arn.splitn(6, ':').skip(2);
        let service = parts.next().unwrap_or_default();
        let resource = parts.nth(2).unwrap_or_default();
        let kind = match service {
            "s3" => "bucket",
            _ => resource.split(['/', ':']).next().unwrap_or_default(),
        };
        (service, kind)
    }

    fn of_json(mapping: &Value) -> Self {
        let tags = mapping["Tags"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self { arn: text(&mapping["ResourceARN"]), tags: tags.map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect() }
    }
}

/// Everything tagged in the caller's account and region, without asking for services that are not wanted.
pub async fn all(local: &Local, call: &Call, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Tagged>, Refusal> {
    let is_global = call.region == GLOBAL_REGION;
    let (mut found, from_moto, from_ec2, log_groups, zones) = tokio::try_join!(
        ministack(local, call),
        when(FROM_MOTO.into_iter().any(&is_wanted), moto(local, call)),
        when(is_wanted("ec2"), from_ec2(local, call)),
        when(is_wanted("logs"), log_groups(local, call)),
        when(is_global && is_wanted("route53"), hosted_zones(local, call)),
    )?;
    found.extend(from_moto.into_iter().chain(from_ec2).chain(log_groups).chain(zones));
    if is_wanted("eks") {
        found.extend(from_eks(local, call).await);
    }
    found.retain(|resource| !resource.tags.is_empty());
    Ok(found)
}

async fn from_eks(local: &Local, call: &Call) -> Vec<Tagged> {
    let all = eks::tagged(local, call).await.into_iter().map(|(arn, tags)| Tagged {
        arn,
        tags: tags
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
    });
    all.collect()
}

/// What a source has, if anything of it is wanted.
async fn when(wanted: bool, source: impl Future<Output = Result<Vec<Tagged>, Refusal>>) -> Result<Vec<Tagged>, Refusal> {
    if wanted { source.await } else { Ok(Vec::new()) }
}

/// The same caller, asking another service.
fn asker(call: &Call, service: &str) -> Result<Call, Refusal> {
    let mut asker = call.without_body();
    asker.service = service::find(service).ok_or_else(|| Refusal::internal(format!("{service} is not served")))?;
    Ok(asker)
}

/// All pages of an emulator's own GetResources.
async fn pages(local: &Local, call: &Call, mut question: Value) -> Result<Vec<Tagged>, Refusal> {
    let mut found = Vec::new();
    loop {
        let mut answer = local.ask_json(call, call.service, GET_RESOURCES, &question).await?;
        let mappings = answer["ResourceTagMappingList"].as_array();
        found.extend(mappings.into_iter().flatten().map(Tagged::of_json));
        match answer["PaginationToken"].take() {
            Value::String(next) if !next.is_empty() => question["PaginationToken"] = json!(next),
            _ => return Ok(found),
        }
    }
}

async fn ministack(local: &Local, call: &Call) -> Result<Vec<Tagged>, Refusal> {
    let mut found = pages(local, call, json!({})).await?;
    // IAM is no part of the real API, and EC2 lives elsewhere.
    found.retain(|resource| !matches!(resource.kind().0, "iam" | "ec2"));
    Ok(found)
}

async fn moto(local: &Local, call: &Call) -> Result<Vec<Tagged>, Refusal> {
    let question = json!({"ResourceTypeFilters": FROM_MOTO});
    let mut asker = call.without_body();
    asker.service = &MOTO;
    let mut found = pages(local, &asker, question).await?;
    found.retain(|resource| FROM_MOTO.contains(&resource.kind().0));
    Ok(found)
}

async fn from_ec2(local: &Local, call: &Call) -> Result<Vec<Tagged>, Refusal> {
    let asker = asker(call, "ec2")?;
    let mut answer = local.ask(&asker, &Form::of("DescribeTags", &[])).await?;
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let set = answer.child_mut("tagSet");
    for tag in set.map(|set| ec2::living_tags(local, set)).unwrap_or_default() {
        let arn = format!("arn:aws:ec2:{}:{}:{}/{}", call.region, call.account, tag.get("resourceType"), tag.get("resourceId"));
        let pair = (tag.get("key").to_owned(), tag.get("value").to_owned());
        found.entry(arn).or_default().push(pair);
    }
    let all = found.into_iter();
    Ok(all.map(|(arn, tags)| Tagged { arn, tags }).collect())
}

async fn log_groups(local: &Local, call: &Call) -> Result<Vec<Tagged>, Refusal> {
    let asker = asker(call, "logs")?;
    let ask = async |action: &str, body: &Value| {
        let target = format!("Logs_20140328.{action}");
        local.ask_json(&asker, asker.service, &target, body).await
    };
    let mut found = Vec::new();
    let mut question = json!({});
    loop {
        let mut answer = ask("DescribeLogGroups", &question).await?;
        for group in answer["logGroups"].as_array().into_iter().flatten() {
            let arn = group["logGroupArn"].as_str().unwrap_or_default().to_owned();
            let tags = ask("ListTagsForResource", &json!({"resourceArn": arn})).await?;
            let tags = tags["tags"].as_object().into_iter().flatten();
            found.push(Tagged {
                arn,
                tags: tags.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
            });
        }
        match answer["nextToken"].take() {
            Value::String(next) => question = json!({"nextToken": next}),
            _ => return Ok(found),
        }
    }
}

async fn hosted_zones(local: &Local, call: &Call) -> Result<Vec<Tagged>, Refusal> {
    let asker = asker(call, "route53")?;
    let get = async |path: String| {
        let question = Question { method: Method::GET, path: &path, ..Question::default() };
        let reply = local.question(&asker, asker.service, question).await?;
        Ok(reply.document().unwrap_or_default())
    };
    let mut found = Vec::new();
    let mut path = "/2013-04-01/hostedzone".to_owned();
    loop {
        let zones = get(path).await?;
        for zone in zones.items("HostedZones") {
            let id = zone.get("Id").rsplit('/').next().unwrap_or_default();
            let tags = get(format!("/2013-04-01/tags/hostedzone/{id}")).await?;
            let pairs = tags
                .child("ResourceTagSet")
                .into_iter()
                .flat_map(|set| set.items("Tags"))
                .map(|tag: &Node| (tag.get("Key").to_owned(), tag.get("Value").to_owned()));
            found.push(Tagged { arn: format!("arn:aws:route53:::hostedzone/{id}"), tags: pairs.collect() });
        }
        if zones.get("IsTruncated") != "true" {
            return Ok(found);
        }
        path = format!("/2013-04-01/hostedzone?marker={}", zones.get("NextMarker"));
    }
}
