//! `aws_launch_template`

mod data;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_sdk_ec2::types::{Filter, LaunchTemplate as Live, LaunchTemplateVersion as Version, ResourceType};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Arn, Auto, Fixed, Local, Moving};

/// What EC2 instances are made from. Each change makes a new version; those before it stay as they are.
///
/// What is compared is the newest version. A node group of EKS that names `latest_version` turns to the new one in the same plan.
///
/// ```stack
/// resource "aws_launch_template" "nodes" {
///   name                   = "devops-demo-dev-nodes"
///   update_default_version = true
///   metadata_options {
///     http_tokens                 = "required"
///     http_put_response_hop_limit = 1
///   }
///   block_device_mappings {
///     device_name = "/dev/xvda"
///     ebs {
///       volume_size = 50
///       volume_type = "gp3"
///       encrypted   = true
///     }
///   }
///   tag_specifications {
///     resource_type = "instance"
///     tags          = { pool = "system" }
///   }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaunchTemplate {
    /// Unique in the account and region.
    #[schemars(length(min = 3, max = 128), regex(pattern = r"^[a-zA-Z0-9().\-/_]+$"))]
    pub name: Fixed<String>,
    /// What the newest version is for.
    #[serde(default)]
    #[schemars(length(max = 255))]
    pub description: String,
    /// The version that is taken where none is named. Left out: the first one, unless `update_default_version` is set.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub default_version: Auto<i64>,
    /// Whether each new version becomes the default one. A change of this setting alone shows with the next version.
    #[serde(default)]
    pub update_default_version: Local<bool>,
    /// Image.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub image_id: Option<String>,
    /// `m6i.large`. A node group takes its types from its own settings unless there is one here.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub instance_type: Option<String>,
    /// Key pair for SSH.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub key_name: Option<String>,
    /// Whether volumes have bandwidth of their own.
    #[serde(default)]
    pub ebs_optimized: Option<bool>,
    /// Groups of the primary interface.
    #[serde(default)]
    pub vpc_security_group_ids: BTreeSet<String>,
    /// What runs at the first boot, in base64.
    #[serde(default)]
    #[schemars(length(min = 1, max = 21848))]
    pub user_data: Option<String>,
    /// Whether the instance gives its own measurements each minute.
    #[serde(default)]
    pub monitoring: Option<Monitoring>,
    /// The role of instances. Not for managed node groups, which have one of their own.
    #[serde(default)]
    pub iam_instance_profile: Option<Profile>,
    /// Volumes, in their order.
    #[serde(default)]
    pub block_device_mappings: Vec<BlockDevice>,
    /// The instance metadata service.
    #[serde(default)]
    pub metadata_options: Option<Metadata>,
    /// Tags of what is launched, by kind.
    #[serde(default)]
    pub tag_specifications: BTreeSet<TagSpecification>,
    /// Tags of the template itself; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Monitoring {
    /// Whether it is on.
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Its ARN; or its name.
    #[serde(default)]
    pub arn: Option<Arn>,
    /// Its name; or its ARN.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlockDevice {
    /// `/dev/xvda`
    #[schemars(length(min = 1))]
    pub device_name: String,
    /// The volume.
    #[serde(default)]
    pub ebs: Option<Ebs>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ebs {
    /// GiB.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65536))]
    pub volume_size: Option<i32>,
    /// `gp3`, `gp2`, `io1`, `io2`, `st1`, `sc1` or `standard`.
    #[serde(default)]
    #[schemars(regex(pattern = "^(gp3|gp2|io1|io2|st1|sc1|standard)$"))]
    pub volume_type: Option<String>,
    /// Operations a second.
    #[serde(default)]
    #[schemars(range(min = 100))]
    pub iops: Option<i32>,
    /// MiB a second, of `gp3`.
    #[serde(default)]
    #[schemars(range(min = 125))]
    pub throughput: Option<i32>,
    /// Whether the volume is encrypted.
    #[serde(default)]
    pub encrypted: Option<bool>,
    /// The key that encrypts it; else the account's default one.
    #[serde(default)]
    pub kms_key_id: Option<Arn>,
    /// Whether the volume goes with the instance.
    #[serde(default)]
    pub delete_on_termination: Option<bool>,
    /// What the volume holds at first.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub snapshot_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// `enabled` or `disabled`.
    #[serde(default)]
    #[schemars(regex(pattern = "^(enabled|disabled)$"))]
    pub http_endpoint: Auto<String>,
    /// `required` for version 2 alone, else `optional`.
    #[serde(default)]
    #[schemars(regex(pattern = "^(required|optional)$"))]
    pub http_tokens: Auto<String>,
    /// How many hops an answer may go: 1 keeps containers with a network of their own away from it.
    #[serde(default)]
    #[schemars(range(min = 1, max = 64))]
    pub http_put_response_hop_limit: Auto<i32>,
    /// `enabled` or `disabled`: whether it tells the instance's tags.
    #[serde(default)]
    #[schemars(regex(pattern = "^(enabled|disabled)$"))]
    pub instance_metadata_tags: Auto<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct TagSpecification {
    /// `instance`, `volume`, `network-interface`, …
    #[schemars(length(min = 1))]
    pub resource_type: String,
    /// What each of them is given.
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The number of the newest version.
    pub latest_version: Moving<i64>,
}

const CALL: &str = "ec2:DescribeLaunchTemplates";

/// The largest page of both calls ("MaxResults" in the API reference).
const PAGE: i32 = 200;

/// Up to so many are asked for one by one; beyond, all templates of the region.
const FEW: usize = 3;

async fn list(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Live>, Fault> {
    let ask = aws.ec2().describe_launch_templates().set_filters(Some(filters)).max_results(PAGE);
    Ok(ask.into_paginator().items().send().try_collect().await?)
}

/// Those of `ids` that exist. There is no filter of ids, and a list of them fails for one that is unknown.
async fn find_all(aws: &Aws, ids: &[Id], shared: bool) -> Result<BTreeMap<Id, Live>, Fault> {
    let mut found = BTreeMap::new();
    if ids.len() > FEW {
        for it in aws.shared(shared, CALL.to_owned(), || list(aws, Vec::new())).await?.iter() {
            found.extend(it.launch_template_id().map(|id| (Id::new(id), it.clone())));
        }
        let ids: BTreeSet<&Id> = ids.iter().collect();
        found.retain(|id, _| ids.contains(id));
        return Ok(found);
    }
    for id in ids {
        match aws.ec2().describe_launch_templates().launch_template_ids(id.as_str()).send().await {
            Ok(got) => found.extend(got.launch_templates.unwrap_or_default().into_iter().map(|it| (id.clone(), it))),
            Err(error) if error.code().is_some_and(|it| it.ends_with("NotFound") || it.ends_with("NotFoundException")) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// The newest versions, by template: of those named, or of all.
async fn newest(aws: &Aws, ids: &[&str], shared: bool) -> Result<Arc<BTreeMap<String, Version>>, Fault> {
    let ask = |id: Option<String>| async move {
        let ask = aws.ec2().describe_launch_template_versions().set_launch_template_id(id).versions("$Latest");
        let found: Result<Vec<Version>, _> = ask.max_results(PAGE).into_paginator().items().send().try_collect().await;
        found.map_err(Fault::from)
    };
    let by_id = |all: Vec<Version>| all.into_iter().filter_map(|it| Some((it.launch_template_id.clone()?, it))).collect();
    if ids.len() > FEW {
        let key = "ec2:DescribeLaunchTemplateVersions $Latest".to_owned();
        return aws.shared(shared, key, || async { Ok(by_id(ask(None).await?)) }).await;
    }
    let found = try_join_all(ids.iter().map(|id| ask(Some((*id).to_owned())))).await?;
    Ok(Arc::new(by_id(found.into_iter().flatten().collect())))
}

impl LaunchTemplate {
    /// Whether a version made from one would be like a version made from the other.
    fn is_like(&self, other: &Self) -> bool {
        let plain = |it: &Self| Self {
            default_version: Auto(None),
            update_default_version: Local(false),
            tags: Tags::new(),
            ..it.clone()
        };
        plain(self) == plain(other)
    }
}

impl Resource for LaunchTemplate {
    const TYPE: &'static str = "aws_launch_template";
    const SETTLE: Settle = super::SETTLE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        let call = aws
            .ec2()
            .create_launch_template()
            .client_token(token.as_str())
            .launch_template_name(&*self.name)
            .set_version_description(Some(self.description.clone()).filter(|it| !it.is_empty()))
            .launch_template_data(self.to_sdk())
            .set_tag_specifications(super::specification(ResourceType::LaunchTemplate, &self.tags));
        super::named("ec2:CreateLaunchTemplate", call.send().await?.launch_template.and_then(|it| it.launch_template_id))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let found = find_all(aws, &query.ids, query.shared).await?;
        let ids: Vec<&str> = found.keys().map(Id::as_str).collect();
        let versions = newest(aws, &ids, query.shared).await?;
        let mut out = BTreeMap::new();
        for (id, it) in &found {
            // Without a version it went between the two calls.
            if let Some(version) = versions.get(id.as_str()) {
                let arn = aws.arn("ec2", &format!("launch-template/{id}")).await?;
                out.insert(id.clone(), see(it, version, arn));
            }
        }
        Ok(out)
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        super::update_tags(aws, id.as_str(), &was.tags, &self.tags).await?;
        let mut default = self.default_version.0.filter(|it| Some(*it) != was.default_version.0);
        if !self.is_like(was) {
            let call = aws.ec2().create_launch_template_version().launch_template_id(id.as_str());
            let description = Some(self.description.clone()).filter(|it| !it.is_empty());
            let made = call.set_version_description(description).launch_template_data(self.to_sdk()).send().await?;
            let number = made.launch_template_version.and_then(|it| it.version_number);
            default = number.filter(|_| *self.update_default_version).or(default);
        }
        if let Some(version) = default {
            let call = aws.ec2().modify_launch_template().launch_template_id(id.as_str());
            call.default_version(version.to_string()).send().await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.ec2().delete_launch_template().launch_template_id(id.as_str()).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        Ok(super::ids(list(aws, super::by_token(token)).await?, Live::launch_template_id))
    }
}

fn see(it: &Live, version: &Version, arn: String) -> Seen<LaunchTemplate> {
    let id = it.launch_template_id().unwrap_or_default().to_owned();
    let empty = aws_sdk_ec2::types::ResponseLaunchTemplateData::builder().build();
    let settings = LaunchTemplate {
        name: Fixed(it.launch_template_name().unwrap_or_default().to_owned()),
        description: version.version_description().unwrap_or_default().to_owned(),
        default_version: Auto(it.default_version_number()),
        update_default_version: Local(false),
        tags: super::read_tags(it.tags()),
        ..LaunchTemplate::seen(version.launch_template_data().unwrap_or(&empty))
    };
    let latest = version.version_number().or(it.latest_version_number()).unwrap_or_default();
    Seen { settings, outputs: Outputs { id, arn, latest_version: Moving(latest) }, status: Status::Ready }
}
