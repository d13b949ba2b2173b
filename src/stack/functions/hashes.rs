//! Digests of texts, and names made of them. Those of files are in [`super::files`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::Uuid;

use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::{Answer, CallError};
use crate::value::Value;

const TEXT: Parameter = Parameter::new("string", Shape::String);

pub(super) const FUNCTIONS: &[Function] = &[
    function("base64sha256", |it| base64::<Sha256>(it.text(0).as_bytes()), "The SHA-256 digest in base 64."),
    function("base64sha512", |it| base64::<Sha512>(it.text(0).as_bytes()), "The SHA-512 digest in base 64."),
    function("md5", |it| hexadecimal::<Md5>(it.text(0).as_bytes()), "The MD5 digest in hexadecimal."),
    function("sha1", |it| hexadecimal::<Sha1>(it.text(0).as_bytes()), "The SHA-1 digest in hexadecimal."),
    function("sha256", |it| hexadecimal::<Sha256>(it.text(0).as_bytes()), "The SHA-256 digest in hexadecimal."),
    function("sha512", |it| hexadecimal::<Sha512>(it.text(0).as_bytes()), "The SHA-512 digest in hexadecimal."),
    Function::new(
        "uuidv5",
        &[Parameter::new("namespace", Shape::String), Parameter::new("name", Shape::String)],
        Shape::String,
        Body::Known(uuidv5),
        "The UUID of a name in a namespace: dns, url, oid, x500 or a UUID.",
    ),
];

const fn function(name: &'static str, body: fn(&Arguments) -> Answer, doc: &'static str) -> Function {
    Function::new(name, &[TEXT], Shape::String, Body::Known(body), doc)
}

pub(super) fn hexadecimal<D: Digest>(bytes: &[u8]) -> Answer {
    Ok(hex::encode(D::digest(bytes)).into())
}

pub(super) fn base64<D: Digest>(bytes: &[u8]) -> Answer {
    Ok(STANDARD.encode(D::digest(bytes)).into())
}

fn uuidv5(it: &Arguments) -> Answer {
    let namespace = match it.text(0) {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => Uuid::parse_str(other).map_err(|_| {
            CallError::at(0, format!("a namespace is \"dns\", \"url\", \"oid\", \"x500\" or a UUID; {other:?} is none of them"))
        })?,
    };
    Ok(Value::from(Uuid::new_v5(&namespace, it.text(1).as_bytes()).to_string()))
}
