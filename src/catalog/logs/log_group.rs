//! `aws_cloudwatch_log_group`

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::each::read_each;
use crate::catalog::tags::{TagChanges, Tags, own, tagged};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Settle, Status, Token, tags};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Arn, Auto, Fixed};

/// Where log streams are kept.
///
/// A service that logs into a group which does not exist makes it by itself, and keeps what it logs for good: the group of a
/// cluster (`/aws/eks/NAME/cluster`) is made before the cluster, and goes after it.
///
/// ```stack
/// resource "aws_cloudwatch_log_group" "cluster" {
///   name              = "/aws/eks/devops-demo-dev/cluster"
///   retention_in_days = 14
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogGroup {
    /// Unique in the account and region.
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^[\w.\-/#]+$"))]
    pub name: Fixed<String>,
    /// How many days what was logged is kept; 0 for good.
    #[serde(default)]
    #[schemars(range(min = 0, max = 3653))]
    pub retention_in_days: i32,
    /// `STANDARD`, `INFREQUENT_ACCESS` or `DELIVERY`.
    #[serde(default)]
    #[schemars(regex(pattern = "^(STANDARD|INFREQUENT_ACCESS|DELIVERY)$"))]
    pub log_group_class: Fixed<Auto<String>>,
    /// A KMS key that encrypts it, whose policy must let CloudWatch Logs use it.
    #[serde(default)]
    pub kms_key_id: Option<Arn>,
    /// Whether the group refuses to be deleted.
    #[serde(default)]
    pub deletion_protection_enabled: bool,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// The group's name.
    pub id: String,
    /// Its ARN, without `:*` at the end.
    pub arn: String,
}

/// Up to so many are asked for one by one; beyond, all of the region, fifty an answer.
const FEW: usize = 3;

impl Resource for LogGroup {
    const TYPE: &'static str = "aws_cloudwatch_log_group";
    const SETTLE: Settle = Settle::INSTANT;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        aws.logs()
            .create_log_group()
            .log_group_name(&*self.name)
            .set_log_group_class(self.log_group_class.as_ref().map(|it| sdk::LogGroupClass::from(it.as_str())))
            .set_kms_key_id(self.kms_key_id.as_ref().map(|it| it.0.clone()))
            .set_tags(Some(self.tags.clone().into_iter().collect()))
            .send()
            .await?;
        Ok(Id::new(self.name.as_str()))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        if query.ids.len() > FEW {
            let (all, marks) = futures::try_join!(list(aws, query.shared), tagged(aws, "logs:log-group", query.shared))?;
            let mine = query.ids.iter().filter_map(|id| Some((id, all.get(id.as_str())?)));
            return Ok(mine.map(|(id, it)| (id.clone(), see(it, marks.get(arn_of(it)).cloned().unwrap_or_default()))).collect());
        }
        read_each(&query.ids, |id| async move {
            let Some(it) = get(aws, id.as_str()).await? else { return Ok(None) };
            let marks = read_tags(aws, arn_of(&it)).await?;
            Ok(Some(see(&it, marks)))
        })
        .await
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let (logs, name) = (aws.logs(), id.as_str());
        if self.retention_in_days != was.retention_in_days {
            match self.retention_in_days {
                0 => drop(logs.delete_retention_policy().log_group_name(name).send().await?),
                days => drop(logs.put_retention_policy().log_group_name(name).retention_in_days(days).send().await?),
            }
        }
        if self.kms_key_id != was.kms_key_id {
            match &self.kms_key_id {
                Some(key) => drop(logs.associate_kms_key().log_group_name(name).kms_key_id(&**key).send().await?),
                None => drop(logs.disassociate_kms_key().log_group_name(name).send().await?),
            }
        }
        if self.deletion_protection_enabled != was.deletion_protection_enabled {
            let call = logs.put_log_group_deletion_protection().log_group_identifier(name);
            call.deletion_protection_enabled(self.deletion_protection_enabled).send().await?;
        }
        let changes = TagChanges::between(&was.tags, &self.tags);
        let arn = aws.arn("logs", &format!("log-group:{name}")).await?;
        if !changes.put.is_empty() {
            let put = changes.put.into_iter().collect();
            logs.tag_resource().resource_arn(&arn).set_tags(Some(put)).send().await?;
        }
        if !changes.remove.is_empty() {
            logs.untag_resource().resource_arn(&arn).set_tag_keys(Some(changes.remove)).send().await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.logs().delete_log_group().log_group_name(id.as_str()).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let Some(found) = get(aws, &self.name).await? else { return Ok(None) };
        let marks = read_tags(aws, arn_of(&found)).await?;
        let taken = format!("the log group {} exists already", *self.name);
        own(Id::new(self.name.as_str()), marks.get(tags::ID).map(String::as_str), token, "logs:CreateLogGroup", taken)
    }
}

/// One by its name, which others may begin with.
async fn get(aws: &Aws, name: &str) -> Result<Option<sdk::LogGroup>, Fault> {
    let mut pages = aws.logs().describe_log_groups().log_group_name_prefix(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        let found = page?.log_groups.unwrap_or_default().into_iter().find(|it| it.log_group_name() == Some(name));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// All groups of the region by name, fifty an answer, which is the most.
async fn list(aws: &Aws, shared: bool) -> Result<Arc<BTreeMap<String, sdk::LogGroup>>, Fault> {
    let read = || async {
        let mut pages = aws.logs().describe_log_groups().limit(50).into_paginator().send();
        let mut all = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let named = |it: sdk::LogGroup| Some((it.log_group_name.clone()?, it));
            all.extend(page?.log_groups.unwrap_or_default().into_iter().filter_map(named));
        }
        Ok(all)
    };
    aws.shared(shared, "logs:DescribeLogGroups".into(), read).await
}

async fn read_tags(aws: &Aws, arn: &str) -> Result<Tags, Fault> {
    let got = aws.logs().list_tags_for_resource().resource_arn(arn).send().await?;
    Ok(got.tags.unwrap_or_default().into_iter().collect())
}

/// Older answers have the ARN with `:*` at its end only, which no call for tags takes.
fn arn_of(it: &sdk::LogGroup) -> &str {
    let with_star = || it.arn().map(|it| it.strip_suffix(":*").unwrap_or(it));
    it.log_group_arn().or_else(with_star).unwrap_or_default()
}

fn see(it: &sdk::LogGroup, tags: Tags) -> Seen<LogGroup> {
    let name = it.log_group_name().unwrap_or_default().to_owned();
    let settings = LogGroup {
        name: Fixed(name.clone()),
        retention_in_days: it.retention_in_days().unwrap_or_default(),
        log_group_class: Fixed(Auto(it.log_group_class().map(|it| it.as_str().to_owned()))),
        kms_key_id: it.kms_key_id().map(Arn::from),
        deletion_protection_enabled: it.deletion_protection_enabled().unwrap_or_default(),
        tags,
    };
    Seen { settings, outputs: Outputs { id: name, arn: arn_of(it).to_owned() }, status: Status::Ready }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_star_of_the_arn_is_left_out() {
        let arn = "arn:aws:logs:eu-west-1:111111111111:log-group:/a";
        let old = sdk::LogGroup::builder().log_group_name("/a").arn(format!("{arn}:*")).build();
        let new = sdk::LogGroup::builder().log_group_name("/a").arn(format!("{arn}:*")).log_group_arn(arn).build();
        assert_eq!((arn_of(&old), arn_of(&new)), (arn, arn));
        assert_eq!(see(&old, Tags::new()).settings.retention_in_days, 0, "kept for good");
    }
}
