//! A store over clients of its own: not gated by the lease that it keeps itself, not slowed by the limits of the run's calls.

use std::time::Duration;

use super::{Aws, Place};
use crate::cloud::aws::limits::Limits;
use crate::cloud::aws::{Fence, Settings, Wire};
use crate::remote::Class;
use crate::store::StoreError;

/// The store at `place`, with the credentials of the stack's own configuration. `kms_key` is an alias, id or ARN; it is looked
/// up when `writes`, because what is written names the key itself.
pub async fn open(
    settings: &Settings,
    place: Place,
    kms_key: Option<&str>,
    lease: Duration,
    writes: bool,
) -> Result<Aws, StoreError> {
    let aws = crate::cloud::aws::Aws::connect(settings, &Wire::new(Limits::off(), Fence::open())).await;
    let mut place = place;
    if let Some(name) = kms_key.filter(|_| writes) {
        place.kms_key_arn = Some(key_arn(&aws, name).await?);
    }
    Ok(Aws::new(aws.s3().clone(), aws.dynamodb().clone(), place).with_lease(lease))
}

async fn key_arn(aws: &crate::cloud::aws::Aws, name: &str) -> Result<String, StoreError> {
    let answer = aws.kms().describe_key().key_id(name).send().await;
    let answer = answer.map_err(|error| {
        let fault = crate::remote::Fault::from(error);
        match fault.class {
            Class::Missing => StoreError::Absent(format!("there is no KMS key {name}")),
            _ => StoreError::Cloud(fault),
        }
    })?;
    let arn = answer.key_metadata.and_then(|it| it.arn);
    arn.ok_or_else(|| StoreError::Absent(format!("the KMS key {name} has no ARN")))
}
