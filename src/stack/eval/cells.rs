//! The memo, and the loops that it finds.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Binding, Dep, Eval, Evaluator, Expansion, Failure, Frame, InstanceRef, PARTS_MAX, Scope};
use crate::diag::Diagnostic;
use crate::stack::expr::{Expr, Place};
use crate::stack::model::Definition;
use crate::value::Value;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    Variable(u32, u32),
    Local(u32, u32),
    Output(u32, u32),
    Keys(u32, Item),
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
}

#[derive(Debug)]
enum Entry {
    Active,
    Failed { generation: u64 },
    Done { content: Held, deps: Arc<BTreeSet<Dep>>, known: bool, generation: u64 },
}

/// What was evaluated so far. Lives as long as the program.
#[derive(Debug, Default)]
pub struct Memo {
    cells: HashMap<Cell, Entry>,
    pub scopes: Vec<Scope>,
    pub(super) children: HashMap<(u32, u32, Option<Arc<str>>), u32>,
    pub templates: HashMap<Box<str>, Arc<Expr>>,
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
            Held::Expansion(_) => Ok(Value::Null),
        }
    }

    /// Whether it is wholly known. Values share their parts, so a small one may stand for one that is too large to walk.
    fn measure(&self, content: &Held, at: Place) -> Eval<bool> {
        let mut parts = 0;
        let mut known = |value: &Value| {
            let mut known = true;
            value.any(&mut |it| {
                parts += 1;
                known &= !matches!(it, Value::Unknown(_));
                parts > PARTS_MAX
            });
            known
        };
        let known = match content {
            Held::Value(value) => known(value),
            Held::Expansion(expansion) => match &**expansion {
                Expansion::Single | Expansion::Disabled => true,
                Expansion::Deferred(_) => false,
                Expansion::Each(members) => members.values().flatten().fold(true, |all, it| match it {
                    Binding::Value(value) => known(value) && all,
                    Binding::Instance(_) => all,
                }),
            },
        };
        if parts > PARTS_MAX {
            return self.fail(at, "too-large", format!("the value has more than {PARTS_MAX} parts"));
        }
        Ok(known)
    }

    fn cycle(&self, cell: &Cell, at: Place) -> Failure {
        let start = self.active.iter().position(|(it, _)| it == cell).unwrap_or(0);
        let round = self.active.get(start..).unwrap_or_default();
        let name = self.cell_name(cell);
        let mut complaint = Diagnostic::error("cycle", format!("{name} needs itself"))
            .at(self.model.span(at))
            .detail("Each of these needs the next one first, so none can be first. Take one of the references away.");
        // The place of a step is where the cell before it refers to it; the last one refers back to the first.
        for (step, pair) in round.iter().enumerate() {
            let (to, place) = round.get(step + 1).map_or((cell, at), |(cell, place)| (cell, *place));
            let sentence = format!("{} needs {}", self.cell_name(&pair.0), self.cell_name(to));
            complaint = complaint.related(self.model.span(place), sentence);
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
            Cell::Output(scope, at) => {
                of(*scope, definition(*scope).and_then(|it| it.outputs.get(*at as usize)).map(|it| format!("output {}", it.name)))
            }
            Cell::Keys(scope, Item::Block(at)) => of(
                *scope,
                definition(*scope)
                    .and_then(|it| it.blocks.get(*at as usize))
                    .map(|it| format!("for_each of {}.{}", it.type_name, it.name)),
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
