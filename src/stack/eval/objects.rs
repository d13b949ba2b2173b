//! Blocks that make an instance of each object that they lead to: written out, or in files, which may be templates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::cells::{Held, Item};
use super::scopes::INSTANCES_MAX;
use super::{Binding, Cell, Dep, Eval, Evaluator, Expansion, Failure, Frame, InstanceRef};
use crate::diag::{Diagnostic, Span};
use crate::object::{Key, secret};
use crate::schema::Source;
use crate::stack::desired::{Object, Places};
use crate::stack::documents::{self, Document, Holes};
use crate::stack::expr::{Expr, Node, Place};
use crate::stack::identity::{Identity, identity};
use crate::stack::lower::Lowering;
use crate::stack::model::{Block, Content, Setting};
use crate::stack::{Files as _, parse};
use crate::value::{Type, Value};

/// All objects of one block.
#[derive(Debug)]
pub struct Objects {
    pub expansion: Arc<Expansion>,
    /// By the keys of their instances.
    pub members: BTreeMap<Arc<str>, Member>,
}

#[derive(Debug)]
pub struct Member {
    /// The key of the block's own `for_each`.
    base: Option<Arc<str>>,
    pub value: Value,
    deps: Arc<BTreeSet<Dep>>,
    object: Object,
    span: Span,
}

/// An object, and where it comes from.
struct Found {
    value: Value,
    deps: Arc<BTreeSet<Dep>>,
    places: Option<Arc<Places>>,
    span: Span,
}

/// What a template may name.
type Variables = BTreeMap<Arc<str>, Value>;

/// An object, where it is written, and what it was made of.
type Whereabouts = (Object, Span, Arc<BTreeSet<Dep>>);

impl Found {
    fn span(&self, path: &str) -> Span {
        self.places.as_ref().map_or_else(|| self.span.clone(), |it| it.span(path))
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn makes_objects(&self, scope: u32, block: u32) -> bool {
        self.definition(scope).blocks[block as usize].schema.objects().is_some()
    }

    /// The object of an instance, as its setting.
    pub(super) fn object_of(&mut self, instance: &InstanceRef, at: Place, frame: &mut Frame) -> Eval<Value> {
        let Some(key) = &instance.key else { return Ok(Value::Null) };
        let (objects, _) = self.objects(instance.scope, instance.block, at)?;
        let Some(member) = objects.members.get(key) else { return Ok(Value::Null) };
        frame.deps.extend(member.deps.iter().cloned());
        Ok(member.value.clone())
    }

    /// What there is to know of an instance that is an object: that, where it is written, and what it was made of.
    pub(super) fn instance_object(&mut self, id: &InstanceRef, at: Place) -> Eval<Option<Whereabouts>> {
        let Some(key) = id.key.as_ref().filter(|_| self.makes_objects(id.scope, id.block)) else { return Ok(None) };
        let (objects, _) = self.objects(id.scope, id.block, at)?;
        Ok(objects.members.get(key).map(|it| (it.object.clone(), it.span.clone(), it.deps.clone())))
    }

    /// The key of the block's own `for_each` that an instance belongs to.
    pub(super) fn base_of(&mut self, scope: u32, block: u32, key: Option<&Arc<str>>, at: Place) -> Eval<Option<Arc<str>>> {
        let Some(key) = key else { return Ok(None) };
        let (objects, _) = self.objects(scope, block, at)?;
        Ok(objects.members.get(key).and_then(|it| it.base.clone()))
    }

    pub(super) fn objects(&mut self, scope: u32, block: u32, at: Place) -> Eval<(Arc<Objects>, Arc<BTreeSet<Dep>>)> {
        let (held, deps) = self.cell(Cell::Objects(scope, block), at, |it| {
            let mut deps = BTreeSet::new();
            let objects = it.find_objects(scope, block, &mut deps)?;
            Ok((Held::Objects(Arc::new(objects)), deps))
        })?;
        match held {
            Held::Objects(it) => Ok((it, deps)),
            Held::Value(_) | Held::Expansion(_) => Err(Failure::Reported),
        }
    }

    fn find_objects(&mut self, scope: u32, index: u32, deps: &mut BTreeSet<Dep>) -> Eval<Objects> {
        let block = &self.definition(scope).blocks[index as usize];
        let (base, base_deps) = self.base_keys(scope, Item::Block(index), block.place)?;
        let none = |expansion| Objects { expansion: Arc::new(expansion), members: BTreeMap::new() };
        match &*base {
            Expansion::Disabled => return Ok(none(Expansion::Disabled)),
            Expansion::Deferred(unknown) => return Ok(none(Expansion::Deferred(unknown.clone()))),
            Expansion::Single | Expansion::Each(_) => {}
        }
        let source = self.source(block)?;
        let Some(attribute) = block.schema.objects() else { return Err(Failure::Reported) };
        deps.extend(base_deps.iter().cloned());
        let (mut members, mut waits, mut failed) = (BTreeMap::new(), Vec::new(), false);
        for key in base.instances() {
            let mut frame = Frame::new(scope);
            if let (Expansion::Each(all), Some(key)) = (&*base, &key)
                && let Some(Some(binding)) = all.get(key)
            {
                frame.each = Some((key.clone(), binding.clone()));
                frame.each_deps = base_deps.clone();
            }
            let found = match self.sources(source, block, &mut frame, &mut failed)? {
                Ok(found) => found,
                Err(unknown) => {
                    waits.push(unknown);
                    continue;
                }
            };
            for it in found {
                deps.extend(it.deps.iter().cloned());
                match self.member(it, key.as_ref(), attribute, &mut members) {
                    Ok(None) => {}
                    Ok(Some(unknown)) => waits.push(unknown),
                    Err(failure) => {
                        self.report::<()>(Err(failure));
                        failed = true;
                    }
                }
            }
        }
        if members.len() > INSTANCES_MAX {
            return self.fail(block.place, "too-large", format!("the block makes more than {INSTANCES_MAX} instances"));
        }
        match (failed, waits.is_empty()) {
            (true, _) => Err(Failure::Reported),
            (false, false) => Ok(none(Expansion::Deferred(Value::unknown_from(Type::Any, &waits)))),
            (false, true) => {
                let keys = members.keys().map(|key| (key.clone(), Some(Binding::Value(Value::Null)))).collect();
                Ok(Objects { expansion: Arc::new(Expansion::Each(keys)), members })
            }
        }
    }

    /// The one attribute that leads to the objects of a block.
    fn source(&mut self, block: &'a Block) -> Eval<(Source, &'a Setting)> {
        let kind = |name: &str| block.schema.attributes.get(name).and_then(|it| it.source).filter(|it| *it != Source::Variables);
        let mut written = block.body.settings.iter().filter_map(|it| Some((kind(&it.name)?, it)));
        match (written.next(), written.next()) {
            (Some(only), None) => Ok(only),
            (Some((_, first)), Some((_, second))) => {
                let complaint =
                    Diagnostic::error("conflicting", format!("`{}` and `{}` exclude each other", first.name, second.name))
                        .at(self.model.span(second.place))
                        .related(self.model.span(first.place), "and this")
                        .help("write a block for each");
                Err(Failure::Complaint(Box::new(complaint)))
            }
            (None, _) => {
                let all = block.schema.attributes.iter().filter(|(name, _)| kind(name).is_some());
                let names: Vec<String> = all.map(|(name, _)| format!("`{name}`")).collect();
                let summary = format!("{} needs one of {}", block.type_name, names.join(", "));
                let complaint = Diagnostic::error("missing-attribute", summary)
                    .at(self.model.span(block.place))
                    .help(format!("infra schema {}", block.type_name));
                Err(Failure::Complaint(Box::new(complaint)))
            }
        }
    }

    /// Adds an object; the unknown that its key waits for when that is not known.
    fn member(
        &mut self,
        found: Found,
        base: Option<&Arc<str>>,
        attribute: &Arc<str>,
        members: &mut BTreeMap<Arc<str>, Member>,
    ) -> Eval<Option<Value>> {
        let key: Key = match identity(&found.value) {
            Identity::Known(key) => key,
            Identity::Unknown(value) => return Ok(Some(value)),
            Identity::Secret(path) => {
                let complaint = Diagnostic::error("sensitive-key", format!("`{path}` of an object cannot be sensitive"))
                    .at(found.span(&path))
                    .detail("It is part of the object's address, which is shown.")
                    .help("nonsensitive(…)");
                return Err(Failure::Complaint(Box::new(complaint)));
            }
            Identity::Wrong { path, message } => {
                let complaint = Diagnostic::error("bad-object", message).at(found.span(&path));
                return Err(Failure::Complaint(Box::new(complaint)));
            }
        };
        let name: Arc<str> = match base {
            Some(base) => format!("{base}:{key}").into(),
            None => key.to_string().into(),
        };
        if let Some(first) = members.get(&name) {
            let complaint = Diagnostic::error("duplicate-object", format!("there are two of {key}"))
                .at(found.span("metadata.name"))
                .related(
                    first.object.places.as_ref().map_or_else(|| first.span.clone(), |it| it.span("metadata.name")),
                    "the first",
                )
                .detail("A kind has one object of a name in a namespace, whatever its version.");
            return Err(Failure::Complaint(Box::new(complaint)));
        }
        let value = secret::mark(&found.value);
        let object = Object { key, attribute: attribute.clone(), home: Value::Null, places: found.places.clone() };
        let span = found.span("");
        members.insert(name, Member { base: base.cloned(), value, deps: found.deps, object, span });
        Ok(None)
    }

    /// What the block leads to in one of its instances. What is wrong with one file does not hide what is wrong with others.
    fn sources(
        &mut self,
        (source, setting): (Source, &'a Setting),
        block: &'a Block,
        frame: &mut Frame,
        failed: &mut bool,
    ) -> Eval<Result<Vec<Found>, Value>> {
        let Content::Value(expr) = &setting.content else { return Err(Failure::Reported) };
        if source == Source::Objects {
            return self.written_out(expr, frame);
        }
        let window = self.reading.seen_from(self.model, expr.place.file);
        let value = self.eval(expr, frame)?;
        let (bare, marked) = value.unmark();
        if bare.is_unknown() {
            return Ok(Err(bare.clone()));
        }
        let Some(path) = bare.as_str().filter(|_| !marked) else {
            return self.fail(expr.place, "wrong-type", format!("`{}` is a path, this is {}", setting.name, value.kind()));
        };
        let (folder, pattern) = match source {
            Source::Folder => (path.to_owned(), "*.{yaml,yml,json}".to_owned()),
            _ => split_pattern(path),
        };
        let listed = match source {
            Source::File => Ok(vec![path.to_owned()]),
            _ => window.glob(&folder, &pattern).map(|names| names.into_iter().map(|it| format!("{folder}/{it}")).collect()),
        };
        let files = match listed {
            Ok(files) if files.is_empty() => {
                let complaint = Diagnostic::error("no-objects", format!("no file matches `{path}`"))
                    .at(self.model.span(expr.place))
                    .detail(
                        "Objects are in files that end in .yaml, .yml or .json; those of folders within a folder are not taken.",
                    )
                    .help(format!("glob = \"{}/**/*.yaml\"", folder.trim_end_matches('/')));
                return Err(Failure::Complaint(Box::new(complaint)));
            }
            Ok(files) => files,
            Err(problem) => return self.fail(expr.place, "bad-argument", format!("{path}: {problem}")),
        };
        let variables = match self.variables(block, frame)? {
            Ok(variables) => variables,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let (mut found, mut waits) = (Vec::new(), Vec::new());
        for file in files {
            match self.file(&file, expr.place, variables.as_ref(), frame) {
                Ok(Ok(objects)) => found.extend(objects),
                Ok(Err(unknown)) => waits.push(unknown),
                Err(failure) => {
                    self.report::<()>(Err(failure));
                    *failed = true;
                }
            }
        }
        Ok(if waits.is_empty() { Ok(found) } else { Err(Value::unknown_from(Type::Any, &waits)) })
    }

    /// Objects in the stack's own files. Those of a list that is written out have references of their own.
    fn written_out(&mut self, expr: &Expr, frame: &mut Frame) -> Eval<Result<Vec<Found>, Value>> {
        let mut found = Vec::new();
        let parts: Vec<&Expr> = match &expr.node {
            Node::Tuple(items) => items.iter().collect(),
            _ => vec![expr],
        };
        for part in parts {
            frame.deps = BTreeSet::new();
            let value = self.eval(part, frame)?;
            self.sized([&value], part.place)?;
            if value.is_unknown() {
                return Ok(Err(value.unmark().0.clone()));
            }
            let deps = Arc::new(std::mem::take(&mut frame.deps));
            let objects = match value.items().filter(|_| !matches!(value, Value::Sensitive(_))) {
                Some(items) => items.into_iter().cloned().collect(),
                None => documents::items(&value).unwrap_or_else(|| vec![value]),
            };
            let span = self.model.span(part.place);
            found.extend(objects.into_iter().map(|value| Found { value, deps: deps.clone(), places: None, span: span.clone() }));
        }
        Ok(Ok(found))
    }

    /// What templates may name; nothing where the files are none.
    fn variables(&mut self, block: &'a Block, frame: &mut Frame) -> Eval<Result<Option<Variables>, Value>> {
        let is_it = |it: &&Setting| block.schema.attributes.get(&it.name).is_some_and(|it| it.source == Some(Source::Variables));
        let Some(setting) = block.body.settings.iter().find(is_it) else { return Ok(Ok(None)) };
        let Content::Value(expr) = &setting.content else { return Err(Failure::Reported) };
        let value = self.eval(expr, frame)?;
        let (bare, marked) = value.unmark();
        match bare {
            Value::Null => Ok(Ok(None)),
            Value::Unknown(_) => Ok(Err(bare.clone())),
            Value::Map(members) | Value::Object(members) => {
                Ok(Ok(Some(members.iter().map(|(name, it)| (name.clone(), it.clone().mark(marked))).collect())))
            }
            other => self.fail(expr.place, "wrong-type", format!("`{}` is an object, this is {}", setting.name, other.kind())),
        }
    }

    fn file(
        &mut self,
        path: &str,
        at: Place,
        variables: Option<&Variables>,
        frame: &mut Frame,
    ) -> Eval<Result<Vec<Found>, Value>> {
        let window = self.reading.seen_from(self.model, at.file);
        let read = window.name(path).and_then(|name| Ok((name, window.read(path)?)));
        let (name, text): (Arc<str>, String) = match read.map(|(name, bytes)| (name.into(), String::from_utf8(bytes))) {
            Ok((name, Ok(text))) => (name, text),
            Ok((_, Err(_))) => return self.fail(at, "bad-argument", format!("{path} is not a UTF-8 text")),
            Err(problem) => return self.fail(at, "bad-argument", format!("{path}: {problem}")),
        };
        let (text, holes) = match variables {
            None => (text, Holes::default()),
            Some(variables) => match self.filled(&name, &text, at, variables, frame)? {
                Ok(filled) => filled,
                Err(unknown) => return Ok(Err(unknown)),
            },
        };
        let documents = self.documents(&name, &text, &holes)?;
        let deps = Arc::new(frame.deps.clone());
        let found = documents.iter().map(|it| Found {
            value: it.value.clone(),
            deps: deps.clone(),
            span: it.places.span(""),
            places: Some(it.places.clone()),
        });
        Ok(Ok(found.collect()))
    }

    fn documents(&mut self, name: &Arc<str>, text: &str, holes: &Holes) -> Eval<Arc<Vec<Document>>> {
        let id = (name.clone(), Sha256::digest(text).into());
        // What has holes or masks in it is not told by its text alone.
        let is_plain = holes.is_plain();
        if let Some(known) = self.memo.documents.get(&id).filter(|_| is_plain) {
            return Ok(known.clone());
        }
        let documents = documents::read(name, text, holes)
            .map_err(|wrong| Failure::Complaint(Box::new(Diagnostic::error("bad-yaml", wrong.message).at(wrong.span))))?;
        let documents = Arc::new(documents);
        if is_plain {
            self.memo.documents.insert(id, documents.clone());
        }
        Ok(documents)
    }

    /// A file as a template, filled in. What is wrong is told with its place in the file.
    fn filled(
        &mut self,
        name: &Arc<str>,
        text: &str,
        at: Place,
        variables: &Variables,
        frame: &mut Frame,
    ) -> Eval<Result<(String, Holes), Value>> {
        let span = |place: Place| Span { file: name.clone(), start: place.start, end: place.end };
        let syntax = parse::template(text).map_err(|error| {
            let complaint = error.to_diagnostic(at.file, &span);
            Failure::Complaint(Box::new(complaint))
        })?;
        let mut lowering = Lowering::new(at.file, text, &span);
        lowering.free_names = true;
        let template = lowering.template(&syntax);
        if let Some(problem) = std::mem::take(&mut lowering.diagnostics).into_iter().next() {
            return Err(Failure::Complaint(Box::new(problem)));
        }
        let mut inner = Frame { deps: std::mem::take(&mut frame.deps), ..Frame::new(frame.scope) };
        inner.locals = variables.iter().map(|(name, it)| (name.clone(), Binding::Value(it.clone()))).collect();
        let filled = self.template_with_holes(&template, &mut inner);
        frame.deps = inner.deps;
        filled.map_err(|failure| match failure {
            Failure::Reported => Failure::Reported,
            Failure::Complaint(mut complaint) => {
                if let Some(span) = &mut complaint.span {
                    span.file = name.clone();
                }
                complaint.related.clear();
                Failure::Complaint(complaint)
            }
        })
    }
}

/// `a/b/**/*.yaml` is `**/*.yaml` below `a/b`.
fn split_pattern(path: &str) -> (String, String) {
    let parts: Vec<&str> = path.split('/').collect();
    let wild = parts.iter().position(|it| it.contains(['*', '?', '[', '{'])).unwrap_or(parts.len().saturating_sub(1));
    let (folder, pattern) = parts.split_at(wild);
    let folder = if folder.is_empty() { ".".to_owned() } else { folder.join("/") };
    (folder, pattern.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_starts_where_it_has_to() {
        let split = |it| split_pattern(it);
        assert_eq!(split("../k8s/*/a.yaml"), ("../k8s".into(), "*/a.yaml".into()));
        assert_eq!(split("*.yaml"), (".".into(), "*.yaml".into()));
        assert_eq!(split("a/b.yaml"), ("a".into(), "b.yaml".into()));
    }
}
