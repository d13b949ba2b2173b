//! Normal forms of texts that mean the same: two texts are equal when their normal forms are. Pure, and a normal form is its
//! own normal form.

use serde_json::{Map, Value as Json};

use super::Equality;

/// The normal form of `text`. What is not of the form that `equality` speaks of stays as it is.
pub fn normal(equality: Equality, text: &str) -> String {
    let json = |with: fn(Json) -> Json| match serde_json::from_str::<Json>(text) {
        Ok(it) => sorted(with(it)).to_string(),
        Err(_) => text.to_owned(),
    };
    match equality {
        Equality::Exact | Equality::SecurityGroupRules => text.to_owned(),
        Equality::CaseFold => text.to_ascii_lowercase(),
        Equality::Json => json(|it| it),
        Equality::Policy => json(policy),
        Equality::DnsName => dns_name(text),
        Equality::EcrLifecycle => json(lifecycle),
    }
}

/// Keys in order at every depth.
fn sorted(json: Json) -> Json {
    match json {
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        Json::Object(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(key, it)| (key, sorted(it))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(members.into_iter().collect())
        }
        leaf => leaf,
    }
}

/// Lower case, no trailing dot, and the three-digit octal escapes in which Route 53 answers (`\052` for `*`) as what they
/// stand for. Escaped digits and backslashes stay: decoding them could make an escape of what was none.
fn dns_name(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 4).filter(|it| it.bytes().all(|b| b.is_ascii_digit()));
        let byte = digits.and_then(|it| u8::from_str_radix(it, 8).ok());
        match byte.filter(|it| it.is_ascii_graphic() && !it.is_ascii_digit() && *it != b'\\') {
            Some(byte) => {
                out.push(byte.into());
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out.make_ascii_lowercase();
    out.truncate(out.trim_end_matches('.').len());
    out
}

/// An ECR lifecycle policy: rules by priority, tag lists as sets, empty ones left out.
fn lifecycle(mut policy: Json) -> Json {
    let Some(rules) = policy.get_mut("rules").and_then(Json::as_array_mut) else { return policy };
    for selection in rules.iter_mut().filter_map(|it| it.get_mut("selection")).filter_map(Json::as_object_mut) {
        for key in ["tagPrefixList", "tagPatternList"] {
            match selection.get_mut(key).and_then(Json::as_array_mut) {
                Some(tags) if tags.is_empty() => {
                    selection.shift_remove(key);
                }
                Some(tags) => as_set(tags),
                None => {}
            }
        }
    }
    rules.sort_by_key(|it| (it["rulePriority"].as_i64(), sorted(it.clone()).to_string()));
    policy
}

/// An IAM policy document. Source: the IAM user guide's reference of JSON policy elements: elements take one text or a list
/// of them without order; action names have no case; `"Principal": "*"` means `{"AWS": "*"}`; an account id means the ARN of
/// its root.
fn policy(mut document: Json) -> Json {
    let Some(members) = document.as_object_mut() else { return document };
    if members.get("Id").is_some_and(|it| it == "") {
        members.shift_remove("Id");
    }
    if let Some(statements) = members.get_mut("Statement") {
        let mut all = match std::mem::take(statements) {
            Json::Array(all) => all,
            one => vec![one],
        };
        all.iter_mut().filter_map(Json::as_object_mut).for_each(statement);
        as_set(&mut all);
        *statements = Json::Array(all);
    }
    document
}

fn statement(statement: &mut Map<String, Json>) {
    if statement.get("Sid").is_some_and(|it| it == "") {
        statement.shift_remove("Sid");
    }
    for (key, value) in statement.iter_mut() {
        match key.as_str() {
            "Action" | "NotAction" => texts(value, |it| it.to_ascii_lowercase()),
            "Resource" | "NotResource" => texts(value, str::to_owned),
            "Principal" | "NotPrincipal" => {
                if key == "Principal" && value == "*" {
                    *value = serde_json::json!({ "AWS": "*" });
                }
                for (kind, names) in value.as_object_mut().into_iter().flatten() {
                    texts(names, if kind == "AWS" { account_of_root } else { str::to_owned });
                }
            }
            "Condition" => {
                let operators = value.as_object_mut().into_iter().flatten();
                for (_, values) in operators.filter_map(|(_, it)| it.as_object_mut()).flatten() {
                    texts(values, str::to_owned);
                }
            }
            _ => {}
        }
    }
}

/// `arn:aws:iam::111111111111:root` → `111111111111`
fn account_of_root(name: &str) -> String {
    let parts: Vec<&str> = name.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", "", account, "root"] if account.len() == 12 => (*account).to_owned(),
        _ => name.to_owned(),
    }
}

/// One text or a list of them, as a list without order or repetition. Bools and numbers are texts in conditions.
fn texts(value: &mut Json, each: fn(&str) -> String) {
    let items = match std::mem::take(value) {
        Json::Array(items) => items,
        one => vec![one],
    };
    let text = |it: Json| match it {
        Json::String(it) => Json::String(each(&it)),
        Json::Bool(it) => Json::String(it.to_string()),
        Json::Number(it) => Json::String(it.to_string()),
        other => other,
    };
    let mut items: Vec<_> = items.into_iter().map(text).collect();
    as_set(&mut items);
    *value = Json::Array(items);
}

fn as_set(items: &mut Vec<Json>) {
    let mut keyed: Vec<_> = std::mem::take(items).into_iter().map(sorted).map(|it| (it.to_string(), it)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    keyed.dedup_by(|a, b| a.0 == b.0);
    *items = keyed.into_iter().map(|(_, it)| it).collect();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(equality: Equality, a: &str, b: &str) -> bool {
        normal(equality, a) == normal(equality, b)
    }

    #[test]
    fn policies_are_equal_when_they_say_the_same() {
        let written = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},
            "Action":["s3:GetObject","s3:putObject"],"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}}"#;
        let answered = r#"{"Statement":[{"Sid":"","Action":["s3:PutObject","s3:GetObject"],"Effect":"Allow","Resource":["*"],
            "Principal":{"AWS":["111111111111"]},"Condition":{"Bool":{"aws:SecureTransport":["true"]}}}],"Version":"2012-10-17"}"#;
        assert!(same(Equality::Policy, written, answered));
        let anyone =
            |principal: &str| format!(r#"{{"Statement":[{{"Effect":"Deny","{principal},"Action":"*","Resource":"*"}}]}}"#);
        assert!(same(Equality::Policy, &anyone(r#"Principal":"*""#), &anyone(r#"Principal":{"AWS":"*"}"#)));
        assert!(!same(Equality::Policy, &anyone(r#"NotPrincipal":"*""#), &anyone(r#"NotPrincipal":{"AWS":"*"}"#)));
    }

    #[test]
    fn policies_that_say_something_else_differ() {
        let with = |effect: &str, resource: &str| {
            format!(r#"{{"Statement":[{{"Effect":"{effect}","Action":"s3:*","Resource":{resource}}}]}}"#)
        };
        assert!(!same(Equality::Policy, &with("Allow", r#""*""#), &with("Deny", r#""*""#)));
        assert!(!same(Equality::Policy, &with("Allow", r#"["a"]"#), &with("Allow", r#"["a","b"]"#)));
        assert!(!same(Equality::Policy, &with("Allow", r#""a""#), &with("Allow", r#""A""#)));
    }

    #[test]
    fn domain_names_ignore_case_the_last_dot_and_octal_escapes() {
        assert!(same(Equality::DnsName, r"\052.Example.com.", "*.example.com"));
        assert!(!same(Equality::DnsName, "a.example.com", "b.example.com"));
        assert_eq!(normal(Equality::DnsName, r"\134052.a"), r"\134052.a");
        assert_eq!(normal(Equality::DnsName, r"a\"), r"a\");
    }

    #[test]
    fn json_ignores_space_and_the_order_of_keys_alone() {
        assert!(same(Equality::Json, r#"{"a":1,"b":[1,2]}"#, "{ \"b\": [1, 2], \"a\": 1 }"));
        assert!(!same(Equality::Json, "[1,2]", "[2,1]"));
        assert!(!same(Equality::Json, "not json", "not  json"));
    }

    #[test]
    fn lifecycle_rules_have_priorities_and_no_order() {
        let one = r#"{"rules":[{"rulePriority":2,"selection":{"tagPrefixList":["b","a"]}},{"rulePriority":1,"selection":{"tagPrefixList":[]}}]}"#;
        let two = r#"{"rules":[{"selection":{},"rulePriority":1},{"rulePriority":2,"selection":{"tagPrefixList":["a","b"]}}]}"#;
        assert!(same(Equality::EcrLifecycle, one, two));
    }

    fn json() -> impl Strategy<Value = Json> {
        let key = prop::sample::select(vec![
            "Statement",
            "Action",
            "Principal",
            "AWS",
            "Condition",
            "Sid",
            "rules",
            "selection",
            "tagPrefixList",
            "rulePriority",
        ]);
        let text = prop::sample::select(vec!["*", "s3:Get", "arn:aws:iam::111111111111:root", "111111111111", "", "B", "a"]);
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            (0..3).prop_map(Json::from),
            text.prop_map(Json::from)
        ];
        leaf.prop_recursive(5, 40, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::vec((key.clone(), inner), 0..5)
                    .prop_map(|it| Json::Object(it.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
            ]
        })
    }

    const ALL: [Equality; 6] =
        [Equality::Exact, Equality::CaseFold, Equality::Json, Equality::Policy, Equality::DnsName, Equality::EcrLifecycle];

    proptest! {
        #[test]
        fn a_normal_form_is_its_own(json in json(), text in r"[a-cA-C0-9\\.*]{0,12}") {
            for equality in ALL {
                for it in [json.to_string(), text.clone()] {
                    let once = normal(equality, &it);
                    prop_assert_eq!(normal(equality, &once), once);
                }
            }
        }
    }
}
