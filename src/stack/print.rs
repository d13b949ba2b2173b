//! Values in HCL syntax, as a console or a plan shows them.

use crate::value::Value;

/// Over several lines where that reads better; indented by two spaces a level.
pub fn print(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(it) => out.push_str(if *it { "true" } else { "false" }),
        Value::Number(it) => out.push_str(&it.to_string()),
        Value::String(it) => out.push_str(&quoted(it)),
        Value::List(items) | Value::Tuple(items) => sequence(items.iter(), items.is_empty(), indent, ("[", "]"), out),
        Value::Set(items) => sequence(items.iter(), items.is_empty(), indent, ("toset([", "])"), out),
        Value::Map(items) | Value::Object(items) if items.is_empty() => out.push_str("{}"),
        Value::Map(items) | Value::Object(items) => {
            let names: Vec<String> = items.keys().map(|it| key(it)).collect();
            let width = names.iter().map(|it| it.chars().count()).max().unwrap_or(0);
            out.push_str("{\n");
            for (name, item) in names.iter().zip(items.values()) {
                out.push_str(&" ".repeat(indent + 2));
                out.push_str(name);
                out.push_str(&" ".repeat(width - name.chars().count()));
                out.push_str(" = ");
                write(item, indent + 2, out);
                out.push('\n');
            }
            out.push_str(&" ".repeat(indent));
            out.push('}');
        }
        Value::Unknown(_) | Value::Sensitive(_) | Value::Digest(_) => out.push_str(&format!("{value:?}")),
    }
}

fn sequence<'a>(items: impl Iterator<Item = &'a Value>, empty: bool, indent: usize, around: (&str, &str), out: &mut String) {
    out.push_str(around.0);
    if !empty {
        out.push('\n');
        for item in items {
            out.push_str(&" ".repeat(indent + 2));
            write(item, indent + 2, out);
            out.push_str(",\n");
        }
        out.push_str(&" ".repeat(indent));
    }
    out.push_str(around.1);
}

fn key(name: &str) -> String {
    let plain = name
        .chars()
        .enumerate()
        .all(|(at, it)| it == '_' || it.is_ascii_alphabetic() || (at > 0 && (it.is_ascii_digit() || it == '-')));
    if plain && !name.is_empty() { name.to_owned() } else { quoted(name) }
}

/// A text as a file would hold it: quotes, escapes, and no template starts in it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(it) = chars.next() {
        match it {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => {
                out.push(it);
                out.push(it);
            }
            it if it.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(it))),
            it => out.push(it),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;

    #[test]
    fn values_print_as_they_would_be_written() {
        let value = Value::object([
            ("name", Value::from("a\"${x}\n")),
            ("list", Value::tuple([Value::from(1), Value::Null])),
            ("odd key", Value::set([Value::from("x")])),
            ("secret", Value::from("hunter2").sensitive()),
            ("later", Value::unknown(Type::String, "aws_vpc.main".parse().unwrap(), "id")),
            ("none", Value::tuple([])),
        ]);
        let expected = r#"{
  later     = (known after aws_vpc.main)
  list      = [
    1,
    null,
  ]
  name      = "a\"$${x}\n"
  none      = []
  "odd key" = toset([
    "x",
  ])
  secret    = (sensitive)
}"#;
        assert_eq!(print(&value), expected);
    }
}
