//! What all calls share, and the way to the emulators.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, EXPECT, HOST, HeaderMap, HeaderValue, SERVER,
    TRANSFER_ENCODING,
};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::access::Keys;
use super::message::{Answer, Body, Call, Payload, Reply};
use super::protocol::Refusal;
use crate::backend::{Backend, Backends};
use crate::control::Control;
use crate::form::Form;
use crate::service::held::HeldStates;
use crate::service::{Service, dynamodb, ec2, eks, iam, logs, route53};
use crate::xml::Node;
use crate::{StartError, lock};

/// How many calls of one service and account an emulator is given at once. It carries them out one after another, whatever the
/// service; so those of one service must not all stand before those of another, as they do not on AWS.
const AT_ONCE: usize = 4;

/// The gateway's memory and its connections.
pub struct Local {
    pub backends: Backends,
    pub control: Control,
    pub keys: Keys,
    pub held: HeldStates,
    pub ec2: ec2::Memory,
    pub dynamodb: dynamodb::Memory,
    pub eks: eks::Memory,
    pub iam: iam::Memory,
    pub logs: logs::Memory,
    pub route53: route53::Memory,
    client: Client<HttpConnector, Body>,
    lines: Mutex<HashMap<(&'static str, String), Arc<Semaphore>>>,
}

/// A request that a rule makes by itself.
pub struct Question<'a> {
    pub method: Method,
    pub path: &'a str,
    pub content_type: &'static str,
    pub target: Option<&'a str>,
    pub body: String,
}

impl Default for Question<'_> {
    fn default() -> Self {
        Self { method: Method::POST, path: "/", content_type: "text/xml", target: None, body: String::new() }
    }
}

/// Headers that belong to one hop.
const HOP: [hyper::header::HeaderName; 5] = [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT];

/// What clients say of themselves and of their tries. No emulator heeds it, and reading it takes moto 0.15 ms of each call.
const SAID_OF_CLIENT: [&str; 5] = ["accept", "user-agent", "x-amz-user-agent", "amz-sdk-invocation-id", "amz-sdk-request"];

impl Local {
    pub fn new(backends: Backends, control: Control, gateway_port: u16) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            backends,
            control,
            keys: Keys::default(),
            held: HeldStates::default(),
            ec2: ec2::Memory::default(),
            dynamodb: dynamodb::Memory::default(),
            eks: eks::Memory::new(gateway_port),
            iam: iam::Memory::default(),
            logs: logs::Memory::default(),
            route53: route53::Memory::default(),
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(Duration::from_secs(60))
                .build(connector),
            lines: Mutex::default(),
        }
    }

    /// Passes the call on as it stands and returns the emulator's answer.
    pub async fn forward(&self, call: Call) -> Answer {
        let keep_stream = call.service.name == "s3";
        let head = call.parts.method == Method::HEAD;
        let mut request = Request::new(call.body.into_body());
        *request.method_mut() = call.parts.method;
        *request.uri_mut() = call.parts.uri;
        *request.headers_mut() = call.parts.headers;
        for name in SAID_OF_CLIENT {
            request.headers_mut().remove(name);
        }
        let reply = self.exchange(call.service, &call.account, request).await?;
        self.tidy(reply, keep_stream, head).await
    }

    /// Asks the call's own service something on behalf of a rule, in the Query protocol.
    pub async fn ask(&self, call: &Call, form: &Form) -> Result<Node, Refusal> {
        let question = Question { content_type: "application/x-www-form-urlencoded", body: form.encode(), ..Question::default() };
        let reply = self.question(call, call.service, question).await?;
        let document =
            reply.document().ok_or_else(|| Refusal::internal(format!("no XML from the backend of {}", call.service.name)))?;
        match document.find(&["Errors", "Error"]) {
            Some(error) => {
                let (code, message) = (error.get("Code"), error.get("Message"));
                Err(ec2::reword(code, message, form).unwrap_or_else(|| Refusal::new(code, message)))
            }
            None => Ok(document),
        }
    }

    /// The same in JSON, of any service. `target` is the whole `X-Amz-Target`.
    pub async fn ask_json(&self, call: &Call, service: &Service, target: &str, body: &Value) -> Result<Value, Refusal> {
        let question = Question {
            content_type: "application/x-amz-json-1.1",
            target: Some(target),
            body: body.to_string(),
            ..Question::default()
        };
        let reply = self.question(call, service, question).await?;
        let answer = reply.json_body();
        if reply.status.is_success() {
            return Ok(answer);
        }
        let code = answer["__type"].as_str().unwrap_or("InternalFailure");
        let message = answer["message"].as_str().unwrap_or_default();
        Err(Refusal::with_status(reply.status.as_u16(), code, message))
    }

    /// Any other request to a service, in the name of the caller.
    pub async fn question(&self, call: &Call, service: &Service, question: Question<'_>) -> Answer {
        let mut request = Request::new(Payload::Whole(Bytes::from(question.body)).into_body());
        *request.method_mut() = question.method;
        *request.uri_mut() = question.path.parse().map_err(unsendable)?;
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{}/{}/aws4_request, SignedHeaders=host, Signature=0",
            call.account, call.region, service.name
        );
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, credential.parse().map_err(unsendable)?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(question.content_type));
        if let Some(target) = question.target {
            headers.insert("x-amz-target", target.parse().map_err(unsendable)?);
        }
        let response = self.exchange(service, &call.account, request).await?;
        self.tidy(response, false, false).await
    }

    async fn exchange(
        &self,
        service: &Service,
        account: &str,
        mut request: Request<Body>,
    ) -> Result<hyper::Response<hyper::body::Incoming>, Refusal> {
        let port = self.port(service.backend, account).await.map_err(unreachable)?;
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let uri = Uri::builder().scheme("http").authority(format!("127.0.0.1:{port}")).path_and_query(path);
        *request.uri_mut() = uri.build().map_err(unsendable)?;
        strip(request.headers_mut());
        let _turn = self.turn(service, account).await;
        self.client.request(request).await.map_err(unreachable)
    }

    /// Waits for a call's turn, which lasts until its answer begins.
    async fn turn(&self, service: &Service, account: &str) -> Option<OwnedSemaphorePermit> {
        let line = lock(&self.lines)
            .entry((service.name, account.to_owned()))
            .or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)))
            .clone();
        // No line is ever closed.
        line.acquire_owned().await.ok()
    }

    async fn port(&self, backend: Backend, account: &str) -> Result<u16, StartError> {
        match backend {
            Backend::Moto => self.backends.moto(account).await,
            Backend::Ministack | Backend::Gateway => self.backends.ministack().await,
        }
    }

    async fn tidy(&self, response: hyper::Response<hyper::body::Incoming>, keep_stream: bool, head: bool) -> Answer {
        let (parts, body) = response.into_parts();
        let mut headers = parts.headers;
        let length = headers.get(CONTENT_LENGTH).cloned();
        strip(&mut headers);
        headers.remove(DATE);
        headers.remove(SERVER);
        if let Some(length) = length.filter(|_| head) {
            headers.insert(CONTENT_LENGTH, length);
        }
        let body = if keep_stream && parts.status.is_success() {
            Payload::Stream(body)
        } else {
            Payload::Whole(body.collect().await.map_err(unreachable)?.to_bytes())
        };
        Ok(Reply { status: parts.status, headers, body })
    }
}

fn strip(headers: &mut HeaderMap) {
    for name in HOP {
        headers.remove(name);
    }
}

fn unreachable(failure: impl std::fmt::Display) -> Refusal {
    Refusal::internal(format!("the emulator cannot be reached: {failure}"))
}

fn unsendable(failure: impl std::fmt::Display) -> Refusal {
    Refusal::internal(format!("the call cannot be passed on: {failure}"))
}
