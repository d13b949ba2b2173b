//! Raw signed calls: what is tested is the wire, not a client library's reading of it.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use localstack::Cloud;
use localstack::sigv4::Signer;
use serde_json::Value;

/// Somebody who calls the cloud.
#[derive(Clone)]
pub struct Caller {
    endpoint: String,
    http: Client<HttpConnector, Full<Bytes>>,
    pub access_key: String,
    pub secret: String,
    pub session_token: Option<String>,
    pub region: &'static str,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
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

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The error code, whatever the protocol; empty for a success.
    pub fn code(&self) -> String {
        if self.status.is_success() {
            return String::new();
        }
        match self.json()["__type"].as_str() {
            Some(code) => code.rsplit('#').next().unwrap_or(code).to_owned(),
            None => self.text("Code").to_owned(),
        }
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.status.is_success(), "{self:?}");
        self
    }

    #[track_caller]
    pub fn refused(self, code: &str) -> Self {
        assert_eq!(self.code(), code, "{self:?}");
        self
    }
}

impl Caller {
    pub fn new(cloud: &Cloud, account: &str) -> Self {
        Self {
            endpoint: cloud.endpoint().to_owned(),
            http: Client::builder(TokioExecutor::new()).build_http(),
            access_key: account.to_owned(),
            secret: localstack::SECRET.to_owned(),
            session_token: None,
            region: localstack::REGION,
        }
    }

    /// A call of the Query protocol.
    pub async fn query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let mut body = format!("Action={action}");
        for (name, value) in parameters {
            let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            body.push_str(&format!("&{name}={value}"));
        }
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send(service, "POST", "/", &[kind], &body).await.expect("an answer")
    }

    pub async fn ec2(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.query("ec2", action, parameters).await
    }

    /// A call of the JSON protocol.
    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        self.send(service, "POST", "/", &headers, &body.to_string()).await.expect("an answer")
    }

    pub async fn rest(&self, service: &str, method: &str, path: &str, body: &str) -> Answer {
        self.send(service, method, path, &[], body).await.expect("an answer")
    }

    /// The error says that the connection broke.
    pub async fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, hyper_util::client::legacy::Error> {
        let uri = format!("{}{path}", self.endpoint);
        let mut request = Request::builder().method(method).uri(&uri).header("host", self.host());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let signer = Signer {
            access_key: &self.access_key,
            secret: &self.secret,
            session_token: self.session_token.as_deref(),
            region: self.region,
            service,
        };
        signer.sign(&mut parts, body.as_bytes(), "20260131T120000Z").expect("signable headers");
        let request = Request::from_parts(parts, Full::new(Bytes::from(body.to_owned())));
        let (parts, body) = self.http.request(request).await?.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// An unsigned call of the controls.
    pub async fn local(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/_local/{path}", self.endpoint))
            .body(Full::new(Bytes::from(body.to_owned())))
            .expect("a request");
        let (parts, body) = self.http.request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    fn host(&self) -> &str {
        self.endpoint.trim_start_matches("http://")
    }
}
