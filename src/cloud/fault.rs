//! From the SDK's errors to [`Fault`]s: one table of codes for all services.
//!
//! Sources: "Error codes for the Amazon EC2 API", "Common error types" of each service's API reference, and the operations'
//! own lists of errors. A type adds only its own oddities next to its call.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::aws::call::Call;
use super::aws::transport::{Fenced, cause};
use crate::remote::{Class, Fault};

pub(super) const NO_CREDENTIALS: &str = "no AWS credentials were found. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
     AWS_SECRET_ACCESS_KEY, or sign in with `aws sso login`; `aws sts get-caller-identity` shows who you are";

/// Codes that say "slow down", whatever the service.
pub(super) const THROTTLING: &[&str] = &[
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "TooManyRequestsException",
];

/// What failed calls of the SDK become.
pub fn from_sdk<E>(call: &str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let known = Call::of_error_type(std::any::type_name::<E>());
    let is_read = known.as_ref().is_some_and(Call::is_read);
    let unknown = if is_read { Class::Busy } else { Class::Unknown };
    let request_id = error.request_id().map(str::to_owned);
    let with = |class, message: String| Fault { request_id: request_id.clone(), ..Fault::new(class, call, message) };
    match error {
        SdkError::ServiceError(it) => {
            let (code, message) = (it.err().code().unwrap_or_default(), it.err().message().unwrap_or_default());
            let class = class_of(known.as_ref(), code, message);
            let fault = with(class, told(class, call, code, message));
            let passes_within = known.as_ref().and_then(|it| spreading(it, code, message));
            Fault { code: Some(code.to_owned()).filter(|it| !it.is_empty()), passes_within, ..fault }
        }
        SdkError::DispatchFailure(it) => match it.as_connector_error() {
            Some(connection) if cause::<Fenced>(connection).is_some() => with(Class::Fenced, Fenced.to_string()),
            Some(connection) => match (cause::<CredentialsError>(connection), of_connection(connection)) {
                (Some(it), _) => from_credentials(call, it),
                (None, class) => with(class.unwrap_or(unknown), unreachable(connection)),
            },
            None => with(unknown, chain(error)),
        },
        SdkError::ConstructionFailure(_) => match cause::<CredentialsError>(error) {
            Some(it) => from_credentials(call, it),
            None => with(Class::Bug, chain(error)),
        },
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => with(unknown, chain(error)),
        _ => with(unknown, chain(error)),
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let call = Call::of_error_type(std::any::type_name::<E>());
        from_sdk(&call.map_or_else(|| "aws".into(), |it| it.to_string()), &error)
    }
}

/// The SDK's builders refuse what lacks a required member. The types' own fields are required, so it is a bug.
pub fn unfit(service: &str) -> impl FnOnce(aws_smithy_types::error::operation::BuildError) -> Fault + '_ {
    move |error| Fault::bug(service, error.to_string())
}

/// What the class means for the person who reads it, where the code's own message does not say it.
fn told(class: Class, call: &str, code: &str, message: &str) -> String {
    let message = if message.is_empty() { code } else { message };
    match class {
        Class::Credentials if EXPIRED.contains(&code) => {
            format!(
                "the AWS credentials have expired: renew them (`aws sso login`, or new keys) and run again. AWS says: {message}"
            )
        }
        Class::Credentials => format!("AWS does not accept the credentials. It says: {message}"),
        Class::Denied => format!("the caller may not do {call}: a policy must allow that action. AWS says: {message}"),
        Class::Quota => format!("a service quota is used up; raise it in the Service Quotas console. AWS says: {message}"),
        _ => message.to_owned(),
    }
}

/// No credentials, or none that can be had.
pub(super) fn from_credentials(call: &str, error: &CredentialsError) -> Fault {
    let message = match error {
        CredentialsError::CredentialsNotLoaded(_) => NO_CREDENTIALS.to_owned(),
        CredentialsError::ProviderTimedOut(_) => format!("the source of the AWS credentials did not answer: {}", chain(error)),
        CredentialsError::InvalidConfiguration(_) => {
            format!("the AWS profile cannot be used: {}. `aws configure list-profiles` shows those that exist", chain(error))
        }
        _ => format!("the AWS credentials cannot be had: {}", chain(error)),
    };
    Fault::new(Class::Credentials, call, message)
}

/// Unreachable when it is certain that nothing was sent; nothing when the outcome is unknown.
pub(super) fn of_connection(error: &ConnectorError) -> Option<Class> {
    use std::io::ErrorKind;
    let refused = cause::<std::io::Error>(error).is_some_and(|it| {
        let kind = it.kind();
        matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable)
    });
    // The HTTP client says so in words only: hyper-util's error kind `Connect`, and the SDK's connect time-out.
    let text = chain(error);
    let never_connected =
        text.contains("client error (Connect)") || text.contains("connect timeout") || text.contains(NO_ENDPOINT);
    (refused || never_connected).then_some(Class::Unreachable)
}

/// How the SDK begins to say that an endpoint override is no URL; the rest is the whole request, which is nobody's business.
const NO_ENDPOINT: &str = "failed to apply endpoint";

fn unreachable(error: &ConnectorError) -> String {
    if chain(error).contains(NO_ENDPOINT) {
        return "the endpoint is not a URL. Correct AWS_ENDPOINT_URL; nothing was sent".into();
    }
    match of_connection(error) {
        Some(_) => {
            format!("the endpoint cannot be reached: {}. Check the network, the region and AWS_ENDPOINT_URL", chain(error))
        }
        None => format!("the connection failed before an answer came: {}", chain(error)),
    }
}

/// An error and its causes, without repetitions.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for it in std::iter::successors(Some(error), |&it| it.source()) {
        let text = it.to_string();
        if !parts.last().is_some_and(|last| last.contains(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];

/// What the machine shall do about a code.
pub fn class_of(call: Option<&Call>, code: &str, message: &str) -> Class {
    let service = call.map_or("", |it| it.service.as_str());
    let action = call.map_or("", |it| it.action.as_str());
    let is_read = call.is_some_and(Call::is_read);
    if call.and_then(|it| spreading(it, code, message)).is_some() {
        return Class::Settling;
    }
    let class = special(service, action, code, message).or_else(|| listed(code)).unwrap_or_else(|| by_shape(code));
    match class {
        // What a creation names was made a moment ago, as far as this stack goes.
        Class::Missing if call.is_some_and(Call::is_creation) => Class::Settling,
        // A read changes nothing: not knowing how it ended is no matter.
        Class::Unknown if is_read => Class::Busy,
        class => class,
    }
}

/// Codes whose meaning hangs on the call or the message.
fn special(service: &str, action: &str, code: &str, message: &str) -> Option<Class> {
    let message = message.to_ascii_lowercase();
    Some(match (service, action, code) {
        // The address still belongs to a NAT gateway that is going.
        ("ec2", "ReleaseAddress", "AuthFailure" | "InvalidIPAddress.InUse") => Class::InUse,
        ("ec2", "DisassociateAddress", "AuthFailure") => Class::InUse,
        ("dynamodb", "CreateTable", "ResourceInUseException") => Class::Exists,
        ("dynamodb", _, "ResourceInUseException") => Class::Settling,
        // Too many tables being changed at once; not a quota that anybody would raise.
        ("dynamodb", _, "LimitExceededException") => Class::Busy,
        ("eks", _, "ResourceInUseException") if action.starts_with("Create") => Class::Exists,
        // An update is under way, or what hangs on it is still going.
        ("eks", _, "ResourceInUseException") => Class::Settling,
        ("eks", _, "ResourceLimitExceededException") => Class::Quota,
        ("eks", _, "ClientException") if message.contains("no cluster found for name") => Class::Missing,
        // Nothing to do: the thing is looked at and compared. Source: Terraform's provider, `internal/service/eks`.
        ("eks", _, "InvalidParameterException" | "InvalidRequestException")
            if message.contains("already at the desired configuration") || message.contains("no changes needed") =>
        {
            Class::Exists
        }
        // What a deleted key is until its waiting time is over.
        ("kms", "ScheduleKeyDeletion", "KMSInvalidStateException") if message.contains("pending deletion") => Class::Missing,
        ("route53", _, "InvalidChangeBatch") if message.contains("already exists") => Class::Exists,
        ("route53", _, "InvalidChangeBatch") if message.contains("not found") => Class::Missing,
        _ => return None,
    })
}

/// Who hears late of what IAM was told, and how it says so.
struct Consumer {
    service: &'static str,
    /// How its actions begin.
    actions: &'static [&'static str],
    codes: &'static [&'static str],
    /// Any of them, in lower case: each code has other reasons too.
    words: &'static [&'static str],
    /// After so long it is not late but wrong.
    budget: Duration,
}

const TWO_MINUTES: Duration = Duration::from_secs(120);
const THREE_MINUTES: Duration = Duration::from_secs(180);

/// IAM is eventually consistent towards each service apart, so it is waited for where it is used.
///
/// Sources: IAM user guide, "Changes that I make are not always immediately visible"; Terraform's provider, what it tries again
/// and for how long (`internal/service/{eks,iam,kms,ecr,s3,ec2}`, `propagationTimeout`).
static CONSUMERS: &[Consumer] = &[
    // A role, its trust, or what is attached to it.
    Consumer {
        service: "eks",
        actions: &["CreateCluster"],
        codes: &["InvalidParameterException", "InvalidRequestException"],
        words: &[
            "does not exist",
            "error in role params",
            "iam role's policy must include",
            "role could not be assumed because the trusted entity is not correct",
            "doesn't have the amazon eks managed policies",
        ],
        budget: THREE_MINUTES,
    },
    Consumer {
        service: "eks",
        actions: &["CreateNodegroup"],
        codes: &["InvalidParameterException", "InvalidRequestException"],
        words: &["error code: nosuchentity", "not found in the trust relationships", "error in role params"],
        budget: THREE_MINUTES,
    },
    Consumer {
        service: "eks",
        actions: &["CreateAddon", "UpdateAddon"],
        codes: &["InvalidParameterException"],
        words: &["does not exist", "trust policy of role"],
        budget: TWO_MINUTES,
    },
    Consumer {
        service: "eks",
        actions: &["CreatePodIdentityAssociation", "UpdatePodIdentityAssociation"],
        codes: &["InvalidParameterException"],
        words: &["role provided in the request does not exist", "trust policy of role"],
        budget: TWO_MINUTES,
    },
    Consumer {
        service: "eks",
        actions: &["CreateAccessEntry"],
        codes: &["InvalidParameterException"],
        words: &["invalid principal"],
        budget: TWO_MINUTES,
    },
    // A policy that names a role which was made a moment ago.
    Consumer {
        service: "iam",
        actions: &["CreateRole", "UpdateAssumeRolePolicy"],
        codes: &["MalformedPolicyDocument"],
        words: &["invalid principal"],
        budget: TWO_MINUTES,
    },
    Consumer {
        service: "kms",
        actions: &["CreateKey", "PutKeyPolicy"],
        codes: &["MalformedPolicyDocumentException"],
        words: &["invalid principal"],
        budget: TWO_MINUTES,
    },
    Consumer {
        service: "s3",
        actions: &["PutBucketPolicy"],
        codes: &["MalformedPolicy"],
        words: &["invalid principal"],
        budget: TWO_MINUTES,
    },
    Consumer {
        service: "ecr",
        actions: &["SetRepositoryPolicy"],
        codes: &["InvalidParameterException"],
        words: &["principal not found", "invalid principal"],
        budget: TWO_MINUTES,
    },
    Consumer {
        service: "ec2",
        actions: &["RunInstances", "AssociateIamInstanceProfile", "CreateLaunchTemplate"],
        codes: &["InvalidParameterValue"],
        words: &["iaminstanceprofile", "instance profile"],
        budget: TWO_MINUTES,
    },
];

/// How long this may be IAM's news that has not arrived yet; nothing when it is something else.
fn spreading(call: &Call, code: &str, message: &str) -> Option<Duration> {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|it| message.contains(it));
    let is_it = |it: &&Consumer| {
        let acts = it.actions.iter().any(|action| call.action.starts_with(action));
        it.service == call.service && acts && it.codes.contains(&code) && says(it.words)
    };
    CONSUMERS.iter().find(is_it).map(|it| it.budget)
}

/// Sorted within each class.
fn listed(code: &str) -> Option<Class> {
    const TABLE: &[(Class, &[&str])] = &[
        (Class::Busy, THROTTLING),
        (
            Class::Busy,
            &[
                "DependencyTimeoutException",
                "RequestThrottledException",
                "ServiceUnavailable",
                "ServiceUnavailableException",
                "ThrottlingException",
                "Unavailable",
            ],
        ),
        (
            Class::Unknown,
            &[
                "InternalError",
                "InternalErrorException",
                "InternalFailure",
                "InternalServerError",
                "InternalServerException",
                "InternalServiceErrorException",
                "InternalServiceException",
                "KMSInternalException",
                "RequestTimeout",
                "ServerException",
            ],
        ),
        (
            Class::Settling,
            &[
                "ConcurrentModification",
                "ConcurrentModificationException",
                "ConflictException",
                "ContinuousBackupsUnavailableException",
                "IncorrectState",
                "InvalidState",
                "InvalidVpcState",
                "KMSInvalidStateException",
                "OperationAborted",
            ],
        ),
        (
            Class::InUse,
            &["DeleteConflict", "DependencyViolation", "InvalidGroup.InUse", "InvalidIPAddress.InUse", "ResourceInUse"],
        ),
        (Class::Exists, &["BucketAlreadyExists", "BucketAlreadyOwnedByYou", "Resource.AlreadyAssociated"]),
        (
            Class::Denied,
            &[
                "AccessDenied",
                "AccessDeniedException",
                "AuthorizationError",
                "Client.UnauthorizedOperation",
                "Forbidden",
                "UnauthorizedOperation",
            ],
        ),
        (Class::Credentials, EXPIRED),
        (
            Class::Credentials,
            &[
                "AuthFailure",
                "IncompleteSignature",
                "InvalidAccessKeyId",
                "InvalidClientTokenId",
                "InvalidSignatureException",
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
                "SignatureDoesNotMatch",
                "UnrecognizedClientException",
            ],
        ),
        (Class::Quota, &["LimitExceededException", "ServiceQuotaExceededException", "TooManyBuckets", "TooManyHostedZones"]),
        (
            Class::Missing,
            &[
                "404",
                "Gateway.NotAttached",
                "OwnershipControlsNotFoundError",
                "ReplicationConfigurationNotFoundError",
                "ServerSideEncryptionConfigurationNotFoundError",
            ],
        ),
    ];
    TABLE.iter().find(|(_, codes)| codes.contains(&code)).map(|(class, _)| *class)
}

/// AWS names codes of one meaning alike.
fn by_shape(code: &str) -> Class {
    if code.ends_with("NotFound") || code.ends_with("NotFoundException") || code.starts_with("NoSuch") {
        Class::Missing
    } else if code.ends_with("AlreadyExists") || code.ends_with("AlreadyExistsException") || code.ends_with(".Duplicate") {
        Class::Exists
    } else if code.ends_with("LimitExceeded") {
        Class::Quota
    } else {
        Class::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(call: &str, code: &str, message: &str) -> Class {
        let (service, action) = call.split_once(':').unwrap();
        class_of(Some(&Call { service: service.into(), action: action.into() }), code, message)
    }

    #[test]
    fn codes_say_what_to_do() {
        for (call, code, message, expected) in [
            ("ec2:DeleteVpc", "InvalidVpcID.NotFound", "", Class::Missing),
            ("ec2:DeleteVpc", "DependencyViolation", "", Class::InUse),
            ("ec2:DeleteNatGateway", "NatGatewayNotFound", "", Class::Missing),
            ("kms:ScheduleKeyDeletion", "KMSInvalidStateException", "the key is pending deletion.", Class::Missing),
            ("ec2:CreateRoute", "InvalidNatGatewayID.NotFound", "", Class::Settling),
            ("ec2:CreateRoute", "RouteAlreadyExists", "", Class::Exists),
            ("ec2:CreateVpc", "VpcLimitExceeded", "", Class::Quota),
            ("ec2:CreateVpc", "RequestLimitExceeded", "", Class::Busy),
            ("ec2:CreateVpc", "UnauthorizedOperation", "", Class::Denied),
            ("ec2:CreateVpc", "AuthFailure", "", Class::Credentials),
            ("ec2:CreateVpc", "InternalError", "", Class::Unknown),
            ("ec2:DescribeVpcs", "InternalError", "", Class::Busy),
            ("ec2:ReleaseAddress", "AuthFailure", "", Class::InUse),
            ("ec2:AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate", "", Class::Exists),
            ("ecr:CreateRepository", "RepositoryAlreadyExistsException", "", Class::Exists),
            ("ecr:GetLifecyclePolicy", "LifecyclePolicyNotFoundException", "", Class::Missing),
            ("ecr:DeleteRepository", "RepositoryNotEmptyException", "", Class::Refused),
            ("dynamodb:CreateTable", "ResourceInUseException", "", Class::Exists),
            ("dynamodb:UpdateTable", "ResourceInUseException", "", Class::Settling),
            ("eks:CreateCluster", "ResourceInUseException", "", Class::Exists),
            ("eks:UpdateClusterConfig", "ResourceInUseException", "an update in progress", Class::Settling),
            ("eks:CreateCluster", "ResourceLimitExceededException", "", Class::Quota),
            ("eks:DeleteCluster", "ClientException", "No cluster found for name: a.", Class::Missing),
            ("eks:CreateCluster", "InvalidParameterException", "Error in role params", Class::Settling),
            ("eks:CreateCluster", "InvalidParameterException", "Subnet IDs are required", Class::Refused),
            ("eks:UpdateClusterConfig", "InvalidRequestException", "Already at the desired configuration", Class::Exists),
            ("eks:CreateCluster", "UnsupportedAvailabilityZoneException", "", Class::Refused),
            ("kms:CreateKey", "LimitExceededException", "", Class::Quota),
            ("kms:PutKeyPolicy", "MalformedPolicyDocumentException", "contains one or more invalid principals", Class::Settling),
            ("kms:PutKeyPolicy", "MalformedPolicyDocumentException", "syntax", Class::Refused),
            ("iam:CreateRole", "MalformedPolicyDocument", "Invalid principal in policy", Class::Settling),
            (
                "eks:CreateCluster",
                "InvalidParameterException",
                "Role could not be assumed because the trusted entity is not correct",
                Class::Settling,
            ),
            ("eks:CreateCluster", "InvalidParameterException", "unsupported version", Class::Refused),
            ("eks:CreateAccessEntry", "InvalidParameterException", "principalArn is invalid: invalid principal", Class::Settling),
            ("route53:ChangeResourceRecordSets", "InvalidChangeBatch", "it was not found", Class::Missing),
            ("route53:ChangeResourceRecordSets", "PriorRequestNotComplete", "", Class::Busy),
            ("s3:GetBucketPolicy", "NoSuchBucketPolicy", "", Class::Missing),
            ("sts:GetCallerIdentity", "ExpiredToken", "", Class::Credentials),
            ("ec2:CreateVpc", "InvalidParameterValue", "", Class::Refused),
            (
                "eks:CreatePodIdentityAssociation",
                "InvalidParameterException",
                "Role provided in the request does not exist",
                Class::Settling,
            ),
            ("eks:CreateAddon", "InvalidParameterException", "Addon version specified is not supported", Class::Refused),
            (
                "eks:CreateNodegroup",
                "InvalidParameterException",
                "Following required service principals [ec2.amazonaws.com] were not found in the trust relationships of nodeRole",
                Class::Settling,
            ),
            ("ecr:SetRepositoryPolicy", "InvalidParameterException", "Principal not found", Class::Settling),
        ] {
            assert_eq!(class(call, code, message), expected, "{call} {code} {message}");
        }
    }

    #[test]
    fn what_iam_has_not_spread_passes_soon_or_never() {
        let call = |action: &str| Call { service: "eks".into(), action: action.into() };
        let within = |action: &str, message: &str| spreading(&call(action), "InvalidParameterException", message);
        assert_eq!(within("CreateCluster", "Error in role params"), Some(THREE_MINUTES));
        assert_eq!(within("CreateAccessEntry", "principalArn is invalid: invalid principal"), Some(TWO_MINUTES));
        assert_eq!(within("CreateCluster", "unsupported Kubernetes version"), None);
        assert_eq!(within("DeleteCluster", "Error in role params"), None);
    }

    #[test]
    fn the_words_of_the_table_are_in_lower_case() {
        let words = CONSUMERS.iter().flat_map(|it| it.words);
        assert!(words.into_iter().all(|it| !it.is_empty() && *it == it.to_ascii_lowercase()));
    }

    #[test]
    fn what_people_can_mend_says_how() {
        assert!(told(Class::Credentials, "ec2:CreateVpc", "ExpiredToken", "x").contains("aws sso login"));
        assert!(told(Class::Denied, "ec2:CreateVpc", "UnauthorizedOperation", "x").contains("ec2:CreateVpc"));
        assert_eq!(told(Class::Refused, "ec2:CreateVpc", "Odd", ""), "Odd");
    }
}
