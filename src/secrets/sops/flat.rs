//! SOPS's own part in forms without nesting: `kms__list_0__map_context__map_team`.

use serde_json::{Map, Value as Json};

const MEMBER: &str = "__map_";
const ITEM: &str = "__list_";
/// Nobody encrypts for more recipients.
const ITEMS_MAX: usize = 1000;

/// Puts a value where its flat name says.
pub(super) fn put(into: &mut Json, name: &str, value: String) {
    put_at(into, &steps(name), value);
}

enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

fn steps(name: &str) -> Vec<Step<'_>> {
    let mut out = Vec::new();
    for (at, part) in name.split(MEMBER).enumerate() {
        let mut pieces = part.split(ITEM);
        match pieces.next() {
            Some("") if at > 0 => {}
            Some(first) => out.push(Step::Member(first)),
            None => {}
        }
        out.extend(pieces.map(|it| Step::Item(it.parse().unwrap_or(0))));
    }
    out
}

fn put_at(into: &mut Json, steps: &[Step<'_>], value: String) {
    let Some((step, rest)) = steps.split_first() else {
        *into = Json::String(value);
        return;
    };
    match step {
        Step::Member(name) => {
            if !into.is_object() {
                *into = Json::Object(Map::new());
            }
            if let Json::Object(members) = into {
                put_at(members.entry((*name).to_owned()).or_insert(Json::Null), rest, value);
            }
        }
        Step::Item(at) => {
            if !into.is_array() {
                *into = Json::Array(Vec::new());
            }
            if let Json::Array(items) = into {
                // They come in any order.
                let length = items.len().max((*at).min(ITEMS_MAX) + 1);
                items.resize(length, Json::Null);
                if let Some(item) = items.get_mut(*at) {
                    put_at(item, rest, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flat_names_become_what_the_other_forms_have() {
        let lines = [
            ("kms__list_1__map_arn", "b"),
            ("mac", "x"),
            ("kms__list_0__map_arn", "a"),
            ("kms__list_0__map_context__map_team", "web"),
        ];
        let mut all = Json::Null;
        lines.iter().for_each(|(name, value)| put(&mut all, name, (*value).to_owned()));
        assert_eq!(all, json!({ "kms": [{ "arn": "a", "context": { "team": "web" } }, { "arn": "b" }], "mac": "x" }));
    }

    #[test]
    fn nonsense_is_no_harm() {
        let mut all = Json::Null;
        for name in ["", "a__list_x", "a__list_99999999999", "__map_", "a", "a__map_b", "__list_1__list_2"] {
            put(&mut all, name, "1".to_owned());
        }
    }
}
