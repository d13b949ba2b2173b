//! Whether the bucket and the table that hold states are there, for the command that makes them.

use aws_sdk_dynamodb::types::{KeyType, TableStatus};

use crate::cloud::fault::from_sdk;
use crate::remote::{Class, Fault};
use crate::store::aws::retry::{answered, has_code};

/// A bucket, as the caller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    Absent,
    Present,
    /// It exists in another account, or the caller may not see it: its name cannot be had.
    Foreign,
}

pub async fn bucket(s3: &aws_sdk_s3::Client, name: &str) -> Result<Bucket, Fault> {
    let head = answered(|| {
        let request = s3.head_bucket().bucket(name);
        async { request.send().await.map_err(|error| from_sdk("s3:HeadBucket", &error)) }
    });
    match head.await {
        Ok(_) => Ok(Bucket::Present),
        Err(fault) if fault.class == Class::Missing => Ok(Bucket::Absent),
        Err(fault) if fault.class == Class::Denied => Ok(Bucket::Foreign),
        Err(fault) => Err(fault),
    }
}

/// A table, as far as it can hold locks and journals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockTable {
    Absent,
    /// It is being made or changed: look again.
    Pending,
    Ready,
    /// Its keys are not `Stack` and `Item`: it is something else.
    Unfit,
}

pub async fn lock_table(dynamodb: &aws_sdk_dynamodb::Client, name: &str) -> Result<LockTable, Fault> {
    let call = || {
        let request = dynamodb.describe_table().table_name(name);
        async { request.send().await.map_err(|error| from_sdk("dynamodb:DescribeTable", &error)) }
    };
    let described = match answered(call).await {
        Ok(answer) => answer.table,
        Err(fault) if fault.class == Class::Missing || has_code(&fault, "ResourceNotFoundException") => None,
        Err(fault) => return Err(fault),
    };
    let Some(table) = described else { return Ok(LockTable::Absent) };
    let key = |kind: KeyType| table.key_schema().iter().find(|it| it.key_type == kind).map(|it| it.attribute_name.as_str());
    if key(KeyType::Hash) != Some("Stack") || key(KeyType::Range) != Some("Item") {
        return Ok(LockTable::Unfit);
    }
    match table.table_status {
        Some(TableStatus::Active) => Ok(LockTable::Ready),
        _ => Ok(LockTable::Pending),
    }
}
