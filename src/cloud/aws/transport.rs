//! The one choke point: every request to AWS passes here.
//!
//! It waits for its token bucket, asks the gate before a mutation, bounds the attempt's time and the calls in flight, counts,
//! and tries *reads* again. A mutation is sent at most once.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::sync::Semaphore;

use super::call::Call;
use super::limits::Limits;
use super::memo::Memo;
use super::{MUTATION_ATTEMPT, READ_ATTEMPT};
use crate::cloud::Gate;
use crate::cloud::fault;
use crate::cloud::patience::Patience;
use crate::remote::Class;

/// Calls on their way at once, over all services: enough for AWS's rates, few enough for a laptop's sockets. As many reads besides,
/// because a change that is under way may wait for one.
const IN_FLIGHT: usize = 64;
/// What all configurations of a run share: connections, rates, the gate, the counts.
#[derive(Clone)]
pub struct Wire(Arc<Inner>);

struct Inner {
    http: SharedHttpClient,
    limits: Limits,
    reads: Semaphore,
    changes: Semaphore,
    fence: Fence,
    calls: Mutex<BTreeMap<String, u64>>,
}

impl Wire {
    pub fn new(limits: Limits, fence: Fence) -> Self {
        let http = aws_smithy_http_client::Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
        Self::over(http, limits, fence)
    }

    /// Over another HTTP client: a test's, that answers by itself.
    pub fn over(http: SharedHttpClient, limits: Limits, fence: Fence) -> Self {
        let (reads, changes) = (Semaphore::new(IN_FLIGHT), Semaphore::new(IN_FLIGHT));
        Self(Arc::new(Inner { http, limits, reads, changes, fence, calls: Mutex::default() }))
    }

    /// How often each action was sent, by `service:Action`.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends one request of any API: a mutation only while the fence lets it pass, none for longer than an attempt may take, and
    /// never too many at once.
    pub(in crate::cloud) async fn attempt<T>(
        &self,
        call: &str,
        is_read: bool,
        sent: impl Future<Output = T>,
    ) -> Result<T, Unanswered> {
        let room = if is_read { &self.0.reads } else { &self.0.changes };
        let _permit = room.acquire().await;
        let time = match is_read {
            true => READ_ATTEMPT,
            false => self.0.fence.pass().ok_or(Unanswered::Fenced(Fenced))?,
        };
        *self.0.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(call.to_owned()).or_default() += 1;
        tracing::debug!(call, "sent");
        tokio::time::timeout(time, sent).await.map_err(|_| Unanswered::TimedOut(TimedOut(time)))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// Stands before every mutation.
#[derive(Clone)]
pub struct Fence(Arc<RwLock<Stand>>);

#[derive(Clone)]
enum Stand {
    /// No lock is involved.
    Open,
    /// No lock is held yet: nothing may be changed.
    Shut,
    Guarded {
        gate: Arc<dyn Gate>,
        attempt: Duration,
    },
}

impl Fence {
    /// For calls that the lock does not protect: those of the state store itself.
    pub fn open() -> Self {
        Self(Arc::new(RwLock::new(Stand::Open)))
    }

    /// Refuses every mutation until [`guard`](Self::guard).
    pub fn shut() -> Self {
        Self(Arc::new(RwLock::new(Stand::Shut)))
    }

    /// From now on `gate` decides; each attempt is given `attempt` at most.
    pub fn guard(&self, gate: Arc<dyn Gate>, attempt: Duration) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Stand::Guarded { gate, attempt };
    }

    /// The time that a mutation sent now may take, unless it must not be sent.
    fn pass(&self) -> Option<Duration> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            Stand::Open => Some(MUTATION_ATTEMPT),
            Stand::Shut => None,
            Stand::Guarded { gate, attempt } => gate.allows(*attempt).then_some(*attempt),
        }
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fence")
    }
}

/// The lease does not cover the call any more: nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("not sent: the lock's lease does not cover this call any more")]
pub struct Fenced;

/// The time for one attempt is over: what was sent may or may not have been done.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs())]
pub struct TimedOut(Duration);

/// Why there is no answer, good or bad.
#[derive(Debug)]
pub(in crate::cloud) enum Unanswered {
    Fenced(Fenced),
    TimedOut(TimedOut),
}

/// The transport as one configuration sees it.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    wire: Wire,
    region: String,
    account: Arc<OnceLock<String>>,
    memo: Arc<Memo>,
}

impl Transport {
    pub fn new(wire: Wire, region: String, account: Arc<OnceLock<String>>, memo: Arc<Memo>) -> Self {
        Self { wire, region, account, memo }
    }

    async fn carry(
        &self,
        inner: &SharedHttpConnector,
        call: &Call,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        if call.is_read() {
            return self.carry_read(inner, call, request).await;
        }
        let answer = self.attempt(inner, call, request).await;
        // Whatever came of it: what was read before may not be so any more.
        self.memo.forget();
        answer
    }

    async fn carry_read(
        &self,
        inner: &SharedHttpConnector,
        call: &Call,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let mut patience = Patience::default();
        loop {
            let again = request.try_clone();
            let answer = self.attempt(inner, call, request).await;
            let worth_it = match &answer {
                Ok(response) => may_pass_later(response),
                Err(error) => !error.is_user() && !is_hopeless(error),
            };
            match again {
                Some(copy) if worth_it && patience.wait().await => request = copy,
                _ => return answer,
            }
        }
    }

    async fn attempt(
        &self,
        inner: &SharedHttpConnector,
        call: &Call,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let account = self.account.get().map_or("", String::as_str);
        let shared = &self.wire.0;
        shared.limits.wait(account, &self.region, call).await;
        let sent = async { settle(inner.call(request).await?).await };
        let answer = match self.wire.attempt(&call.to_string(), call.is_read(), sent).await {
            Ok(answer) => answer,
            Err(Unanswered::Fenced(why)) => return Err(ConnectorError::user(why.into())),
            Err(Unanswered::TimedOut(why)) => Err(ConnectorError::timeout(why.into())),
        };
        match &answer {
            Ok(response) if is_throttled(response) => shared.limits.slow_down(account, &self.region, call),
            Ok(_) => shared.limits.speed_up(account, &self.region, call),
            Err(_) => {}
        }
        answer
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.wire.0.http.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, transport: self.clone() })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    transport: Transport,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Without a name it is the SDK's own: credentials, metadata.
        let Some(call) = request.extension::<Call>().cloned() else { return self.inner.call(request) };
        let (inner, transport) = (self.inner.clone(), self.transport.clone());
        HttpConnectorFuture::new(async move { transport.carry(&inner, &call, request).await })
    }
}

/// Reads the body of a failure, so that it can be looked at here and read again by the SDK.
async fn settle(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    if response.status().as_u16() >= 400 {
        let body = ByteStream::new(response.take_body()).collect().await;
        let body = body.map_err(|error| ConnectorError::io(error.into()))?;
        *response.body_mut() = SdkBody::from(body.into_bytes());
    }
    Ok(response)
}

fn is_throttled(response: &HttpResponse) -> bool {
    let status = response.status().as_u16();
    status == 429 || (status >= 400 && mentions(response, fault::THROTTLING))
}

fn may_pass_later(response: &HttpResponse) -> bool {
    response.status().as_u16() >= 500 || is_throttled(response)
}

/// Whether the failure names one of `codes`, in its header or its body, whatever the protocol.
fn mentions(response: &HttpResponse, codes: &[&str]) -> bool {
    let header = response.headers().get("x-amzn-errortype").unwrap_or_default();
    let body = response.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    codes.iter().any(|it| header.contains(it) || body.contains(it))
}

/// Nothing listens there, or there is no such name: trying again is for another run.
fn is_hopeless(error: &ConnectorError) -> bool {
    fault::of_connection(error) == Some(Class::Unreachable)
}

/// The first error of type `E` in the chain of causes.
pub(crate) fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&it| it.source()).find_map(|it| it.downcast_ref())
}

#[cfg(test)]
mod tests;
