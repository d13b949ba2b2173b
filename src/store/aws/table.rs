//! The items of one stack in the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::address::StackName;
use crate::cloud::fault::from_sdk;
use crate::remote::{Class, Fault};
use crate::store::StoreError;
use crate::store::aws::retry::answered;

pub type Attributes = HashMap<String, AttributeValue>;

#[derive(Clone)]
pub struct Table {
    pub client: Client,
    pub name: String,
    pub stack: StackName,
}

impl Table {
    pub fn place(&self, item: &str) -> String {
        format!("dynamodb://{}/{}/{item}", self.name, self.stack)
    }

    pub fn key(&self, item: &str) -> Attributes {
        HashMap::from([("Stack".to_owned(), text(self.stack.as_str())), ("Item".to_owned(), text(item))])
    }

    /// An item as it is now, not as it may have been a moment ago.
    pub async fn get(&self, item: &str) -> Result<Option<Attributes>, StoreError> {
        let call = || {
            let request = self.client.get_item().table_name(&self.name).set_key(Some(self.key(item))).consistent_read(true);
            async { request.send().await.map_err(|error| from_sdk("dynamodb:GetItem", &error)) }
        };
        Ok(answered(call).await.map_err(|fault| self.explain(fault))?.item)
    }

    /// A table that is not there is told as such, with what to do.
    pub fn explain(&self, fault: Fault) -> StoreError {
        let missing = fault.class == Class::Missing || fault.code.as_deref() == Some("ResourceNotFoundException");
        match missing {
            true => StoreError::Absent(format!("the lock table `{}` does not exist; `infra bootstrap` makes it", self.name)),
            false => StoreError::Cloud(fault),
        }
    }
}

pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Reads the attributes of an item, which anybody may have written.
pub struct Reader<'a> {
    pub place: String,
    pub attributes: &'a Attributes,
}

impl Reader<'_> {
    pub fn text(&self, name: &str) -> Result<&str, StoreError> {
        let value = self.attributes.get(name).and_then(|it| it.as_s().ok());
        value.map(String::as_str).ok_or_else(|| self.damaged(name))
    }

    pub fn number(&self, name: &str) -> Result<u64, StoreError> {
        let value = self.attributes.get(name).and_then(|it| it.as_n().ok());
        value.and_then(|it| it.parse().ok()).ok_or_else(|| self.damaged(name))
    }

    pub fn damaged(&self, name: &str) -> StoreError {
        let why = format!("its attribute `{name}` is missing or not what it should be");
        StoreError::Damaged { place: self.place.clone(), why }
    }
}
