//! Every type of the catalogue: its example works, its attributes are explained, and what stands in for Terraform's split
//! resources is really there.

use std::sync::Arc;

use infra::catalog::Catalog;
use infra::diag::render::render;
use infra::plan::{Observed, Options, Outcome, Previewed, Request, plan};
use infra::remote::Preview;
use infra::report::schema;
use infra::resource::Driver;
use infra::schema::{Attribute, Attributes, Presence, Schema, Shape, Types};
use infra::stack::refusals::PARTS;
use infra::stack::source::Memory;
use infra::stack::{LoadRequest, Loaded, Program};
use infra::state::{Lineage, State};
use infra::value::{Sealer, Value};

const STACK: &str = "stack {\n  region   = \"eu-west-1\"\n  accounts = [\"111111111111\"]\n}\n";

fn load(catalog: &Catalog, text: &str) -> Loaded {
    let text = format!("{STACK}{text}");
    Program::load(LoadRequest {
        source: Arc::new(Memory::new([("stacks/dev/stack.hcl", text.as_str())])),
        stack: "dev".parse().unwrap(),
        variables: Vec::new(),
        types: catalog,
        account: Some("111111111111".to_owned()),
    })
}

/// The complaints about a stack that is loaded and planned for an empty account; data sources answer what their types have.
fn complaints(catalog: &Catalog, text: &str) -> String {
    let mut loaded = load(catalog, text);
    if !loaded.diagnostics.is_empty() {
        return render(&loaded.diagnostics, &loaded.program, false);
    }
    let state = State::new("dev".parse().unwrap(), Lineage("l-1".into()));
    let mut observed = Observed::default();
    loop {
        let outcome = plan(Request {
            configuration: &mut loaded.program,
            types: catalog,
            state: &state,
            observed: &observed,
            options: &Options::default(),
            sealer: &Sealer::new([7; 32]),
            account: "111111111111",
            region: "eu-west-1",
            digest: "",
        });
        match outcome {
            Outcome::Planned(it) => return render(&it.diagnostics, &loaded.program, false),
            Outcome::Refused(all) => return render(&all, &loaded.program, false),
            Outcome::NeedsData(reads) => {
                observed.data.extend(reads.into_iter().map(|it| {
                    let answer = answer(Types::data(catalog, &it.key.type_name).unwrap());
                    (it.key, answer)
                }));
            }
            Outcome::NeedsPreviews(all) => observed
                .previews
                .extend(all.into_iter().map(|it| (it.address, Previewed { settings: it.settings, preview: Preview::default() }))),
            Outcome::NeedsImports(_) => return "an example imports something".to_owned(),
        }
    }
}

/// Something in each attribute.
fn answer(schema: &Schema) -> Value {
    let any = |it: &Attribute| match &it.shape {
        Shape::String => Value::from("x"),
        Shape::List(_) | Shape::Set(_) => Value::tuple(["x".into(), "y".into(), "z".into()]),
        Shape::Any | Shape::Bool | Shape::Number | Shape::Map(_) | Shape::Object(_) => Value::Null,
    };
    Value::object(schema.outputs().map(|(name, it)| (name.clone(), any(it))))
}

#[test]
fn every_example_is_planned_without_a_complaint() {
    let catalog = Catalog::new();
    let mut wrong = String::new();
    for kind in catalog.kinds() {
        let name = &kind.schema.type_name;
        let example = kind.schema.doc.split_once("```stack\n").and_then(|(_, rest)| rest.split_once("```"));
        let Some((example, _)) = example else {
            wrong += &format!("{name} has no example\n");
            continue;
        };
        let word = if matches!(kind.driver, Driver::Data(_)) { "data" } else { "resource" };
        if !example.contains(&format!("{word} \"{name}\"")) {
            wrong += &format!("the example of {name} shows something else\n");
        }
        let found = complaints(&catalog, example);
        if !found.is_empty() {
            wrong += &format!("{name}:\n{found}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_attribute_is_explained() {
    fn look(at: &str, attributes: &Attributes, out: &mut Vec<String>) {
        for (name, it) in attributes {
            let here = format!("{at}.{name}");
            if it.doc.trim().is_empty() {
                out.push(here.clone());
            }
            if let Some(inner) = it.shape.block() {
                look(&here, inner, out);
            }
        }
    }
    let mut silent = Vec::new();
    for kind in Catalog::new().kinds() {
        look(&kind.schema.type_name, &kind.schema.attributes, &mut silent);
    }
    assert!(silent.is_empty(), "without a sentence:\n{}", silent.join("\n"));
}

/// The parts of JSON Schema that are written; what is not a schema by them is not one.
#[test]
fn the_json_schema_of_every_type_is_one() {
    fn check(at: &str, schema: &serde_json::Value) {
        const TYPES: [&str; 6] = ["boolean", "number", "string", "array", "object", "integer"];
        let it = schema.as_object().unwrap_or_else(|| panic!("{at}: a schema is an object"));
        if let Some(ty) = it.get("type") {
            assert!(ty.as_str().is_some_and(|it| TYPES.contains(&it)), "{at}: {ty} is no type");
        }
        if let Some(pattern) = it.get("pattern") {
            assert!(pattern.as_str().is_some_and(|it| regex::Regex::new(it).is_ok()), "{at}: {pattern} is no pattern");
        }
        for key in ["minLength", "maxLength"] {
            assert!(it.get(key).is_none_or(serde_json::Value::is_u64), "{at}: {key} is a count");
        }
        let properties = it.get("properties").and_then(serde_json::Value::as_object);
        for (name, inner) in properties.into_iter().flatten() {
            check(&format!("{at}.{name}"), inner);
        }
        for key in ["items", "additionalProperties"] {
            if let Some(inner) = it.get(key).filter(|it| !it.is_boolean()) {
                check(&format!("{at}.{key}"), inner);
            }
        }
        for name in it.get("required").and_then(serde_json::Value::as_array).into_iter().flatten() {
            let known = properties.is_some_and(|it| name.as_str().is_some_and(|name| it.contains_key(name)));
            assert!(known, "{at}: {name} is required and not described");
        }
    }
    for kind in Catalog::new().kinds() {
        check(&kind.schema.type_name, &schema::json(&kind.schema));
    }
}

#[test]
fn what_stands_in_for_a_split_resource_is_there() {
    let catalog = Catalog::new();
    for part in PARTS {
        assert!(Types::resource(&catalog, part.type_name).is_none(), "{} is a type of its own", part.type_name);
        let kind = catalog.kind(part.whole).unwrap_or_else(|| panic!("there is no {}", part.whole));
        let required = kind.schema.settings().filter(|(_, it)| it.presence == Presence::Required);
        let rest: String = required.map(|(name, _)| format!("  {name} = \"abc\"\n")).collect();
        let text = format!("resource \"{}\" \"it\" {{\n{rest}{}\n}}\n", part.whole, part.write);
        let loaded = load(&catalog, &text);
        assert!(loaded.diagnostics.is_empty(), "{text}{}", render(&loaded.diagnostics, &loaded.program, false));
        let text = format!("resource \"{}\" \"it\" {{\n}}\n", part.type_name);
        let refused = load(&catalog, &text).diagnostics;
        assert_eq!(refused.iter().map(|it| it.code).collect::<Vec<_>>(), ["part-of-another"]);
    }
}
