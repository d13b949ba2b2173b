//! Who may see a bucket's objects, who owns them, and how they are encrypted.

use aws_sdk_s3::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::fault::unfit;
use crate::remote::Fault;
use crate::schema::field::Auto;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicAccessBlock {
    /// Refuses new ACLs that let the public in.
    #[serde(default)]
    pub block_public_acls: bool,
    /// Refuses policies that let the public in.
    #[serde(default)]
    pub block_public_policy: bool,
    /// Takes ACLs that let the public in as if they did not.
    #[serde(default)]
    pub ignore_public_acls: bool,
    /// Lets only the account and AWS services in where a policy lets the public in.
    #[serde(default)]
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    pub(super) fn to_sdk(&self) -> sdk::PublicAccessBlockConfiguration {
        sdk::PublicAccessBlockConfiguration::builder()
            .block_public_acls(self.block_public_acls)
            .block_public_policy(self.block_public_policy)
            .ignore_public_acls(self.ignore_public_acls)
            .restrict_public_buckets(self.restrict_public_buckets)
            .build()
    }

    pub(super) fn from_sdk(it: &sdk::PublicAccessBlockConfiguration) -> Self {
        Self {
            block_public_acls: it.block_public_acls.unwrap_or_default(),
            block_public_policy: it.block_public_policy.unwrap_or_default(),
            ignore_public_acls: it.ignore_public_acls.unwrap_or_default(),
            restrict_public_buckets: it.restrict_public_buckets.unwrap_or_default(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnershipControls {
    /// The one rule that there is.
    pub rule: OwnershipRule,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnershipRule {
    /// `BucketOwnerEnforced` switches ACLs off.
    #[schemars(regex(pattern = "^(BucketOwnerEnforced|BucketOwnerPreferred|ObjectWriter)$"))]
    pub object_ownership: String,
}

impl OwnershipControls {
    pub(super) fn to_sdk(&self) -> Result<sdk::OwnershipControls, Fault> {
        let ownership = sdk::ObjectOwnership::from(self.rule.object_ownership.as_str());
        let rule = sdk::OwnershipControlsRule::builder().object_ownership(ownership).build().map_err(unfit("s3"))?;
        sdk::OwnershipControls::builder().rules(rule).build().map_err(unfit("s3"))
    }

    pub(super) fn from_sdk(it: sdk::OwnershipControls) -> Self {
        let first = it.rules.into_iter().next().map(|it| it.object_ownership.as_str().to_owned());
        Self { rule: OwnershipRule { object_ownership: first.unwrap_or_default() } }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerSideEncryptionConfiguration {
    /// The one rule that there is.
    pub rule: EncryptionRule,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EncryptionRule {
    /// What objects are encrypted with.
    pub apply_server_side_encryption_by_default: EncryptionByDefault,
    /// One data key for many objects: fewer KMS requests.
    #[serde(default)]
    pub bucket_key_enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EncryptionByDefault {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    #[schemars(regex(pattern = "^(AES256|aws:kms|aws:kms:dsse)$"))]
    pub sse_algorithm: String,
    /// ARN of the key; S3's own key `aws/s3` when left out.
    #[serde(default)]
    pub kms_master_key_id: Auto<String>,
}

impl ServerSideEncryptionConfiguration {
    pub(super) fn to_sdk(&self) -> Result<sdk::ServerSideEncryptionConfiguration, Fault> {
        let default = &self.rule.apply_server_side_encryption_by_default;
        let by_default = sdk::ServerSideEncryptionByDefault::builder()
            .sse_algorithm(sdk::ServerSideEncryption::from(default.sse_algorithm.as_str()))
            .set_kms_master_key_id(default.kms_master_key_id.0.clone())
            .build()
            .map_err(unfit("s3"))?;
        let rule = sdk::ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by_default)
            .bucket_key_enabled(self.rule.bucket_key_enabled)
            .build();
        sdk::ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(unfit("s3"))
    }

    pub(super) fn from_sdk(it: sdk::ServerSideEncryptionConfiguration) -> Self {
        let rule = it.rules.into_iter().next();
        let bucket_key_enabled = rule.as_ref().and_then(|it| it.bucket_key_enabled).unwrap_or_default();
        let by_default = rule.and_then(|it| it.apply_server_side_encryption_by_default);
        let algorithm = by_default.as_ref().map(|it| it.sse_algorithm.as_str().to_owned());
        let apply_server_side_encryption_by_default = EncryptionByDefault {
            sse_algorithm: algorithm.unwrap_or_default(),
            kms_master_key_id: Auto(by_default.and_then(|it| it.kms_master_key_id)),
        };
        Self { rule: EncryptionRule { apply_server_side_encryption_by_default, bucket_key_enabled } }
    }
}
