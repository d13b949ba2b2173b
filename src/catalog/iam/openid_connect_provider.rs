//! `aws_iam_openid_connect_provider`

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput as Live;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{from_tags, to_tags, token_in};
use crate::catalog::each::read_each;
use crate::catalog::tags::{TagChanges, Tags, own};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::{Auto, CaseFold, Fixed};

/// An issuer of tokens that roles of this account may trust: a cluster's service accounts, or GitHub's workflows.
///
/// There is one for each issuer in an account.
///
/// ```stack
/// resource "aws_iam_openid_connect_provider" "github" {
///   url            = "https://token.actions.githubusercontent.com"
///   client_id_list = ["sts.amazonaws.com"]
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenIdConnectProvider {
    /// The issuer, with `https://`.
    #[schemars(length(max = 255), regex(pattern = "^https://[^ ?#]+[^ /?#]$"))]
    pub url: Fixed<String>,
    /// Whom its tokens are made for.
    pub client_id_list: BTreeSet<String>,
    /// Digests (SHA-1, hexadecimal) of certificates that the issuer's may be signed by. Left out: what AWS finds, which it does
    /// not need for issuers whose certificate is signed by one of its trusted authorities.
    #[serde(default)]
    #[schemars(inner(length(min = 40, max = 40), regex(pattern = "^[0-9A-Fa-f]{40}$")))]
    pub thumbprint_list: Auto<BTreeSet<CaseFold>>,
    /// Tags of the thing; those of the stack are added, and these win.
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its ARN.
    pub id: String,
    /// Its ARN.
    pub arn: String,
}

const SCHEME: &str = "https://";

fn texts(all: &BTreeSet<CaseFold>) -> Vec<String> {
    all.iter().map(|it| it.0.clone()).collect()
}

impl Resource for OpenIdConnectProvider {
    const TYPE: &'static str = "aws_iam_openid_connect_provider";
    const SETTLE: Settle = super::SETTLE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        let call = aws.iam().create_open_id_connect_provider().url(&*self.url);
        let made = call
            .set_client_id_list(Some(self.client_id_list.iter().cloned().collect()))
            .set_thumbprint_list(self.thumbprint_list.as_ref().map(texts))
            .set_tags(Some(to_tags(&self.tags)?))
            .send()
            .await?;
        let arn = made.open_id_connect_provider_arn;
        arn.map(Id::new).ok_or_else(|| Fault::bug("iam:CreateOpenIDConnectProvider", "the answer names no provider"))
    }

    /// Lists have ARNs alone: one call a provider.
    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        read_each(&query.ids, |id| async move { Ok(get(aws, id.as_str()).await?.map(|it| see(id, &it))) }).await
    }

    async fn update(&self, aws: &Aws, id: &Id, was: &Self) -> Result<(), Fault> {
        let (iam, arn) = (aws.iam(), id.as_str());
        for client in self.client_id_list.difference(&was.client_id_list) {
            let call = iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.client_id(client).send().await?;
        }
        for client in was.client_id_list.difference(&self.client_id_list) {
            let call = iam.remove_client_id_from_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.client_id(client).send().await?;
        }
        if let Some(want) = self.thumbprint_list.as_ref().filter(|it| Some(*it) != was.thumbprint_list.as_ref()) {
            let call = iam.update_open_id_connect_provider_thumbprint().open_id_connect_provider_arn(arn);
            call.set_thumbprint_list(Some(texts(want))).send().await?;
        }
        let changes = TagChanges::between(&was.tags, &self.tags);
        if !changes.put.is_empty() {
            let call = iam.tag_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.set_tags(Some(to_tags(&changes.put)?)).send().await?;
        }
        if !changes.remove.is_empty() {
            let call = iam.untag_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.set_tag_keys(Some(changes.remove)).send().await?;
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.iam().delete_open_id_connect_provider().open_id_connect_provider_arn(id.as_str()).send().await?;
        Ok(())
    }

    async fn namesakes(&self, aws: &Aws) -> Result<Vec<Id>, Fault> {
        Ok(vec![Id::new(self.arn(aws).await?)])
    }

    async fn find(&self, aws: &Aws, token: &Token) -> Result<Option<Id>, Fault> {
        let arn = self.arn(aws).await?;
        let Some(found) = get(aws, &arn).await? else { return Ok(None) };
        let taken = format!("the account has a provider for {} already", *self.url);
        own(Id::new(arn), token_in(found.tags()), token, "iam:CreateOpenIDConnectProvider", taken)
    }
}

impl OpenIdConnectProvider {
    /// It follows from the issuer.
    async fn arn(&self, aws: &Aws) -> Result<String, Fault> {
        let (partition, account) = (aws.partition().await?, aws.account().await?);
        Ok(format!("arn:{partition}:iam::{account}:oidc-provider/{}", bare(&self.url)))
    }
}

/// As AWS keeps it: without the scheme.
fn bare(url: &str) -> &str {
    url.strip_prefix(SCHEME).unwrap_or(url)
}

async fn get(aws: &Aws, arn: &str) -> Result<Option<Live>, Fault> {
    match aws.iam().get_open_id_connect_provider().open_id_connect_provider_arn(arn).send().await {
        Ok(got) => Ok(Some(got)),
        Err(error) if error.code() == Some("NoSuchEntity") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn see(arn: &Id, it: &Live) -> Seen<OpenIdConnectProvider> {
    let settings = OpenIdConnectProvider {
        url: Fixed(format!("{SCHEME}{}", bare(it.url().unwrap_or_default()))),
        client_id_list: it.client_id_list().iter().cloned().collect(),
        thumbprint_list: Auto(Some(it.thumbprint_list().iter().map(|it| CaseFold::from(it.as_str())).collect())),
        tags: from_tags(it.tags()),
    };
    let arn = arn.as_str().to_owned();
    Seen { settings, outputs: Outputs { id: arn.clone(), arn }, status: Status::Ready }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_keeps_the_issuer_without_its_scheme() {
        let live = Live::builder().url("oidc.eks.eu-west-1.amazonaws.com/id/A1").client_id_list("sts.amazonaws.com").build();
        let seen = see(&Id::new("arn:aws:iam::111111111111:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A1"), &live);
        assert_eq!(seen.settings.url.as_str(), "https://oidc.eks.eu-west-1.amazonaws.com/id/A1");
        assert_eq!(bare(&seen.settings.url), "oidc.eks.eu-west-1.amazonaws.com/id/A1");
    }
}
