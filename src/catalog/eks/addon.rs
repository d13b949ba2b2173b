//! `aws_eks_addon`

mod configuration;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types as sdk;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::updates::{self, Part, Subject};
use super::{of_two, token_in};
use crate::catalog::each::read_each;
use crate::catalog::tags::{Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::cloud::fault::unfit;
use crate::remote::{Fault, Id, Live, Objection, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Arn, Auto, Fixed, Json, Local};
use crate::value::Value;

/// Software of a cluster that EKS installs and updates.
///
/// What it is configured with is checked while planning, against what EKS says that this version takes. At creation fields that
/// somebody else set are overwritten; at a later change they are left to whoever set them.
///
/// The network plugin comes before the nodes, which do not join without it; what runs on nodes comes after them.
///
/// ```stack
/// resource "aws_eks_addon" "cni" {
///   cluster_name         = "devops-demo-dev"
///   addon_name           = "vpc-cni"
///   addon_version        = "v1.23.0-eksbuild.1"
///   configuration_values = jsonencode({ env = { ENABLE_PREFIX_DELEGATION = "true" } })
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Addon {
    /// Name of the cluster.
    pub cluster_name: Fixed<String>,
    /// `vpc-cni`, `coredns`, …
    #[schemars(length(min = 1))]
    pub addon_name: Fixed<String>,
    /// Left out: the default one for the cluster's version when the add-on is made.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub addon_version: Auto<String>,
    /// What is not as the add-on comes.
    #[serde(default = "nothing")]
    pub configuration_values: Json,
    /// The role of its service account, by way of the cluster's OpenID Connect provider.
    #[serde(default)]
    pub service_account_role_arn: Option<Arn>,
    /// Roles of its service accounts, by pod identity.
    #[serde(default)]
    pub pod_identity_association: BTreeSet<PodIdentity>,
    /// `OVERWRITE` or `NONE`, which fails where fields are set already.
    #[serde(default = "overwrite")]
    #[schemars(regex(pattern = "^(OVERWRITE|NONE)$"))]
    pub resolve_conflicts_on_create: Local<String>,
    /// `PRESERVE` leaves fields to whoever set them, `OVERWRITE` does not, `NONE` fails.
    #[serde(default = "preserve")]
    #[schemars(regex(pattern = "^(PRESERVE|OVERWRITE|NONE)$"))]
    pub resolve_conflicts_on_update: Local<String>,
    /// Whether what was installed stays when the add-on is deleted.
    #[serde(default)]
    pub preserve: Local<bool>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct PodIdentity {
    /// Its name, in the add-on's namespace.
    pub service_account: String,
    /// The role, which must trust `pods.eks.amazonaws.com`.
    pub role_arn: Arn,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// `CLUSTER:NAME`
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

fn nothing() -> Json {
    Json("{}".into())
}

fn overwrite() -> Local<String> {
    Local("OVERWRITE".into())
}

fn preserve() -> Local<String> {
    Local("PRESERVE".into())
}

const FORM: &str = "CLUSTER:NAME";

impl Addon {
    fn identities(&self) -> Result<Vec<sdk::AddonPodIdentityAssociations>, Fault> {
        let one = |it: &PodIdentity| {
            let builder = sdk::AddonPodIdentityAssociations::builder();
            builder.service_account(&it.service_account).role_arn(&*it.role_arn).build().map_err(unfit("eks"))
        };
        self.pod_identity_association.iter().map(one).collect()
    }
}

impl Resource for Addon {
    const TYPE: &'static str = "aws_eks_addon";
    // Time-outs of Terraform's provider.
    const SETTLE: Settle = Settle {
        every: Duration::from_secs(3),
        every_max: Duration::from_secs(15),
        create: Duration::from_secs(20 * 60),
        update: Duration::from_secs(20 * 60),
        delete: Duration::from_secs(40 * 60),
        typical: Duration::from_secs(60),
        ..Settle::INSTANT
    };
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        let identities = self.identities()?;
        aws.eks()
            .create_addon()
            .cluster_name(&*self.cluster_name)
            .addon_name(&*self.addon_name)
            .set_addon_version(self.addon_version.0.clone())
            .set_configuration_values((self.configuration_values != nothing()).then(|| self.configuration_values.0.clone()))
            .set_service_account_role_arn(self.service_account_role_arn.as_ref().map(|it| it.0.clone()))
            .set_pod_identity_associations((!identities.is_empty()).then_some(identities))
            .resolve_conflicts(sdk::ResolveConflicts::from(self.resolve_conflicts_on_create.as_str()))
            .set_tags(Some(self.tags.clone().into_iter().collect()))
            .client_request_token(token.as_str())
            .send()
            .await?;
        Ok(Id::new(format!("{}:{}", *self.cluster_name, *self.addon_name)))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        read_each(&query.ids, |id| async move {
            let Some((cluster, name)) = of_two(id) else { return Ok(None) };
            let Some(it) = describe(aws, cluster, name).await? else { return Ok(None) };
            let identities = identities(aws, cluster, it.pod_identity_associations()).await?;
            Ok(Some(see(&it, identities)))
        })
        .await
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let Some((cluster, name)) = of_two(id) else { return Err(Fault::malformed_id(Self::TYPE, id, FORM)) };
        if self.tags != was.tags
            && let Some(found) = describe(aws, cluster, name).await?
        {
            super::change_tags(aws, found.addon_arn().unwrap_or_default(), &was.tags, &self.tags).await?;
        }
        let version = self.addon_version.0.clone().filter(|it| Some(it) != was.addon_version.0.as_ref());
        let same = (&self.configuration_values, &self.service_account_role_arn, &self.pod_identity_association)
            == (&was.configuration_values, &was.service_account_role_arn, &was.pod_identity_association);
        if version.is_none() && same {
            return Ok(());
        }
        let subject = Subject { cluster: cluster.to_owned(), part: Part::Addon(name.to_owned()) };
        updates::check(aws, &subject).await?;
        // A role that is not said again is taken away (API reference, UpdateAddon), an empty one is none; an empty list takes
        // associations away.
        let identities = self.identities()?;
        let role = self.service_account_role_arn.as_ref().map(|it| it.0.clone());
        let role = role.or_else(|| was.service_account_role_arn.as_ref().map(|_| String::new()));
        let answer = aws
            .eks()
            .update_addon()
            .cluster_name(cluster)
            .addon_name(name)
            .set_addon_version(version)
            .configuration_values(&*self.configuration_values)
            .set_service_account_role_arn(role)
            .set_pod_identity_associations((self.pod_identity_association != was.pod_identity_association).then_some(identities))
            .resolve_conflicts(sdk::ResolveConflicts::from(self.resolve_conflicts_on_update.as_str()))
            .send()
            .await?;
        updates::remember(aws, subject, answer.update);
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let Some((cluster, name)) = of_two(id) else { return Err(Fault::malformed_id(Self::TYPE, id, FORM)) };
        aws.eks().delete_addon().cluster_name(cluster).addon_name(name).preserve(*self.preserve).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let Some(found) = describe(aws, &self.cluster_name, &self.addon_name).await? else { return Ok(None) };
        let taken = format!("the cluster {} has the add-on {} already", *self.cluster_name, *self.addon_name);
        own(
            Id::new(format!("{}:{}", *self.cluster_name, *self.addon_name)),
            token_in(found.tags()),
            token,
            "eks:CreateAddon",
            taken,
        )
    }

    /// What EKS would refuse once everything before the add-on is made.
    async fn object(aws: &Aws, _: Option<&Live>, settings: &Value) -> Result<Vec<Objection>, Fault> {
        let (name, version, values) =
            (settings.get("addon_name"), settings.get("addon_version"), settings.get("configuration_values"));
        let (Some(name), Some(values)) = (name.as_str(), values.as_str()) else { return Ok(Vec::new()) };
        if version.is_unknown() || *values == *nothing() {
            return Ok(Vec::new());
        }
        configuration::check(aws, name, version.as_str(), values).await
    }
}

async fn describe(aws: &Aws, cluster: &str, name: &str) -> Result<Option<sdk::Addon>, Fault> {
    match aws.eks().describe_addon().cluster_name(cluster).addon_name(name).send().await {
        Ok(got) => Ok(got.addon),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the associations say that the add-on names by their ARNs.
async fn identities(aws: &Aws, cluster: &str, arns: &[String]) -> Result<BTreeSet<PodIdentity>, Fault> {
    let looks = arns.iter().map(|arn| async move {
        let id = arn.rsplit('/').next().unwrap_or_default();
        let got = aws.eks().describe_pod_identity_association().cluster_name(cluster).association_id(id).send().await;
        match got {
            Ok(got) => Ok(got.association),
            // It went with an update that is under way.
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(Fault::from(error)),
        }
    });
    let text = |it: Option<&str>| it.unwrap_or_default().to_owned();
    let one = |it: sdk::PodIdentityAssociation| PodIdentity {
        service_account: text(it.service_account()),
        role_arn: Arn(text(it.role_arn())),
    };
    Ok(try_join_all(looks).await?.into_iter().flatten().map(one).collect())
}

fn see(it: &sdk::Addon, identities: BTreeSet<PodIdentity>) -> Seen<Addon> {
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let some = |text: Option<&str>| text.filter(|it| !it.is_empty()).map(str::to_owned);
    let settings = Addon {
        cluster_name: Fixed(owned(it.cluster_name())),
        addon_name: Fixed(owned(it.addon_name())),
        addon_version: Auto(it.addon_version().map(str::to_owned)),
        configuration_values: some(it.configuration_values()).map_or_else(nothing, Json),
        service_account_role_arn: some(it.service_account_role_arn()).map(Arn),
        pod_identity_association: identities,
        resolve_conflicts_on_create: overwrite(),
        resolve_conflicts_on_update: preserve(),
        preserve: Local(false),
        tags: it.tags().cloned().unwrap_or_default().into_iter().collect(),
    };
    let id = format!("{}:{}", it.cluster_name().unwrap_or_default(), it.addon_name().unwrap_or_default());
    Seen { settings, outputs: Outputs { id, arn: owned(it.addon_arn()) }, status: status(it) }
}

/// An update that failed leaves the add-on as it was, and it can be changed again. One without nodes is `DEGRADED` for good
/// where it needs them, and that is told as a failure: it says what is missing.
fn status(it: &sdk::Addon) -> Status {
    let issues = || {
        let all = it.health().map(|it| it.issues()).unwrap_or_default().iter();
        all.map(|it| format!("{}: {}", it.code().map_or("unknown", |it| it.as_str()), it.message().unwrap_or_default()))
    };
    match it.status() {
        Some(sdk::AddonStatus::Active | sdk::AddonStatus::UpdateFailed) => Status::Ready,
        // What it lacks may come: nodes join, images are there again.
        Some(sdk::AddonStatus::Degraded) => {
            Status::Pending(["DEGRADED".to_owned()].into_iter().chain(issues()).collect::<Vec<_>>().join(": "))
        }
        Some(failed @ (sdk::AddonStatus::CreateFailed | sdk::AddonStatus::DeleteFailed)) => {
            Status::Failed([failed.as_str().to_owned()].into_iter().chain(issues()).collect::<Vec<_>>().join(": "))
        }
        other => Status::Pending(other.map_or("unknown", |it| it.as_str()).to_owned()),
    }
}
