//! The INI form: sections of `name = value` lines, as go-ini reads and writes them for SOPS.

use serde_json::{Map, Value as Json};

use super::flat;

/// What stands before the first section is in this one.
const DEFAULT: &str = "DEFAULT";
const MULTILINE: &str = "\"\"\"";

/// Sections of values, and `sops` as the other forms have it.
pub(super) fn read(text: &str) -> Map<String, Json> {
    let (mut all, mut about, mut section) = (Map::new(), Json::Null, DEFAULT.to_owned());
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = name.trim().to_owned();
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';'])) else { continue };
        let (name, mut value) = (name.trim(), unquoted(value.trim()));
        if let Some(first) = value.strip_prefix(MULTILINE) {
            let (more, after) = rest.split_once(MULTILINE).unwrap_or((rest, ""));
            value = format!("{first}\n{more}");
            rest = after;
        }
        if section == "sops" {
            flat::put(&mut about, name, value.replace("\\n", "\n"));
        } else if let Json::Object(members) = all.entry(section.clone()).or_insert_with(|| Json::Object(Map::new())) {
            members.insert(name.to_owned(), value.into());
        }
    }
    if !about.is_null() {
        all.insert("sops".to_owned(), about);
    }
    all
}

/// Without its quotes or, where it has none, without the comment behind it.
fn unquoted(value: &str) -> String {
    for quote in [MULTILINE, "`", "\""] {
        let inside = value.strip_prefix(quote).and_then(|it| it.strip_suffix(quote));
        if let Some(inside) = inside {
            return inside.to_owned();
        }
    }
    match value.find(['#', ';']).filter(|_| !value.starts_with(MULTILINE)) {
        Some(at) => value[..at].trim_end().to_owned(),
        None => value.to_owned(),
    }
}

/// The sections as text that reads the same.
pub(super) fn write(clear: &Map<String, Json>) -> String {
    let mut out = String::new();
    for (section, members) in clear {
        if section != DEFAULT {
            out.push_str(&format!("[{section}]\n"));
        }
        for (name, value) in members.as_object().into_iter().flatten() {
            out.push_str(&format!("{name} = {}\n", quoted(value.as_str().unwrap_or_default())));
        }
    }
    out
}

fn quoted(value: &str) -> String {
    if value.contains('\n') || value.contains('`') {
        return format!("{MULTILINE}{value}{MULTILINE}");
    }
    let is_plain = value.trim() == value && !value.contains(['#', ';']) && !value.starts_with('"');
    if is_plain { value.to_owned() } else { format!("`{value}`") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        let clear = json!({
            "DEFAULT": { "top": "1" },
            "db": { "a": "x # y", "b": " z ", "c": "one\ntwo", "d": "", "e": "a=b", "f": "\"q\"", "g": "t`ck" },
        });
        let Json::Object(clear) = clear else { panic!() };
        assert_eq!(read(&write(&clear)), clear);
    }

    #[test]
    fn comments_and_nonsense_are_passed_over() {
        let text = "; c = d\nx\n[a]\n# e = f\nb = 1 ; why\n[]\n[a\n=\nq = \"\"\"never ends\nreally\n";
        let read = read(text);
        assert_eq!(read["a"]["b"], "1");
        assert_eq!(read[""]["q"], "never ends\nreally\n");
    }
}
