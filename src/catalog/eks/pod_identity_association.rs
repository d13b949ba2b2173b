//! `aws_eks_pod_identity_association`

use std::collections::BTreeMap;

use aws_sdk_eks::error::ProvideErrorMetadata;
use aws_sdk_eks::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::token_in;
use crate::catalog::each::read_each;
use crate::catalog::tags::{Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Live, Objection, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Arn, Fixed, Policy};
use crate::value::Value;

/// Gives a service account of a cluster a role. The cluster needs the add-on `eks-pod-identity-agent`.
///
/// Pods that run already do not notice. Not for the VPC CNI, whose nodes are not ready before it runs: that one takes its
/// role by way of an OpenID Connect provider.
///
/// ```stack
/// resource "aws_eks_pod_identity_association" "dns" {
///   cluster_name    = "devops-demo-dev"
///   namespace       = "external-dns"
///   service_account = "external-dns"
///   role_arn        = "arn:aws:iam::111111111111:role/external-dns"
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PodIdentityAssociation {
    /// Name of the cluster.
    pub cluster_name: Fixed<String>,
    /// Of the service account.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Fixed<String>,
    /// Its name. It need not exist.
    #[schemars(length(min = 1, max = 253))]
    pub service_account: Fixed<String>,
    /// The role, which must trust `pods.eks.amazonaws.com`.
    pub role_arn: Arn,
    /// A role, maybe in another account, that is taken on by way of the first one.
    #[serde(default)]
    pub target_role_arn: Option<Arn>,
    /// Whether sessions go without tags that say which pod they are for.
    #[serde(default)]
    pub disable_session_tags: bool,
    /// Narrows down what the role allows. Only without session tags.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// `CLUSTER,ASSOCIATION_ID`
    pub id: String,
    /// `a-…`
    pub association_id: String,
    /// Its ARN.
    pub association_arn: String,
    /// What the target role must ask for in its trust policy.
    pub external_id: Option<String>,
}

/// Names of clusters have no comma.
fn parts(id: &Id) -> Option<(&str, &str)> {
    id.as_str().split_once(',')
}

const FORM: &str = "CLUSTER,ASSOCIATION_ID";

impl Resource for PodIdentityAssociation {
    const TYPE: &'static str = "aws_eks_pod_identity_association";
    const SETTLE: Settle = Settle::INSTANT;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, token: &Token) -> Result<Id, Fault> {
        let made = aws
            .eks()
            .create_pod_identity_association()
            .cluster_name(&*self.cluster_name)
            .namespace(&*self.namespace)
            .service_account(&*self.service_account)
            .role_arn(&*self.role_arn)
            .set_target_role_arn(self.target_role_arn.as_ref().map(|it| it.0.clone()))
            .disable_session_tags(self.disable_session_tags)
            .set_policy(self.policy.as_ref().map(|it| it.0.clone()))
            .set_tags(Some(self.tags.clone().into_iter().collect()))
            .client_request_token(token.as_str())
            .send()
            .await?;
        let id = made.association.and_then(|it| it.association_id);
        let id = id.ok_or_else(|| Fault::bug("eks:CreatePodIdentityAssociation", "the answer has no id"))?;
        Ok(Id::new(format!("{},{id}", *self.cluster_name)))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        read_each(&query.ids, |id| async move {
            let Some((cluster, association)) = parts(id) else { return Ok(None) };
            Ok(describe(aws, cluster, association).await?.map(|it| see(&it)))
        })
        .await
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let Some((cluster, association)) = parts(id) else { return Err(Fault::malformed_id(Self::TYPE, id, FORM)) };
        let of = |it: &Self| (it.role_arn.clone(), it.target_role_arn.clone(), it.disable_session_tags, it.policy.clone());
        if of(self) != of(was) {
            // An empty text takes away.
            let changed = |want: Option<String>, was: Option<String>| (want != was).then(|| want.unwrap_or_default());
            let arn = |it: &Self| it.target_role_arn.as_ref().map(|it| it.0.clone());
            let policy = |it: &Self| it.policy.as_ref().map(|it| it.0.clone());
            aws.eks()
                .update_pod_identity_association()
                .cluster_name(cluster)
                .association_id(association)
                .role_arn(&*self.role_arn)
                .set_target_role_arn(changed(arn(self), arn(was)))
                .disable_session_tags(self.disable_session_tags)
                .set_policy(changed(policy(self), policy(was)))
                .send()
                .await?;
        }
        if self.tags != was.tags
            && let Some(found) = describe(aws, cluster, association).await?
        {
            super::change_tags(aws, found.association_arn().unwrap_or_default(), &was.tags, &self.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let Some((cluster, association)) = parts(id) else { return Err(Fault::malformed_id(Self::TYPE, id, FORM)) };
        aws.eks().delete_pod_identity_association().cluster_name(cluster).association_id(association).send().await?;
        Ok(())
    }

    async fn object(_: &Aws, _: Option<&Live>, settings: &Value) -> Result<Vec<Objection>, Fault> {
        let is = |name: &str, text: &str| settings.get(name).as_str() == Some(text);
        if !(is("namespace", "kube-system") && is("service_account", "aws-node")) {
            return Ok(Vec::new());
        }
        let message = "the VPC CNI cannot take its role from a pod identity: its nodes are not ready before it runs, and the agent \
                       that hands roles out runs on ready nodes";
        let help = "give the add-on vpc-cni a `service_account_role_arn` that trusts the cluster's OpenID Connect provider";
        Ok(vec![Objection { path: "service_account".into(), message: message.into(), help: Some(help.into()), stops: true }])
    }

    /// A service account has one association.
    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let ask = aws.eks().list_pod_identity_associations().cluster_name(&*self.cluster_name);
        let got = match ask.namespace(&*self.namespace).service_account(&*self.service_account).send().await {
            Ok(got) => got,
            Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let id = got.associations.unwrap_or_default().into_iter().find_map(|it| it.association_id);
        let Some(id) = id else { return Ok(None) };
        let Some(found) = describe(aws, &self.cluster_name, &id).await? else { return Ok(None) };
        let taken = format!("{}/{} has the association {id} already", *self.namespace, *self.service_account);
        own(
            Id::new(format!("{},{id}", *self.cluster_name)),
            token_in(found.tags()),
            token,
            "eks:CreatePodIdentityAssociation",
            taken,
        )
    }
}

async fn describe(aws: &Aws, cluster: &str, id: &str) -> Result<Option<sdk::PodIdentityAssociation>, Fault> {
    match aws.eks().describe_pod_identity_association().cluster_name(cluster).association_id(id).send().await {
        Ok(got) => Ok(got.association),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn see(it: &sdk::PodIdentityAssociation) -> Seen<PodIdentityAssociation> {
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let some = |text: Option<&str>| text.filter(|it| !it.is_empty()).map(str::to_owned);
    let settings = PodIdentityAssociation {
        cluster_name: Fixed(owned(it.cluster_name())),
        namespace: Fixed(owned(it.namespace())),
        service_account: Fixed(owned(it.service_account())),
        role_arn: Arn(owned(it.role_arn())),
        target_role_arn: some(it.target_role_arn()).map(Arn),
        disable_session_tags: it.disable_session_tags().unwrap_or_default(),
        policy: some(it.policy()).map(Policy),
        tags: it.tags().cloned().unwrap_or_default().into_iter().collect(),
    };
    let outputs = Outputs {
        id: format!("{},{}", it.cluster_name().unwrap_or_default(), it.association_id().unwrap_or_default()),
        association_id: owned(it.association_id()),
        association_arn: owned(it.association_arn()),
        external_id: some(it.external_id()),
    };
    Seen { settings, outputs, status: Status::Ready }
}
