//! `aws_caller_identity`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::aws::Aws;
use crate::remote::Fault;
use crate::resource::Data;

/// Whose credentials are in use.
///
/// Let no setting depend on `arn` or `user_id`: a laptop and a pipeline have different ones, and would undo each other's work.
///
/// ```stack
/// data "aws_caller_identity" "me" {}
///
/// output "account" { value = data.aws_caller_identity.me.account_id }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CallerIdentity {}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// The account's number.
    pub id: String,
    /// The account that the credentials belong to.
    pub account_id: String,
    /// The ARN of the user or role session that calls.
    pub arn: String,
    /// The unique id of the user or role session that calls.
    pub user_id: String,
}

impl Data for CallerIdentity {
    const TYPE: &'static str = "aws_caller_identity";
    type Outputs = Outputs;

    async fn read(&self, aws: &Aws) -> Result<Outputs, Fault> {
        let it = aws.identity().await?.clone();
        Ok(Outputs { id: it.account.clone(), account_id: it.account, arn: it.arn, user_id: it.user_id })
    }
}
