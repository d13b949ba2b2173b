//! AWS: clients made lazily over one [`Wire`] that counts, limits, gates and times every call.

pub mod call;
pub mod limits;
mod memo;
pub(crate) mod transport;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_types::service_config::ServiceConfigKey;
use tokio::sync::OnceCell;

use self::call::NameTheCall;
use self::memo::Memo;
use self::transport::Transport;
pub use self::transport::{Fence, Wire};
use crate::cloud::kube::Kube;
use crate::remote::{Class, Fault};

/// What an `aws` block of a stack says; the stack's own `region` is the default configuration's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub region: String,
    pub profile: Option<String>,
    pub assume_role: Option<AssumeRole>,
    /// Used in place of what profiles and environment say.
    pub stand_in: Option<StandIn>,
}

/// An endpoint that stands in for all of AWS, and the key that it knows: a test's local cloud.
#[derive(Clone, PartialEq, Eq)]
pub struct StandIn {
    pub endpoint: String,
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl std::fmt::Debug for StandIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StandIn({})", self.endpoint)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumeRole {
    pub role_arn: String,
    pub external_id: Option<String>,
    pub session_name: Option<String>,
}

/// Who the credentials belong to, as STS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub account: String,
    pub arn: String,
    pub user_id: String,
}

impl Identity {
    /// `aws`, `aws-cn`, `aws-us-gov`: the second part of every ARN.
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}

/// One configuration: account, region and credentials, with the service clients that belong to it.
pub struct Aws {
    sdk: SdkConfig,
    region: String,
    endpoint: Option<String>,
    account: Arc<OnceLock<String>>,
    identity: OnceCell<Identity>,
    memo: Arc<Memo>,
    kept: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    clients: Clients,
    wire: Wire,
    kube: Kube,
}

/// Credentials as they are refreshed, and where STS answers when it is not AWS's own.
#[derive(Clone)]
pub struct Signer {
    provider: SharedCredentialsProvider,
    pub sts: Option<String>,
}

impl Signer {
    pub async fn credentials(&self) -> Result<Credentials, Fault> {
        use aws_credential_types::provider::ProvideCredentials;
        let found = self.provider.provide_credentials().await;
        found.map_err(|error| super::fault::from_credentials("credentials", &error))
    }
}

impl Aws {
    /// Reads profiles and environment as every AWS tool does. Nothing is sent yet.
    pub async fn connect(settings: &Settings, wire: &Wire) -> Self {
        let (account, memo) = (Arc::new(OnceLock::new()), Arc::new(Memo::default()));
        let transport = Transport::new(wire.clone(), settings.region.clone(), account.clone(), memo.clone());
        let (region, http) = (Region::new(settings.region.clone()), SharedHttpClient::new(transport));
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(region.clone())
            .http_client(http.clone())
            .retry_config(RetryConfig::disabled());
        if let Some(profile) = &settings.profile {
            // By itself the SDK would let keys in the environment win over a profile that the stack names.
            let around = ProviderConfig::without_region().with_region(Some(region)).with_http_client(http);
            let provider = ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&around).build();
            loader = loader.profile_name(profile).credentials_provider(provider);
        }
        if let Some(it) = &settings.stand_in {
            let key = Credentials::new(&it.access_key_id, &it.secret_access_key, None, None, "stand-in");
            loader = loader.endpoint_url(&it.endpoint).credentials_provider(key);
        }
        let mut sdk = loader.load().await;
        if let (Some(role), Some(base)) = (&settings.assume_role, sdk.credentials_provider()) {
            let mut provider = AssumeRoleProvider::builder(&role.role_arn)
                .session_name(role.session_name.as_deref().unwrap_or("infra"))
                .configure(&sdk);
            if let Some(id) = &role.external_id {
                provider = provider.external_id(id);
            }
            let provider = provider.build_from_provider(base).await;
            sdk = sdk.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build();
        }
        let endpoint = endpoint_override(&sdk);
        let region = settings.region.clone();
        let (identity, kept, clients) = (OnceCell::new(), Mutex::default(), Clients::default());
        let (wire, kube) = (wire.clone(), Kube::default());
        Self { sdk, region, endpoint, account, identity, memo, kept, clients, wire, kube }
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    /// `AWS_ENDPOINT_URL` or a profile's `endpoint_url`, or the first such setting for one of the services used here.
    pub fn endpoint_override(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Asks STS once.
    pub async fn identity(&self) -> Result<&Identity, Fault> {
        self.identity
            .get_or_try_init(|| async {
                let it = self.sts().get_caller_identity().send().await?;
                let (Some(account), Some(arn)) = (it.account, it.arn) else {
                    return Err(Fault::bug("sts:GetCallerIdentity", "the answer names no account"));
                };
                let _ = self.account.set(account.clone());
                Ok(Identity { account, arn, user_id: it.user_id.unwrap_or_default() })
            })
            .await
    }

    pub async fn account(&self) -> Result<&str, Fault> {
        Ok(&self.identity().await?.account)
    }

    pub async fn partition(&self) -> Result<&str, Fault> {
        Ok(self.identity().await?.partition())
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`
    pub async fn arn(&self, service: &str, resource: &str) -> Result<String, Fault> {
        let identity = self.identity().await?;
        Ok(format!("arn:{}:{service}:{}:{}:{resource}", identity.partition(), self.region, identity.account))
    }

    /// How long the credentials at hand are valid, when that is limited and they cannot be refreshed.
    pub async fn credentials_end(&self) -> Result<Option<std::time::SystemTime>, Fault> {
        Ok(self.signer()?.credentials().await?.expiry())
    }

    /// What signs requests that others send.
    pub fn signer(&self) -> Result<Signer, Fault> {
        let provider = self.sdk.credentials_provider();
        let provider = provider.ok_or_else(|| Fault::new(Class::Credentials, "credentials", super::fault::NO_CREDENTIALS))?;
        Ok(Signer { provider, sts: service_endpoint(&self.sdk, "STS") })
    }

    /// The connections to Kubernetes that are made with these credentials.
    pub fn kube(&self) -> &Kube {
        &self.kube
    }

    pub(in crate::cloud) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// What the types of one service share for the life of this configuration: one value of each type.
    pub fn kept<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let it = all.entry(TypeId::of::<T>()).or_insert_with(|| Arc::<T>::default()).clone();
        it.downcast().unwrap_or_default()
    }

    /// Answers `key` from what was read before in this run when `shared`, else asks. Concurrent callers wait for one answer.
    /// What was remembered is forgotten with the next mutation.
    pub async fn shared<T, F>(&self, shared: bool, key: String, ask: impl FnOnce() -> F) -> Result<Arc<T>, Fault>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, Fault>> + Send,
    {
        match shared {
            true => self.memo.get(key, ask).await,
            false => Ok(Arc::new(ask().await?)),
        }
    }

    /// Answers that are shared are those that are given from here on.
    pub fn forget_answers(&self) {
        self.memo.forget();
    }
}

macro_rules! clients {
    ($($name:ident: $sdk:ident $(with $config:ident, $aws:ident => $more:expr)?;)*) => {
        #[derive(Default)]
        struct Clients {
            $($name: OnceLock<$sdk::Client>,)*
        }

        impl Aws {
            $(pub fn $name(&self) -> &$sdk::Client {
                self.clients.$name.get_or_init(|| {
                    let config = $sdk::config::Builder::from(&self.sdk).interceptor(NameTheCall);
                    $(let config = { let ($config, $aws) = (config, self); $more };)?
                    $sdk::Client::from_conf(config.build())
                })
            })*
        }
    };
}

clients! {
    dynamodb: aws_sdk_dynamodb;
    ec2: aws_sdk_ec2;
    ecr: aws_sdk_ecr;
    eks: aws_sdk_eks;
    iam: aws_sdk_iam;
    kms: aws_sdk_kms;
    logs: aws_sdk_cloudwatchlogs;
    route53: aws_sdk_route53;
    // A stand-in for S3 answers at one host name, whatever the bucket.
    s3: aws_sdk_s3 with config, aws => config.force_path_style(aws.endpoint.is_some());
    ssm: aws_sdk_ssm;
    sts: aws_sdk_sts;
    tagging: aws_sdk_resourcegroupstagging;
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws").field("region", &self.region).field("account", &self.account.get()).finish_non_exhaustive()
    }
}

/// Service ids as the SDK's endpoint settings know them (`AWS_ENDPOINT_URL_ROUTE_53`).
const SERVICES: &[&str] = &[
    "CloudWatch Logs",
    "DynamoDB",
    "EC2",
    "ECR",
    "EKS",
    "IAM",
    "KMS",
    "Resource Groups Tagging API",
    "Route 53",
    "S3",
    "SSM",
    "STS",
];

fn endpoint_override(sdk: &SdkConfig) -> Option<String> {
    SERVICES.iter().find_map(|service| service_endpoint(sdk, service))
}

/// Where the service answers when it is not at AWS.
fn service_endpoint(sdk: &SdkConfig, service: &str) -> Option<String> {
    if let Some(url) = sdk.endpoint_url() {
        return Some(url.to_owned());
    }
    let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    sdk.service_config()?.load_config(key.ok()?)
}

/// How long one attempt of a read may take.
pub const READ_ATTEMPT: Duration = Duration::from_secs(30);
/// How long one attempt of a mutation may take at most; a third of the lease when that is shorter.
pub const MUTATION_ATTEMPT: Duration = Duration::from_secs(20);

/// The time-out of a mutation's attempt under a lease of this length.
pub fn mutation_attempt(lease: Duration) -> Duration {
    MUTATION_ATTEMPT.min(lease / 3)
}
