//! Writes YAML in Terraform's style: block collections, every string and key in double quotes, texts of several lines as
//! literal blocks.

use super::limits::TEXT_MAX;
use crate::value::Value;

/// The document of a value that is known and clear.
pub(super) fn document(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    node(value, 0, Place::Document, &mut out)?;
    Ok(out)
}

/// What stands before a node on its line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    /// Behind `key:`.
    Member,
    /// Behind `- `.
    Item,
}

/// Writes a node and the line's end. `indent` is that of a block's lines.
fn node(value: &Value, indent: usize, place: Place, out: &mut String) -> Result<(), String> {
    // Deep values indent every line: the text grows faster than the value.
    if out.len() > TEXT_MAX {
        return Err(format!("the result would be longer than {} MiB", TEXT_MAX >> 20));
    }
    let scalar = |text: &str, out: &mut String| {
        if place == Place::Member {
            out.push(' ');
        }
        out.push_str(text);
        out.push('\n');
    };
    match value {
        Value::Null => scalar("null", out),
        Value::Bool(it) => scalar(if *it { "true" } else { "false" }, out),
        Value::Number(it) => scalar(&it.to_string(), out),
        Value::String(text) if text.contains('\n') && fits_a_block(text) => {
            if place == Place::Member {
                out.push(' ');
            }
            // A block is indented even at the top.
            literal(text, if indent == 0 { 2 } else { indent }, out);
        }
        Value::String(text) => scalar(&quoted(text), out),
        Value::List(items) | Value::Tuple(items) => sequence(items.iter(), indent, place, out)?,
        Value::Set(items) => sequence(items.iter(), indent, place, out)?,
        Value::Map(items) | Value::Object(items) if items.is_empty() => scalar("{}", out),
        Value::Map(items) | Value::Object(items) => {
            if place == Place::Member {
                out.push('\n');
            }
            for (at, (key, item)) in items.iter().enumerate() {
                if at > 0 || place != Place::Item {
                    out.extend(std::iter::repeat_n(' ', indent));
                }
                out.push_str(&quoted(key));
                out.push(':');
                // A sequence stands in its key's column.
                let sequence = matches!(item, Value::List(_) | Value::Tuple(_) | Value::Set(_));
                node(item, if sequence { indent } else { indent + 2 }, Place::Member, out)?;
            }
        }
        Value::Unknown(_) | Value::Sensitive(_) | Value::Digest(_) => return Err("a part of the value is not known".into()),
    }
    Ok(())
}

fn sequence<'a>(
    items: impl ExactSizeIterator<Item = &'a Value>,
    indent: usize,
    place: Place,
    out: &mut String,
) -> Result<(), String> {
    match (items.len(), place) {
        (0, Place::Member) => out.push_str(" []\n"),
        (0, Place::Document | Place::Item) => out.push_str("[]\n"),
        (_, Place::Member) => out.push('\n'),
        (_, Place::Document | Place::Item) => {}
    }
    for (at, item) in items.enumerate() {
        if at > 0 || place != Place::Item {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str("- ");
        node(item, indent + 2, Place::Item, out)?;
    }
    Ok(())
}

/// A block keeps neither space at a line's end nor characters that are not printable.
fn fits_a_block(text: &str) -> bool {
    !text.contains(" \n") && !text.ends_with(' ') && text.chars().all(|c| c == '\n' || is_printable(c))
}

fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..) && c != '\u{feff}'
}

fn literal(text: &str, indent: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    let kept = text.strip_suffix('\n');
    match kept {
        None => out.push('-'),
        Some(body) if body.is_empty() || body.ends_with('\n') => out.push('+'),
        Some(_) => {}
    }
    out.push('\n');
    for line in kept.unwrap_or(text).split('\n') {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
        out.push('\n');
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if is_printable(c) => out.push(c),
            c if (c as u32) <= 0xff => out.push_str(&format!("\\x{:02X}", c as u32)),
            c if (c as u32) <= 0xffff => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push_str(&format!("\\U{:08X}", c as u32)),
        }
    }
    out.push('"');
    out
}
