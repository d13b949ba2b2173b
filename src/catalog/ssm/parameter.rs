//! `aws_ssm_parameter`

use aws_sdk_ssm::types::ParameterType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::aws::Aws;
use crate::remote::Fault;
use crate::resource::Data;
use crate::schema::Secret;

/// A parameter of Systems Manager: one's own, or one of those that AWS publishes, such as the versions of images.
///
/// ```stack
/// data "aws_ssm_parameter" "release" {
///   name = "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64/standard/recommended/release_version"
/// }
///
/// output "release" { value = data.aws_ssm_parameter.release.insecure_value }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Parameter {
    /// Its name or ARN; `NAME:VERSION` for a former version.
    #[schemars(length(min = 1, max = 2048))]
    pub name: String,
    /// Whether a `SecureString` is decrypted.
    #[serde(default = "yes")]
    pub with_decryption: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its name.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// `String`, `StringList` or `SecureString`.
    pub r#type: String,
    /// What it holds.
    pub value: Secret<String>,
    /// The same, shown, unless it is a `SecureString`.
    pub insecure_value: Option<String>,
    /// Counts its changes.
    pub version: i64,
}

fn yes() -> bool {
    true
}

impl Data for Parameter {
    const TYPE: &'static str = "aws_ssm_parameter";
    type Outputs = Outputs;

    async fn read(&self, aws: &Aws) -> Result<Outputs, Fault> {
        let got = aws.ssm().get_parameter().name(&self.name).with_decryption(self.with_decryption).send().await?;
        let it = got.parameter.ok_or_else(|| Fault::bug("ssm:GetParameter", "the answer has no parameter"))?;
        let value = it.value().unwrap_or_default().to_owned();
        let is_secure = it.r#type() == Some(&ParameterType::SecureString);
        Ok(Outputs {
            id: self.name.clone(),
            arn: it.arn().unwrap_or_default().to_owned(),
            r#type: it.r#type().map(|it| it.as_str()).unwrap_or_default().to_owned(),
            insecure_value: (!is_secure).then(|| value.clone()),
            value: Secret(value),
            version: it.version(),
        })
    }
}
