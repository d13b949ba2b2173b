//! The dotenv form: `NAME=value` lines, in which SOPS writes its own part flat.

use serde_json::{Map, Value as Json};

/// What the flat names of SOPS's part are made of: `sops_kms__list_0__map_context__map_team`.
const MEMBER: &str = "__map_";
const ITEM: &str = "__list_";

/// The values, and `sops` as the other forms have it.
pub(super) fn read(text: &str) -> Map<String, Json> {
    let (mut all, mut about) = (Map::new(), Json::Null);
    for line in text.lines().filter(|it| !it.starts_with('#')) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = value.replace("\\n", "\n");
        match name.strip_prefix("sops_") {
            Some(name) => put(&mut about, &steps(name), value),
            None => drop(all.insert(name.to_owned(), value.into())),
        }
    }
    if !about.is_null() {
        all.insert("sops".to_owned(), about);
    }
    all
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
        // Numbers are small: there is no more than a line for each.
        out.extend(pieces.map(|it| Step::Item(it.parse().unwrap_or(0))));
    }
    out
}

fn put(into: &mut Json, steps: &[Step<'_>], value: String) {
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
                put(members.entry((*name).to_owned()).or_insert(Json::Null), rest, value);
            }
        }
        Step::Item(at) => {
            if !into.is_array() {
                *into = Json::Array(Vec::new());
            }
            if let Json::Array(items) = into {
                // Items come in order; a gap is none of SOPS's.
                if *at >= items.len() {
                    items.push(Json::Null);
                }
                let last = items.len().saturating_sub(1);
                if let Some(item) = items.get_mut((*at).min(last)) {
                    put(item, rest, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flat_names_become_what_the_other_forms_have() {
        let text = "USER=ann\nsops_mac=x\nsops_kms__list_0__map_arn=a\nsops_kms__list_0__map_context__map_team=web\n\
                    sops_kms__list_1__map_arn=b\nsops_age__list_0__map_enc=one\\ntwo\n# a comment\n";
        let kms = json!([{ "arn": "a", "context": { "team": "web" } }, { "arn": "b" }]);
        let sops = json!({ "mac": "x", "kms": kms, "age": [{ "enc": "one\ntwo" }] });
        assert_eq!(Json::Object(read(text)), json!({ "USER": "ann", "sops": sops }));
    }

    #[test]
    fn nonsense_is_no_harm() {
        for text in ["sops_", "sops_a__list_x=1", "sops_a__list_99999999999=1", "sops___map_=1", "sops_a=1\nsops_a__map_b=2"] {
            read(text);
        }
    }
}
