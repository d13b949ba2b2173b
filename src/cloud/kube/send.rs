//! [`Sender`]: one request to an API server and its answer, signed, bounded and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::Stream;
use http::{Method, Request};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::WatchEvent;
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::fault::{Asked, of_answer, of_silence};
use super::{Access, ClusterRef, Token};
use crate::cloud::aws::transport::Unanswered;
use crate::cloud::aws::{Aws, Signer, Wire};
use crate::cloud::patience::Patience;
use crate::remote::{Class, Fault};

/// An endpoint that takes longer to be connected to is not reachable.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server that has answered before may be away: one that starts again is back within seconds.
const AWAY: Duration = Duration::from_secs(30);

/// What is asked of an API server.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// `Apply`: what the call is counted and told as.
    pub verb: &'static str,
    pub method: Method,
    /// With its query.
    pub path: String,
    pub accept: &'static str,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// Changes nothing (a dry run neither), so it may be tried again and needs no lock.
    pub is_read: bool,
}

impl Ask {
    pub fn read(verb: &'static str, path: String) -> Self {
        let (method, accept) = (Method::GET, "application/json");
        Self { verb, method, path, accept, content_type: accept, body: Vec::new(), is_read: true }
    }
}

/// Sends what is asked, with a token that is signed anew before it ends.
pub(super) struct Sender {
    pub cluster: ClusterRef,
    endpoint: String,
    client: Client,
    signer: Option<Signer>,
    /// Who knows whether a cluster that does not answer exists.
    eks: Option<aws_sdk_eks::Client>,
    /// Who calls, for what is said when the cluster does not know them: an ARN.
    caller: Option<String>,
    token: Mutex<Option<Token>>,
    access: Arc<Access>,
    wire: Wire,
    /// Whether the server has ever answered.
    has_answered: AtomicBool,
}

impl Sender {
    pub async fn new(cluster: ClusterRef, aws: &Aws, access: Arc<Access>) -> Result<Self, Fault> {
        let (mut config, signer, eks, caller) = match &cluster {
            ClusterRef::Eks { endpoint, certificate_authority, .. } => {
                let caller = aws.identity().await.ok().map(|it| it.arn.clone());
                (of_eks(endpoint, certificate_authority)?, Some(aws.signer()?), Some(aws.eks().clone()), caller)
            }
            ClusterRef::Context { kubeconfig, context } => {
                (self::kubeconfig(kubeconfig, context.clone()).await?, None, None, None)
            }
        };
        config.connect_timeout = Some(CONNECT);
        config.default_retry = false;
        let endpoint = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|error| unusable(&cluster, &error))?;
        let (token, wire) = (Mutex::default(), aws.wire().clone());
        let has_answered = AtomicBool::new(false);
        Ok(Self { cluster, endpoint, client, signer, eks, caller, token, access, wire, has_answered })
    }

    pub fn asked<'a>(&'a self, call: &'a str, is_read: bool) -> Asked<'a> {
        Asked { cluster: &self.cluster, endpoint: &self.endpoint, caller: self.caller.as_deref(), call, is_read }
    }

    /// The answer's body, which is JSON. Reads are tried again while that may help.
    pub async fn send(&self, ask: &Ask) -> Result<Value, Refusal> {
        let (mut busy, mut away) = (Patience::default(), Patience::of(AWAY));
        loop {
            let answer = match self.attempt(ask).await {
                Err(it) if it.fault.class == Class::Unreachable && self.is_gone().await => Err(self.gone(ask).into()),
                answer => answer,
            };
            let again = match answer.as_ref().map_err(|it| it.fault.class) {
                Err(Class::Busy) if ask.is_read => busy.wait().await,
                Err(Class::Unreachable) if ask.is_read && self.has_answered.load(Ordering::Relaxed) => away.wait().await,
                _ => false,
            };
            if !again {
                return answer;
            }
        }
    }

    /// Whether a cluster that cannot be reached does not exist any more.
    async fn is_gone(&self) -> bool {
        let (Some(eks), ClusterRef::Eks { name, .. }) = (&self.eks, &self.cluster) else { return false };
        let asked = eks.describe_cluster().name(name).send().await;
        asked.is_err_and(|error| Fault::from(error).class == Class::Missing)
    }

    fn gone(&self, ask: &Ask) -> Fault {
        let message = format!("{} does not exist any more, and so nothing that was in it", self.cluster.said());
        Fault::new(Class::Missing, format!("kubernetes:{}", ask.verb), message)
    }

    /// What the server tells from now on; nothing where it lets nobody watch.
    pub async fn events(&self, path: String) -> Option<impl Stream<Item = kube::Result<WatchEvent<Value>>> + Send + 'static> {
        let ask = Ask::read("Watch", path);
        let request = self.request(&ask).await.ok()?;
        let opened = self.wire.attempt("kubernetes:Watch", true, self.client.request_events::<Value>(request)).await;
        opened.ok()?.ok()
    }

    async fn request(&self, ask: &Ask) -> Result<Request<Vec<u8>>, Fault> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header("accept", ask.accept)
            .header("content-type", ask.content_type);
        if let Some(token) = self.token().await? {
            request = request.header("authorization", format!("Bearer {}", token.text));
        }
        let unfit = |error| {
            let call = format!("kubernetes:{}", ask.verb);
            Fault::new(Class::Refused, call, format!("no request can be made of it: {error}"))
        };
        request.body(ask.body.clone()).map_err(unfit)
    }

    async fn attempt(&self, ask: &Ask) -> Result<Value, Refusal> {
        let call = format!("kubernetes:{}", ask.verb);
        let asked = self.asked(&call, ask.is_read);
        let request = self.request(ask).await?.map(Body::from);
        let exchange = async {
            let (head, body) = self.client.send(request).await?.into_parts();
            Ok::<_, kube::Error>((head, body.collect_bytes().await?))
        };
        let (head, body) = match self.wire.attempt(&call, ask.is_read, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(of_silence(asked, &error).into()),
            Err(Unanswered::TimedOut(error)) => return Err(of_silence(asked, &error).into()),
            Err(Unanswered::Fenced(why)) => return Err(Fault::new(Class::Fenced, &call, why.to_string()).into()),
        };
        self.has_answered.store(true, Ordering::Relaxed);
        let answer: Option<Value> = serde_json::from_slice(&body).ok();
        if head.status.is_success() {
            return answer.ok_or_else(|| Fault::bug(&call, "the answer is no JSON").into());
        }
        let answer = answer.unwrap_or_else(|| json!({"message": String::from_utf8_lossy(&body).trim()}));
        let audit = head.headers.get("audit-id").and_then(|it| it.to_str().ok()).map(str::to_owned);
        let mut fault = of_answer(asked, head.status.as_u16(), &answer, audit);
        if fault.class == Class::Credentials && self.access.spreads(&self.cluster) {
            fault.class = Class::Settling;
        }
        Err(Refusal { fault, answer })
    }

    async fn token(&self) -> Result<Option<Token>, Fault> {
        let (Some(signer), ClusterRef::Eks { name, region, .. }) = (&self.signer, &self.cluster) else { return Ok(None) };
        let mut token = self.token.lock().await;
        match &*token {
            Some(it) if !it.is_old(SystemTime::now()) => Ok(Some(it.clone())),
            _ => {
                *token = Some(signer.eks_token(name, region).await?);
                Ok(token.clone())
            }
        }
    }
}

/// A fault, and the `Status` that it was made of: null where none came.
#[derive(Debug)]
pub(super) struct Refusal {
    pub fault: Fault,
    pub answer: Value,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self { fault, answer: Value::Null }
    }
}

impl From<Refusal> for Fault {
    fn from(it: Refusal) -> Self {
        it.fault
    }
}

fn of_eks(endpoint: &str, authority: &str) -> Result<Config, Fault> {
    let bug = |why: String| Fault::bug("kubernetes", format!("the cluster's outputs cannot be used: {why}"));
    let authority = STANDARD.decode(authority).map_err(|it| bug(format!("the certificate authority is no base64: {it}")))?;
    let mut config = Config::new(endpoint.parse().map_err(|it| bug(format!("the endpoint {endpoint} is no URL: {it}")))?);
    config.root_cert = Some(certificates(&authority).ok_or_else(|| bug("the certificate authority is no PEM".to_owned()))?);
    Ok(config)
}

/// The certificates of a PEM file, as DER.
fn certificates(pem: &[u8]) -> Option<Vec<Vec<u8>>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = std::str::from_utf8(pem).ok()?;
    let parts = text.split(BEGIN).skip(1).map(|it| {
        let body: String = it.split(END).next()?.split_whitespace().collect();
        STANDARD.decode(body).ok()
    });
    parts.collect::<Option<Vec<_>>>().filter(|it| !it.is_empty())
}

/// What a context of a kubeconfig says; the current one where none is named. `~/` is the caller's home.
pub async fn kubeconfig(path: &str, context: Option<String>) -> Result<Config, Fault> {
    let refused = |error: &dyn std::fmt::Display| {
        Fault::new(Class::Refused, "kubernetes", format!("the kubeconfig {path} cannot be used: {error}"))
    };
    let home = path.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    let read = Kubeconfig::read_from(home.unwrap_or_else(|| path.into())).map_err(|it| refused(&it))?;
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(read, &options).await.map_err(|it| refused(&it))
}

fn unusable(cluster: &ClusterRef, error: &kube::Error) -> Fault {
    Fault::new(Class::Credentials, "kubernetes", format!("no connection can be made to {}: {error}", cluster.said()))
}
