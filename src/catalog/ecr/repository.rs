//! `aws_ecr_repository`

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ecr::error::ProvideErrorMetadata;
use aws_sdk_ecr::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::images;
use crate::catalog::each::side_by_side;
use crate::catalog::tags::{TagChanges, Tags, own, tagged};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::cloud::fault::unfit;
use crate::remote::{Blocker, Content, Emptied, Fault, Id, Status, Token, tags};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Auto, EcrLifecycle, Fixed, Later, Policy};

/// A repository of container images.
///
/// ```stack
/// resource "aws_ecr_repository" "service" {
///   name                 = "devops-demo"
///   image_tag_mutability = "IMMUTABLE"
///   image_scanning_configuration { scan_on_push = false }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Repository {
    /// Unique in the account and region; slashes make name spaces.
    #[schemars(length(min = 2, max = 256), regex(pattern = "^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$"))]
    pub name: Fixed<String>,
    /// Whether a tag may be moved to another image: `MUTABLE` or `IMMUTABLE`.
    #[serde(default = "mutable")]
    #[schemars(regex(pattern = "^(MUTABLE|IMMUTABLE)$"))]
    pub image_tag_mutability: String,
    /// Whether images are scanned for known weaknesses.
    #[serde(default)]
    pub image_scanning_configuration: Auto<ImageScanning>,
    /// How images are encrypted.
    #[serde(default)]
    pub encryption_configuration: Fixed<Auto<Encryption>>,
    /// Which images expire: what Terraform keeps in `aws_ecr_lifecycle_policy`.
    #[serde(default)]
    pub lifecycle_policy: Option<EcrLifecycle>,
    /// Who else may pull or push: what Terraform keeps in `aws_ecr_repository_policy`.
    #[serde(default)]
    pub policy: Later<Option<Policy>>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageScanning {
    /// A registry-wide scanning rule overrides it.
    pub scan_on_push: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Encryption {
    /// `AES256`, `KMS` or `KMS_DSSE`.
    #[serde(default = "aes256")]
    #[schemars(regex(pattern = "^(AES256|KMS|KMS_DSSE)$"))]
    pub encryption_type: String,
    /// ARN of the key for `KMS`; `aws/ecr` when left out.
    #[serde(default)]
    pub kms_key: Auto<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryOutputs {
    /// The repository's name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The account.
    pub registry_id: String,
    /// What images are tagged and pushed with.
    pub repository_url: String,
}

fn mutable() -> String {
    "MUTABLE".into()
}

fn aes256() -> String {
    "AES256".into()
}

/// Up to so many, tags are asked for one by one; beyond, all of the account's repositories at once, 100 an answer.
const FEW: usize = 3;

impl Resource for Repository {
    const TYPE: &'static str = "aws_ecr_repository";
    const PRECIOUS: bool = true;
    const HOLDS: bool = true;
    /// The answer is "the repository that was deleted" (`DeleteRepository` in the ECR API reference).
    const DELETED_AT_ONCE: bool = true;
    type Outputs = RepositoryOutputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let scanning = self.image_scanning_configuration.as_ref().map(ImageScanning::to_sdk);
        let encryption = self.encryption_configuration.as_ref().map(Encryption::to_sdk).transpose()?;
        aws.ecr()
            .create_repository()
            .repository_name(&*self.name)
            .image_tag_mutability(sdk::ImageTagMutability::from(self.image_tag_mutability.as_str()))
            .set_image_scanning_configuration(scanning)
            .set_encryption_configuration(encryption)
            .set_tags(Some(to_tags(&self.tags)?))
            .send()
            .await?;
        Ok(Id::new(self.name.as_str()))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let all = list(aws, query.shared).await?;
        let mine: Vec<_> = query.ids.iter().filter_map(|id| Some((id, all.get(id.as_str())?))).collect();
        let all_tags = match query.presence {
            true => Some(Arc::default()),
            false if mine.len() > FEW => Some(tagged(aws, "ecr:repository", query.shared).await?),
            false => None,
        };
        let asks: Vec<_> = mine.into_iter().map(|(id, it)| read_one(aws, id, it, all_tags.as_deref(), query)).collect();
        Ok(side_by_side(asks).await?.into_iter().collect())
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let (ecr, name) = (aws.ecr(), id.as_str());
        if self.image_tag_mutability != was.image_tag_mutability {
            let mutability = sdk::ImageTagMutability::from(self.image_tag_mutability.as_str());
            ecr.put_image_tag_mutability().repository_name(name).image_tag_mutability(mutability).send().await?;
        }
        let scanning = self.image_scanning_configuration.as_ref();
        if let Some(it) = scanning.filter(|it| Some(*it) != was.image_scanning_configuration.as_ref()) {
            ecr.put_image_scanning_configuration().repository_name(name).image_scanning_configuration(it.to_sdk()).send().await?;
        }
        if self.lifecycle_policy != was.lifecycle_policy {
            match &self.lifecycle_policy {
                Some(it) => drop(ecr.put_lifecycle_policy().repository_name(name).lifecycle_policy_text(&**it).send().await?),
                None => drop(ecr.delete_lifecycle_policy().repository_name(name).send().await?),
            }
        }
        if self.policy != was.policy {
            match &*self.policy {
                Some(it) => drop(ecr.set_repository_policy().repository_name(name).policy_text(&**it).send().await?),
                None => drop(ecr.delete_repository_policy().repository_name(name).send().await?),
            }
        }
        let changes = TagChanges::between(&was.tags, &self.tags);
        let arn = arn(aws, name).await?;
        if !changes.put.is_empty() {
            ecr.tag_resource().resource_arn(&arn).set_tags(Some(to_tags(&changes.put)?)).send().await?;
        }
        if !changes.remove.is_empty() {
            ecr.untag_resource().resource_arn(&arn).set_tag_keys(Some(changes.remove)).send().await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.ecr().delete_repository().repository_name(id.as_str()).send().await?;
        Ok(())
    }

    async fn blockers(aws: &Aws, id: &Id) -> Result<Vec<Blocker>, Fault> {
        images::blockers(aws, id.as_str()).await
    }

    async fn contents(aws: &Aws, id: &Id) -> Result<Vec<Content>, Fault> {
        images::count(aws, id.as_str()).await
    }

    async fn empty(aws: &Aws, id: &Id) -> Result<Emptied, Fault> {
        images::remove(aws, id.as_str()).await
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        if !list(aws, false).await?.contains_key(self.name.as_str()) {
            return Ok(None);
        }
        let found = read_tags(aws, &arn(aws, &self.name).await?).await?;
        let taken = format!("the repository {} exists already", *self.name);
        own(Id::new(self.name.as_str()), found.get(tags::ID).map(String::as_str), token, "ecr:CreateRepository", taken)
    }
}

impl ImageScanning {
    fn to_sdk(&self) -> sdk::ImageScanningConfiguration {
        sdk::ImageScanningConfiguration::builder().scan_on_push(self.scan_on_push).build()
    }
}

impl Encryption {
    fn to_sdk(&self) -> Result<sdk::EncryptionConfiguration, Fault> {
        sdk::EncryptionConfiguration::builder()
            .encryption_type(sdk::EncryptionType::from(self.encryption_type.as_str()))
            .set_kms_key(self.kms_key.0.clone())
            .build()
            .map_err(unfit("ecr"))
    }
}

type Repositories = BTreeMap<String, sdk::Repository>;

/// All repositories of the registry by name, 1,000 a page: asking for named ones fails as a whole when one is missing.
async fn list(aws: &Aws, shared: bool) -> Result<Arc<Repositories>, Fault> {
    let read = || async {
        let mut all = Repositories::new();
        let mut pages = aws.ecr().describe_repositories().max_results(1000).into_paginator().send();
        while let Some(page) = pages.next().await {
            let named = |it: sdk::Repository| Some((it.repository_name.clone()?, it));
            all.extend(page?.repositories.unwrap_or_default().into_iter().filter_map(named));
        }
        Ok(all)
    };
    aws.shared(shared, "ecr:DescribeRepositories".into(), read).await
}

async fn read_one(
    aws: &Aws,
    id: &Id,
    it: &sdk::Repository,
    all_tags: Option<&BTreeMap<String, Tags>>,
    query: &Query,
) -> Result<(Id, Seen<Repository>), Fault> {
    let (ecr, name) = (aws.ecr(), id.as_str());
    let arn = it.repository_arn().unwrap_or_default();
    let wanted = |part: &str| query.whole || query.parts.contains(part);
    let lifecycle = async {
        if !wanted("lifecycle_policy") {
            return Ok(None);
        }
        match ecr.get_lifecycle_policy().repository_name(name).send().await {
            Ok(got) => Ok(got.lifecycle_policy_text.map(EcrLifecycle)),
            Err(error) if error.code() == Some("LifecyclePolicyNotFoundException") => Ok(None),
            Err(error) => Err(Fault::from(error)),
        }
    };
    let policy = async {
        if !wanted("policy") {
            return Ok(None);
        }
        match ecr.get_repository_policy().repository_name(name).send().await {
            Ok(got) => Ok(got.policy_text.map(Policy)),
            Err(error) if error.code() == Some("RepositoryPolicyNotFoundException") => Ok(None),
            Err(error) => Err(Fault::from(error)),
        }
    };
    let found = async {
        match all_tags {
            Some(all) => Ok(all.get(arn).cloned().unwrap_or_default()),
            None => read_tags(aws, arn).await,
        }
    };
    let (lifecycle_policy, policy, found) = futures::try_join!(lifecycle, policy, found)?;
    let settings = Repository {
        name: Fixed(name.to_owned()),
        image_tag_mutability: it.image_tag_mutability().map_or("MUTABLE", |it| it.as_str()).to_owned(),
        image_scanning_configuration: Auto(
            it.image_scanning_configuration().map(|it| ImageScanning { scan_on_push: it.scan_on_push() }),
        ),
        encryption_configuration: Fixed(Auto(it.encryption_configuration().map(|it| Encryption {
            encryption_type: it.encryption_type().as_str().to_owned(),
            kms_key: Auto(it.kms_key().map(str::to_owned)),
        }))),
        lifecycle_policy,
        policy: Later(policy),
        tags: found,
    };
    let outputs = RepositoryOutputs {
        id: name.to_owned(),
        arn: arn.to_owned(),
        registry_id: it.registry_id().unwrap_or_default().to_owned(),
        repository_url: it.repository_uri().unwrap_or_default().to_owned(),
    };
    Ok((id.clone(), Seen { settings, outputs, status: Status::Ready }))
}

async fn arn(aws: &Aws, name: &str) -> Result<String, Fault> {
    aws.arn("ecr", &format!("repository/{name}")).await
}

async fn read_tags(aws: &Aws, arn: &str) -> Result<Tags, Fault> {
    let got = aws.ecr().list_tags_for_resource().resource_arn(arn).send().await?;
    Ok(got.tags.unwrap_or_default().into_iter().map(|it| (it.key, it.value)).collect())
}

fn to_tags(tags: &Tags) -> Result<Vec<sdk::Tag>, Fault> {
    tags.iter().map(|(key, value)| sdk::Tag::builder().key(key).value(value).build().map_err(unfit("ecr"))).collect()
}
