//! [`Secrets`]: takes secrets out of what others say. A cloud that refuses a value often quotes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Value;

/// Shorter ones occur in every other sentence by chance; taking them out would tell more than it hides.
const SHORTEST: usize = 4;

/// The texts that must not be seen.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// Everything that is marked in these values, in the forms in which services quote it: as it is, line by line, as Base64,
    /// and the texts in a JSON document.
    pub fn of<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut found = Vec::new();
        for value in values {
            value.any(&mut |it| {
                if let Value::Sensitive(inner) = it {
                    collect(inner, &mut found);
                }
                false
            });
        }
        found.retain(|it| it.len() >= SHORTEST);
        // The longest first: what is a part of another is gone with it.
        found.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        found.dedup();
        Self(found)
    }

    /// The text without them.
    pub fn hush(&self, text: &str) -> String {
        self.0.iter().filter(|it| text.contains(it.as_str())).fold(text.to_owned(), |text, it| text.replace(it, "(sensitive)"))
    }
}

fn collect(value: &Value, out: &mut Vec<String>) {
    let mut texts = Vec::new();
    value.any(&mut |it| {
        match it {
            Value::String(text) => texts.push(text.to_string()),
            Value::Number(number) => texts.push(number.to_string()),
            _ => {}
        }
        false
    });
    for text in texts {
        if let Ok(document @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) = serde_json::from_str(&text) {
            collect_json(&document, out);
        }
        if let Ok(inner) = STANDARD.decode(&text).map_err(drop).and_then(|it| String::from_utf8(it).map_err(drop)) {
            out.extend(inner.lines().map(|it| it.trim().to_owned()));
        }
        out.extend(text.lines().map(|it| it.trim().to_owned()));
        out.push(STANDARD.encode(&text));
        out.push(text);
    }
}

fn collect_json(document: &serde_json::Value, out: &mut Vec<String>) {
    match document {
        serde_json::Value::Object(members) => members.values().for_each(|it| collect_json(it, out)),
        serde_json::Value::Array(items) => items.iter().for_each(|it| collect_json(it, out)),
        serde_json::Value::String(text) => out.push(text.clone()),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_taken_out_in_every_form() {
        let policy = r#"{"Statement":[{"Sid":"hunter2hunter2"}]}"#;
        let script = STANDARD.encode("#!/bin/sh\nexport PASSWORD=correct-horse\n");
        let settings = Value::object([
            ("name", Value::from("web")),
            ("key", Value::from("-----BEGIN-----\nAAAABBBB\n").sensitive()),
            ("policy", Value::from(policy).sensitive()),
            ("user_data", Value::from(script.as_str()).sensitive()),
        ]);
        let secrets = Secrets::of([&settings]);
        for (said, wanted) in [
            ("the name 'web' is taken", "the name 'web' is taken".to_owned()),
            ("the line AAAABBBB is bad", "the line (sensitive) is bad".to_owned()),
            ("the Sid hunter2hunter2 is bad", "the Sid (sensitive) is bad".to_owned()),
            ("'export PASSWORD=correct-horse' is bad", "'(sensitive)' is bad".to_owned()),
            (&format!("'{script}' is bad"), "'(sensitive)' is bad".to_owned()),
            (&format!("'{}' is bad", STANDARD.encode(policy)), "'(sensitive)' is bad".to_owned()),
        ] {
            assert_eq!(secrets.hush(said), wanted);
        }
    }

    #[test]
    fn short_ones_and_open_ones_stay() {
        let settings = Value::object([("a", Value::from("ab").sensitive()), ("b", Value::from("open"))]);
        assert_eq!(Secrets::of([&settings]).hush("ab and open"), "ab and open");
    }
}
