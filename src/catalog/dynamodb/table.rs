//! `aws_dynamodb_table`

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::tags::{TagChanges, Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::cloud::fault::unfit;
use crate::remote::{Class, Fault, Id, Settle, Status, Token, tags};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Auto, Fixed};

/// A table.
///
/// ```stack
/// resource "aws_dynamodb_table" "lock" {
///   name         = "infra-lock"
///   billing_mode = "PAY_PER_REQUEST"
///   hash_key     = "Stack"
///   range_key    = "Item"
///   attribute {
///     name = "Stack"
///     type = "S"
///   }
///   attribute {
///     name = "Item"
///     type = "S"
///   }
///   point_in_time_recovery { enabled = true }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    /// Unique in the account and region.
    #[schemars(length(min = 3, max = 255))]
    pub name: Fixed<String>,
    /// `PAY_PER_REQUEST` or `PROVISIONED`.
    #[serde(default = "provisioned")]
    #[schemars(regex(pattern = "^(PAY_PER_REQUEST|PROVISIONED)$"))]
    pub billing_mode: String,
    /// The partition key: an attribute's name.
    pub hash_key: Fixed<String>,
    /// The sort key.
    #[serde(default)]
    pub range_key: Fixed<Option<String>>,
    /// The attributes that keys are made of.
    pub attribute: Fixed<BTreeSet<KeyAttribute>>,
    /// Reads a second, for `PROVISIONED`.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub read_capacity: Auto<i64>,
    /// Writes a second, for `PROVISIONED`.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub write_capacity: Auto<i64>,
    /// Whether the table refuses to be deleted.
    #[serde(default)]
    pub deletion_protection_enabled: bool,
    /// `STANDARD` or `STANDARD_INFREQUENT_ACCESS`.
    #[serde(default = "standard")]
    #[schemars(regex(pattern = "^(STANDARD|STANDARD_INFREQUENT_ACCESS)$"))]
    pub table_class: String,
    /// Whether every second of the last 35 days can be restored.
    #[serde(default)]
    pub point_in_time_recovery: Auto<PointInTimeRecovery>,
    /// Encryption by a KMS key in place of DynamoDB's own.
    #[serde(default)]
    pub server_side_encryption: Auto<ServerSideEncryption>,
    /// Items go when the time in this attribute has come.
    #[serde(default)]
    pub ttl: Auto<Ttl>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct KeyAttribute {
    /// The attribute, as `hash_key`, `range_key` or an index names it.
    pub name: String,
    /// `S` text, `N` number, `B` bytes.
    #[serde(rename = "type")]
    #[schemars(regex(pattern = "^(S|N|B)$"))]
    pub kind: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PointInTimeRecovery {
    /// Whether the table can be restored to any second of the last days.
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerSideEncryption {
    /// Whether a KMS key encrypts the table; else one that DynamoDB owns does.
    pub enabled: bool,
    /// ARN of the key; `alias/aws/dynamodb` when left out.
    #[serde(default)]
    pub kms_key_arn: Auto<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ttl {
    /// Whether items expire.
    pub enabled: bool,
    /// The attribute that holds the second, of the Unix epoch, at which an item expires.
    pub attribute_name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableOutputs {
    /// The table's name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

fn provisioned() -> String {
    "PROVISIONED".into()
}

fn standard() -> String {
    "STANDARD".into()
}

impl Resource for Table {
    const TYPE: &'static str = "aws_dynamodb_table";
    const PRECIOUS: bool = true;
    const SETTLE: Settle = Settle {
        every: Duration::from_secs(1),
        create: Duration::from_secs(30 * 60),
        update: Duration::from_secs(60 * 60),
        delete: Duration::from_secs(10 * 60),
        typical: Duration::from_secs(10),
        ..Settle::INSTANT
    };
    type Outputs = TableOutputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let keys = [(Some(&*self.hash_key), sdk::KeyType::Hash), (self.range_key.as_ref(), sdk::KeyType::Range)];
        let keys = keys.into_iter().filter_map(|(name, kind)| Some((name?, kind)));
        let keys = keys.map(|(name, kind)| {
            sdk::KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(unfit("dynamodb"))
        });
        let attributes = self.attribute.iter().map(|it| {
            let kind = sdk::ScalarAttributeType::from(it.kind.as_str());
            sdk::AttributeDefinition::builder().attribute_name(&it.name).attribute_type(kind).build().map_err(unfit("dynamodb"))
        });
        aws.dynamodb()
            .create_table()
            .table_name(&*self.name)
            .set_key_schema(Some(keys.collect::<Result<_, _>>()?))
            .set_attribute_definitions(Some(attributes.collect::<Result<_, _>>()?))
            .billing_mode(sdk::BillingMode::from(self.billing_mode.as_str()))
            .set_provisioned_throughput(self.throughput()?)
            .set_sse_specification(self.server_side_encryption.as_ref().map(ServerSideEncryption::to_sdk))
            .deletion_protection_enabled(self.deletion_protection_enabled)
            .table_class(sdk::TableClass::from(self.table_class.as_str()))
            .set_tags(Some(to_tags(&self.tags)?))
            .send()
            .await?;
        Ok(Id::new(self.name.as_str()))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let seen = try_join_all(query.ids.iter().map(|id| read_one(aws, id, query))).await?;
        Ok(seen.into_iter().flatten().collect())
    }

    // UpdateTable takes one kind of change at a time and leaves the table UPDATING; the engine waits and calls again.
    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let (dynamodb, name) = (aws.dynamodb(), id.as_str());
        if self.tags != was.tags {
            self.update_tags(aws, id, was).await?;
        }
        if let Some(it) = self.point_in_time_recovery.as_ref().filter(|it| Some(*it) != was.point_in_time_recovery.as_ref()) {
            let how = sdk::PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(it.enabled);
            let how = how.build().map_err(unfit("dynamodb"))?;
            dynamodb.update_continuous_backups().table_name(name).point_in_time_recovery_specification(how).send().await?;
        }
        if let Some(it) = self.ttl.as_ref().filter(|it| Some(*it) != was.ttl.as_ref()) {
            let how = sdk::TimeToLiveSpecification::builder().enabled(it.enabled).attribute_name(&it.attribute_name);
            dynamodb
                .update_time_to_live()
                .table_name(name)
                .time_to_live_specification(how.build().map_err(unfit("dynamodb"))?)
                .send()
                .await?;
        }
        let table = dynamodb.update_table().table_name(name);
        let throughput = |it: &Self| (it.read_capacity.0, it.write_capacity.0);
        let table = if self.billing_mode != was.billing_mode {
            let mode = sdk::BillingMode::from(self.billing_mode.as_str());
            table.billing_mode(mode).set_provisioned_throughput(self.throughput()?)
        } else if throughput(self) != throughput(was) && self.billing_mode == "PROVISIONED" {
            table.set_provisioned_throughput(self.throughput()?)
        } else if self.table_class != was.table_class {
            table.table_class(sdk::TableClass::from(self.table_class.as_str()))
        } else if self.deletion_protection_enabled != was.deletion_protection_enabled {
            table.deletion_protection_enabled(self.deletion_protection_enabled)
        } else if let Some(it) =
            self.server_side_encryption.as_ref().filter(|it| Some(*it) != was.server_side_encryption.as_ref())
        {
            table.sse_specification(it.to_sdk())
        } else {
            return Ok(());
        };
        table.send().await?;
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.dynamodb().delete_table().table_name(id.as_str()).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let Some(table) = describe_staying(aws, &self.name).await? else { return Ok(None) };
        let found = read_tags(aws, table.table_arn().unwrap_or_default()).await;
        let found = or_missing(aws, &self.name, found).await?;
        let taken = format!("the table {} exists already", *self.name);
        own(Id::new(self.name.as_str()), found.get(tags::ID).map(String::as_str), token, "dynamodb:CreateTable", taken)
    }
}

impl Table {
    fn throughput(&self) -> Result<Option<sdk::ProvisionedThroughput>, Fault> {
        if self.billing_mode != "PROVISIONED" {
            return Ok(None);
        }
        let (read, write) = (self.read_capacity.unwrap_or(1), self.write_capacity.unwrap_or(1));
        let built = sdk::ProvisionedThroughput::builder().read_capacity_units(read).write_capacity_units(write).build();
        built.map(Some).map_err(unfit("dynamodb"))
    }

    async fn update_tags(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let Some(table) = describe(aws, id.as_str()).await? else { return Ok(()) };
        let arn = table.table_arn().unwrap_or_default();
        let changes = TagChanges::between(&was.tags, &self.tags);
        if !changes.put.is_empty() {
            aws.dynamodb().tag_resource().resource_arn(arn).set_tags(Some(to_tags(&changes.put)?)).send().await?;
        }
        if !changes.remove.is_empty() {
            aws.dynamodb().untag_resource().resource_arn(arn).set_tag_keys(Some(changes.remove)).send().await?;
        }
        Ok(())
    }
}

impl ServerSideEncryption {
    fn to_sdk(&self) -> sdk::SseSpecification {
        let kind = self.enabled.then_some(sdk::SseType::Kms);
        let key = self.kms_key_arn.0.clone();
        sdk::SseSpecification::builder().enabled(self.enabled).set_sse_type(kind).set_kms_master_key_id(key).build()
    }
}

async fn describe(aws: &Aws, name: &str) -> Result<Option<sdk::TableDescription>, Fault> {
    match aws.dynamodb().describe_table().table_name(name).send().await {
        Ok(got) => Ok(got.table),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn read_tags(aws: &Aws, arn: &str) -> Result<Tags, Fault> {
    let mut found = Tags::new();
    let mut next = None;
    loop {
        let page = aws.dynamodb().list_tags_of_resource().resource_arn(arn).set_next_token(next).send().await?;
        found.extend(page.tags.unwrap_or_default().into_iter().map(|it| (it.key, it.value)));
        next = page.next_token.filter(|it| !it.is_empty());
        if next.is_none() {
            return Ok(found);
        }
    }
}

fn is_going(table: &sdk::TableDescription) -> bool {
    table.table_status() == Some(&sdk::TableStatus::Deleting)
}

async fn describe_staying(aws: &Aws, name: &str) -> Result<Option<sdk::TableDescription>, Fault> {
    Ok(describe(aws, name).await?.filter(|it| !is_going(it)))
}

/// What belongs to a table that is going is refused as forbidden. It may have begun to go since it was described.
async fn or_missing<T>(aws: &Aws, name: &str, answer: Result<T, Fault>) -> Result<T, Fault> {
    match answer {
        Err(fault) if fault.class == Class::Denied && describe_staying(aws, name).await?.is_none() => {
            Err(Fault { class: Class::Missing, ..fault })
        }
        other => other,
    }
}

async fn read_one(aws: &Aws, id: &Id, query: &Query) -> Result<Option<(Id, Seen<Table>)>, Fault> {
    let Some(table) = describe(aws, id.as_str()).await? else { return Ok(None) };
    let seen = see(aws, id.as_str(), query, &table).await;
    Ok(Some((id.clone(), or_missing(aws, id.as_str(), seen).await?)))
}

async fn see(aws: &Aws, name: &str, query: &Query, table: &sdk::TableDescription) -> Result<Seen<Table>, Fault> {
    let dynamodb = aws.dynamodb();
    let arn = table.table_arn().unwrap_or_default().to_owned();
    let going = is_going(table);
    let wanted = |part: &str| !going && query.wants(part);
    let found = async { if going { Ok(Tags::new()) } else { read_tags(aws, &arn).await } };
    let recovery = async {
        if !wanted("point_in_time_recovery") {
            return Ok(None);
        }
        let got = dynamodb.describe_continuous_backups().table_name(name).send().await?;
        let status = got.continuous_backups_description.and_then(|it| it.point_in_time_recovery_description);
        let enabled = status.and_then(|it| it.point_in_time_recovery_status) == Some(sdk::PointInTimeRecoveryStatus::Enabled);
        Ok::<_, Fault>(Some(PointInTimeRecovery { enabled }))
    };
    let ttl = async {
        if !wanted("ttl") {
            return Ok(None);
        }
        let got = dynamodb.describe_time_to_live().table_name(name).send().await?.time_to_live_description;
        let on = |it: &sdk::TimeToLiveStatus| matches!(it, sdk::TimeToLiveStatus::Enabled | sdk::TimeToLiveStatus::Enabling);
        Ok(got.and_then(|it| {
            let enabled = it.time_to_live_status.as_ref().is_some_and(on);
            Some(Ttl { enabled, attribute_name: it.attribute_name? })
        }))
    };
    let (found, recovery, ttl) = futures::try_join!(found, recovery, ttl)?;
    let key = |kind: sdk::KeyType| {
        let element = table.key_schema().iter().find(|it| *it.key_type() == kind);
        element.map(|it| it.attribute_name().to_owned())
    };
    let throughput = table.provisioned_throughput();
    let mode = table.billing_mode_summary().and_then(|it| it.billing_mode());
    let settings = Table {
        name: Fixed(name.to_owned()),
        billing_mode: mode.map_or("PROVISIONED", |it| it.as_str()).to_owned(),
        hash_key: Fixed(key(sdk::KeyType::Hash).unwrap_or_default()),
        range_key: Fixed(key(sdk::KeyType::Range)),
        attribute: Fixed(table.attribute_definitions().iter().map(KeyAttribute::from_sdk).collect()),
        read_capacity: Auto(throughput.and_then(|it| it.read_capacity_units()).filter(|it| *it > 0)),
        write_capacity: Auto(throughput.and_then(|it| it.write_capacity_units()).filter(|it| *it > 0)),
        deletion_protection_enabled: table.deletion_protection_enabled().unwrap_or_default(),
        table_class: table.table_class_summary().and_then(|it| it.table_class()).map_or("STANDARD", |it| it.as_str()).to_owned(),
        point_in_time_recovery: Auto(recovery),
        server_side_encryption: Auto(table.sse_description().map(|it| ServerSideEncryption {
            enabled: matches!(it.status(), Some(sdk::SseStatus::Enabled | sdk::SseStatus::Enabling | sdk::SseStatus::Updating)),
            kms_key_arn: Auto(it.kms_master_key_arn().map(str::to_owned)),
        })),
        ttl: Auto(ttl),
        tags: found,
    };
    let status = match table.table_status() {
        Some(sdk::TableStatus::Active) => Status::Ready,
        Some(sdk::TableStatus::InaccessibleEncryptionCredentials) => Status::Failed("INACCESSIBLE_ENCRYPTION_CREDENTIALS".into()),
        other => Status::Pending(other.map_or("unknown", |it| it.as_str()).to_owned()),
    };
    Ok(Seen { settings, outputs: TableOutputs { id: name.to_owned(), arn }, status })
}

impl KeyAttribute {
    fn from_sdk(it: &sdk::AttributeDefinition) -> Self {
        Self { name: it.attribute_name().to_owned(), kind: it.attribute_type().as_str().to_owned() }
    }
}

fn to_tags(tags: &Tags) -> Result<Vec<sdk::Tag>, Fault> {
    tags.iter().map(|(key, value)| sdk::Tag::builder().key(key).value(value).build().map_err(unfit("dynamodb"))).collect()
}
