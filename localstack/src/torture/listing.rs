//! What lies in an account: asked of every service, by a client that shares nothing with infra's, and written so that two
//! accounts with the same things in them read alike.
//!
//! A thing is one line: what kind it is, and all that its service says of it, but for what differs from run to run (times,
//! addresses, tokens). Ids are replaced by the address in the stack of what they name.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Broken;
use crate::client::{Answer, Caller};
use crate::xml::Node;

/// Everything in an account, a line a thing, sorted. Two of the same make two lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing(pub Vec<String>);

impl Listing {
    /// What is here beyond what was there: a thing that is there once is taken away once.
    pub fn beyond(&self, other: &Self) -> Self {
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &other.0 {
            *left.entry(line).or_default() += 1;
        }
        let is_new = |line: &&String| match left.get_mut(line.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            Some(_) | None => true,
        };
        Self(self.0.iter().filter(is_new).cloned().collect())
    }

    /// How this differs from what it should be: `+` is too much, `-` is missing. Empty when it does not.
    pub fn differences(&self, wanted: &Self) -> String {
        let more = self.beyond(wanted).0.into_iter().map(|line| format!("  + {line}\n"));
        let less = wanted.beyond(self).0.into_iter().map(|line| format!("  - {line}\n"));
        more.chain(less).collect()
    }
}

/// EC2's lists: the call, the list in its answer, the thing's own id.
const EC2: [(&str, &str, &str); 8] = [
    ("DescribeVpcs", "vpcSet", "vpcId"),
    ("DescribeSubnets", "subnetSet", "subnetId"),
    ("DescribeInternetGateways", "internetGatewaySet", "internetGatewayId"),
    ("DescribeNatGateways", "natGatewaySet", "natGatewayId"),
    ("DescribeAddresses", "addressesSet", "allocationId"),
    ("DescribeRouteTables", "routeTableSet", "routeTableId"),
    ("DescribeSecurityGroups", "securityGroupInfo", "groupId"),
    ("DescribeSecurityGroupRules", "securityGroupRuleSet", "securityGroupRuleId"),
];

/// What says nothing about a thing: when it was made, under which address, what it holds.
const FLEETING: [&str; 27] = [
    "createTime",
    "CreationDate",
    "createdAt",
    "CreationDateTime",
    "publicIp",
    "privateIp",
    "networkInterfaceId",
    "associationId",
    "routeTableAssociationId",
    "availabilityZoneId",
    "availableIpAddressCount",
    "CallerReference",
    "NameServer",
    "TableId",
    "TableSizeBytes",
    "ItemCount",
    "LastUpdateToPayPerRequestDateTime",
    "EarliestRestorableDateTime",
    "LatestRestorableDateTime",
    "LastIncreaseDateTime",
    "LastDecreaseDateTime",
    "NumberOfDecreasesToday",
    "CreatedDate",
    "LastUpdatedDate",
    "LastUpdateDateTime",
    "CurrentKeyMaterialId",
    "privateIpAddress",
];

/// Tags that differ from run to run.
const FLEETING_TAGS: [&str; 2] = ["infra:id", "infra:lineage"];

/// A thing as its service tells of it.
struct Thing {
    kind: &'static str,
    /// What other things name it by.
    id: String,
    /// By path, sorted.
    says: Vec<(String, String)>,
}

impl Thing {
    fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), says: Vec::new() }
    }

    fn say(&mut self, path: &str, value: impl Into<String>) {
        let name = path.rsplit('.').next().unwrap_or(path);
        if !FLEETING.contains(&name) {
            self.says.push((path.to_owned(), value.into()));
        }
    }

    fn xml(mut self, node: &Node) -> Self {
        self.flatten_xml("", node);
        self
    }

    fn flatten_xml(&mut self, path: &str, node: &Node) {
        if let Some((key, value)) = tag(node.get("key"), node.get("value")).or(tag(node.get("Key"), node.get("Value"))) {
            return self.tag(key, value);
        }
        if node.children.is_empty() && !node.text.is_empty() {
            self.say(path, &node.text);
        }
        for child in &node.children {
            self.flatten_xml(&join(path, &child.name), child);
        }
    }

    fn json(mut self, value: &Value) -> Self {
        self.flatten_json("", value);
        self
    }

    fn flatten_json(&mut self, path: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::Array(all) => all.iter().for_each(|it| self.flatten_json(path, it)),
            Value::Object(members) => {
                let text = |name: &str| value[name].as_str().unwrap_or_default();
                let tagged = tag(text("Key"), text("Value")).or(tag(text("TagKey"), text("TagValue")));
                match tagged {
                    Some((key, value)) => self.tag(key, value),
                    None => members.iter().for_each(|(name, it)| self.flatten_json(&join(path, name), it)),
                }
            }
            Value::String(text) => self.say(path, text),
            Value::Bool(_) | Value::Number(_) => self.say(path, value.to_string()),
        }
    }

    fn tag(&mut self, key: &str, value: &str) {
        if !FLEETING_TAGS.contains(&key) {
            self.says.push((format!("#{key}"), value.to_owned()));
        }
    }

    /// What it is called in the listing: its address in the stack, else what kind of thing it is.
    fn label(&self) -> String {
        let address = self.says.iter().find(|(path, _)| path == "#infra:address");
        format!("<{} {}>", self.kind, address.map_or("?", |(_, value)| value))
    }

    fn line(&self, labels: &BTreeMap<String, String>, account: &str) -> String {
        let mut says: Vec<String> = self
            .says
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(path, value)| {
                let named = labels.iter().fold(value.clone(), |text, (id, label)| text.replace(id, label));
                format!("{path}={}", named.replace(account, "ACCOUNT"))
            })
            .collect();
        says.sort();
        format!("{} {}", self.kind, says.join(" "))
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn tag<'a>(key: &'a str, value: &'a str) -> Option<(&'a str, &'a str)> {
    (!key.is_empty()).then_some((key, value))
}

/// Asks every service.
pub async fn list(caller: &Caller) -> Result<Listing, Broken> {
    let asker = Asker { caller };
    let mut things = asker.ec2().await?;
    for more in
        [asker.keys().await?, asker.repositories().await?, asker.tables().await?, asker.buckets().await?, asker.zones().await?]
    {
        things.extend(more);
    }
    // Longer ids first: one may be the beginning of another.
    let mut ids: Vec<&Thing> = things.iter().filter(|it| !it.id.is_empty()).collect();
    ids.sort_by_key(|it| it.id.len());
    let labels = ids.iter().map(|it| (it.id.clone(), it.label())).collect();
    let mut lines: Vec<String> = things.iter().map(|it| it.line(&labels, &caller.access_key)).collect();
    lines.sort();
    Ok(Listing(lines))
}

struct Asker<'a> {
    caller: &'a Caller,
}

impl Asker<'_> {
    async fn json(&self, service: &str, target: &str, body: Value) -> Result<Value, Broken> {
        let answer = self.caller.json(service, target, &body).await?;
        Ok(answer.success(service, target)?.json())
    }

    /// A call that answers "not found" where a thing has none of what is asked for.
    async fn optional(&self, service: &str, target: &str, body: Value) -> Result<Value, Broken> {
        let answer = self.caller.json(service, target, &body).await?;
        Ok(if answer.code().contains("NotFound") { Value::Null } else { answer.success(service, target)?.json() })
    }

    async fn get(&self, service: &str, path: &str) -> Result<Answer, Broken> {
        Ok(self.caller.rest(service, "GET", path, "").await?.success(service, path)?)
    }

    async fn document(&self, service: &str, path: &str) -> Result<Node, Broken> {
        document(&self.get(service, path).await?)
    }

    async fn ec2(&self) -> Result<Vec<Thing>, Broken> {
        let mut things = Vec::new();
        for (action, list, id) in EC2 {
            let answer = self.caller.ec2(action, &[]).await?.success("ec2", action)?;
            let answer = document(&answer)?;
            // AWS shows what was deleted for an hour.
            let here = answer.items(list).filter(|it| !matches!(it.get("state"), "deleted" | "deleting"));
            things.extend(here.map(|it| Thing::new(kind(action), it.get(id)).xml(it)));
        }
        Ok(things)
    }

    async fn keys(&self) -> Result<Vec<Thing>, Broken> {
        let mut things = Vec::new();
        for key in list_of(&self.json("kms", "TrentService.ListKeys", json!({})).await?, "Keys") {
            let id = json!({ "KeyId": key["KeyId"] });
            let about = self.json("kms", "TrentService.DescribeKey", id.clone()).await?["KeyMetadata"].clone();
            // AWS keeps what was deleted for a week at least.
            if about["KeyManager"] == "AWS" || about["KeyState"] == "PendingDeletion" {
                continue;
            }
            let tags = self.json("kms", "TrentService.ListResourceTags", id).await?;
            let name = key["KeyId"].as_str().unwrap_or_default();
            things.push(Thing::new("key", name).json(&about).json(&tags["Tags"]));
        }
        for alias in list_of(&self.json("kms", "TrentService.ListAliases", json!({})).await?, "Aliases") {
            if !alias["AliasName"].as_str().unwrap_or_default().starts_with("alias/aws/") {
                things.push(Thing::new("alias", "").json(&alias));
            }
        }
        Ok(things)
    }

    async fn repositories(&self) -> Result<Vec<Thing>, Broken> {
        let target = |action: &str| format!("AmazonEC2ContainerRegistry_V20150921.{action}");
        let mut things = Vec::new();
        for it in list_of(&self.json("ecr", &target("DescribeRepositories"), json!({})).await?, "repositories") {
            let name = json!({ "repositoryName": it["repositoryName"] });
            let tags = self.json("ecr", &target("ListTagsForResource"), json!({ "resourceArn": it["repositoryArn"] })).await?;
            let policy = self.optional("ecr", &target("GetLifecyclePolicy"), name).await?;
            things.push(Thing::new("repository", "").json(&it).json(&tags["tags"]).json(&policy["lifecyclePolicyText"]));
        }
        Ok(things)
    }

    async fn tables(&self) -> Result<Vec<Thing>, Broken> {
        let target = |action: &str| format!("DynamoDB_20120810.{action}");
        let mut things = Vec::new();
        for name in list_of(&self.json("dynamodb", &target("ListTables"), json!({})).await?, "TableNames") {
            let name = json!({ "TableName": name });
            let table = self.json("dynamodb", &target("DescribeTable"), name.clone()).await?["Table"].clone();
            let arn = json!({ "ResourceArn": table["TableArn"] });
            let tags = self.json("dynamodb", &target("ListTagsOfResource"), arn).await?;
            let ttl = self.json("dynamodb", &target("DescribeTimeToLive"), name.clone()).await?;
            let backups = self.json("dynamodb", &target("DescribeContinuousBackups"), name).await?;
            things.push(Thing::new("table", "").json(&table).json(&tags["Tags"]).json(&ttl).json(&backups));
        }
        Ok(things)
    }

    async fn buckets(&self) -> Result<Vec<Thing>, Broken> {
        let all = self.document("s3", "/").await?;
        let mut things = Vec::new();
        for bucket in all.items("Buckets") {
            let name = bucket.get("Name");
            let mut thing = Thing::new("bucket", "").xml(bucket);
            for part in ["versioning", "tagging", "lifecycle", "policy", "publicAccessBlock"] {
                let answer = self.caller.rest("s3", "GET", &format!("/{name}?{part}"), "").await?;
                if answer.status.as_u16() == 404 {
                    continue;
                }
                let answer = answer.success("s3", part)?;
                match Node::parse(answer.body.as_bytes()) {
                    Some(node) => thing = thing.xml(&node),
                    None => thing.say(part, answer.body),
                }
            }
            things.push(thing);
        }
        Ok(things)
    }

    async fn zones(&self) -> Result<Vec<Thing>, Broken> {
        let all = self.document("route53", "/2013-04-01/hostedzone").await?;
        let mut things = Vec::new();
        for zone in all.items("HostedZones") {
            let id = zone.get("Id").rsplit('/').next().unwrap_or_default();
            let about = self.document("route53", &format!("/2013-04-01/hostedzone/{id}")).await?;
            let tags = self.document("route53", &format!("/2013-04-01/tags/hostedzone/{id}")).await?;
            things.push(Thing::new("zone", id).xml(&about).xml(&tags));
            let records = self.document("route53", &format!("/2013-04-01/hostedzone/{id}/rrset")).await?;
            for record in records.items("ResourceRecordSets").filter(|it| !matches!(it.get("Type"), "NS" | "SOA")) {
                let mut thing = Thing::new("record", "").xml(record);
                thing.say("zone", zone.get("Name"));
                things.push(thing);
            }
        }
        Ok(things)
    }
}

fn document(answer: &Answer) -> Result<Node, Broken> {
    Node::parse(answer.body.as_bytes()).ok_or_else(|| Broken::new(format!("no XML: {}", answer.body)))
}

fn list_of(answer: &Value, name: &str) -> Vec<Value> {
    answer[name].as_array().cloned().unwrap_or_default()
}

/// `DescribeSecurityGroupRules` lists things that are called `SecurityGroupRules`.
fn kind(action: &'static str) -> &'static str {
    action.strip_prefix("Describe").unwrap_or(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(lines: &[&str]) -> Listing {
        Listing(lines.iter().map(|it| (*it).to_owned()).collect())
    }

    #[test]
    fn a_thing_too_much_and_a_thing_too_few_both_show() {
        let wanted = listing(&["bucket a", "vpc b"]);
        assert_eq!(listing(&["bucket a", "vpc b", "vpc b"]).differences(&wanted), "  + vpc b\n");
        assert_eq!(listing(&["vpc b"]).differences(&wanted), "  - bucket a\n");
        assert_eq!(wanted.differences(&wanted), "");
        assert_eq!(wanted.beyond(&listing(&["vpc b"])), listing(&["bucket a"]));
    }

    #[test]
    fn ids_are_named_by_the_address_of_their_thing() {
        let node = Node::parse(
            b"<item><vpcId>vpc-1</vpcId><createTime>now</createTime><tagSet><item><key>infra:address</key><value>aws_vpc.main</value></item>\
              <item><key>infra:id</key><value>0f</value></item></tagSet></item>",
        );
        let thing = Thing::new("Vpcs", "vpc-1").xml(&node.unwrap_or_default());
        let labels = BTreeMap::from([(thing.id.clone(), thing.label())]);
        assert_eq!(thing.line(&labels, "1"), "Vpcs #infra:address=aws_vpc.main vpcId=<Vpcs aws_vpc.main>");
    }
}
