//! The tags that say whose a thing is: put on it by the call that creates it, never shown, never taken away.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::address::{Address, StackName};
use crate::object::{LINEAGE_LABEL, marks};
use crate::plan::diff::{Cause, Difference};
use crate::remote::{Token, tags};
use crate::schema::Schema;
use crate::state::Lineage;
use crate::value::{Members, Value};

/// AWS takes no more in the value of a tag.
const LENGTH_MAX: usize = 256;
/// Where the digest of a text that is too long begins; 32 hexadecimal digits follow.
const CUT: char = '=';
const DIGEST_LENGTH: usize = 32;

/// Whose things a run makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub stack: StackName,
    pub lineage: Lineage,
}

impl Owner {
    /// Our tags for one thing. Without a token (what was imported), nothing is said of its creation.
    pub fn tags(&self, address: &Address, token: Option<&Token>) -> Members {
        let tag = |name: &str, value: &str| (Arc::from(name), Value::from(value));
        let mut all = Members::from_iter([
            tag(tags::STACK, self.stack.as_str()),
            tag(tags::LINEAGE, &self.lineage.0),
            tag(tags::ADDRESS, &encode(&address.to_string())),
        ]);
        all.extend(token.map(|it| tag(tags::ID, it.as_str())));
        all
    }

    /// The settings as they are handed to the cloud: with our tags where the type has tags.
    pub fn mark(&self, schema: &Schema, settings: &Value, address: &Address, token: Option<&Token>) -> Value {
        self.marked(schema, settings, Members::default(), address, token)
    }

    /// The same, with these tags under the user's.
    fn marked(&self, schema: &Schema, settings: &Value, under: Members, address: &Address, token: Option<&Token>) -> Value {
        if let Some(attribute) = schema.objects() {
            return settings.with(attribute, self.marked_object(&settings.get(attribute), address, token));
        }
        if !schema.has_tags() {
            return settings.clone();
        }
        let mut all = under;
        all.extend(settings.member("tags").members().into_iter().flatten().map(|(key, it)| (key.clone(), it.clone())));
        all.extend(self.tags(address, token));
        settings.with("tags", Value::Map(Arc::new(all)))
    }

    /// The object with our marks in its metadata: a label for what is listed by it, annotations for the rest.
    fn marked_object(&self, object: &Value, address: &Address, token: Option<&Token>) -> Value {
        let metadata = object.get("metadata");
        let with = |list: &str, more: &[(&str, &str)]| {
            let known = metadata.get(list);
            let mut all = known.unmark().0.members().cloned().unwrap_or_default();
            all.extend(more.iter().map(|(name, it)| (Arc::from(*name), Value::from(*it))));
            Value::Object(Arc::new(all))
        };
        let address = address.to_string();
        let mut annotations = vec![(marks::STACK, self.stack.as_str()), (marks::ADDRESS, &address)];
        annotations.extend(token.map(|it| (marks::TOKEN, it.as_str())));
        let labels = with("labels", &[(LINEAGE_LABEL, &self.lineage.0)]);
        object.with("metadata", metadata.with("labels", labels).with("annotations", with("annotations", &annotations)))
    }

    /// Where no creation takes tags, the thing does not say whose it is before a change has put them: that they are missing.
    pub fn unmarked(&self, schema: &Schema, live: &Value, address: &Address, token: Option<&Token>) -> Option<Difference> {
        schema.attributes.get("tags").filter(|it| it.later && schema.has_tags())?;
        let before = live.get("tags");
        let ours = self.tags(address, token);
        let missing = ours.iter().any(|(name, value)| before.member(name) != value);
        missing.then(|| Difference {
            path: "tags".into(),
            before,
            after: Value::Map(Arc::new(ours)),
            fixed: false,
            local: false,
            cause: Cause::Configuration,
        })
    }

    /// The settings of a change in place: our tags and those of others stay as they are on the thing.
    pub fn mark_over(&self, schema: &Schema, settings: &Value, live: &Value, address: &Address, token: Option<&Token>) -> Value {
        let kept = live.member("tags").members().into_iter().flatten().filter(|(key, _)| is_foreign(key));
        let kept = kept.map(|(key, it)| (key.clone(), it.clone())).collect();
        self.marked(schema, settings, kept, address, token)
    }
}

/// The settings without our own marks: as state and plans have them.
pub fn strip(schema: &Schema, settings: &Value) -> Value {
    if let Some(name) = schema.objects() {
        return settings.with(name, marks::strip(&settings.get(name)));
    }
    let all = settings.get("tags");
    match all.members() {
        Some(members) if members.keys().any(|it| it.starts_with(tags::PREFIX)) => {
            let kept = members.iter().filter(|(key, _)| !key.starts_with(tags::PREFIX));
            settings.with("tags", Value::map(kept.map(|(key, it)| (key.clone(), it.clone()))))
        }
        _ => settings.clone(),
    }
}

/// Our tags, and those that AWS and controllers put on things.
fn is_foreign(key: &str) -> bool {
    key.starts_with(tags::PREFIX) || tags::FOREIGN.iter().any(|it| key.starts_with(it))
}

/// A text in the letters that a tag value may have: letters, digits, space and `- . _ : / @` stand for themselves, everything
/// else is `+` and two hexadecimal digits a byte. What is too long is cut, and ends with `=` and a digest.
pub fn encode(text: &str) -> String {
    let mut out = String::new();
    let mut cut = 0;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b" -._:/@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("+{byte:02x}"));
        }
        if out.len() + 1 + DIGEST_LENGTH <= LENGTH_MAX {
            cut = out.len();
        }
    }
    if out.len() > LENGTH_MAX {
        out.truncate(cut);
        let digest = hex::encode(Sha256::digest(text));
        out.push(CUT);
        out.extend(digest.chars().take(DIGEST_LENGTH));
    }
    out
}

/// The text that was encoded; nothing when it was cut, or is no encoding.
pub fn decode(tag: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(tag.len());
    let mut rest = tag.as_bytes();
    loop {
        match rest {
            [] => return String::from_utf8(bytes).ok(),
            [b'+', high, low, tail @ ..] => {
                bytes.extend(hex::decode([*high, *low]).ok()?);
                rest = tail;
            }
            [b'+' | b'=', ..] => return None,
            [byte, tail @ ..] => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn addresses_survive_in_tags(text in ".{0,80}") {
            let tag = encode(&text);
            prop_assert!(tag.chars().all(|it| it.is_ascii_alphanumeric() || " +-=._:/@".contains(it)));
            prop_assert!(tag.len() <= LENGTH_MAX);
            if !tag.contains(CUT) {
                prop_assert_eq!(decode(&tag), Some(text));
            }
        }
    }

    #[test]
    fn too_long_ones_are_cut_and_still_told_apart() {
        let (a, b) = (encode(&format!("{}a", "[".repeat(300))), encode(&format!("{}b", "[".repeat(300))));
        assert!(a.len() <= LENGTH_MAX && b.len() <= LENGTH_MAX && a != b, "{a} {b}");
        assert_eq!(decode(&a), None);
    }

    #[test]
    fn an_update_takes_no_tag_away_that_is_not_the_users() {
        let owner = Owner { stack: "dev".parse().unwrap(), lineage: Lineage("l".into()) };
        let schema = crate::sim::types::schema("sim_instant");
        let live = Value::object([("tags", Value::map([("aws:x", "1".into()), ("infra:id", "t".into()), ("old", "2".into())]))]);
        let wanted = Value::object([("tags", Value::map([("new", Value::from("3"))]))]);
        let address = "sim_instant.a".parse().unwrap();
        let sent = owner.mark_over(&schema, &wanted, &live, &address, None).get("tags");
        let keys: Vec<_> = sent.members().unwrap().keys().map(|it| &**it).collect();
        assert_eq!(keys, ["aws:x", "infra:address", "infra:id", "infra:lineage", "infra:stack", "new"]);
        let stripped = strip(&schema, &Value::object([("tags", sent)])).get("tags");
        assert_eq!(stripped.members().unwrap().keys().map(|it| &**it).collect::<Vec<_>>(), ["aws:x", "new"]);
    }
}
