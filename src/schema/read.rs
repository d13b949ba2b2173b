//! Reads a [`Schema`] off a Rust struct, by way of the JSON Schema that `schemars` derives.

use std::sync::Arc;

use schemars::JsonSchema;
use serde_json::Value as Json;

use super::{Attribute, Attributes, Equality, Exclusive, Limits, Presence, Schema, Shape, Source};
use crate::value::Value;

impl Schema {
    /// Settings `S` and outputs `O` of one type. An output that is also a setting stays a setting.
    ///
    /// # Panics
    /// When a field has a shape that the language has no word for: a mistake in the type, found by the catalogue's tests.
    pub fn of<S: JsonSchema, O: JsonSchema>(type_name: &str, exclusive: &[(&[&str], bool)]) -> Self {
        let (settings, outputs) = (json_schema::<S>(), json_schema::<O>());
        let mut attributes = read_attributes(&outputs, type_name);
        for it in attributes.values_mut() {
            it.presence = Presence::Computed;
        }
        attributes.extend(read_attributes(&settings, type_name));
        let exclusive = exclusive.iter().map(|(names, required)| Exclusive {
            attributes: names.iter().map(|it| (*it).into()).collect(),
            required: *required,
        });
        Self { doc: text(&settings, "description"), exclusive: exclusive.collect(), ..Self::new(type_name, attributes) }
    }
}

fn json_schema<T: JsonSchema>() -> Json {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|it| it.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

fn text(json: &Json, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}

fn read_attributes(object: &Json, place: &str) -> Attributes {
    let required: Vec<&str> = object["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let properties = object["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, json)| {
            (name.as_str().into(), read_attribute(json, required.contains(&name.as_str()), &format!("{place}.{name}")))
        })
        .collect()
}

fn read_attribute(json: &Json, required: bool, place: &str) -> Attribute {
    let (bare, nullable) = without_null(json);
    let flag = |key: &str| json[key] == true || bare[key] == true;
    let default = json.get("default").map(Value::from_json).unwrap_or(Value::Null);
    let presence = match (flag("x-auto"), required && !nullable && default.is_null()) {
        (true, _) => Presence::Auto,
        (false, true) => Presence::Required,
        (false, false) => Presence::Optional,
    };
    let shape = read_shape(&bare, place);
    let default = default.convert(&shape.ty()).unwrap_or_else(|error| panic!("{place}: its default does not fit: {error}"));
    Attribute {
        doc: text(json, "description"),
        presence,
        fixed: flag("x-fixed"),
        later: flag("x-later"),
        local: flag("x-local"),
        secret: flag("x-secret") || flag("x-imprint"),
        applied: flag("x-applied"),
        imprint: flag("x-imprint"),
        source: read_source(&bare, place),
        picks: flag("x-picks"),
        lasting: flag("x-lasting"),
        moving: flag("x-moving"),
        equality: read_equality(&bare, place),
        default,
        limits: read_limits(&bare),
        shape,
    }
}

/// `Option<T>` is a type list with "null", or an `anyOf` with a null branch.
fn without_null(json: &Json) -> (Json, bool) {
    let mut bare = json.clone();
    if let Some(types) = json["type"].as_array() {
        let rest: Vec<_> = types.iter().filter(|it| *it != "null").collect();
        if let [one] = rest.as_slice() {
            bare["type"] = (*one).clone();
        }
        if let Some(values) = bare["enum"].as_array_mut() {
            values.retain(|it| !it.is_null());
        }
        return (bare, rest.len() < types.len());
    }
    if let Some(branches) = json["anyOf"].as_array() {
        let rest: Vec<_> = branches.iter().filter(|it| it["type"] != "null").collect();
        if let ([one], true) = (rest.as_slice(), rest.len() < branches.len()) {
            let mut bare = (*one).clone();
            for (key, value) in json.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("x-")) {
                bare[key] = value.clone();
            }
            return (bare, true);
        }
    }
    (bare, false)
}

fn read_shape(json: &Json, place: &str) -> Shape {
    let items = || Box::new(read_shape(&without_null(&json["items"]).0, place));
    match json["type"].as_str() {
        Some("boolean") => Shape::Bool,
        Some("integer" | "number") => Shape::Number,
        Some("string") => Shape::String,
        Some("array") if json["uniqueItems"] == true => Shape::Set(items()),
        Some("array") => Shape::List(items()),
        Some("object") if json.get("properties").is_some() => Shape::Object(read_attributes(json, place)),
        Some("object") if json["additionalProperties"].is_object() => {
            Shape::Map(Box::new(read_shape(&without_null(&json["additionalProperties"]).0, place)))
        }
        // An enum whose variants have docs of their own is a `oneOf` of constants.
        None if json.get("oneOf").is_some() || json.get("const").is_some() || json.get("enum").is_some() => Shape::String,
        None if json.get("anyOf").is_none() => Shape::Any,
        Some("object") => Shape::Object(Attributes::new()),
        _ => panic!("{place}: the language has no word for {json}"),
    }
}

fn read_equality(json: &Json, place: &str) -> Equality {
    match json["x-equality"].as_str() {
        // Of a collection, its members': they are what is compared.
        None => match members(json) {
            Some(members) => read_equality(&without_null(members).0, place),
            None => Equality::Exact,
        },
        Some("case-fold") => Equality::CaseFold,
        Some("json") => Equality::Json,
        Some("policy") => Equality::Policy,
        Some("dns-name") => Equality::DnsName,
        Some("ecr-lifecycle") => Equality::EcrLifecycle,
        Some("security-group-rules") => Equality::SecurityGroupRules,
        Some(other) => panic!("{place}: unknown equality {other:?}"),
    }
}

fn read_source(json: &Json, place: &str) -> Option<Source> {
    Some(match json["x-source"].as_str()? {
        "objects" => Source::Objects,
        "file" => Source::File,
        "folder" => Source::Folder,
        "glob" => Source::Glob,
        "variables" => Source::Variables,
        other => panic!("{place}: unknown source {other:?}"),
    })
}

/// The schema of the members of a list, set or map.
fn members(json: &Json) -> Option<&Json> {
    ["items", "additionalProperties"].into_iter().filter_map(|it| json.get(it)).find(|it| it.is_object())
}

fn read_limits(json: &Json) -> Limits {
    let number = |key: &str| json[key].as_f64().map(|it| it as i64);
    let length = |key: &str| json[key].as_u64().and_then(|it| usize::try_from(it).ok());
    let some_text = |key: &str| Some(text(json, key)).filter(|it| !it.is_empty()).map(Arc::from);
    let listed = json["enum"].as_array().into_iter().flatten();
    let constants = json["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|it| it["enum"].as_array().into_iter().flatten().chain(it.get("const")));
    let own = Limits {
        one_of: listed.chain(constants).filter_map(Json::as_str).map(Arc::from).collect(),
        pattern: some_text("pattern"),
        minimum: number("minimum"),
        maximum: number("maximum"),
        min_length: length("minLength").or_else(|| length("minItems")),
        max_length: length("maxLength").or_else(|| length("maxItems")),
        // schemars says `int32` and the like of Rust's numbers; those are no forms of texts.
        format: some_text("format").filter(|it| json["type"] == "string" && !it.is_empty()),
    };
    if json["type"] != "array" {
        return own;
    }
    Limits { min_length: own.min_length, max_length: own.max_length, ..read_limits(&without_null(&json["items"]).0) }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde::{Deserialize, Serialize};

    use super::super::equal::Compare;
    use super::super::field::{Auto, Cidr, DnsName, Fixed, Later, Policy, Secret};
    use super::*;

    /// How a thing is billed.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    enum Mode {
        Provisioned,
        PayPerRequest,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Rule {
        #[schemars(range(min = 0, max = 65535))]
        port: Option<u16>,
        #[serde(default)]
        peers: BTreeSet<String>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Alias {
        name: DnsName,
    }

    fn yes() -> bool {
        true
    }

    /// A thing.
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Thing {
        /// Its range.
        cidr: Fixed<Cidr>,
        zone: Fixed<Auto<String>>,
        mode: Option<Mode>,
        #[serde(default = "yes")]
        dns: bool,
        #[serde(default)]
        rule: Later<Vec<Rule>>,
        policy: Later<Option<Policy>>,
        #[serde(default)]
        names: Auto<BTreeSet<DnsName>>,
        #[serde(default)]
        policies: BTreeMap<String, Vec<Policy>>,
        alias: Option<Alias>,
        password: Option<Secret<String>>,
        #[serde(default)]
        tags: BTreeMap<String, String>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Outputs {
        id: String,
    }

    #[test]
    fn a_struct_says_how_its_fields_behave() {
        let schema = Schema::of::<Thing, Outputs>("test_thing", &[]);
        assert_eq!(schema.doc, "A thing.");
        let cidr = &schema.attributes["cidr"];
        assert_eq!((cidr.doc.as_str(), cidr.presence, cidr.fixed), ("Its range.", Presence::Required, true));
        assert_eq!(cidr.limits.format.as_deref(), Some("cidr"));
        let zone = &schema.attributes["zone"];
        assert_eq!((zone.presence, zone.fixed, &zone.shape), (Presence::Auto, true, &Shape::String));
        let mode = &schema.attributes["mode"];
        assert_eq!((mode.presence, mode.limits.one_of.len()), (Presence::Optional, 2));
        assert_eq!(schema.attributes["dns"].default, Value::Bool(true));
        let rule = &schema.attributes["rule"];
        assert!(rule.later);
        let inner = rule.shape.block().unwrap();
        assert_eq!(inner["port"].limits.maximum, Some(65535));
        assert_eq!(inner["peers"].shape, Shape::Set(Box::new(Shape::String)));
        let policy = &schema.attributes["policy"];
        assert_eq!((policy.later, policy.equality, policy.presence), (true, Equality::Policy, Presence::Optional));
        assert!(schema.attributes["password"].secret);
        assert_eq!(schema.attributes["id"].presence, Presence::Computed);
        assert_eq!(schema.attributes["tags"].shape, Shape::Map(Box::new(Shape::String)));
    }

    #[test]
    fn members_are_compared_as_their_own_type_says() {
        let schema = Schema::of::<Thing, Outputs>("test_thing", &[]);
        let sealer = crate::value::Sealer::new([1; 32]);
        let same = |name: &str, a: Value, b: Value| Compare { sealer: &sealer }.same(&schema.attributes[name], &a, &b);
        let (written, answered) = (Value::from("*.Example.com"), Value::from("\\052.example.com."));
        assert!(same("names", Value::set([written.clone()]), Value::set([answered.clone()])));
        assert!(same("alias", Value::object([("name", written)]), Value::object([("name", answered)])));
        assert!(!same("names", Value::set(["a.b".into()]), Value::set(["b.b".into()])));
        let policy = |actions: &str| {
            Value::map([("p", Value::list([Value::from(format!("{{\"Statement\":[{{\"Action\":{actions}}}]}}"))]))])
        };
        assert!(same("policies", policy("\"s3:Get\""), policy("[\"S3:get\"]")));
        assert!(!same("policies", policy("\"s3:Get\""), policy("\"s3:Put\"")));
    }
}
