//! When objects go.

use aws_sdk_s3::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::fault::unfit;
use crate::remote::Fault;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LifecycleConfiguration {
    /// Each on its own; what several say of one object all happens.
    #[serde(default)]
    pub rule: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// A name, unique in the bucket.
    #[schemars(length(min = 1, max = 255))]
    pub id: String,
    /// `Enabled` or `Disabled`.
    #[schemars(regex(pattern = "^(Enabled|Disabled)$"))]
    pub status: String,
    /// Which objects; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// When current versions go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration: Option<Expiration>,
    /// When former versions go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noncurrent_version_expiration: Option<NoncurrentVersionExpiration>,
    /// When the parts of unfinished uploads go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_incomplete_multipart_upload: Option<AbortIncompleteMultipartUpload>,
    /// When objects move to a cheaper storage class.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transition: Vec<Transition>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Filter {
    /// Objects whose keys begin with it.
    pub prefix: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expiration {
    /// After so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<i32>,
    /// Takes away a delete marker that no version stands behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_object_delete_marker: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoncurrentVersionExpiration {
    /// So many days after a newer version came.
    pub noncurrent_days: i32,
    /// How many of the newest stay whatever their age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_noncurrent_versions: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AbortIncompleteMultipartUpload {
    /// So many days after the upload began.
    pub days_after_initiation: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transition {
    /// So many days after the object came.
    pub days: i32,
    /// `STANDARD_IA`, `GLACIER`, …
    pub storage_class: String,
}

impl LifecycleConfiguration {
    pub(super) fn to_sdk(&self) -> Result<sdk::BucketLifecycleConfiguration, Fault> {
        let rules = self.rule.iter().map(Rule::to_sdk).collect::<Result<_, _>>()?;
        sdk::BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().map_err(unfit("s3"))
    }

    pub(super) fn from_sdk(rules: &[sdk::LifecycleRule]) -> Self {
        Self { rule: rules.iter().map(Rule::from_sdk).collect() }
    }
}

impl Rule {
    fn to_sdk(&self) -> Result<sdk::LifecycleRule, Fault> {
        let prefix = self.filter.as_ref().map(|it| it.prefix.as_str()).unwrap_or_default();
        let expiration = self.expiration.as_ref().map(|it| {
            let marker = it.expired_object_delete_marker;
            sdk::LifecycleExpiration::builder().set_days(it.days).set_expired_object_delete_marker(marker).build()
        });
        let noncurrent = self.noncurrent_version_expiration.as_ref().map(|it| {
            let kept = it.newer_noncurrent_versions;
            sdk::NoncurrentVersionExpiration::builder()
                .noncurrent_days(it.noncurrent_days)
                .set_newer_noncurrent_versions(kept)
                .build()
        });
        let abort = self
            .abort_incomplete_multipart_upload
            .as_ref()
            .map(|it| sdk::AbortIncompleteMultipartUpload::builder().days_after_initiation(it.days_after_initiation).build());
        let transitions = self.transition.iter().map(|it| {
            let class = sdk::TransitionStorageClass::from(it.storage_class.as_str());
            sdk::Transition::builder().days(it.days).storage_class(class).build()
        });
        sdk::LifecycleRule::builder()
            .id(&self.id)
            .status(sdk::ExpirationStatus::from(self.status.as_str()))
            .filter(sdk::LifecycleRuleFilter::builder().prefix(prefix).build())
            .set_expiration(expiration)
            .set_noncurrent_version_expiration(noncurrent)
            .set_abort_incomplete_multipart_upload(abort)
            .set_transitions(Some(transitions.collect::<Vec<_>>()).filter(|it| !it.is_empty()))
            .build()
            .map_err(unfit("s3"))
    }

    // S3 adds an empty filter where none was given; "all objects" has one form here.
    fn from_sdk(it: &sdk::LifecycleRule) -> Self {
        let prefix = it.filter().and_then(|it| it.prefix()).filter(|it| !it.is_empty());
        Self {
            id: it.id().unwrap_or_default().to_owned(),
            status: it.status().as_str().to_owned(),
            filter: prefix.map(|it| Filter { prefix: it.to_owned() }),
            expiration: it.expiration().map(|it| Expiration {
                days: it.days(),
                expired_object_delete_marker: it.expired_object_delete_marker().filter(|it| *it),
            }),
            noncurrent_version_expiration: it.noncurrent_version_expiration().map(|it| NoncurrentVersionExpiration {
                noncurrent_days: it.noncurrent_days().unwrap_or_default(),
                newer_noncurrent_versions: it.newer_noncurrent_versions(),
            }),
            abort_incomplete_multipart_upload: it.abort_incomplete_multipart_upload().map(|it| AbortIncompleteMultipartUpload {
                days_after_initiation: it.days_after_initiation().unwrap_or_default(),
            }),
            transition: it
                .transitions()
                .iter()
                .map(|it| Transition {
                    days: it.days().unwrap_or_default(),
                    storage_class: it.storage_class().map(|it| it.as_str().to_owned()).unwrap_or_default(),
                })
                .collect(),
        }
    }
}
