//! Values as people read them: in the language's own syntax, on one line where it fits, never with a secret in it.

use crate::report::style::columns;
use crate::value::Value;

/// On one line.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(it) => it.to_string(),
        Value::Number(it) => it.to_string(),
        Value::String(text) => quote(text),
        Value::List(items) | Value::Tuple(items) => list(items.iter()),
        Value::Set(items) => list(items.iter()),
        Value::Map(items) | Value::Object(items) => {
            let set: Vec<_> = items.iter().filter(|(_, it)| !it.is_null()).collect();
            if set.is_empty() {
                return "{}".into();
            }
            let members: Vec<_> = set.iter().map(|(key, it)| format!("{} = {}", name(key), inline(it))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Unknown(unknown) => {
            let mut names: Vec<String> = unknown.waits_for.iter().map(|it| it.address.to_string()).collect();
            names.dedup();
            format!("(known after {})", few(&names))
        }
        Value::Sensitive(_) | Value::Digest(_) => "(sensitive)".into(),
    }
}

/// On one line where that fits into `room` columns, else a member a line, indented by two.
pub fn block(value: &Value, room: usize) -> Vec<String> {
    let one = inline(value);
    if columns(&one) <= room {
        return vec![one];
    }
    let within = room.saturating_sub(2);
    let (open, close, members): (_, _, Vec<Vec<String>>) = match value {
        Value::List(items) | Value::Tuple(items) => ("[", "]", items.iter().map(|it| block(it, within)).collect()),
        Value::Set(items) => ("[", "]", items.iter().map(|it| block(it, within)).collect()),
        Value::Map(items) | Value::Object(items) => {
            let set: Vec<_> = items.iter().filter(|(_, it)| !it.is_null()).map(|(key, it)| (name(key), it)).collect();
            let widest = set.iter().map(|(key, _)| columns(key)).max().unwrap_or(0);
            let member = |(key, it): &(String, &Value)| {
                let mut lines = block(it, within.saturating_sub(widest + 3));
                if let Some(first) = lines.first_mut() {
                    *first = format!("{} = {first}", super::style::pad(key, widest));
                }
                lines
            };
            ("{", "}", set.iter().map(member).collect())
        }
        _ => return vec![one],
    };
    let comma = if open == "[" { "," } else { "" };
    let mut lines = vec![open.to_owned()];
    for member in members {
        let last = member.len().saturating_sub(1);
        let ended = member.into_iter().enumerate();
        lines.extend(ended.map(|(at, line)| format!("  {line}{}", if at == last { comma } else { "" })));
    }
    lines.push(close.to_owned());
    lines
}

/// A text of several lines, or a JSON document: what is better shown line by line. Keys are sorted, for their order means
/// nothing.
pub fn document(value: &Value) -> Option<String> {
    let Value::String(text) = value else { return None };
    let trimmed = text.trim_start();
    if trimmed.starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str::<serde_json::Value>(text)
        && (json.as_object().is_some_and(|it| !it.is_empty()) || json.as_array().is_some_and(|it| !it.is_empty()))
    {
        return serde_json::to_string_pretty(&sorted(json)).ok();
    }
    text.trim_end().contains('\n').then(|| text.to_string())
}

fn sorted(json: serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match json {
        Json::Object(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(key, it)| (key, sorted(it))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(members.into_iter().collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        leaf => leaf,
    }
}

/// `a, b and 3 more`
pub fn few(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len() {
        0 => "the apply".into(),
        it if it <= SHOWN => names.join(", "),
        it => format!("{} and {} more", names[..SHOWN - 1].join(", "), it - (SHOWN - 1)),
    }
}

fn list<'a>(items: impl Iterator<Item = &'a Value>) -> String {
    format!("[{}]", items.map(inline).collect::<Vec<_>>().join(", "))
}

/// With the escapes of the language, so that nothing in a value can disturb the terminal.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unprintable(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Control characters, and those that turn the direction of writing around.
pub fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn name(key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if plain { key.to_owned() } else { quote(key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;

    #[test]
    fn values_read_as_they_are_written() {
        let value = Value::object([
            ("name", Value::from("a\"b")),
            ("no", Value::Null),
            ("of", Value::list([Value::from(1), Value::from(true)])),
            ("k8s.io/x", Value::from("y").sensitive()),
            ("id", Value::unknown(Type::String, "aws_vpc.main".parse().unwrap(), "id")),
        ]);
        let text = r#"{ id = (known after aws_vpc.main), "k8s.io/x" = (sensitive), name = "a\"b", of = [1, true] }"#;
        assert_eq!(inline(&value), text);
        assert_eq!(
            block(&value, 40).join("\n"),
            "{\n  id         = (known after aws_vpc.main)\n  \"k8s.io/x\" = (sensitive)\n  name       = \"a\\\"b\"\n  of         = [1, true]\n}"
        );
    }

    #[test]
    fn a_value_cannot_steer_the_terminal() {
        assert_eq!(inline(&Value::from("\u{1b}[2J\u{202e}")), r#""\u001b[2J\u202e""#);
    }

    #[test]
    fn json_is_a_document_and_a_name_is_not() {
        assert_eq!(document(&Value::from(r#"{"b":1,"a":[2]}"#)).unwrap(), "{\n  \"a\": [\n    2\n  ],\n  \"b\": 1\n}");
        for text in ["main", "{}", "{broken", "one\n"] {
            assert_eq!(document(&Value::from(text)), None, "{text}");
        }
    }
}
