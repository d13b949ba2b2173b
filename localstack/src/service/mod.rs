//! Which service is served by whom, and the rules that make its emulator as strict as AWS.
//!
//! One file or folder per service that needs rules; all others are passed on as they come.

pub mod dynamodb;
pub mod ec2;
pub mod eks;
pub mod held;
pub mod iam;
mod kms;
pub mod logs;
pub mod route53;
mod s3;
mod ssm;
mod sts;
mod tagging;

use crate::backend::Backend;
use crate::gateway::{Answer, Call, Local, Protocol};

/// A service, by the name that its calls are signed for.
#[derive(Debug)]
pub struct Service {
    pub name: &'static str,
    pub backend: Backend,
    /// What the service answers in, unless the request shows that its client speaks another protocol.
    pub protocol: Protocol,
}

const fn row(name: &'static str, backend: Backend, protocol: Protocol) -> Service {
    Service { name, backend, protocol }
}

/// The routing table. `coverage.toml` says the same per resource type, with what differs from AWS.
static SERVICES: [Service; 24] = [
    row("acm", Backend::Moto, Protocol::Json),
    row("apigateway", Backend::Ministack, Protocol::RestJson),
    row("autoscaling", Backend::Moto, Protocol::Query),
    row("cloudtrail", Backend::Ministack, Protocol::Json),
    row("codebuild", Backend::Ministack, Protocol::Json),
    row("dynamodb", Backend::Ministack, Protocol::Json),
    row("ec2", Backend::Moto, Protocol::Ec2),
    row("ecr", Backend::Ministack, Protocol::Json),
    row("eks", Backend::Gateway, Protocol::RestJson),
    row("elasticloadbalancing", Backend::Moto, Protocol::Query),
    row("events", Backend::Ministack, Protocol::Json),
    row("iam", Backend::Ministack, Protocol::Query),
    row("kms", Backend::Ministack, Protocol::Json),
    row("logs", Backend::Ministack, Protocol::Json),
    row("monitoring", Backend::Ministack, Protocol::Query),
    row("route53", Backend::Ministack, Protocol::RestXml),
    row("s3", Backend::Ministack, Protocol::S3),
    row("servicequotas", Backend::Moto, Protocol::Json),
    row("sns", Backend::Ministack, Protocol::Query),
    row("sqs", Backend::Ministack, Protocol::Query),
    row("ssm", Backend::Ministack, Protocol::Json),
    row("sts", Backend::Ministack, Protocol::Query),
    row("tagging", Backend::Gateway, Protocol::Json),
    row("wafv2", Backend::Ministack, Protocol::Json),
];

/// The service that a credential scope names.
pub fn find(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

/// Answers a call.
pub async fn serve(local: &Local, call: Call) -> Answer {
    match call.service.name {
        "ec2" => ec2::serve(local, call).await,
        "eks" => eks::serve(local, call).await,
        "logs" => logs::serve(local, call).await,
        "dynamodb" => dynamodb::serve(local, call).await,
        "iam" => iam::serve(local, call).await,
        "kms" => kms::serve(local, call).await,
        "route53" => route53::serve(local, call).await,
        "s3" => s3::serve(local, call).await,
        "ssm" => ssm::serve(local, call).await,
        "sts" => sts::serve(local, call).await,
        "tagging" => tagging::serve(local, call).await,
        _ => local.forward(call).await,
    }
}
