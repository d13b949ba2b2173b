//! The errors that faults and rates answer with, as each service words them.
//!
//! Source: the services' "Common Errors" pages; for EC2 "Error codes for the Amazon EC2 API".

use super::Subject;
use crate::gateway::{Protocol, Refusal};

/// Too many requests.
pub fn throttled(subject: &Subject, protocol: Protocol) -> Refusal {
    match protocol {
        Protocol::RestJson if subject.service == "eks" => Refusal::with_status(429, "ThrottlingException", "Rate exceeded"),
        Protocol::Ec2 => Refusal::with_status(503, "RequestLimitExceeded", "Request limit exceeded."),
        Protocol::S3 => Refusal::with_status(503, "SlowDown", "Please reduce your request rate."),
        Protocol::RestJson => Refusal::with_status(429, "TooManyRequestsException", "Too Many Requests"),
        Protocol::Json => Refusal::new("ThrottlingException", "Rate exceeded"),
        Protocol::Query | Protocol::RestXml => Refusal::new("Throttling", "Rate exceeded"),
    }
}

/// Not allowed; the message names the action, as IAM does.
pub fn denied(subject: &Subject, protocol: Protocol) -> Refusal {
    let Subject { account, service, action, .. } = subject;
    let message = format!(
        "User: arn:aws:iam::{account}:root is not authorized to perform: {service}:{action} \
         because no identity-based policy allows the {service}:{action} action"
    );
    match protocol {
        Protocol::Ec2 => Refusal::with_status(
            403,
            "UnauthorizedOperation",
            format!("You are not authorized to perform this operation. {message}"),
        ),
        Protocol::S3 | Protocol::Query | Protocol::RestXml => Refusal::with_status(403, "AccessDenied", message),
        Protocol::Json => Refusal::new("AccessDeniedException", message),
        Protocol::RestJson => Refusal::with_status(403, "AccessDeniedException", message),
    }
}

/// Codes of "there are too many of these already", where they are not the service's general one.
const QUOTAS: [(&str, &str, &str); 12] = [
    ("ec2", "AllocateAddress", "AddressLimitExceeded"),
    ("ec2", "AuthorizeSecurityGroupEgress", "RulesPerSecurityGroupLimitExceeded"),
    ("ec2", "AuthorizeSecurityGroupIngress", "RulesPerSecurityGroupLimitExceeded"),
    ("ec2", "CreateInternetGateway", "InternetGatewayLimitExceeded"),
    ("ec2", "CreateNatGateway", "NatGatewayLimitExceeded"),
    ("ec2", "CreateRoute", "RouteLimitExceeded"),
    ("ec2", "CreateRouteTable", "RouteTableLimitExceeded"),
    ("ec2", "CreateSecurityGroup", "SecurityGroupLimitExceeded"),
    ("ec2", "CreateSubnet", "SubnetLimitExceeded"),
    ("ec2", "CreateVpc", "VpcLimitExceeded"),
    ("route53", "CreateHostedZone", "TooManyHostedZones"),
    ("s3", "CreateBucket", "TooManyBuckets"),
];

/// A quota is used up.
pub fn quota(subject: &Subject) -> Refusal {
    let known = QUOTAS.iter().find(|(service, action, _)| *service == subject.service && *action == subject.action);
    let code = match (known, subject.service) {
        (Some((_, _, code)), _) => code,
        (None, "ec2") => "ResourceCountExceeded",
        (None, "eks") => "ResourceLimitExceededException",
        (None, "iam" | "sns") => "LimitExceeded",
        (None, "elasticloadbalancing") => "TooManyLoadBalancers",
        (None, _) => "LimitExceededException",
    };
    Refusal::new(code, format!("The maximum number for {} has been reached.", subject.action))
}
