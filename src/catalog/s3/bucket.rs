//! `aws_s3_bucket`

use std::collections::BTreeMap;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Tag, Tagging, VersioningConfiguration,
};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contents;
use super::lifecycle::LifecycleConfiguration;
use super::protection::{OwnershipControls, PublicAccessBlock, ServerSideEncryptionConfiguration};
use crate::catalog::tags::Tags;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::cloud::fault::unfit;
use crate::remote::{Blocker, Class, Content, Emptied, Fault, Id, Settle, Status, Token, tags};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Auto, Fixed, Later, Policy};

/// A bucket, with what Terraform splits over seven resources as blocks of the one thing. A block that is left out is left to
/// AWS: encrypted with S3's own key, closed to the public, owned by the bucket's account.
///
/// ```stack
/// resource "aws_s3_bucket" "logs" {
///   bucket = "devops-demo-logs-111111111111"
///   versioning { status = "Enabled" }
///   public_access_block {
///     block_public_acls       = true
///     block_public_policy     = true
///     ignore_public_acls      = true
///     restrict_public_buckets = true
///   }
///   lifecycle_configuration {
///     rule {
///       id     = "old"
///       status = "Enabled"
///       expiration { days = 90 }
///     }
///   }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bucket {
    /// The name, unique in all of AWS: 3 to 63 lower-case letters, digits, dots and dashes.
    #[schemars(length(min = 3, max = 63), regex(pattern = "^[a-z0-9][a-z0-9.-]*[a-z0-9]$"))]
    pub bucket: Fixed<String>,
    /// Whether objects keep their former versions. Once enabled it can only be suspended.
    #[serde(default)]
    pub versioning: Auto<Versioning>,
    /// How objects are encrypted when the writer does not say.
    #[serde(default)]
    pub server_side_encryption_configuration: Later<Auto<ServerSideEncryptionConfiguration>>,
    /// What the public may never be given, whatever a policy or an ACL says.
    #[serde(default)]
    pub public_access_block: Auto<PublicAccessBlock>,
    /// Who owns the objects that others write.
    #[serde(default)]
    pub ownership_controls: Auto<OwnershipControls>,
    /// Who may do what with the bucket and its objects.
    #[serde(default)]
    pub policy: Later<Option<Policy>>,
    /// When objects, old versions and unfinished uploads go.
    #[serde(default)]
    pub lifecycle_configuration: Option<LifecycleConfiguration>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Versioning {
    /// `Enabled` or `Suspended`.
    #[schemars(regex(pattern = "^(Enabled|Suspended)$"))]
    pub status: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BucketOutputs {
    /// The bucket's name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// `NAME.s3.amazonaws.com`
    pub bucket_domain_name: String,
    /// `NAME.s3.REGION.amazonaws.com`
    pub bucket_regional_domain_name: String,
    /// The region that the bucket lies in.
    pub region: String,
}

impl Resource for Bucket {
    const TYPE: &'static str = "aws_s3_bucket";
    const PRECIOUS: bool = true;
    const SETTLE: Settle = Settle::INSTANT;
    const HOLDS: bool = true;
    type Outputs = BucketOutputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let mut how = CreateBucketConfiguration::builder().set_tags(Some(to_tags(&self.tags)?));
        // us-east-1 is the one region that must not be named (API reference, CreateBucket, LocationConstraint).
        if aws.region() != "us-east-1" {
            how = how.location_constraint(BucketLocationConstraint::from(aws.region()));
        }
        aws.s3().create_bucket().bucket(&*self.bucket).create_bucket_configuration(how.build()).send().await?;
        Ok(Id::new(self.bucket.as_str()))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let seen = try_join_all(query.ids.iter().map(|id| read_one(aws, id, query))).await?;
        Ok(seen.into_iter().flatten().collect())
    }

    // One call at a time: S3 answers OperationAborted to sub-resources of one bucket that are changed side by side.
    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let s3 = aws.s3();
        let bucket = id.as_str();
        if let Some(it) = self.versioning.as_ref().filter(|it| Some(*it) != was.versioning.as_ref()) {
            let status = BucketVersioningStatus::from(it.status.as_str());
            let how = VersioningConfiguration::builder().status(status).build();
            s3.put_bucket_versioning().bucket(bucket).versioning_configuration(how).send().await?;
        }
        if let Some(it) = self.ownership_controls.as_ref().filter(|it| Some(*it) != was.ownership_controls.as_ref()) {
            s3.put_bucket_ownership_controls().bucket(bucket).ownership_controls(it.to_sdk()?).send().await?;
        }
        let encryption = &self.server_side_encryption_configuration;
        if let Some(it) = encryption.as_ref().filter(|it| Some(*it) != was.server_side_encryption_configuration.as_ref()) {
            s3.put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(it.to_sdk()?).send().await?;
        }
        if let Some(it) = self.public_access_block.as_ref().filter(|it| Some(*it) != was.public_access_block.as_ref()) {
            s3.put_public_access_block().bucket(bucket).public_access_block_configuration(it.to_sdk()).send().await?;
        }
        if self.policy != was.policy {
            match &*self.policy {
                Some(policy) => drop(s3.put_bucket_policy().bucket(bucket).policy(&**policy).send().await?),
                None => drop(s3.delete_bucket_policy().bucket(bucket).send().await?),
            }
        }
        if self.lifecycle_configuration != was.lifecycle_configuration {
            match &self.lifecycle_configuration {
                Some(it) => {
                    let put = s3.put_bucket_lifecycle_configuration().bucket(bucket);
                    put.lifecycle_configuration(it.to_sdk()?).send().await?;
                }
                None => drop(s3.delete_bucket_lifecycle().bucket(bucket).send().await?),
            }
        }
        if self.tags != was.tags {
            let all = Tagging::builder().set_tag_set(Some(to_tags(&self.tags)?)).build().map_err(unfit("s3"))?;
            s3.put_bucket_tagging().bucket(bucket).tagging(all).send().await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.s3().delete_bucket().bucket(id.as_str()).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        Ok(contents::count(aws, id.as_str()).await?.iter().map(|it| Blocker::new(it.to_string())).collect())
    }

    async fn contents(aws: &Aws, id: &Id) -> Result<Vec<Content>, Fault> {
        contents::count(aws, id.as_str()).await
    }

    async fn empty(aws: &Aws, id: &Id) -> Result<Emptied, Fault> {
        contents::remove(aws, id.as_str()).await
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let found = read_tags(aws, &self.bucket).await?;
        match found {
            None => Ok(None),
            Some(found) if found.get(tags::ID).map(String::as_str) == Some(token.as_str()) => {
                Ok(Some(Id::new(self.bucket.as_str())))
            }
            Some(_) => Err(Fault::new(Class::Exists, "s3:CreateBucket", format!("the bucket {} exists already", *self.bucket))),
        }
    }
}

async fn read_one(aws: &Aws, id: &Id, query: &Query) -> Result<Option<(Id, Seen<Bucket>)>, Fault> {
    let (s3, bucket) = (aws.s3(), id.as_str());
    let Some(found) = read_tags(aws, bucket).await? else { return Ok(None) };
    let wanted = |part: &str| query.whole || query.parts.contains(part);
    let versioning = async {
        if !wanted("versioning") {
            return Ok(None);
        }
        let got = s3.get_bucket_versioning().bucket(bucket).send().await?;
        Ok::<_, Fault>(got.status.map(|it| Versioning { status: it.as_str().to_owned() }))
    };
    let encryption = async {
        if !wanted("server_side_encryption_configuration") {
            return Ok(None);
        }
        let got = s3.get_bucket_encryption().bucket(bucket).send().await;
        let got = unless(got, "ServerSideEncryptionConfigurationNotFoundError")?;
        Ok(got.and_then(|it| it.server_side_encryption_configuration).map(ServerSideEncryptionConfiguration::from_sdk))
    };
    let access = async {
        if !wanted("public_access_block") {
            return Ok(None);
        }
        let got = unless(s3.get_public_access_block().bucket(bucket).send().await, "NoSuchPublicAccessBlockConfiguration")?;
        Ok(got.and_then(|it| it.public_access_block_configuration).map(|it| PublicAccessBlock::from_sdk(&it)))
    };
    let ownership = async {
        if !wanted("ownership_controls") {
            return Ok(None);
        }
        let got = unless(s3.get_bucket_ownership_controls().bucket(bucket).send().await, "OwnershipControlsNotFoundError")?;
        Ok(got.and_then(|it| it.ownership_controls).map(OwnershipControls::from_sdk))
    };
    let policy = async {
        if !wanted("policy") {
            return Ok(None);
        }
        let got = unless(s3.get_bucket_policy().bucket(bucket).send().await, "NoSuchBucketPolicy")?;
        Ok(got.and_then(|it| it.policy).map(Policy))
    };
    let lifecycle = async {
        if !wanted("lifecycle_configuration") {
            return Ok(None);
        }
        let got = s3.get_bucket_lifecycle_configuration().bucket(bucket).send().await;
        Ok(unless(got, "NoSuchLifecycleConfiguration")?.map(|it| LifecycleConfiguration::from_sdk(it.rules())))
    };
    let (versioning, encryption, access, ownership, policy, lifecycle) =
        futures::try_join!(versioning, encryption, access, ownership, policy, lifecycle)?;
    let settings = Bucket {
        bucket: Fixed(bucket.to_owned()),
        versioning: Auto(versioning),
        server_side_encryption_configuration: Later(Auto(encryption)),
        public_access_block: Auto(access),
        ownership_controls: Auto(ownership),
        policy: Later(policy),
        lifecycle_configuration: lifecycle,
        tags: found,
    };
    let outputs = BucketOutputs {
        id: bucket.to_owned(),
        arn: format!("arn:{}:s3:::{bucket}", aws.partition().await?),
        bucket_domain_name: format!("{bucket}.s3.amazonaws.com"),
        bucket_regional_domain_name: format!("{bucket}.s3.{}.amazonaws.com", aws.region()),
        region: aws.region().to_owned(),
    };
    Ok(Some((id.clone(), Seen { settings, outputs, status: Status::Ready })))
}

/// The bucket's tags; none when there is no such bucket.
async fn read_tags(aws: &Aws, bucket: &str) -> Result<Option<Tags>, Fault> {
    match aws.s3().get_bucket_tagging().bucket(bucket).send().await {
        Ok(got) => Ok(Some(got.tag_set.into_iter().map(|it| (it.key, it.value)).collect())),
        Err(error) if error.code() == Some("NoSuchTagSet") => Ok(Some(Tags::new())),
        Err(error) if error.code() == Some("NoSuchBucket") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// S3 answers an error where a part of a bucket was never set.
fn unless<T, E, R>(got: Result<T, SdkError<E, R>>, never_set: &str) -> Result<Option<T>, Fault>
where
    SdkError<E, R>: ProvideErrorMetadata,
    Fault: From<SdkError<E, R>>,
{
    match got {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.code() == Some(never_set) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn to_tags(tags: &Tags) -> Result<Vec<Tag>, Fault> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build().map_err(unfit("s3"))).collect()
}
