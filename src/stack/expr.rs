//! Expressions as the evaluator sees them: compact, with places, free of syntax. Names are resolved to what they refer to.

use std::sync::Arc;

use crate::address::Mode;
use crate::value::Value;

/// A stretch of one of the program's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index into the program's files.
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

#[derive(Debug)]
pub struct Expr {
    pub place: Place,
    pub node: Node,
}

#[derive(Debug)]
pub enum Node {
    Literal(Value),
    /// A text with parts to be filled in; always a string.
    Template(Vec<Part>),
    Tuple(Vec<Expr>),
    /// Keys are expressions too; a bare word is a literal.
    Object(Vec<(Expr, Expr)>),
    /// A reference to something outside of the expression, and the steps from there.
    Reference(Target, Vec<Step>),
    /// A variable of a `for`, or of a template.
    Local(Arc<str>, Vec<Step>),
    /// Any other expression, and the steps from there.
    Access(Box<Expr>, Vec<Step>),
    /// Condition, then, else.
    Conditional(Box<[Expr; 3]>),
    Call(Box<Call>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(Operator, Box<[Expr; 2]>),
    For(Box<For>),
}

#[derive(Debug)]
pub enum Part {
    /// A text, and where it starts in the file.
    Text(Arc<str>, u32),
    Value(Expr),
    If {
        condition: Expr,
        then: Vec<Part>,
        otherwise: Vec<Part>,
    },
    For {
        key: Option<Arc<str>>,
        value: Arc<str>,
        collection: Expr,
        body: Vec<Part>,
    },
}

#[derive(Debug)]
pub enum Step {
    Attribute(Arc<str>),
    Index(Expr),
    /// The steps are taken from each member.
    Splat(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Variable(Arc<str>),
    Local(Arc<str>),
    Module(Arc<str>),
    Block(Mode, Arc<str>, Arc<str>),
    EachKey,
    EachValue,
    This,
    Stack(Arc<str>),
    Path(Arc<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug)]
pub struct Call {
    pub name: Arc<str>,
    pub name_place: Place,
    pub arguments: Vec<Expr>,
    /// `f(list...)`: the last argument's members are arguments.
    pub expand: bool,
}

#[derive(Debug)]
pub struct For {
    pub key_name: Option<Arc<str>>,
    pub value_name: Arc<str>,
    pub collection: Expr,
    /// With a key the result is an object, else a tuple.
    pub key: Option<Expr>,
    pub value: Expr,
    pub condition: Option<Expr>,
    /// `...`: values of one key are gathered in a tuple.
    pub group: bool,
}

impl Expr {
    /// The text, when it is one that needs no evaluation.
    pub fn literal_text(&self) -> Option<&str> {
        match &self.node {
            Node::Literal(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub fn literal_bool(&self) -> Option<bool> {
        match &self.node {
            Node::Literal(Value::Bool(it)) => Some(*it),
            _ => None,
        }
    }
}

/// A reference as it was met while lowering, for the checks that need no values.
#[derive(Debug)]
pub struct Mention {
    pub place: Place,
    pub target: Target,
    /// The first steps, as far as they matter to whether the reference can be.
    pub head: Vec<Head>,
    /// Within `try`, `can`, `one`, a splat or a branch of a condition: may stand for something that is not there.
    pub guarded: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    Attribute(Arc<str>),
    Key,
    Splat,
}

/// A function as it was met while lowering.
#[derive(Debug)]
pub struct Named {
    pub name: Arc<str>,
    pub place: Place,
}
