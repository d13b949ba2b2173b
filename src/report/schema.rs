//! A resource type's reference: for people, and as JSON Schema.

use serde_json::{Map, Value as Json, json};

use crate::report::style::{Line, Style, Tone, columns, render, wrap};
use crate::report::value;
use crate::schema::{Attribute, Attributes, Equality, Presence, Schema, Shape};

pub fn text(schema: &Schema, style: Style) -> String {
    let width = style.width.min(120);
    let mut out = vec![Line::new(0).and(Tone::Strong, schema.type_name.to_string()), Line::default()];
    out.extend(paragraphs(&schema.doc, width));
    let part = |title: &str, of: Vec<(&std::sync::Arc<str>, &Attribute)>| -> Vec<Line> {
        if of.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![Line::new(0).and(Tone::Strong, title), Line::default()];
        let names: Vec<_> = of.into_iter().map(|(name, it)| (name.to_string(), it)).collect();
        lines.extend(attributes(&names, 2, width));
        lines.push(Line::default());
        lines
    };
    out.extend(part("Arguments", schema.settings().collect()));
    for it in &schema.exclusive {
        let names: Vec<_> = it.attributes.iter().map(|it| format!("`{it}`")).collect();
        let least = if it.required { "Exactly one" } else { "At most one" };
        out.push(Line::new(2).plain(format!("{least} of {}.", names.join(", "))));
        out.push(Line::default());
    }
    out.extend(part("Attributes that AWS answers", schema.outputs().collect()));
    out.pop();
    render(&out, style)
}

fn attributes(of: &[(String, &Attribute)], indent: usize, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for (name, it) in of {
        let mut facts = vec![shape_word(&it.shape)];
        facts.extend(notes(it));
        let start = indent + columns(name) + 2;
        let mut facts = wrap(&facts.join(", "), width.saturating_sub(start)).into_iter();
        let head = Line::new(indent).and(Tone::Note, name.as_str());
        out.push(head.and(Tone::Faint, format!("  {}", facts.next().unwrap_or_default())));
        out.extend(facts.map(|line| Line::new(start).and(Tone::Faint, line)));
        out.extend(wrap(&it.doc, width.saturating_sub(indent + 4)).into_iter().map(|line| Line::new(indent + 4).plain(line)));
        if let Some(inner) = it.shape.block() {
            let inner: Vec<_> = inner.iter().map(|(name, it)| (name.to_string(), it)).collect();
            out.extend(attributes(&inner, indent + 4, width));
        }
    }
    out
}

/// How it behaves.
fn notes(it: &Attribute) -> Vec<String> {
    let mut notes = Vec::new();
    match it.presence {
        Presence::Required => notes.push("required".to_owned()),
        Presence::Auto => notes.push("AWS chooses when left out".to_owned()),
        Presence::Optional | Presence::Computed => {}
    }
    if !it.default.is_null() {
        notes.push(format!("default {}", value::inline(&it.default)));
    }
    if it.fixed {
        notes.push("a change replaces the resource".to_owned());
    }
    if it.lasting {
        notes.push("to have one or none replaces the resource".to_owned());
    }
    if it.secret {
        notes.push("sensitive".to_owned());
    }
    match it.equality {
        Equality::Exact => {}
        Equality::CaseFold => notes.push("case does not count".to_owned()),
        Equality::Json | Equality::Policy | Equality::EcrLifecycle => notes.push("JSON, compared by meaning".to_owned()),
        Equality::DnsName => notes.push("domain name, compared by meaning".to_owned()),
        Equality::SecurityGroupRules => notes.push("compared by what the rules let through".to_owned()),
    }
    let limits = &it.limits;
    if !limits.one_of.is_empty() {
        let names: Vec<_> = limits.one_of.iter().map(|it| format!("`{it}`")).collect();
        notes.push(format!("one of {}", names.join(", ")));
    }
    if let Some(bounds) = range(limits.minimum.map(i128::from), limits.maximum.map(i128::from)) {
        notes.push(bounds);
    }
    let length = |it: Option<usize>| it.and_then(|it| i128::try_from(it).ok());
    if let Some(bounds) = range(length(limits.min_length), length(limits.max_length)) {
        notes.push(format!("length {bounds}"));
    }
    notes
}

fn range(low: Option<i128>, high: Option<i128>) -> Option<String> {
    match (low, high) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}")),
        (Some(low), None) => Some(format!("at least {low}")),
        (None, Some(high)) => Some(format!("at most {high}")),
        (None, None) => None,
    }
}

fn shape_word(shape: &Shape) -> String {
    match shape {
        Shape::Any => "any".into(),
        Shape::Bool => "bool".into(),
        Shape::Number => "number".into(),
        Shape::String => "string".into(),
        Shape::Object(_) => "block".into(),
        Shape::List(of) if matches!(**of, Shape::Object(_)) => "blocks".into(),
        Shape::Set(of) if matches!(**of, Shape::Object(_)) => "blocks, in any order".into(),
        Shape::List(of) => format!("list({})", shape_word(of)),
        Shape::Set(of) => format!("set({})", shape_word(of)),
        Shape::Map(of) => format!("map({})", shape_word(of)),
    }
}

/// Doc comments are Markdown: paragraphs are wrapped, what is indented or fenced stays.
fn paragraphs(doc: &str, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    let mut fenced = false;
    let mut gathered = String::new();
    let flush = |gathered: &mut String, out: &mut Vec<Line>| {
        out.extend(wrap(gathered, width).into_iter().map(|it| Line::new(0).plain(it)));
        gathered.clear();
    };
    for line in doc.lines() {
        if line.trim_start().starts_with("```") {
            flush(&mut gathered, &mut out);
            fenced = !fenced;
        } else if fenced {
            out.push(Line::new(4).and(Tone::Faint, line));
        } else if line.trim().is_empty() {
            flush(&mut gathered, &mut out);
            out.push(Line::default());
        } else {
            gathered.push_str(line);
            gathered.push(' ');
        }
    }
    flush(&mut gathered, &mut out);
    if !out.is_empty() {
        out.push(Line::default());
    }
    out
}

/// JSON Schema (2020-12) of what a block of the type may hold; what AWS answers is `readOnly`.
pub fn json(schema: &Schema) -> Json {
    let mut out = object(&schema.attributes);
    out.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    out.insert("title".into(), schema.type_name.as_ref().into());
    out.insert("description".into(), schema.doc.as_str().into());
    let exclusive = schema.exclusive.iter().map(|it| json!({ "attributes": it.attributes, "required": it.required }));
    let exclusive: Vec<Json> = exclusive.collect();
    if !exclusive.is_empty() {
        out.insert("x-exclusive".into(), exclusive.into());
    }
    Json::Object(out)
}

fn object(attributes: &Attributes) -> Map<String, Json> {
    let properties: Map<String, Json> = attributes.iter().map(|(name, it)| (name.to_string(), attribute(it))).collect();
    let required = attributes.iter().filter(|(_, it)| it.presence == Presence::Required).map(|(name, _)| name.as_ref());
    let mut out = Map::new();
    out.insert("type".into(), "object".into());
    out.insert("properties".into(), properties.into());
    out.insert("required".into(), required.collect::<Vec<&str>>().into());
    out.insert("additionalProperties".into(), false.into());
    out
}

fn attribute(it: &Attribute) -> Json {
    let mut out = shape(&it.shape);
    if !it.doc.is_empty() {
        out.insert("description".into(), it.doc.as_str().into());
    }
    if let Some(default) = it.default.to_json().filter(|it| !it.is_null()) {
        out.insert("default".into(), default);
    }
    let limits = &it.limits;
    if !limits.one_of.is_empty() {
        out.insert("enum".into(), json!(limits.one_of));
    }
    let bounds: [(&str, Option<Json>); 6] = [
        ("pattern", limits.pattern.as_deref().map(Json::from)),
        ("format", limits.format.as_deref().map(Json::from)),
        ("minimum", limits.minimum.map(Json::from)),
        ("maximum", limits.maximum.map(Json::from)),
        ("minLength", limits.min_length.map(Json::from)),
        ("maxLength", limits.max_length.map(Json::from)),
    ];
    out.extend(bounds.into_iter().filter_map(|(key, it)| Some((key.to_owned(), it?))));
    let marks = [
        ("readOnly", it.presence == Presence::Computed),
        ("x-auto", it.presence == Presence::Auto),
        ("x-fixed", it.fixed),
        ("x-lasting", it.lasting),
        ("x-later", it.later),
        ("x-moving", it.moving),
        ("x-secret", it.secret),
    ];
    out.extend(marks.into_iter().filter(|(_, it)| *it).map(|(key, it)| (key.to_owned(), it.into())));
    Json::Object(out)
}

fn shape(shape: &Shape) -> Map<String, Json> {
    let typed = |name: &str| Map::from_iter([("type".to_owned(), Json::from(name))]);
    let with = |mut out: Map<String, Json>, key: &str, of: &Shape| {
        out.insert(key.into(), Json::Object(self::shape(of)));
        out
    };
    match shape {
        Shape::Any => Map::new(),
        Shape::Bool => typed("boolean"),
        Shape::Number => typed("number"),
        Shape::String => typed("string"),
        Shape::List(of) => with(typed("array"), "items", of),
        Shape::Set(of) => {
            let mut out = with(typed("array"), "items", of);
            out.insert("uniqueItems".into(), true.into());
            out
        }
        Shape::Map(of) => with(typed("object"), "additionalProperties", of),
        Shape::Object(attributes) => object(attributes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Auto, Fixed};
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    /// A thing to look at.
    ///
    /// ```hcl
    /// resource "aws_thing" "a" { name = "x" }
    /// ```
    #[derive(Clone, Serialize, Deserialize, JsonSchema)]
    struct Thing {
        /// What it is called, in a text that is long enough to be wrapped onto a second line of the page.
        name: Fixed<String>,
        size: Auto<i64>,
        rule: Vec<Rule>,
    }
    #[derive(Clone, Serialize, Deserialize, JsonSchema)]
    struct Rule {
        /// The first port.
        from_port: Option<u16>,
    }
    #[derive(Clone, Serialize, Deserialize, JsonSchema)]
    struct Outputs {
        /// Its ARN.
        arn: String,
    }

    #[test]
    fn the_reference_of_a_type() {
        let schema = Schema::of::<Thing, Outputs>("aws_thing", &[(&["name", "size"], false)]);
        insta::assert_snapshot!(text(&schema, Style::PLAIN));
        insta::assert_snapshot!(format!("{:#}", json(&schema)));
    }
}
