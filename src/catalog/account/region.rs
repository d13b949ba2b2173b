//! `aws_region`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::aws::Aws;
use crate::remote::Fault;
use crate::resource::Data;

/// The region of the configuration in use.
///
/// ```stack
/// data "aws_region" "current" {}
///
/// output "region" { value = data.aws_region.current.region }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Region {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// The region: `eu-west-1`.
    pub id: String,
    /// The same: `eu-west-1`.
    pub region: String,
    /// The same as `region`, as older stacks know it.
    pub name: String,
}

impl Data for Region {
    const TYPE: &'static str = "aws_region";
    type Outputs = Outputs;

    async fn read(&self, aws: &Aws) -> Result<Outputs, Fault> {
        let region = aws.region().to_owned();
        Ok(Outputs { id: region.clone(), name: region.clone(), region })
    }
}
