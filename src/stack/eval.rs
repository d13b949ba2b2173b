//! The evaluator: lazy, memoised by cell, with the references that each value was made of.
//!
//! A *cell* is what is evaluated at most once: a variable, a local value, an output, the keys of a block, an attribute of an
//! instance, the outputs of an instance. What is wholly known stays; the rest is evaluated again in the next generation.

mod access;
mod cells;
mod conditional;
mod conditions;
mod depends;
mod forms;
mod instance;
mod instances;
mod lookup;
mod objects;
mod operators;
mod reference;
mod rest;
mod scopes;
mod templates;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

pub use cells::{Cell, Memo};
pub use instances::collect;

use super::desired::Host;
use super::expr::{Expr, Node, Place};
use super::model::Model;
use super::reading::Reading;
use crate::address::{Address, ModuleStep};
use crate::diag::Diagnostic;
use crate::remote::ConfigName;
use crate::value::{Members, Provenance, Type, Unknown, Value};

/// How much of the thread's stack evaluation may use; threads have two mebibytes at the least. What refers to each other in a
/// stack is evaluated in order, so that only nesting proper, through modules and local values, comes near it.
const STACK_BYTES_MAX: usize = 1 << 20;
/// Steps of one evaluation; an honest stack of 10,000 resources takes less than a million.
const STEPS_MAX: u64 = 5_000_000;
/// Length of one text.
const TEXT_BYTES_MAX: usize = 32 << 20;

/// Why there is no value.
#[derive(Debug)]
pub enum Failure {
    /// To be shown, unless a `try` catches it.
    Complaint(Box<Diagnostic>),
    /// Shown already where it happened.
    Reported,
}

pub type Eval<T> = Result<T, Failure>;

/// An instance that a value was made of, and how it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dep {
    pub to: Address,
    pub expression: Arc<str>,
}

/// A resource instance within the program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceRef {
    pub scope: u32,
    pub block: u32,
    pub key: Option<Arc<str>>,
}

/// One use of a definition: the stack, or a module instance.
#[derive(Debug)]
pub struct Scope {
    pub path: Vec<ModuleStep>,
    pub definition: u32,
    /// Where it is called: scope, module block, key.
    pub caller: Option<(u32, u32, Option<Arc<str>>)>,
}

/// What a name stands for: a value, or an instance whose attributes are evaluated only when they are used.
#[derive(Clone, Debug)]
pub enum Binding {
    Value(Value),
    Instance(InstanceRef),
}

/// The instances of a block.
#[derive(Debug)]
pub enum Expansion {
    Single,
    Disabled,
    /// By key; nothing behind a key that is disabled.
    Each(BTreeMap<Arc<str>, Option<Binding>>),
    /// Not known yet; a value that says what it waits for.
    Deferred(Value),
}

impl Expansion {
    /// The keys of the instances that there are.
    pub fn instances(&self) -> Vec<Option<Arc<str>>> {
        match self {
            Self::Single => vec![None],
            Self::Each(members) => members.iter().filter(|(_, it)| it.is_some()).map(|(key, _)| Some(key.clone())).collect(),
            Self::Disabled | Self::Deferred(_) => Vec::new(),
        }
    }
}

/// The names that an expression sees, and what it turned out to refer to.
#[derive(Debug)]
pub struct Frame {
    pub scope: u32,
    pub locals: Vec<(Arc<str>, Binding)>,
    pub each: Option<(Arc<str>, Binding)>,
    /// What the keys and values of `each` were made of.
    pub each_deps: Arc<BTreeSet<Dep>>,
    pub this: Option<Value>,
    /// The variable whose condition is evaluated.
    pub variable: Option<(Arc<str>, Value)>,
    pub deps: BTreeSet<Dep>,
}

impl Frame {
    pub fn new(scope: u32) -> Self {
        Self {
            scope,
            locals: Vec::new(),
            each: None,
            each_deps: Arc::default(),
            this: None,
            variable: None,
            deps: BTreeSet::new(),
        }
    }
}

/// What the evaluator is told, apart from the files.
#[derive(Debug, Default)]
pub struct Facts {
    pub stack: Arc<str>,
    pub region: Option<Arc<str>>,
    pub account: Option<Arc<str>>,
    /// By name, converted to what their blocks declare.
    pub variables: BTreeMap<Arc<str>, Value>,
    /// Merged into every resource's tags, which win.
    pub tags: Arc<Members>,
    pub aws: BTreeSet<Arc<str>>,
}

pub struct Evaluator<'a> {
    pub model: &'a Model,
    pub facts: &'a Facts,
    pub memo: &'a mut Memo,
    pub reading: &'a Reading,
    pub host: &'a mut dyn Host,
    pub diagnostics: Vec<Diagnostic>,
    stack_start: usize,
    pub(super) steps: u64,
    pub(super) walked: usize,
    pub(super) active: Vec<(Cell, Place)>,
    pub(super) patterns: HashMap<Arc<str>, Option<regex::Regex>>,
}

impl<'a> Evaluator<'a> {
    pub fn new(model: &'a Model, facts: &'a Facts, memo: &'a mut Memo, reading: &'a Reading, host: &'a mut dyn Host) -> Self {
        Self {
            model,
            facts,
            memo,
            reading,
            host,
            diagnostics: Vec::new(),
            stack_start: stack_pointer(),
            steps: 0,
            walked: 0,
            active: Vec::new(),
            patterns: HashMap::new(),
        }
    }

    pub fn fail<T>(&self, place: Place, code: &'static str, summary: impl Into<String>) -> Eval<T> {
        Err(Failure::Complaint(Box::new(Diagnostic::error(code, summary).at(self.model.span(place)))))
    }

    /// Keeps a complaint for the user; nothing when there is none.
    pub fn report<T>(&mut self, result: Eval<T>) -> Option<T> {
        match result {
            Ok(it) => Some(it),
            Err(Failure::Complaint(it)) => {
                self.diagnostics.push(*it);
                None
            }
            Err(Failure::Reported) => None,
        }
    }

    pub fn eval(&mut self, expr: &Expr, frame: &mut Frame) -> Eval<Value> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return self.fail(expr.place, "too-large", "the evaluation takes more steps than any honest stack needs");
        }
        if self.stack_start.abs_diff(stack_pointer()) > STACK_BYTES_MAX {
            return self.fail(expr.place, "too-deep", "expressions refer to each other too deep");
        }
        self.node(expr, frame)
    }

    /// What an operator or a text takes of an expression. A secret of which only the digest is at hand is as good as unknown:
    /// it waits for what it was made of, which a later look may tell.
    pub(super) fn operand(&mut self, expr: &Expr, frame: &mut Frame) -> Eval<Value> {
        let value = self.eval(expr, frame)?;
        Ok(if matches!(value, Value::Digest(_)) { hidden(Type::Any, frame) } else { value })
    }

    fn node(&mut self, expr: &Expr, frame: &mut Frame) -> Eval<Value> {
        match &expr.node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Template(parts) => self.template(parts, expr.place, frame),
            Node::Tuple(items) => {
                let items: Vec<Value> = items.iter().map(|it| self.eval(it, frame)).collect::<Eval<_>>()?;
                Ok(Value::tuple(items))
            }
            Node::Object(members) => self.object(members, frame),
            Node::Reference(target, steps) => self.reference(target, steps, expr.place, frame),
            Node::Local(name, steps) => self.local_name(name, steps, expr.place, frame),
            Node::Access(base, steps) => {
                let value = self.eval(base, frame)?;
                self.steps_from(value, steps, expr.place, frame)
            }
            Node::Conditional(it) => self.conditional(it, frame),
            Node::Call(call) => self.call(call, expr.place, frame),
            Node::Not(it) => self.not(it, frame),
            Node::Negate(it) => self.negate(it, frame),
            Node::Binary(operator, sides) => self.binary(*operator, sides, expr.place, frame),
            Node::For(it) => self.for_expr(it, expr.place, frame),
        }
    }

    fn object(&mut self, members: &[(Expr, Expr)], frame: &mut Frame) -> Eval<Value> {
        let mut out = Vec::with_capacity(members.len());
        for (key, member) in members {
            let name = self.eval(key, frame)?;
            let member = self.eval(member, frame)?;
            let (bare, marked) = name.unmark();
            if bare.is_unknown() {
                return Ok(Value::unknown_from(Type::Any, [bare]).mark(marked));
            }
            match bare.convert(&Type::String) {
                Ok(Value::String(name)) => {
                    if marked {
                        return self.fail(key.place, "sensitive-key", "the key of an object cannot be sensitive");
                    }
                    out.push((name, member));
                }
                _ => return self.fail(key.place, "wrong-type", format!("a key is a string, this is {}", bare.kind())),
            }
        }
        Ok(Value::object(out))
    }

    pub fn address(&self, instance: &InstanceRef) -> Option<Address> {
        let scope = self.memo.scopes.get(instance.scope as usize)?;
        let block = self.model.definitions.get(scope.definition as usize)?.blocks.get(instance.block as usize)?;
        let (type_name, name) = (block.type_name.clone(), block.name.clone());
        Some(Address::new(scope.path.clone(), block.mode, type_name, name, instance.key.clone()))
    }

    pub fn config(&self, aws: Option<&Arc<str>>) -> ConfigName {
        aws.map_or_else(ConfigName::default, |it| ConfigName(it.clone()))
    }
}

/// What is made of a secret that is not at hand: unknown until the instances that it came from are read.
fn hidden(ty: Type, frame: &Frame) -> Value {
    let waits_for = frame.deps.iter().map(|it| Provenance { address: it.to.clone(), path: "".into() }).collect();
    Value::Unknown(Arc::new(Unknown { ty, waits_for })).sensitive()
}

/// About where the thread's stack ends now.
#[inline(never)]
fn stack_pointer() -> usize {
    let here = 0u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}
