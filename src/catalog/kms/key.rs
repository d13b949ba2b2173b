//! `aws_kms_key`

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::tags::{TagChanges, Tags, tagged_with};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::cloud::fault::unfit;
use crate::remote::{Fault, Id, Settle, Status, Token, tags};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Auto, Fixed, Later, Local, Policy};

/// An encryption key. Deleting it only begins a waiting time, in which it can be brought back; then everything that it encrypted
/// is lost.
///
/// ```stack
/// resource "aws_kms_key" "state" {
///   description         = "state"
///   enable_key_rotation = true
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// What the key is for.
    #[serde(default)]
    #[schemars(length(max = 8192))]
    pub description: String,
    /// What the key is used for: `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, `GENERATE_VERIFY_MAC` or `KEY_AGREEMENT`.
    #[serde(default = "encrypt_decrypt")]
    #[schemars(regex(pattern = "^(ENCRYPT_DECRYPT|SIGN_VERIFY|GENERATE_VERIFY_MAC|KEY_AGREEMENT)$"))]
    pub key_usage: Fixed<String>,
    /// `SYMMETRIC_DEFAULT`, `RSA_4096`, `ECC_NIST_P256`, …
    #[serde(default = "symmetric_default")]
    pub customer_master_key_spec: Fixed<String>,
    /// Whether the key can have replicas in other regions.
    #[serde(default)]
    pub multi_region: Fixed<bool>,
    /// Who may use and manage it; the account's own IAM policies decide when left out.
    #[serde(default)]
    pub policy: Later<Auto<Policy>>,
    /// A new key material every year, old ones kept for decryption.
    #[serde(default)]
    pub enable_key_rotation: bool,
    /// Whether the key can be used.
    #[serde(default = "yes")]
    pub is_enabled: bool,
    /// Days between deletion and loss.
    #[serde(default = "thirty")]
    #[schemars(range(min = 7, max = 30))]
    pub deletion_window_in_days: Local<i32>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyOutputs {
    /// The key's id.
    pub id: String,
    /// Its id, without the ARN around it.
    pub key_id: String,
    /// Its ARN.
    pub arn: String,
}

fn encrypt_decrypt() -> Fixed<String> {
    Fixed("ENCRYPT_DECRYPT".into())
}

fn symmetric_default() -> Fixed<String> {
    Fixed("SYMMETRIC_DEFAULT".into())
}

fn yes() -> bool {
    true
}

fn thirty() -> Local<i32> {
    Local(30)
}

/// The one policy that a key has (API reference, PutKeyPolicy).
const POLICY_NAME: &str = "default";

impl Resource for Key {
    const TYPE: &'static str = "aws_kms_key";
    const PRECIOUS: bool = true;
    const SETTLE: Settle = Settle { typical: Duration::from_secs(3), ..Settle::INSTANT };
    type Outputs = KeyOutputs;

    // Without the policy: one that locks the caller out would leave a key that nobody can mend. The update that follows
    // is checked by KMS against the caller.
    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let made = aws
            .kms()
            .create_key()
            .description(&self.description)
            .key_usage(sdk::KeyUsageType::from(self.key_usage.as_str()))
            .key_spec(sdk::KeySpec::from(self.customer_master_key_spec.as_str()))
            .multi_region(*self.multi_region)
            .set_tags(Some(to_tags(&self.tags)?))
            .send()
            .await?;
        let key = made.key_metadata.ok_or_else(|| Fault::bug("kms:CreateKey", "the answer names no key"))?;
        Ok(Id::new(key.key_id))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let seen = try_join_all(query.ids.iter().map(|id| read_one(aws, id, query))).await?;
        Ok(seen.into_iter().flatten().collect())
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let (kms, key) = (aws.kms(), id.as_str());
        if self.is_enabled && !was.is_enabled {
            kms.enable_key().key_id(key).send().await?;
        }
        if self.description != was.description {
            kms.update_key_description().key_id(key).description(&self.description).send().await?;
        }
        if let Some(policy) = self.policy.as_ref().filter(|it| Some(*it) != was.policy.as_ref()) {
            kms.put_key_policy().key_id(key).policy_name(POLICY_NAME).policy(&**policy).send().await?;
        }
        match (self.enable_key_rotation, was.enable_key_rotation) {
            (true, false) => drop(kms.enable_key_rotation().key_id(key).send().await?),
            (false, true) => drop(kms.disable_key_rotation().key_id(key).send().await?),
            _ => {}
        }
        let changes = TagChanges::between(&was.tags, &self.tags);
        if !changes.put.is_empty() {
            kms.tag_resource().key_id(key).set_tags(Some(to_tags(&changes.put)?)).send().await?;
        }
        if !changes.remove.is_empty() {
            kms.untag_resource().key_id(key).set_tag_keys(Some(changes.remove)).send().await?;
        }
        if !self.is_enabled && was.is_enabled {
            kms.disable_key().key_id(key).send().await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let days = *self.deletion_window_in_days;
        aws.kms().schedule_key_deletion().key_id(id.as_str()).pending_window_in_days(days).send().await?;
        Ok(())
    }

    // Key ids are random and a key has no name: its tags are all there is to find it by.
    async fn find(&self, aws: &Aws, token: &Token) -> Result<Vec<Id>, Fault> {
        let arns = tagged_with(aws, "kms:key", tags::ID, token.as_str()).await?;
        let mut found = Vec::new();
        for id in arns.iter().filter_map(|arn| Some(Id::new(arn.rsplit_once(":key/")?.1))) {
            // One that waits for its deletion still has its tags.
            if metadata(aws, id.as_str()).await?.is_some() {
                found.push(id);
            }
        }
        Ok(found)
    }
}

/// A key that waits for its deletion is gone for all purposes but bringing it back.
async fn metadata(aws: &Aws, key: &str) -> Result<Option<sdk::KeyMetadata>, Fault> {
    match aws.kms().describe_key().key_id(key).send().await {
        Ok(got) => Ok(got.key_metadata.filter(|it| it.key_state != Some(sdk::KeyState::PendingDeletion))),
        Err(error) if error.code() == Some("NotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn read_one(aws: &Aws, id: &Id, query: &Query) -> Result<Option<(Id, Seen<Key>)>, Fault> {
    let (kms, key) = (aws.kms(), id.as_str());
    let Some(meta) = metadata(aws, key).await? else { return Ok(None) };
    let wanted = |part: &str| query.whole || query.parts.contains(part);
    let policy = async {
        if !wanted("policy") {
            return Ok(None);
        }
        let got = kms.get_key_policy().key_id(key).policy_name(POLICY_NAME).send().await?;
        Ok::<_, Fault>(got.policy.map(Policy))
    };
    let rotation = async {
        // Asymmetric and HMAC keys answer UnsupportedOperationException.
        if meta.key_spec != Some(sdk::KeySpec::SymmetricDefault) {
            return Ok(false);
        }
        Ok::<_, Fault>(kms.get_key_rotation_status().key_id(key).send().await?.key_rotation_enabled)
    };
    let (policy, enable_key_rotation, found) = futures::try_join!(policy, rotation, read_tags(aws, key))?;
    let settings = Key {
        description: meta.description().unwrap_or_default().to_owned(),
        key_usage: Fixed(meta.key_usage().map_or("", |it| it.as_str()).to_owned()),
        customer_master_key_spec: Fixed(meta.key_spec().map_or("", |it| it.as_str()).to_owned()),
        multi_region: Fixed(meta.multi_region().unwrap_or_default()),
        policy: Later(Auto(policy)),
        enable_key_rotation,
        is_enabled: meta.enabled,
        deletion_window_in_days: thirty(),
        tags: found,
    };
    let outputs = KeyOutputs { id: key.to_owned(), key_id: key.to_owned(), arn: meta.arn().unwrap_or_default().to_owned() };
    let status = match meta.key_state() {
        Some(sdk::KeyState::Creating | sdk::KeyState::Updating) => Status::Pending("Creating".into()),
        _ => Status::Ready,
    };
    Ok(Some((id.clone(), Seen { settings, outputs, status })))
}

async fn read_tags(aws: &Aws, key: &str) -> Result<Tags, Fault> {
    let mut found = Tags::new();
    let mut pages = aws.kms().list_resource_tags().key_id(key).into_paginator().send();
    while let Some(page) = pages.next().await {
        found.extend(page?.tags.unwrap_or_default().into_iter().map(|it| (it.tag_key, it.tag_value)));
    }
    Ok(found)
}

fn to_tags(tags: &Tags) -> Result<Vec<sdk::Tag>, Fault> {
    let tag = |(key, value): (&String, &String)| sdk::Tag::builder().tag_key(key).tag_value(value).build();
    tags.iter().map(|it| tag(it).map_err(unfit("kms"))).collect()
}
