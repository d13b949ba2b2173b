//! Raw signed calls: a client that shares nothing with infra's, for tests of the wire, for changes behind infra's back,
//! and as the measure of what the calls themselves take.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::HeaderMap;
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use crate::form::STRICT;
use crate::sigv4::Signer;
use crate::{Cloud, REGION, SECRET};

/// The gateway checks signatures, not clocks.
const SIGNED_AT: &str = "20260131T120000Z";

/// Somebody who calls the cloud. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Caller {
    endpoint: String,
    http: Client<HttpConnector, Full<Bytes>>,
    pub access_key: String,
    pub secret: String,
    pub session_token: Option<String>,
    pub region: &'static str,
}

/// What came back, a success or not.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// Why a call has no answer, or not the one that was needed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper_util::client::legacy::Error),
    #[error("the answer broke off: {0}")]
    Cut(#[from] hyper::Error),
    #[error("not a request: {0}")]
    Malformed(#[from] hyper::http::Error),
    #[error("the headers cannot be signed")]
    Unsignable,
    #[error("{service}:{action} was refused with {status} {code}: {message}")]
    Refused { service: String, action: String, status: u16, code: String, message: String },
}

impl Answer {
    /// The text of the first element of that name; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.texts(name).into_iter().next().unwrap_or_default()
    }

    /// The texts of all elements of that name.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let pieces = self.body.split(&open).skip(1);
        pieces.filter_map(|piece| piece.split(&close).next()).collect()
    }

    /// Null where the body is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The error code, whatever the protocol; empty for a success.
    pub fn code(&self) -> String {
        if self.status.is_success() {
            return String::new();
        }
        if let Some(code) = self.headers.get("x-amzn-errortype").and_then(|code| code.to_str().ok()) {
            return code.to_owned();
        }
        match self.json()["__type"].as_str() {
            Some(code) => code.rsplit('#').next().unwrap_or(code).to_owned(),
            None => self.text("Code").to_owned(),
        }
    }

    fn message(&self) -> String {
        match self.json()["message"].as_str() {
            Some(message) => message.to_owned(),
            None => quick_xml::escape::unescape(self.text("Message")).unwrap_or_default().into_owned(),
        }
    }

    /// The answer, if it is a success.
    pub fn success(self, service: &str, action: &str) -> Result<Self, CallError> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(CallError::Refused {
            service: service.to_owned(),
            action: action.to_owned(),
            status: self.status.as_u16(),
            code: self.code(),
            message: self.message(),
        })
    }
}

impl Caller {
    /// The one whom `cloud` takes for the root of `account`.
    pub fn new(cloud: &Cloud, account: &str) -> Self {
        Self::at(cloud.endpoint(), account)
    }

    /// The same, for a cloud of another process.
    pub fn at(endpoint: &str, account: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            endpoint: endpoint.to_owned(),
            http: Client::builder(TokioExecutor::new()).build(connector),
            access_key: account.to_owned(),
            secret: SECRET.to_owned(),
            session_token: None,
            region: REGION,
        }
    }

    /// A call of the Query protocol.
    pub async fn query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> Result<Answer, CallError> {
        let mut body = format!("Action={action}");
        for (name, value) in parameters {
            body.push_str(&format!("&{name}={}", utf8_percent_encode(value, STRICT)));
        }
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send(service, "POST", "/", &[kind], &body).await
    }

    pub async fn ec2(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Answer, CallError> {
        self.query("ec2", action, parameters).await
    }

    /// A call of the JSON protocol. `target` is the whole `X-Amz-Target`.
    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Answer, CallError> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        self.send(service, "POST", "/", &headers, &body.to_string()).await
    }

    pub async fn rest(&self, service: &str, method: &str, path: &str, body: &str) -> Result<Answer, CallError> {
        self.send(service, method, path, &[], body).await
    }

    /// Any signed request.
    pub async fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, CallError> {
        let host = self.endpoint.trim_start_matches("http://");
        let mut request = self.request(method, path).header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(())?.into_parts();
        let signer = Signer {
            access_key: &self.access_key,
            secret: &self.secret,
            session_token: self.session_token.as_deref(),
            region: self.region,
            service,
        };
        signer.sign(&mut parts, body.as_bytes(), SIGNED_AT).ok_or(CallError::Unsignable)?;
        self.exchange(Request::from_parts(parts, Full::new(Bytes::from(body.to_owned())))).await
    }

    /// An unsigned call of the controls.
    pub async fn local(&self, method: &str, path: &str, body: &str) -> Result<Answer, CallError> {
        let path = format!("{}{path}", crate::control::PREFIX);
        self.exchange(self.request(method, &path).body(Full::new(Bytes::from(body.to_owned())))?).await
    }

    fn request(&self, method: &str, path: &str) -> Builder {
        Request::builder().method(method).uri(format!("{}{path}", self.endpoint))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, CallError> {
        let (parts, body) = self.http.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() })
    }
}
