//! The wire protocols of AWS, as far as refusals and request ids differ in them.
//!
//! Source: the protocol chapters of Smithy 2.0 (`awsQuery`, `ec2Query`, `awsJson1_1`, `restJson1`, `restXml`), the
//! "Common Errors" pages of the services' API references, and "Error responses" of the Amazon S3 API Reference.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::json;

use super::message::Reply;
use crate::xml::Node;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Ec2,
    Query,
    Json,
    RestJson,
    RestXml,
    S3,
}

/// An error answer: what AWS calls it, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Refusal {
    /// The client is at fault.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self::with_status(400, code, message)
    }

    pub fn with_status(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// Something broke on our side of the wire.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::with_status(500, "InternalFailure", message)
    }

    /// The answer that says so in the protocol of the caller.
    pub fn to_reply(&self, protocol: Protocol, request_id: &str) -> Reply {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let error = Node::new("Error").with(Node::leaf("Code", &self.code)).with(Node::leaf("Message", &self.message));
        match protocol {
            Protocol::Ec2 => Reply::xml(
                status,
                &Node::new("Response").with(Node::new("Errors").with(error)).with(Node::leaf("RequestID", request_id)),
            ),
            Protocol::Query | Protocol::RestXml => {
                let fault = if self.status < 500 { "Sender" } else { "Receiver" };
                let mut error = error;
                error.children.insert(0, Node::leaf("Type", fault));
                Reply::xml(status, &Node::new("ErrorResponse").with(error).with(Node::leaf("RequestId", request_id)))
            }
            Protocol::S3 => {
                Reply::xml(status, &error.with(Node::leaf("RequestId", request_id)).with(Node::leaf("HostId", request_id)))
            }
            Protocol::Json => Reply::json(status, &json!({"__type": self.code, "message": self.message})),
            Protocol::RestJson => {
                let mut reply = Reply::json(status, &json!({"message": self.message}));
                if let Ok(code) = HeaderValue::from_str(&self.code) {
                    reply.headers.insert("x-amzn-errortype", code);
                }
                reply
            }
        }
    }
}

/// Stamps the request id where clients of this protocol look for it: in a header, and in the body of an error.
pub fn identify(reply: &mut Reply, protocol: Protocol, request_id: &str) {
    let Ok(value) = HeaderValue::from_str(request_id) else {
        return;
    };
    if protocol == Protocol::S3 {
        reply.headers.insert("x-amz-request-id", value.clone());
        reply.headers.insert("x-amz-id-2", value);
    } else {
        reply.headers.insert("x-amzn-requestid", value);
    }
    let is_xml = reply.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().windows(3).any(|part| part == b"xml"));
    if reply.status.is_success() || !is_xml {
        return;
    }
    if let Some(mut document) = reply.take_document() {
        for name in ["RequestID", "RequestId"] {
            if let Some(id) = document.child_mut(name) {
                id.text = request_id.to_owned();
            }
        }
        reply.set_document(document);
    }
}
