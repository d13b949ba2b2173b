//! State documents as bytes: versions, upgrades, and what is refused.
//!
//! A document is one JSON object in a fixed order of fields, everything below the second level on one line: one resource a
//! line, so that two versions can be compared with any tool, at hardly more than the size of compact JSON. The same state
//! always gives the same bytes.

use std::io;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::ser::Formatter;

use super::{FORMAT, State};
use crate::address::StackName;

/// Why bytes are not a state of this stack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("it is empty")]
    Empty,
    #[error("it ends in the middle: {0}")]
    Truncated(String),
    #[error("it is damaged: {0}")]
    Malformed(String),
    /// It is whole, but no state of ours; what it is, if it can be told.
    #[error("it is {0}, not a state of infra")]
    Foreign(&'static str),
    #[error("it has format {found}, this version reads formats up to {known}")]
    Newer { found: u32, known: u32 },
    #[error("it belongs to the stack `{0}`")]
    OtherStack(String),
    /// A value could not be written; a secret in clear is the usual cause.
    #[error("it cannot be written: {0}")]
    Unwritable(String),
}

/// Turns a document of one format into the next one.
type Upgrade = fn(&mut serde_json::Value) -> Result<(), String>;

/// The upgrades, oldest first: the one at index `n` makes format `n + 2` of format `n + 1`. Each stays for ever, together
/// with a document of its format in the tests.
const UPGRADES: &[Upgrade] = &[];

const _: () = assert!(UPGRADES.len() + 1 == FORMAT as usize, "every older format has its upgrade");

/// The bytes of a document, ending in a newline.
pub fn encode(state: &State) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(1_024 + state.resources.len() * 512);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Lines::default());
    state.serialize(&mut serializer).map_err(|error| CodecError::Unwritable(error.to_string()))?;
    out.push(b'\n');
    Ok(out)
}

/// Reads a document of `stack`, of this format or an older one.
pub fn decode(bytes: &[u8], stack: &StackName) -> Result<State, CodecError> {
    decode_with(UPGRADES, bytes, stack)
}

/// What tells documents apart, read without building the rest.
#[derive(Deserialize)]
struct Header {
    format: Option<u32>,
    stack: Option<String>,
    terraform_version: Option<IgnoredAny>,
}

fn decode_with(upgrades: &[Upgrade], bytes: &[u8], stack: &StackName) -> Result<State, CodecError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(CodecError::Empty);
    }
    let known = u32::try_from(upgrades.len() + 1).unwrap_or(u32::MAX);
    let header: Header = serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))?;
    let (format, owner) = match header {
        Header { terraform_version: Some(_), .. } => return Err(CodecError::Foreign("a Terraform state")),
        Header { format: Some(format), stack: Some(owner), .. } => (format, owner),
        _ => return Err(CodecError::Foreign("some other JSON document")),
    };
    if format > known {
        return Err(CodecError::Newer { found: format, known });
    }
    if owner != stack.as_str() {
        return Err(CodecError::OtherStack(owner));
    }
    if format == known {
        return serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error));
    }
    let malformed = |problem: String| CodecError::Malformed(problem);
    let first = usize::try_from(format).ok().and_then(|it| it.checked_sub(1)).ok_or_else(|| malformed("format 0".into()))?;
    let mut document: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))?;
    for (upgrade, to) in upgrades.iter().skip(first).zip(format + 1..) {
        upgrade(&mut document).map_err(|problem| malformed(format!("upgrade to format {to}: {problem}")))?;
        if let Some(members) = document.as_object_mut() {
            members.insert("format".to_owned(), to.into());
        }
    }
    serde_json::from_value(document).map_err(|error| malformed(error.to_string()))
}

fn explain(bytes: &[u8], error: &serde_json::Error) -> CodecError {
    match error.classify() {
        Category::Eof => CodecError::Truncated(format!("{} bytes, {error}", bytes.len())),
        Category::Data if !bytes.trim_ascii_start().starts_with(b"{") => CodecError::Foreign("a JSON value"),
        Category::Syntax | Category::Data | Category::Io => CodecError::Malformed(error.to_string()),
    }
}

/// Line breaks before the members of the two outermost levels, nowhere else.
#[derive(Default)]
struct Lines {
    depth: usize,
    filled: bool,
}

const BROKEN_LEVELS: usize = 2;

impl Lines {
    fn open(&mut self) {
        self.depth += 1;
        self.filled = false;
    }

    fn before_member<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.filled = true;
        let comma: &[u8] = if first { b"" } else { b"," };
        writer.write_all(comma)?;
        if self.depth <= BROKEN_LEVELS { writer.write_all(b"\n") } else { Ok(()) }
    }

    fn close<W: ?Sized + io::Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        if self.filled && self.depth <= BROKEN_LEVELS {
            writer.write_all(b"\n")?;
        }
        self.depth -= 1;
        self.filled = true;
        writer.write_all(bracket)
    }
}

impl Formatter for Lines {
    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open();
        writer.write_all(b"{")
    }
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.before_member(writer, first)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open();
        writer.write_all(b"[")
    }
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.before_member(writer, first)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::state::sample;
    use crate::value::Value;

    fn dev() -> StackName {
        "dev".parse().unwrap()
    }

    #[test]
    fn a_document_reads_back_as_it_was() {
        let state = sample::state(3);
        let bytes = encode(&state).unwrap();
        assert_eq!(decode(&bytes, &dev()).unwrap(), state);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.lines().filter(|it| it.starts_with("\"aws_vpc.")).count(), 3, "one resource a line:\n{text}");
    }

    #[test]
    fn every_truncation_is_told_as_one() {
        let bytes = encode(&sample::state(2)).unwrap();
        for end in 0..bytes.len() - 2 {
            match decode(&bytes[..end], &dev()) {
                Err(CodecError::Empty) if end == 0 => {}
                Err(CodecError::Truncated(_)) => {}
                other => panic!("{end}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_ours_is_told_apart() {
        let read = |text: &str| decode(text.as_bytes(), &dev()).unwrap_err();
        assert_eq!(read(" \n"), CodecError::Empty);
        assert_eq!(read("{\"version\":4,\"terraform_version\":\"1.9\"}"), CodecError::Foreign("a Terraform state"));
        assert_eq!(read("{\"a\":1}"), CodecError::Foreign("some other JSON document"));
        assert_eq!(read("[1]"), CodecError::Foreign("a JSON value"));
        assert!(matches!(read("{nonsense"), CodecError::Malformed(_)));
        assert_eq!(read("{\"format\":99,\"stack\":\"dev\"}"), CodecError::Newer { found: 99, known: FORMAT });
        assert_eq!(read("{\"format\":1,\"stack\":\"prod\"}"), CodecError::OtherStack("prod".into()));
        assert!(matches!(read("{\"format\":0,\"stack\":\"dev\"}"), CodecError::Malformed(_)));
        assert!(matches!(read("{\"format\":1,\"stack\":\"dev\"}"), CodecError::Malformed(_)));
    }

    #[test]
    fn older_formats_go_through_every_upgrade_in_between() {
        fn rename(document: &mut serde_json::Value) -> Result<(), String> {
            let members = document.as_object_mut().ok_or("no object")?;
            let things = members.remove("things").ok_or("no `things`")?;
            members.insert("resources".into(), things);
            Ok(())
        }
        fn count(document: &mut serde_json::Value) -> Result<(), String> {
            let serial = document["serial"].as_u64().ok_or("no `serial`")?;
            document["serial"] = (serial + 1).into();
            Ok(())
        }
        let mut old: serde_json::Value = serde_json::from_slice(&encode(&sample::state(1)).unwrap()).unwrap();
        let members = old.as_object_mut().unwrap();
        let resources = members.remove("resources").unwrap();
        members.insert("things".into(), resources);
        let bytes = serde_json::to_vec(&old).unwrap();
        let new = decode_with(&[rename, count], &bytes, &dev()).unwrap();
        assert_eq!((new.format, new.serial), (3, sample::state(1).serial + 1));
        assert_eq!(new.resources, sample::state(1).resources);

        old["format"] = 2.into();
        let error = decode_with(&[rename, count], &serde_json::to_vec(&old).unwrap(), &dev()).unwrap_err();
        assert!(matches!(error, CodecError::Malformed(_)), "format 2 skips the first upgrade: {error:?}");
    }

    #[test]
    fn a_secret_in_clear_is_never_written() {
        let mut state = sample::state(1);
        for record in state.resources.values_mut() {
            let record = Arc::make_mut(record);
            record.applied = record.applied.with("password", Value::from("hunter2").sensitive());
        }
        let error = encode(&state).unwrap_err();
        assert!(matches!(&error, CodecError::Unwritable(_)) && !error.to_string().contains("hunter2"), "{error}");
    }

    proptest! {
        #[test]
        fn the_same_state_always_gives_the_same_bytes(state in sample::states()) {
            let bytes = encode(&state).unwrap();
            let back = decode(&bytes, &dev()).unwrap();
            prop_assert_eq!(encode(&back).unwrap(), bytes);
            prop_assert_eq!(back, state);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, &dev());
        }

        #[test]
        fn no_damage_makes_it_panic(state in sample::states(), at in any::<prop::sample::Index>(), with in any::<u8>()) {
            let mut bytes = encode(&state).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = with;
            let _ = decode(&bytes, &dev());
        }
    }
}
