//! Whose call is this? Access keys of 12 digits are accounts; other keys must have been handed out here.

use std::collections::HashMap;
use std::sync::Mutex;

use hyper::http::request::Parts;

use super::protocol::{Protocol, Refusal};
use crate::cloud::SECRET;
use crate::lock;
use crate::sigv4::Claim;

/// A session token that every service refuses as expired.
const EXPIRED: &str = "expired";

/// Keys that STS and IAM handed out.
#[derive(Default)]
pub struct Keys(Mutex<HashMap<String, Key>>);

#[derive(Clone, Debug)]
pub struct Key {
    pub account: String,
    pub secret: String,
}

impl Keys {
    pub fn add(&self, id: &str, key: Key) {
        lock(&self.0).insert(id.to_owned(), key);
    }

    /// The account and the secret behind an access key.
    pub fn find(&self, id: &str) -> Option<Key> {
        if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Key { account: id.to_owned(), secret: SECRET.to_owned() });
        }
        lock(&self.0).get(id).cloned()
    }

    /// The account behind a signed request, or AWS's refusal.
    pub fn account(&self, claim: &Claim, parts: &Parts, body: Option<&[u8]>, protocol: Protocol) -> Result<String, Refusal> {
        if claim.session_token.as_deref() == Some(EXPIRED) {
            return Err(expired(protocol));
        }
        let key = self.find(&claim.access_key).ok_or_else(|| unknown_key(protocol))?;
        if claim.is_signed_with(&key.secret, parts, body) { Ok(key.account) } else { Err(wrong_signature(protocol)) }
    }
}

/// A request without a signature.
pub fn unsigned(protocol: Protocol) -> Refusal {
    match protocol {
        Protocol::S3 => Refusal::with_status(403, "AccessDenied", "Access Denied"),
        Protocol::Json => Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token"),
        _ => Refusal::with_status(403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
    }
}

fn expired(protocol: Protocol) -> Refusal {
    let message = "The security token included in the request is expired";
    match protocol {
        Protocol::Ec2 => Refusal::new("RequestExpired", "Request has expired."),
        Protocol::S3 => Refusal::new("ExpiredToken", "The provided token has expired."),
        Protocol::Query | Protocol::RestXml => Refusal::with_status(403, "ExpiredToken", message),
        Protocol::Json => Refusal::new("ExpiredTokenException", message),
        Protocol::RestJson => Refusal::with_status(403, "ExpiredTokenException", message),
    }
}

fn unknown_key(protocol: Protocol) -> Refusal {
    let message = "The security token included in the request is invalid.";
    match protocol {
        Protocol::Ec2 => Refusal::with_status(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        Protocol::S3 => {
            Refusal::with_status(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        }
        Protocol::Query | Protocol::RestXml => Refusal::with_status(403, "InvalidClientTokenId", message),
        Protocol::Json => Refusal::new("UnrecognizedClientException", message),
        Protocol::RestJson => Refusal::with_status(403, "UnrecognizedClientException", message),
    }
}

fn wrong_signature(protocol: Protocol) -> Refusal {
    let message = "The request signature we calculated does not match the signature you provided. \
                   Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
    match protocol {
        Protocol::Ec2 => Refusal::with_status(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        Protocol::S3 | Protocol::Query | Protocol::RestXml => Refusal::with_status(403, "SignatureDoesNotMatch", message),
        Protocol::Json => Refusal::new("InvalidSignatureException", message),
        Protocol::RestJson => Refusal::with_status(403, "InvalidSignatureException", message),
    }
}
