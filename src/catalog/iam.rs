//! IAM: roles, policies, and what joins them. Global: one endpoint for all regions of a partition, and not in `GetResources`.

mod blockers;
pub mod instance_profile;
pub mod openid_connect_provider;
pub mod policy;
pub mod role;
pub mod role_policy;
pub mod role_policy_attachment;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_iam::types as sdk;

use crate::catalog::tags::Tags;
use crate::cloud::aws::Aws;
use crate::cloud::fault::unfit;
use crate::remote::{Fault, Settle, tags};
use crate::schema::Fixed;

/// IAM is eventually consistent: what was made may be denied for a while. Source: IAM user guide, "Changes that I make are not
/// always immediately visible"; two minutes is what Terraform's provider allows.
const SETTLE: Settle = Settle { hidden: Duration::from_secs(120), typical: Duration::from_secs(2), ..Settle::INSTANT };

/// Up to so many are asked for one by one; beyond, all of the account's roles at once.
const FEW: usize = 3;

/// Documents come URL-encoded (RFC 3986). One that begins as JSON is not.
fn document(text: &str) -> String {
    if text.trim_start().starts_with('{') {
        return text.to_owned();
    }
    let digit = |at: usize| text.as_bytes().get(at).and_then(|it| char::from(*it).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(byte) = text.as_bytes().get(at) {
        let code = digit(at + 1).zip(digit(at + 2)).filter(|_| *byte == b'%');
        let code = code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        out.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

fn to_tags(tags: &Tags) -> Result<Vec<sdk::Tag>, Fault> {
    tags.iter().map(|(key, value)| sdk::Tag::builder().key(key).value(value).build().map_err(unfit("iam"))).collect()
}

/// The token of the creation that made it.
fn token_in(tags: &[sdk::Tag]) -> Option<&str> {
    tags.iter().find(|it| it.key == tags::ID).map(sdk::Tag::value)
}

fn from_tags(tags: &[sdk::Tag]) -> Tags {
    tags.iter().map(|it| (it.key.clone(), it.value.clone())).collect()
}

/// The path of what is in no group.
fn root() -> Fixed<String> {
    Fixed("/".into())
}

/// What the account has of its own, with documents: a few answers in place of several calls a thing.
#[derive(Default)]
struct Details {
    /// By name, with their tags, policies and profiles. Description and longest session are told by `ListRoles` and `GetRole` alone.
    roles: BTreeMap<String, sdk::RoleDetail>,
    /// By ARN, with all versions. Without description and tags.
    policies: BTreeMap<String, sdk::ManagedPolicyDetail>,
}

/// Source: API reference, GetAccountAuthorizationDetails.
async fn details(aws: &Aws, shared: bool) -> Result<Arc<Details>, Fault> {
    let read = || async {
        let ask = aws.iam().get_account_authorization_details().max_items(1000);
        let ask = ask.filter(sdk::EntityType::Role).filter(sdk::EntityType::LocalManagedPolicy);
        let mut pages = ask.into_paginator().send();
        let mut all = Details::default();
        while let Some(page) = pages.next().await {
            let page = page?;
            let named = |it: sdk::RoleDetail| Some((it.role_name.clone()?, it));
            all.roles.extend(page.role_detail_list.unwrap_or_default().into_iter().filter_map(named));
            let named = |it: sdk::ManagedPolicyDetail| Some((it.arn.clone()?, it));
            all.policies.extend(page.policies.unwrap_or_default().into_iter().filter_map(named));
        }
        Ok(all)
    };
    aws.shared(shared, "iam:GetAccountAuthorizationDetails".into(), read).await
}

#[cfg(test)]
mod tests {
    use super::document;

    #[test]
    fn documents_are_decoded_once() {
        assert_eq!(document("%7B%22a%22%3A%20%22%25%22%7D"), r#"{"a": "%"}"#);
        assert_eq!(document(r#"{"a":"%7B"}"#), r#"{"a":"%7B"}"#);
        assert_eq!(document("%7"), "%7");
    }
}
