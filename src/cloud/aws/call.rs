//! The name of a call: which service, which action, whether it changes anything.

use std::fmt;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// `ec2:CreateVpc`, as IAM policies write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    pub service: String,
    pub action: String,
}

impl Call {
    fn new(service_id: &str, action: &str) -> Self {
        Self { service: prefix(service_id), action: action.to_owned() }
    }

    /// Out of the path of an operation's error type, `aws_sdk_ec2::operation::create_vpc::CreateVpcError`: the one place
    /// where the SDK keeps an operation's name with every failure, whether or not there was an answer.
    pub fn of_error_type(path: &str) -> Option<Self> {
        let service = path.strip_prefix("aws_sdk_")?.split("::").next()?;
        let action = path.split('<').next()?.rsplit("::").next()?.strip_suffix("Error")?;
        Some(Self::new(service, action))
    }

    /// Changes nothing, so it may be tried again without looking.
    pub fn is_read(&self) -> bool {
        const READS: &[&str] = &["Describe", "List", "Get", "Head", "BatchGet", "Search", "Lookup", "Query", "Scan", "Test"];
        READS.iter().any(|it| self.action.starts_with(it))
    }

    /// Makes something new: its own subject cannot be missing.
    pub fn is_creation(&self) -> bool {
        const CREATIONS: &[&str] = &["Create", "Allocate", "Associate", "Authorize", "Attach", "Run", "Register", "Request"];
        CREATIONS.iter().any(|it| self.action.starts_with(it))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.action)
    }
}

/// IAM's prefix of a service, out of the SDK's name for it (a service id or a crate's name).
fn prefix(service: &str) -> String {
    let plain: String = service.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect();
    match plain.as_str() {
        "resourcegroupstagging" | "resourcegroupstaggingapi" => "tag".into(),
        "elasticloadbalancingv2" => "elasticloadbalancing".into(),
        "cloudwatchlogs" => "logs".into(),
        "apigatewayv2" => "apigateway".into(),
        _ => plain,
    }
}

/// Puts the [`Call`] on each request, for the transport to see.
#[derive(Debug)]
pub struct NameTheCall;

#[dyn_dispatch_hint]
impl Intercept for NameTheCall {
    fn name(&self) -> &'static str {
        "NameTheCall"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(it) = bag.load::<Metadata>() {
            context.request_mut().add_extension(Call::new(it.service(), it.name()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_type_names_its_call() {
        let of = |path| Call::of_error_type(path).map(|it| it.to_string());
        let path = std::any::type_name::<aws_sdk_ec2::operation::create_vpc::CreateVpcError>();
        assert_eq!(of(path).as_deref(), Some("ec2:CreateVpc"));
        let path = std::any::type_name::<aws_sdk_resourcegroupstagging::operation::get_resources::GetResourcesError>();
        assert_eq!(of(path).as_deref(), Some("tag:GetResources"));
        assert_eq!(of("std::io::Error"), None);
    }

    #[test]
    fn reads_and_creations_are_told_by_name() {
        assert!(Call::new("EC2", "DescribeVpcs").is_read());
        assert!(Call::new("S3", "HeadBucket").is_read());
        assert!(!Call::new("EC2", "CreateVpc").is_read());
        assert!(Call::new("EC2", "AuthorizeSecurityGroupIngress").is_creation());
        assert!(!Call::new("EC2", "DeleteVpc").is_creation());
        assert_eq!(Call::new("Route 53", "ListHostedZones").to_string(), "route53:ListHostedZones");
    }
}
