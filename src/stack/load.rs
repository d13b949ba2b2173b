//! From a folder to a [`Model`]: reads the stack's files and the modules that they call, each folder once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::expr::Place;
use super::model::{Definition, Model, SourceFile};
use super::parse::{self, FILE_BYTES_MAX};
use super::read::{ModuleSource, Reader, Schemas};
use super::reading::Reading;
use super::source::{self, Kind};
use super::{lower::Lowering, resolve};
use crate::diag::{Diagnostic, Span};
use crate::schema::Types;

pub struct Loading<'a> {
    pub reading: &'a Reading,
    pub types: &'a dyn Types,
    pub model: Model,
    pub diagnostics: Vec<Diagnostic>,
    schemas: Schemas,
    by_folder: BTreeMap<String, u32>,
    /// Whether a file could not be read to its end.
    incomplete: bool,
}

impl<'a> Loading<'a> {
    pub fn new(reading: &'a Reading, types: &'a dyn Types) -> Self {
        Self {
            reading,
            types,
            model: Model::default(),
            diagnostics: Vec::new(),
            schemas: Schemas::new(),
            by_folder: BTreeMap::new(),
            incomplete: false,
        }
    }

    /// Reads the stack in `folder` and everything below it, and checks what can be checked without values.
    pub fn stack(&mut self, folder: &str) {
        let mut open = VecDeque::from([(folder.to_owned(), None)]);
        self.by_folder.insert(folder.to_owned(), 0);
        // Definitions get their numbers when they are first named, and are read in that order.
        while let Some((folder, caller)) = open.pop_front() {
            let sources = self.definition(&folder, caller);
            let this = self.model.definitions.len() - 1;
            for source in sources {
                let Some(target) = self.module_folder(&folder, &source) else { continue };
                let next = u32::try_from(self.model.definitions.len() + open.len()).unwrap_or(u32::MAX);
                let index = match self.by_folder.get(&target) {
                    Some(index) => *index,
                    None => {
                        self.by_folder.insert(target.clone(), next);
                        open.push_back((target, Some(source.place)));
                        next
                    }
                };
                self.model.definitions[this].modules[source.module].definition = index;
            }
        }
        self.recursion();
        // What is missing may well be in a file that could not be read.
        if !self.incomplete {
            resolve::check(&self.model, &mut self.diagnostics);
        }
    }

    fn complain(&mut self, place: Option<Place>, code: &'static str, summary: String) -> &mut Diagnostic {
        let at = self.diagnostics.len();
        let span = place.map(|it| self.model.span(it));
        self.diagnostics.push(Diagnostic::error(code, summary).at(span));
        &mut self.diagnostics[at]
    }

    fn module_folder(&mut self, folder: &str, source: &ModuleSource) -> Option<String> {
        let path = source.path.as_ref();
        if !(path.starts_with("./") || path.starts_with("../") || path == "." || path == "..") {
            let summary = format!("\"{path}\" is not the path of a folder");
            let it = self.complain(Some(source.place), "module-source", summary);
            it.detail = "Modules are folders of this repository; nothing is fetched from a registry or by git.".into();
            *it = it.clone().help("source = \"../modules/network\"");
            return None;
        }
        let Some(target) = source::join(folder, path) else {
            self.complain(Some(source.place), "outside", format!("\"{path}\" leads out of the repository"));
            return None;
        };
        match self.reading.source().kind(&target) {
            Ok(Some(Kind::Folder)) => Some(target),
            Ok(_) => {
                let names = source::join(&target, "..").and_then(|it| self.reading.source().list(&it).ok()).unwrap_or_default();
                let wanted = target.rsplit('/').next().unwrap_or_default().to_owned();
                let near = crate::diag::nearest(&wanted, names.iter().map(|(name, _)| name.as_str())).map(str::to_owned);
                let it = self.complain(Some(source.place), "module-not-found", format!("there is no folder {target}"));
                *it = it.clone().did_you_mean(near);
                None
            }
            Err(problem) => {
                self.complain(Some(source.place), "module-not-found", format!("{target}: {problem}"));
                None
            }
        }
    }

    fn definition(&mut self, folder: &str, caller: Option<Place>) -> Vec<ModuleSource> {
        let mut definition = Definition { folder: folder.into(), ..Definition::default() };
        let mut sources = Vec::new();
        if caller.is_none() && self.reading.source().kind(folder).ok().flatten() != Some(Kind::Folder) {
            self.no_such_stack(folder);
            self.model.definitions.push(definition);
            return sources;
        }
        let names = match self.reading.source().list(folder) {
            Ok(names) => names,
            Err(problem) => {
                self.complain(caller, "unreadable", format!("{folder}: {problem}"));
                Vec::new()
            }
        };
        let files: Vec<&String> = names
            .iter()
            // A folder of such a name is a mistake, too: reading it says so.
            .filter(|(name, _)| name.ends_with(".hcl") && !name.starts_with('.'))
            .map(|(name, _)| name)
            .collect();
        if files.is_empty() {
            let terraform = names.iter().any(|(name, _)| name.ends_with(".tf"));
            let it = self.complain(caller, "empty-folder", format!("{folder} holds no .hcl files"));
            if terraform {
                *it = it.clone().help("there are .tf files: infra reads files that end in .hcl");
            }
        }
        for name in files {
            let path = format!("{folder}/{name}");
            self.file(&path, folder, caller.is_none(), &mut definition, &mut sources);
        }
        definition.order_blocks();
        self.model.definitions.push(definition);
        sources
    }

    fn no_such_stack(&mut self, folder: &str) {
        let name = folder.rsplit('/').next().unwrap_or_default().to_owned();
        let stacks = self.reading.source().list("stacks").unwrap_or_default();
        let stacks =
            stacks.iter().filter(|(name, kind)| *kind == Kind::Folder && name != "modules").map(|(name, _)| name.as_str());
        let near = crate::diag::nearest(&name, stacks).map(str::to_owned);
        let it = self.complain(None, "no-such-stack", format!("there is no stack \"{name}\""));
        *it = it.clone().did_you_mean(near).help(format!("a stack is a folder: {folder}/stack.hcl"));
    }

    fn file(&mut self, path: &str, folder: &str, is_stack: bool, definition: &mut Definition, sources: &mut Vec<ModuleSource>) {
        let text = match self.reading.read(path) {
            Ok(bytes) if bytes.len() > FILE_BYTES_MAX => {
                let summary = format!("{path} is larger than {} MiB", FILE_BYTES_MAX >> 20);
                Err(Diagnostic::error("too-large", summary).detail(parse::SPLIT))
            }
            Ok(bytes) => String::from_utf8(bytes)
                .map_err(|_| Diagnostic::error("unreadable", format!("{path}: it is not UTF-8 text, as HCL is"))),
            Err(problem) => Err(Diagnostic::error("unreadable", format!("{path}: {problem}"))),
        };
        let file = u32::try_from(self.model.files.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = path.into();
        // A byte order mark is no part of the text.
        let text: Arc<str> = match text {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(&text).into(),
            Err(complaint) => {
                self.diagnostics.push(complaint);
                return;
            }
        };
        self.model.files.push(SourceFile { name: name.clone(), folder: folder.into(), text: text.clone() });
        let files = &self.model.files;
        let span = |place: Place| {
            let file = files.get(place.file as usize).map_or_else(|| name.clone(), |it| it.name.clone());
            Span { file, start: place.start, end: place.end }
        };
        let mut at = 0;
        for piece in parse::pieces(&text) {
            // What does not stand alone was cut in the wrong place: the rest is taken as one.
            let (piece, body, last) = match parse::body(piece) {
                Ok(body) => (piece, Ok(body), false),
                Err(_) => {
                    let rest = text.get(at..).unwrap_or_default();
                    (rest, parse::body(rest), true)
                }
            };
            match body {
                Ok(body) => {
                    let mut lowering = Lowering::new(file, piece, &span);
                    lowering.base = at;
                    let mut reader = Reader {
                        lowering,
                        types: self.types,
                        schemas: &mut self.schemas,
                        definition,
                        sources: Vec::new(),
                        is_stack,
                    };
                    reader.file(&body);
                    sources.append(&mut reader.sources);
                    self.diagnostics.append(&mut reader.lowering.diagnostics);
                }
                Err(mut error) => {
                    error.start += at;
                    error.end += at;
                    self.incomplete = true;
                    self.diagnostics.push(error.to_diagnostic(file, &span));
                }
            }
            if last {
                break;
            }
            at += piece.len();
        }
    }

    /// A module that is within itself would never end.
    fn recursion(&mut self) {
        let count = self.model.definitions.len();
        // 0 not met, 1 open, 2 done; an explicit stack, since folders may nest at will.
        let mut state = vec![0u8; count];
        let mut stack: Vec<(usize, usize)> = vec![(0, 0)];
        let mut found = Vec::new();
        while let Some((definition, at)) = stack.pop() {
            state[definition] = 1;
            let Some(call) = self.model.definitions[definition].modules.get(at) else {
                state[definition] = 2;
                continue;
            };
            stack.push((definition, at + 1));
            match state.get(call.definition as usize) {
                Some(0) => stack.push((call.definition as usize, 0)),
                Some(1) => found.push((definition, at, call.source_place)),
                _ => {}
            }
        }
        for (definition, at, place) in found {
            self.complain(Some(place), "module-cycle", "the module contains itself".into());
            self.model.definitions[definition].modules[at].definition = u32::MAX;
        }
    }
}
