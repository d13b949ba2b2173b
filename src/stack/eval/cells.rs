//! The memo, and the loops that it finds.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::objects::Objects;
use super::{Binding, Dep, Eval, Evaluator, Expansion, Failure, Frame, InstanceRef, Scope};
use crate::diag::Diagnostic;
use crate::stack::documents::Document;
use crate::stack::expr::{Expr, Place};
use crate::stack::model::Definition;
use crate::value::{Size, TooLarge, Value};

/// Parts of values that one evaluation walks; an honest stack of 10,000 resources takes some hundred thousand.
const WALKED_MAX: usize = 100_000_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    Variable(u32, u32),
    Local(u32, u32),
    /// A member of a local value that is an object written out.
    Member(u32, u32, Arc<str>),
    Output(u32, u32),
    Keys(u32, Item),
    /// The objects that a block leads to.
    Objects(u32, u32),
    Attribute(InstanceRef, Arc<str>),
    Outputs(InstanceRef),
}

/// What has instances, by its index in the definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    Block(u32),
    Module(u32),
}

/// What a cell came to.
#[derive(Clone, Debug)]
pub enum Held {
    Value(Value),
    Expansion(Arc<Expansion>),
    Objects(Arc<Objects>),
}

#[derive(Debug)]
enum Entry {
    Active,
    Failed { generation: u64 },
    Done { content: Held, deps: Arc<BTreeSet<Dep>>, known: bool, generation: u64 },
}

/// A file by its name, and the digest of what it came to.
type FileText = (Arc<str>, [u8; 32]);

/// What was evaluated so far. Lives as long as the program.
#[derive(Debug, Default)]
pub struct Memo {
    cells: HashMap<Cell, Entry>,
    pub scopes: Vec<Scope>,
    pub(super) children: HashMap<(u32, u32, Option<Arc<str>>), u32>,
    pub templates: HashMap<Box<str>, Arc<Expr>>,
    /// Files of objects that came out the same are not parsed again.
    pub(super) documents: HashMap<FileText, Arc<Vec<Document>>>,
    generation: u64,
}

impl Memo {
    pub fn new() -> Self {
        let stack = Scope { path: Vec::new(), definition: 0, caller: None };
        Self { scopes: vec![stack], ..Self::default() }
    }

    /// From now on, what is not wholly known is evaluated again.
    pub fn next_generation(&mut self) {
        self.generation += 1;
    }
}

impl Evaluator<'_> {
    /// The cell's content and deps; evaluated by `compute` when it is not at hand. `at` is what refers to it.
    pub(super) fn cell(
        &mut self,
        cell: Cell,
        at: Place,
        compute: impl FnOnce(&mut Self) -> Eval<(Held, BTreeSet<Dep>)>,
    ) -> Eval<(Held, Arc<BTreeSet<Dep>>)> {
        let now = self.memo.generation;
        match self.memo.cells.get(&cell) {
            Some(Entry::Done { content, deps, known, generation }) if *known || *generation == now => {
                return Ok((content.clone(), deps.clone()));
            }
            Some(Entry::Failed { generation }) if *generation == now => return Err(Failure::Reported),
            Some(Entry::Active) => return Err(self.cycle(&cell, at)),
            _ => {}
        }
        self.memo.cells.insert(cell.clone(), Entry::Active);
        self.active.push((cell.clone(), at));
        let result = compute(self).and_then(|(content, deps)| {
            let known = self.measure(&content, at)?;
            Ok((content, Arc::new(deps), known))
        });
        self.active.pop();
        match result {
            Ok((content, deps, known)) => {
                let entry = Entry::Done { content: content.clone(), deps: deps.clone(), known, generation: now };
                self.memo.cells.insert(cell, entry);
                Ok((content, deps))
            }
            Err(failure) => {
                self.memo.cells.insert(cell, Entry::Failed { generation: now });
                self.report::<()>(Err(failure));
                Err(Failure::Reported)
            }
        }
    }

    /// As [`cell`](Self::cell), for a value; its deps become the frame's.
    pub(super) fn value_cell(
        &mut self,
        cell: Cell,
        at: Place,
        frame: &mut Frame,
        compute: impl FnOnce(&mut Self) -> Eval<(Value, BTreeSet<Dep>)>,
    ) -> Eval<Value> {
        let compute = |it: &mut Self| compute(it).map(|(value, deps)| (Held::Value(value), deps));
        let (content, deps) = self.cell(cell, at, compute)?;
        frame.deps.extend(deps.iter().cloned());
        match content {
            Held::Value(value) => Ok(value),
            Held::Expansion(_) | Held::Objects(_) => Ok(Value::Null),
        }
    }

    /// Whether it is wholly known.
    fn measure(&mut self, content: &Held, at: Place) -> Eval<bool> {
        match content {
            Held::Value(value) => Ok(!self.sized([value], at)?.unknown),
            Held::Objects(objects) => match &*objects.expansion {
                Expansion::Deferred(_) => Ok(false),
                _ => Ok(!self.sized(objects.members.values().map(|it| &it.value), at)?.unknown),
            },
            Held::Expansion(expansion) => match &**expansion {
                Expansion::Single | Expansion::Disabled => Ok(true),
                Expansion::Deferred(_) => Ok(false),
                Expansion::Each(members) => {
                    let values = members.values().flatten().filter_map(|it| match it {
                        Binding::Value(value) => Some(value),
                        Binding::Instance(_) => None,
                    });
                    Ok(!self.sized(values, at)?.unknown)
                }
            },
        }
    }

    /// How much there is of the values, when they can be walked: asked before that is done.
    pub fn sized<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>, at: Place) -> Eval<Size> {
        let size = Size::of(values).or_else(|error| match error {
            TooLarge::Depth => self.fail(at, "too-deep", error.to_string()),
            TooLarge::Parts | TooLarge::Text => self.fail(at, "too-large", error.to_string()),
        })?;
        self.walked = self.walked.saturating_add(size.parts);
        match self.walked > WALKED_MAX {
            true => self.fail(at, "too-large", "the evaluation walks through more values than any honest stack has"),
            false => Ok(size),
        }
    }

    fn cycle(&self, cell: &Cell, at_place: Place) -> Failure {
        let start = self.active.iter().position(|(it, _)| it == cell).unwrap_or(0);
        // The outputs of an instance stand between it and its settings: no step of their own for people.
        let steps = self.active.get(start..).unwrap_or_default().iter().filter(|(it, _)| !matches!(it, Cell::Outputs(_)));
        let steps: Vec<(&Cell, Place)> = steps.map(|(cell, place)| (cell, *place)).collect();
        // The place of a step is where the one before it refers to it; the last one refers back to the first.
        let edges = steps.iter().enumerate().map(|(at, (from, _))| {
            let (to, place) = match (steps.get(at + 1), steps.first()) {
                (Some((to, place)), _) => (*to, *place),
                (None, first) => (first.map_or(cell, |it| it.0), at_place),
            };
            (self.model.span(place), self.cell_name(from), self.cell_name(to))
        });
        let mut edges: Vec<_> = edges.collect();
        // Wherever the loop was entered, it is told from the same place.
        let first = edges.iter().enumerate().min_by(|(_, a), (_, b)| a.0.cmp(&b.0)).map_or(0, |(at, _)| at);
        edges.rotate_left(first);
        let name = edges.first().map_or_else(|| self.cell_name(cell), |it| it.1.clone());
        let mut complaint = Diagnostic::error("cycle", format!("{name} needs itself"))
            .detail("Each of these needs the next one first, so none can be first. Take one of the references away.");
        for (span, from, to) in edges {
            let sentence = format!("{from} needs {to}");
            complaint = match complaint.span {
                None => complaint.at(span).label(sentence),
                Some(_) => complaint.related(span, sentence),
            };
        }
        Failure::Complaint(Box::new(complaint))
    }

    fn cell_name(&self, cell: &Cell) -> String {
        let scoped = |scope: u32, name: String| match self.memo.scopes.get(scope as usize) {
            Some(it) if !it.path.is_empty() => {
                let steps: Vec<String> = it.path.iter().map(|it| format!("module.{}", it.name)).collect();
                format!("{}.{name}", steps.join("."))
            }
            _ => name,
        };
        let definition = |scope: u32| {
            let index = self.memo.scopes.get(scope as usize).map_or(0, |it| it.definition);
            self.model.definitions.get(index as usize)
        };
        let of = |scope: u32, name: Option<String>| scoped(scope, name.unwrap_or_default());
        match cell {
            Cell::Variable(scope, at) => {
                of(*scope, definition(*scope).and_then(|it| it.variables.get(*at as usize)).map(|it| format!("var.{}", it.name)))
            }
            Cell::Local(scope, at) => {
                of(*scope, definition(*scope).and_then(|it| it.locals.get(*at as usize)).map(|it| format!("local.{}", it.name)))
            }
            Cell::Member(scope, at, name) => {
                let local = definition(*scope).and_then(|it| it.locals.get(*at as usize));
                of(*scope, local.map(|it| format!("local.{}.{name}", it.name)))
            }
            Cell::Output(scope, at) => {
                of(*scope, definition(*scope).and_then(|it| it.outputs.get(*at as usize)).map(|it| format!("output {}", it.name)))
            }
            Cell::Keys(scope, Item::Block(at)) => of(
                *scope,
                definition(*scope)
                    .and_then(|it| it.blocks.get(*at as usize))
                    .map(|it| format!("for_each of {}.{}", it.type_name, it.name)),
            ),
            Cell::Objects(scope, at) => of(
                *scope,
                definition(*scope)
                    .and_then(|it| it.blocks.get(*at as usize))
                    .map(|it| format!("the objects of {}.{}", it.type_name, it.name)),
            ),
            Cell::Keys(scope, Item::Module(at)) => of(
                *scope,
                definition(*scope)
                    .and_then(|it| it.modules.get(*at as usize))
                    .map(|it| format!("for_each of module.{}", it.name)),
            ),
            Cell::Attribute(instance, name) => {
                format!("{}.{name}", self.address(instance).map_or_else(String::new, |it| it.to_string()))
            }
            Cell::Outputs(instance) => self.address(instance).map_or_else(String::new, |it| it.to_string()),
        }
    }
}

impl<'a> Evaluator<'a> {
    /// What a scope is an instance of.
    pub(super) fn definition(&self, scope: u32) -> &'a Definition {
        let index = self.memo.scopes.get(scope as usize).map_or(0, |it| it.definition);
        &self.model.definitions[index as usize]
    }
}
