//! `aws_partition`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::aws::Aws;
use crate::remote::Fault;
use crate::resource::Data;

/// The part of AWS that the account lives in: `aws`, `aws-cn`, `aws-us-gov`, …
///
/// ```stack
/// data "aws_partition" "current" {}
///
/// output "read_only" { value = "arn:${data.aws_partition.current.partition}:iam::aws:policy/ReadOnlyAccess" }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Partition {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// The partition: `aws`, `aws-cn` or `aws-us-gov`.
    pub id: String,
    /// The same: `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// `amazonaws.com`
    pub dns_suffix: String,
    /// `com.amazonaws`: how names of VPC endpoint services begin.
    pub reverse_dns_prefix: String,
}

/// Source: `partitions.json` of the AWS SDKs.
fn dns_suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    }
}

impl Data for Partition {
    const TYPE: &'static str = "aws_partition";
    type Outputs = Outputs;

    async fn read(&self, aws: &Aws) -> Result<Outputs, Fault> {
        let partition = aws.partition().await?.to_owned();
        let dns_suffix = dns_suffix(&partition).to_owned();
        let reverse_dns_prefix = dns_suffix.split('.').rev().collect::<Vec<_>>().join(".");
        Ok(Outputs { id: partition.clone(), partition, dns_suffix, reverse_dns_prefix })
    }
}
