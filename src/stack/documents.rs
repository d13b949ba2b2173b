//! Files of objects: their values, where each part is written, and what in them is secret or not known yet.
//!
//! A template is parsed with *holes* where its values are unknown, so that one unknown in a file leaves the rest of it known. It
//! is parsed a second time with *masks* where its values are secret, which tells the parts that they ended up in.

use std::sync::Arc;

use super::yaml::{self, At, Content, Node};
use crate::diag::Span;
use crate::object::path;
use crate::value::{Type, Value};

/// Of the private use area, which no manifest has any use for.
const OPEN: char = '\u{f8e0}';
const CLOSE: char = '\u{f8e1}';
const MASK: char = '\u{f8e2}';

/// What a filled template does not say by itself.
#[derive(Debug, Default)]
pub struct Holes {
    /// The text again, with masks in place of secrets.
    pub masked: String,
    /// Where in the text what of the template begins, in order.
    pub anchors: Vec<(u32, u32)>,
    unknown: Vec<Value>,
    masks: usize,
}

impl Holes {
    /// What stands for an unknown value in the text.
    pub fn leave(&mut self, unknown: Value) -> String {
        let hole = format!("{OPEN}{}{CLOSE}", self.unknown.len());
        self.unknown.push(unknown);
        hole
    }

    /// A secret was put into the text.
    pub fn mask(&mut self) {
        self.masks += 1;
        self.masked.push(MASK);
    }

    /// Whether the text says it all.
    pub fn is_plain(&self) -> bool {
        self.unknown.is_empty() && self.masks == 0
    }

    /// The place in the template that a place in the text came from.
    fn origin(&self, at: u32) -> u32 {
        let after = self.anchors.partition_point(|(text, _)| *text <= at);
        match after.checked_sub(1).and_then(|it| self.anchors.get(it)) {
            Some((text, template)) => template.saturating_add(at - text),
            None => at,
        }
    }
}

/// One object of a file.
#[derive(Debug)]
pub struct Document {
    pub value: Value,
    pub places: Arc<Places>,
}

/// Where the parts of one object are written.
#[derive(Debug)]
pub struct Places {
    file: Arc<str>,
    whole: At,
    /// By path, sorted.
    parts: Vec<(Box<str>, At)>,
}

impl Places {
    /// Where the part at a path is written, or the nearest part around it that is.
    pub fn span(&self, path: &str) -> Span {
        let mut rest = path;
        let at = loop {
            match (self.parts.binary_search_by(|(it, _)| (**it).cmp(rest)), rest.rfind(['.', '['])) {
                (Ok(found), _) => break self.parts.get(found).map_or(self.whole, |(_, at)| *at),
                (Err(_), Some(end)) => rest = rest.get(..end).unwrap_or_default(),
                (Err(_), None) => break self.whole,
            }
        };
        Span { file: self.file.clone(), start: at.0, end: at.1 }
    }
}

/// What is wrong with a file, and where in it.
pub struct Wrong {
    pub message: String,
    pub span: Span,
}

/// The objects of a file, those of `List`s apart. With `holes`, the text came of a template of this name.
pub fn read(file: &Arc<str>, text: &str, holes: &Holes) -> Result<Vec<Document>, Wrong> {
    let masked = if holes.masks > 0 { yaml::documents(&holes.masked) } else { Ok(Vec::new()) };
    let nodes = yaml::documents(text).map_err(|wrong| Wrong {
        // The parser may quote what it met: a secret, where there is one.
        message: match (holes.masks, &masked) {
            (0, _) => format!("not valid YAML: {}", filled_in(&wrong.message)),
            (_, Err(without)) => format!("not valid YAML: {}", filled_in(&without.message)),
            (_, Ok(_)) => "not valid YAML once its secrets are filled in".to_owned(),
        },
        span: Span { file: file.clone(), start: holes.origin(wrong.at.0), end: holes.origin(wrong.at.1) },
    })?;
    // A mask may be where YAML takes none; then everything that is there may be secret.
    let masked = masked.unwrap_or_default();
    let mut out = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let masked = (holes.masks > 0).then(|| masked.get(index));
        let value = paint(node, masked, &holes.unknown);
        let mut parts = Vec::new();
        list_parts(node, "", &mut |path, at| parts.push((path.into(), (holes.origin(at.0), holes.origin(at.1)))));
        parts.sort_unstable();
        let whole = (holes.origin(node.at.0), holes.origin(node.at.1));
        let places = Places { file: file.clone(), whole, parts };
        match items(&value) {
            None => out.push(Document { value, places: Arc::new(places) }),
            Some(items) => out.extend(items.into_iter().enumerate().map(|(at, value)| {
                let places = below(&places, &path::item("items", at));
                Document { value, places: Arc::new(places) }
            })),
        }
    }
    Ok(out)
}

/// The objects of `kind: List`, as `kubectl get -o yaml` writes several.
pub fn items(value: &Value) -> Option<Vec<Value>> {
    let is_list = value.get("kind").as_str() == Some("List") && value.get("apiVersion").as_str() == Some("v1");
    let items = value.get("items");
    Some(items.items().filter(|_| is_list)?.into_iter().cloned().collect())
}

fn below(all: &Places, scope: &str) -> Places {
    let from = all.parts.partition_point(|(it, _)| **it < *scope);
    let within = all.parts.iter().skip(from).take_while(|(it, _)| it.starts_with(scope));
    let parts = within.filter_map(|(it, at)| Some((it.strip_prefix(scope)?.strip_prefix('.')?.into(), *at)));
    let whole = all.span(scope);
    Places { file: all.file.clone(), whole: (whole.start, whole.end), parts: parts.collect() }
}

/// The value of a part. `masked` is the same part with masks in it: none where there are none, nothing where it has another form.
fn paint(node: &Node, masked: Option<Option<&Node>>, unknown: &[Value]) -> Value {
    let Some(masked) = masked else { return plain(node, unknown) };
    match (&node.content, masked.map(|it| &it.content)) {
        (Content::Map(members), Some(Content::Map(others)))
            if members.len() == others.len() && members.iter().zip(others).all(|(a, b)| a.0 == b.0) =>
        {
            object(members.iter().zip(others).map(|(it, other)| (&it.0, paint(&it.2, Some(Some(&other.2)), unknown))), unknown)
        }
        (Content::List(items), Some(Content::List(others))) if items.len() == others.len() => {
            Value::tuple(items.iter().zip(others).map(|(it, other)| paint(it, Some(Some(other)), unknown)))
        }
        (Content::Leaf(_), Some(Content::Leaf(other))) => {
            let secret = other.as_str().is_some_and(|it| it.contains(MASK));
            plain(node, unknown).mark(secret)
        }
        _ => plain(node, unknown).sensitive(),
    }
}

fn plain(node: &Node, unknown: &[Value]) -> Value {
    match &node.content {
        Content::Leaf(Value::String(text)) => scalar(text, unknown).unwrap_or_else(|| Value::String(text.clone())),
        Content::Leaf(value) => value.clone(),
        Content::List(items) => Value::tuple(items.iter().map(|it| plain(it, unknown))),
        Content::Map(members) => object(members.iter().map(|(name, _, it)| (name, plain(it, unknown))), unknown),
    }
}

/// A name with a hole in it leaves nothing known of the whole.
fn object<'a>(members: impl Iterator<Item = (&'a Arc<str>, Value)>, unknown: &[Value]) -> Value {
    let mut out = Vec::new();
    for (name, value) in members {
        if let Some(hole) = scalar(name, unknown) {
            return Value::unknown_from(Type::Any, [&hole]).mark(hole.has_secret());
        }
        out.push((name.clone(), value));
    }
    Value::object(out)
}

/// The unknown that a text with holes is: the value itself where there is nothing else.
fn scalar(text: &str, unknown: &[Value]) -> Option<Value> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(OPEN) {
        let (index, after) = after.split_once(CLOSE)?;
        found.push(unknown.get(index.parse::<usize>().ok()?)?);
        rest = after;
    }
    match found.as_slice() {
        [] => None,
        [only] if text.starts_with(OPEN) && text.ends_with(CLOSE) => Some((*only).clone()),
        _ => Some(Value::unknown_from(Type::String, found.iter().copied()).mark(found.iter().any(|it| it.has_secret()))),
    }
}

/// A message of the parser may quote what it met.
fn filled_in(message: &str) -> String {
    message.replace([OPEN, CLOSE, MASK], "…")
}

/// Members are where their names are.
fn list_parts(node: &Node, at: &str, out: &mut dyn FnMut(&str, At)) {
    match &node.content {
        Content::Leaf(_) => {}
        Content::List(items) => {
            for (index, it) in items.iter().enumerate() {
                let path = path::item(at, index);
                out(&path, it.at);
                list_parts(it, &path, out);
            }
        }
        Content::Map(members) => {
            for (name, place, it) in members {
                let path = path::member(at, name);
                out(&path, *place);
                list_parts(it, &path, out);
            }
        }
    }
}
