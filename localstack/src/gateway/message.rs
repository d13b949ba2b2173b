//! Calls and replies as the rules of the services see them.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::Value;

use super::protocol::{Protocol, Refusal};
use crate::form::Form;
use crate::service::Service;
use crate::xml::Node;

pub type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// A body: objects stream through, everything else is small and kept whole.
#[derive(Debug)]
pub enum Payload {
    Whole(Bytes),
    /// XML that is looked into again on its way, and written once, at the end.
    Document(Node),
    Stream(Incoming),
}

impl Payload {
    pub fn into_body(self) -> Body {
        match self {
            Self::Whole(bytes) => Full::new(bytes).map_err(|never| match never {}).boxed_unsync(),
            Self::Document(node) => Self::Whole(node.to_document().into()).into_body(),
            Self::Stream(incoming) => incoming.boxed_unsync(),
        }
    }

    /// What came and is in memory. A stream is never looked into.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Document(_) | Self::Stream(_) => b"",
        }
    }
}

/// One request, understood.
#[derive(Debug)]
pub struct Call {
    pub service: &'static Service,
    pub action: String,
    pub account: String,
    pub region: String,
    pub protocol: Protocol,
    pub request_id: String,
    pub parts: Parts,
    pub body: Payload,
    /// The parameters of a Query call; empty for the other protocols.
    pub form: Form,
}

impl Call {
    /// The same caller and parameters, for another question on the way.
    pub fn without_body(&self) -> Self {
        Self {
            service: self.service,
            action: self.action.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            protocol: self.protocol,
            request_id: self.request_id.clone(),
            parts: self.parts.clone(),
            body: Payload::Whole(Bytes::new()),
            form: self.form.clone(),
        }
    }

    /// The parameters of a JSON call; null where the body is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body.bytes()).unwrap_or_default()
    }

    /// The segments of the path, decoded.
    pub fn path(&self) -> Vec<String> {
        self.parts
            .uri
            .path()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// Sends changed parameters on instead of those that came.
    pub fn rewrite(&mut self) {
        self.set_body(self.form.encode());
    }

    /// Sends another body on instead of the one that came.
    pub fn set_body(&mut self, body: impl Into<Bytes>) {
        self.body = Payload::Whole(body.into());
        for name in ["x-amz-content-sha256", "content-md5"] {
            self.parts.headers.remove(name);
        }
    }
}

/// One answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Payload,
}

/// What rules return.
pub type Answer = Result<Reply, Refusal>;

impl Reply {
    pub fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { status, headers, body: Payload::Whole(body.into()) }
    }

    pub fn xml(status: StatusCode, document: &Node) -> Self {
        Self::new(status, "text/xml;charset=UTF-8", document.to_document())
    }

    pub fn json(status: StatusCode, value: &Value) -> Self {
        Self::new(status, "application/x-amz-json-1.1", value.to_string())
    }

    /// A copy of the document in the body, if there is one.
    pub fn document(&self) -> Option<Node> {
        match &self.body {
            Payload::Whole(bytes) => Node::parse(bytes),
            Payload::Document(node) => Some(node.clone()),
            Payload::Stream(_) => None,
        }
    }

    /// Takes the document out, to be changed and set again; without one the body stays.
    pub fn take_document(&mut self) -> Option<Node> {
        match std::mem::replace(&mut self.body, Payload::Whole(Bytes::new())) {
            Payload::Document(node) => Some(node),
            other => {
                self.body = other;
                self.document()
            }
        }
    }

    pub fn set_document(&mut self, document: Node) {
        self.set_body(Payload::Document(document));
    }

    pub fn json_body(&self) -> Value {
        serde_json::from_slice(self.body.bytes()).unwrap_or_default()
    }

    pub fn set_json(&mut self, value: &Value) {
        self.set_body(Payload::Whole(value.to_string().into()));
    }

    fn set_body(&mut self, body: Payload) {
        self.headers.remove(CONTENT_LENGTH);
        // DynamoDB's checksum of the body it sent.
        self.headers.remove("x-amz-crc32");
        self.body = body;
    }

    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(self.body.into_body());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
