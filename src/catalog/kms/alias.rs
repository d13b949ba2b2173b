//! `aws_kms_alias`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault, Id, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::field::Fixed;

/// A name for a key. Aliases carry no tags; one is found by its name, and is ours when it names our key.
///
/// ```stack
/// resource "aws_kms_key" "state" { description = "state" }
/// resource "aws_kms_alias" "state" {
///   name          = "alias/devops-demo-state"
///   target_key_id = aws_kms_key.state.key_id
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alias {
    /// Begins with `alias/`; `alias/aws/` is AWS's own.
    #[schemars(length(max = 256), regex(pattern = "^alias/[a-zA-Z0-9/_-]+$"))]
    pub name: Fixed<String>,
    /// The key's id.
    pub target_key_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AliasOutputs {
    /// The name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The ARN of the key that the alias stands for.
    pub target_key_arn: String,
}

impl Resource for Alias {
    const TYPE: &'static str = "aws_kms_alias";
    type Outputs = AliasOutputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        aws.kms().create_alias().alias_name(&*self.name).target_key_id(&self.target_key_id).send().await?;
        Ok(Id::new(self.name.as_str()))
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let all = list(aws).await?;
        Ok(query.ids.iter().filter_map(|id| Some((id.clone(), all.get(id.as_str())?.clone()))).collect())
    }

    async fn update(&self, aws: &Aws, id: &Id, _: &Self) -> Result<(), Fault> {
        aws.kms().update_alias().alias_name(id.as_str()).target_key_id(&self.target_key_id).send().await?;
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        aws.kms().delete_alias().alias_name(id.as_str()).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, _: &Token) -> Result<Option<Id>, Fault> {
        match list(aws).await?.get(self.name.as_str()) {
            None => Ok(None),
            Some(found) if found.settings.target_key_id == self.target_key_id => Ok(Some(Id::new(self.name.as_str()))),
            Some(found) => {
                let message = format!("{} exists already and names the key {}", *self.name, found.settings.target_key_id);
                Err(Fault::new(Class::Exists, "kms:CreateAlias", message))
            }
        }
    }
}

/// All aliases of the account and region that name a key, by name: 100 a page, and few enough that one list serves all.
async fn list(aws: &Aws) -> Result<BTreeMap<String, Seen<Alias>>, Fault> {
    let mut all = BTreeMap::new();
    let mut pages = aws.kms().list_aliases().limit(100).into_paginator().send();
    while let Some(page) = pages.next().await {
        for it in page?.aliases.unwrap_or_default() {
            let (Some(name), Some(arn), Some(key)) = (it.alias_name, it.alias_arn, it.target_key_id) else { continue };
            let key_arn = arn.split(":alias/").next().map(|it| format!("{it}:key/{key}")).unwrap_or_default();
            let settings = Alias { name: Fixed(name.clone()), target_key_id: key };
            let outputs = AliasOutputs { id: name.clone(), arn, target_key_arn: key_arn };
            all.insert(name, Seen { settings, outputs, status: Status::Ready });
        }
    }
    Ok(all)
}
