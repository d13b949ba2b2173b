//! Files of the repository, and their names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::hashes::{base64, hexadecimal};
use super::limits::{bytes, elements};
use super::{Answer, CallError, Files};
use crate::value::{Type, Value};

const PATH: Parameter = Parameter::new("path", Shape::String);

pub(super) const FUNCTIONS: &[Function] = &[
    reads(
        "abspath",
        |it, files| files.absolute(it.text(0)).map(Value::from).map_err(refused),
        "The path from the root of the file system.",
    ),
    name("basename", |it| Ok(basename(it.text(0)).into()), "The last part of the path."),
    name("dirname", |it| Ok(dirname(it.text(0)).into()), "The path without its last part."),
    reads("file", text, "The file's text, which has to be UTF-8."),
    reads("filebase64", |it, files| Ok(STANDARD.encode(read(it, files)?).into()), "The file's bytes in base 64."),
    reads("filebase64sha256", |it, files| base64::<Sha256>(&read(it, files)?), "The SHA-256 digest of the file in base 64."),
    reads("filebase64sha512", |it, files| base64::<Sha512>(&read(it, files)?), "The SHA-512 digest of the file in base 64."),
    Function::new(
        "fileexists",
        &[PATH],
        Shape::Bool,
        Body::Reads(|it, files| files.exists(it.text(0)).map(Value::from).map_err(refused)),
        "Whether there is such a file.",
    ),
    reads("filemd5", |it, files| hexadecimal::<Md5>(&read(it, files)?), "The MD5 digest of the file in hexadecimal."),
    Function::new(
        "fileset",
        &[PATH, Parameter::new("pattern", Shape::String)],
        Shape::StringSet,
        Body::Reads(fileset),
        "The files below a folder that match a pattern: * within a name, ** for any folders, ? for a character, {a,b}.",
    ),
    reads("filesha1", |it, files| hexadecimal::<Sha1>(&read(it, files)?), "The SHA-1 digest of the file in hexadecimal."),
    reads("filesha256", |it, files| hexadecimal::<Sha256>(&read(it, files)?), "The SHA-256 digest of the file in hexadecimal."),
    reads("filesha512", |it, files| hexadecimal::<Sha512>(&read(it, files)?), "The SHA-512 digest of the file in hexadecimal."),
    reads(
        "sops_decrypt_file",
        decrypted,
        "The text of a file that SOPS encrypted, sensitive; YAML is given as JSON, which yamldecode reads too.",
    ),
    name("pathexpand", pathexpand, "The path; one that starts with ~ is refused."),
];

const fn reads(name: &'static str, body: fn(&Arguments, &dyn Files) -> Answer, doc: &'static str) -> Function {
    Function::new(name, &[PATH], Shape::String, Body::Reads(body), doc)
}

const fn name(name: &'static str, body: fn(&Arguments) -> Answer, doc: &'static str) -> Function {
    Function::new(name, &[PATH], Shape::String, Body::Known(body), doc)
}

fn refused(problem: String) -> CallError {
    CallError::at(0, problem)
}

fn read(it: &Arguments, files: &dyn Files) -> Result<Vec<u8>, CallError> {
    let content = files.read(it.text(0)).map_err(refused)?;
    bytes(Some(content.len()))?;
    Ok(content)
}

fn text(it: &Arguments, files: &dyn Files) -> Answer {
    let text = String::from_utf8(read(it, files)?);
    text.map(Value::from).map_err(|_| CallError::at(0, format!("{} is not a UTF-8 text; use filebase64", it.text(0))))
}

fn decrypted(it: &Arguments, files: &dyn Files) -> Answer {
    let Some(text) = files.decrypt(it.text(0)).map_err(refused)? else { return unasked(it.text(0)) };
    bytes(Some(text.len()))?;
    Ok(Value::from(text).sensitive())
}

/// Stands for what holds the key of a file: it is asked once it is known whose account this is.
const KEY_HOLDER: &str = "data.aws_kms_secrets.sops";

fn unasked(path: &str) -> Answer {
    let holder = KEY_HOLDER.parse().map_err(|it: crate::address::NameError| refused(it.to_string()))?;
    Ok(Value::unknown(Type::String, holder, path).sensitive())
}

fn fileset(it: &Arguments, files: &dyn Files) -> Answer {
    let found = files.glob(it.text(0), it.text(1)).map_err(CallError::new)?;
    elements(Some(found.len()))?;
    Ok(Value::set(found.into_iter().map(Value::from)))
}

fn basename(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        it => it.rsplit('/').next().unwrap_or(it),
    }
}

/// As Go's `filepath.Dir`: without `.`, `..` and doubled slashes where they can be resolved.
fn dirname(path: &str) -> String {
    let dir = path.rfind('/').map_or("", |at| &path[..at + 1]);
    let rooted = dir.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", None) if rooted => {}
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, it) => format!("/{it}"),
        (false, it) if it.is_empty() => ".".to_owned(),
        (false, it) => it,
    }
}

fn pathexpand(it: &Arguments) -> Answer {
    match it.text(0).starts_with('~') {
        false => Ok(it.value(0).clone()),
        true => Err(CallError::at(0, "a home directory differs from machine to machine; name a path within the repository")),
    }
}
