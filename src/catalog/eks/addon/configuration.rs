//! Whether a configuration is one that a version of an add-on takes.
//!
//! Sources: Amazon EKS API Reference, DescribeAddonConfiguration; JSON Schema draft 6, of which this is the part that EKS's
//! schemas are made of. What it does not know it lets pass: EKS checks again.

use aws_sdk_eks::error::ProvideErrorMetadata;
use serde_json::Value as Json;

use crate::cloud::aws::Aws;
use crate::diag::nearest;
use crate::remote::{Fault, Objection};

const PATH: &str = "configuration_values";

pub async fn check(aws: &Aws, name: &str, version: Option<&str>, values: &str) -> Result<Vec<Objection>, Fault> {
    let Some(version) = (match version {
        Some(version) => Some(version.to_owned()),
        None => newest(aws, name).await?,
    }) else {
        return Ok(Vec::new());
    };
    let asked = aws.eks().describe_addon_configuration().addon_name(name).addon_version(&version).send().await;
    let schema = match asked {
        Ok(got) => got.configuration_schema.unwrap_or_default(),
        Err(error) if matches!(error.code(), Some("InvalidParameterException" | "ResourceNotFoundException")) => {
            let message = format!("EKS has no {name} {version}: {}", error.message().unwrap_or_default());
            let help = format!("aws eks describe-addon-versions --addon-name {name}");
            return Ok(vec![Objection { path: "addon_version".into(), message, help: Some(help), stops: true }]);
        }
        Err(error) => return Err(error.into()),
    };
    let (Ok(schema), Ok(values)) = (serde_json::from_str::<Json>(&schema), serde_json::from_str::<Json>(values)) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let check = Check { root: &schema };
    check.value(&schema, &values, "", &mut found);
    let objection = |(at, what): (String, String)| Objection {
        path: format!("{PATH}{at}"),
        message: format!("{name} {version} does not take this: {what}"),
        help: Some(format!("aws eks describe-addon-configuration --addon-name {name} --addon-version {version}")),
        stops: true,
    };
    Ok(found.into_iter().map(objection).collect())
}

/// The newest version, which a default one does not differ from in what it takes.
async fn newest(aws: &Aws, name: &str) -> Result<Option<String>, Fault> {
    let got = aws.eks().describe_addon_versions().addon_name(name).send().await?;
    let versions = got.addons.unwrap_or_default().into_iter().flat_map(|it| it.addon_versions.unwrap_or_default());
    Ok(versions.filter_map(|it| it.addon_version).next())
}

/// References go in circles nowhere in EKS's schemas; one that does is followed so far.
const DEPTH_MAX: usize = 64;

struct Check<'a> {
    root: &'a Json,
}

impl<'a> Check<'a> {
    fn value(&self, schema: &'a Json, value: &Json, at: &str, out: &mut Vec<(String, String)>) {
        let Some(schema) = self.resolved(schema) else { return };
        let types: Vec<&str> = one_or_many(&schema["type"]).into_iter().filter_map(Json::as_str).collect();
        if !types.is_empty() && !types.iter().any(|it| is(it, value)) {
            return out.push((at.to_owned(), format!("it is {}, and must be {}", kind(value), types.join(" or "))));
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            let allowed: Vec<String> = allowed.iter().map(Json::to_string).collect();
            return out.push((at.to_owned(), format!("it must be one of {}", allowed.join(", "))));
        }
        if schema["format"] == "boolean" && !matches!(value.as_str(), Some("true" | "false")) {
            return out.push((at.to_owned(), "it must be the text \"true\" or \"false\"".to_owned()));
        }
        let branches = ["anyOf", "oneOf"].into_iter().filter_map(|it| schema[it].as_array()).find(|it| !it.is_empty());
        if let Some(branches) = branches
            && !branches.iter().any(|it| self.takes(it, value))
        {
            return out.push((at.to_owned(), "it has none of the forms that are allowed here".to_owned()));
        }
        for it in schema["allOf"].as_array().into_iter().flatten() {
            self.value(it, value, at, out);
        }
        self.members(schema, value, at, out);
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            if schema["items"].is_object() {
                self.value(&schema["items"], item, &format!("{at}[{index}]"), out);
            }
        }
    }

    fn members(&self, schema: &'a Json, value: &Json, at: &str, out: &mut Vec<(String, String)>) {
        let Some(members) = value.as_object() else { return };
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if !members.contains_key(name) {
                out.push((at.to_owned(), format!("{name} is missing")));
            }
        }
        for (name, member) in members {
            let below = format!("{at}.{name}");
            match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (Some(known), _) => self.value(known, member, &below, out),
                (None, Json::Bool(false)) => out.push((below, unknown(schema, name))),
                (None, rest @ Json::Object(_)) => self.value(rest, member, &below, out),
                (None, _) => {}
            }
        }
    }

    fn takes(&self, schema: &'a Json, value: &Json) -> bool {
        let mut found = Vec::new();
        self.value(schema, value, "", &mut found);
        found.is_empty()
    }

    /// What a reference within the document stands for.
    fn resolved(&self, mut schema: &'a Json) -> Option<&'a Json> {
        for _ in 0..DEPTH_MAX {
            let Some(reference) = schema["$ref"].as_str() else { return Some(schema) };
            schema = self.root.pointer(reference.strip_prefix('#')?)?;
        }
        None
    }
}

fn unknown(schema: &Json, name: &str) -> String {
    let known = schema["properties"].as_object().into_iter().flatten().map(|(known, _)| known.as_str());
    match nearest(name, known) {
        Some(near) => format!("there is no {name}; did you mean {near}?"),
        None => format!("there is no {name}"),
    }
}

fn one_or_many(value: &Json) -> Vec<&Json> {
    match value {
        Json::Array(all) => all.iter().collect(),
        Json::Null => Vec::new(),
        one => vec![one],
    }
}

fn is(wanted: &str, value: &Json) -> bool {
    match wanted {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn complaints(values: Json) -> Vec<String> {
        let schema = json!({
            "$ref": "#/definitions/Cni",
            "definitions": {
                "Cni": {
                    "type": "object", "additionalProperties": false,
                    "properties": {
                        "enableNetworkPolicy": { "type": "string", "format": "boolean" },
                        "env": {
                            "type": "object", "additionalProperties": false,
                            "properties": { "WARM_PREFIX_TARGET": { "type": "string" }, "MODE": { "enum": ["strict", "standard"] } },
                        },
                        "resources": { "$ref": "#/definitions/Resources" },
                        "labels": { "type": ["object", "null"], "additionalProperties": { "type": "string" } },
                        "tolerations": { "type": "array", "items": { "type": "object", "required": ["key"] } },
                        "cpu": { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
                    },
                },
                "Resources": { "type": "object", "properties": { "limits": { "type": "object" } } },
                "Loop": { "$ref": "#/definitions/Loop" },
            },
        });
        let mut out = Vec::new();
        Check { root: &schema }.value(&schema, &values, "", &mut out);
        out.into_iter().map(|(at, what)| format!("{at}: {what}")).collect()
    }

    #[test]
    fn what_the_schema_allows_passes() {
        let values = json!({
            "enableNetworkPolicy": "true", "env": { "WARM_PREFIX_TARGET": "1", "MODE": "standard" }, "labels": null,
            "resources": { "limits": { "cpu": 1 } }, "tolerations": [{ "key": "a" }], "cpu": 2,
        });
        assert_eq!(complaints(values), Vec::<String>::new());
    }

    #[test]
    fn what_it_does_not_is_named_by_its_place() {
        let values = json!({
            "enableNetworkPolicy": "yes", "env": { "WARM_PREFIX_TARGET": 1, "MOD": "x", "MODE": "soft" }, "other": {},
            "labels": { "a": 1 }, "tolerations": [{ "key": "a" }, {}], "cpu": [],
        });
        let expected = [
            ".enableNetworkPolicy: it must be the text \"true\" or \"false\"",
            ".env.WARM_PREFIX_TARGET: it is a number, and must be string",
            ".env.MOD: there is no MOD; did you mean MODE?",
            ".env.MODE: it must be one of \"strict\", \"standard\"",
            ".other: there is no other",
            ".labels.a: it is a number, and must be string",
            ".tolerations[1]: key is missing",
            ".cpu: it has none of the forms that are allowed here",
        ];
        assert_eq!(complaints(values), expected);
    }

    #[test]
    fn a_reference_that_leads_nowhere_checks_nothing() {
        let schema = json!({ "$ref": "#/definitions/Loop", "definitions": { "Loop": { "$ref": "#/definitions/Loop" } } });
        let mut out = Vec::new();
        Check { root: &schema }.value(&schema, &json!(1), "", &mut out);
        Check { root: &schema }.value(&json!({ "$ref": "https://elsewhere" }), &json!(1), "", &mut out);
        assert!(out.is_empty());
    }
}
