//! Base 64, character sets, URLs and CSV.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};

use super::charset::Charset;
use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::limits::elements;
use super::{Answer, CallError};
use crate::value::Value;

const TEXT: Parameter = Parameter::new("string", Shape::String);
const ENCODING: Parameter = Parameter::new("encoding", Shape::String);

pub(super) const FUNCTIONS: &[Function] = &[
    function("base64decode", &[TEXT], base64decode, "The text that the base 64 stands for; it has to be UTF-8."),
    function("base64encode", &[TEXT], |it| Ok(STANDARD.encode(it.text(0)).into()), "The text in base 64."),
    function("base64gzip", &[TEXT], base64gzip, "The text compressed with gzip, in base 64."),
    Function::new(
        "csvdecode",
        &[TEXT],
        Shape::List,
        Body::Known(csvdecode),
        "The rows as objects; the first row names the columns.",
    ),
    function(
        "textdecodebase64",
        &[TEXT, ENCODING],
        |it| {
            let bytes = STANDARD.decode(it.text(0)).map_err(|e| CallError::at(0, format!("not valid base 64: {e}")))?;
            let text = charset(it)?.decode(&bytes);
            text.map(Value::from).ok_or_else(|| CallError::at(0, format!("not valid {}", it.text(1))))
        },
        "The text that the base 64 stands for in a character set.",
    ),
    function(
        "textencodebase64",
        &[TEXT, ENCODING],
        |it| {
            let bytes = charset(it)?.encode(it.text(0));
            let missing = |c: char| CallError::at(0, format!("{} has no character {c:?}", it.text(1)));
            Ok(STANDARD.encode(bytes.map_err(missing)?).into())
        },
        "The text in a character set, in base 64.",
    ),
    function("urlencode", &[TEXT], |it| Ok(urlencode(it.text(0)).into()), "The text as part of a URL's query."),
];

const fn function(
    name: &'static str,
    parameters: &'static [Parameter],
    body: fn(&Arguments) -> Answer,
    doc: &'static str,
) -> Function {
    Function::new(name, parameters, Shape::String, Body::Known(body), doc)
}

fn base64decode(it: &Arguments) -> Answer {
    let bytes = STANDARD.decode(it.text(0)).map_err(|e| CallError::at(0, format!("not valid base 64: {e}")))?;
    let text = String::from_utf8(bytes);
    text.map(Value::from).map_err(|_| CallError::at(0, "what it stands for is not a UTF-8 text; use textdecodebase64"))
}

/// Without name and time in its head, so that equal texts give equal results.
fn base64gzip(it: &Arguments) -> Answer {
    let mut writer = GzBuilder::new().write(Vec::new(), Compression::default());
    let written = writer.write_all(it.text(0).as_bytes()).and_then(|()| writer.finish());
    written.map(|it| STANDARD.encode(it).into()).map_err(|e| CallError::new(e.to_string()))
}

fn csvdecode(it: &Arguments) -> Answer {
    let wrong = |e: csv::Error| CallError::at(0, format!("not valid CSV: {e}"));
    let mut reader = csv::ReaderBuilder::new().from_reader(it.text(0).as_bytes());
    let names: Vec<Arc<str>> = reader.headers().map_err(wrong)?.iter().map(Arc::from).collect();
    if names.is_empty() {
        return Err(CallError::at(0, "the first row, which names the columns, is missing"));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|it| !seen.insert(*it)) {
        return Err(CallError::at(0, format!("two columns have the name {twice:?}")));
    }
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        elements(rows.len().checked_add(1).and_then(|it| it.checked_mul(names.len())))?;
        rows.push(Value::object(names.iter().cloned().zip(row.iter().map(Value::from))));
    }
    Ok(Value::list(rows))
}

fn charset(it: &Arguments) -> Result<Charset, CallError> {
    let known = Charset::NAMES.join(", ");
    Charset::named(it.text(1)).ok_or_else(|| CallError::at(1, format!("{:?} is none of the encodings {known}", it.text(1))))
}

fn urlencode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
