//! Syntax tree to [`Expr`]: names resolved to what they refer to, texts joined, decoration dropped.

use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{BinaryOperator, Expression, ForExpr, FuncCall, ObjectKey, Traversal, TraversalOperator, UnaryOperator};

use super::expr::{Call, Expr, For, Head, Mention, Named, Node, Operator, Part, Place, Step, Target};
use super::parse::offset;
use crate::address::Mode;
use crate::diag::{Diagnostic, Span};
use crate::value::Value;

/// Functions whose arguments may fail or be null.
const GUARDS: [&str; 3] = ["try", "can", "one"];

/// Lowers the expressions of one file, and remembers what they mention.
pub struct Lowering<'a> {
    pub file: u32,
    pub text: &'a str,
    /// Where in the file the text begins.
    pub base: usize,
    pub span: &'a dyn Fn(Place) -> Span,
    /// In a template of `templatefile` every name is a variable of it.
    pub free_names: bool,
    pub mentions: Vec<Mention>,
    pub calls: Vec<Named>,
    pub diagnostics: Vec<Diagnostic>,
    /// Variables of the `for`s that are open.
    pub(super) bound: Vec<Arc<str>>,
    pub(super) guards: usize,
}

impl<'a> Lowering<'a> {
    pub fn new(file: u32, text: &'a str, span: &'a dyn Fn(Place) -> Span) -> Self {
        Self {
            file,
            text,
            base: 0,
            span,
            free_names: false,
            mentions: Vec::new(),
            calls: Vec::new(),
            diagnostics: Vec::new(),
            bound: Vec::new(),
            guards: 0,
        }
    }

    pub fn place(&self, span: Option<Range<usize>>) -> Place {
        let span = span.unwrap_or(0..0);
        Place { file: self.file, start: offset(self.base + span.start), end: offset(self.base + span.end) }
    }

    pub fn error(&mut self, place: Place, code: &'static str, summary: impl Into<String>) -> &mut Diagnostic {
        let at = self.diagnostics.len();
        self.diagnostics.push(Diagnostic::error(code, summary).at((self.span)(place)));
        &mut self.diagnostics[at]
    }

    /// Opens and closes the scope of a variable, for a `dynamic` block.
    pub fn bind(&mut self, name: &Arc<str>) {
        self.bound.push(name.clone());
    }
    pub fn unbind(&mut self) {
        self.bound.pop();
    }

    pub fn expr(&mut self, syntax: &Expression) -> Expr {
        let place = self.place(syntax.span());
        Expr { place, node: self.node(syntax, place) }
    }

    fn boxed(&mut self, syntax: &Expression) -> Box<Expr> {
        Box::new(self.expr(syntax))
    }

    fn node(&mut self, syntax: &Expression, place: Place) -> Node {
        match syntax {
            Expression::Null(_) => Node::Literal(Value::Null),
            Expression::Bool(it) => Node::Literal(Value::Bool(*it.value())),
            Expression::Number(it) => Node::Literal(self.number(it.value(), syntax.span().unwrap_or(0..0), place)),
            Expression::String(it) => Node::Literal(Value::string(it.as_str())),
            Expression::Array(items) => Node::Tuple(items.iter().map(|it| self.expr(it)).collect()),
            Expression::Object(items) => {
                Node::Object(items.iter().map(|(key, value)| (self.key(key), self.expr(value.expr()))).collect())
            }
            Expression::StringTemplate(it) => joined(self.parts(it.iter())),
            Expression::HeredocTemplate(it) => joined(self.parts(it.template.iter())),
            Expression::Parenthesis(it) => self.expr(it.inner()).node,
            Expression::Variable(name) => self.reference(name.as_str(), &[], place),
            Expression::Traversal(it) => self.traversal(it, place),
            Expression::Conditional(it) => {
                let condition = self.expr(&it.cond_expr);
                self.guards += 1;
                let branches = [condition, self.expr(&it.true_expr), self.expr(&it.false_expr)];
                self.guards -= 1;
                Node::Conditional(Box::new(branches))
            }
            Expression::FuncCall(it) => self.call(it),
            Expression::UnaryOp(it) => match it.operator.value() {
                UnaryOperator::Neg => Node::Negate(self.boxed(&it.expr)),
                UnaryOperator::Not => Node::Not(self.boxed(&it.expr)),
            },
            Expression::BinaryOp(it) => {
                let operator = operator(*it.operator.value());
                let left = self.expr(&it.lhs_expr);
                let guards = usize::from(matches!(operator, Operator::And | Operator::Or));
                self.guards += guards;
                let right = self.expr(&it.rhs_expr);
                self.guards -= guards;
                Node::Binary(operator, Box::new([left, right]))
            }
            Expression::ForExpr(it) => self.for_expr(it),
        }
    }

    /// Numbers are read off the text: the tree holds large ones and fractions as doubles only.
    fn number(&mut self, number: &hcl_edit::Number, span: Range<usize>, place: Place) -> Value {
        let written = self.text.get(span).unwrap_or_default();
        let digits: String = written.chars().filter(|it| !it.is_whitespace()).collect();
        match digits.parse().or_else(|_| number.to_string().parse()) {
            Ok(number) => Value::Number(number),
            Err(_) => {
                self.error(place, "bad-number", "this number has an exponent that is too large");
                Value::Null
            }
        }
    }

    fn key(&mut self, key: &ObjectKey) -> Expr {
        let place = self.place(key.span());
        match key {
            ObjectKey::Ident(name) => Expr { place, node: Node::Literal(Value::string(name.as_str())) },
            ObjectKey::Expression(it) => self.expr(it),
        }
    }

    fn call(&mut self, call: &FuncCall) -> Node {
        let mut name = call.name.name.as_str().to_owned();
        for part in call.name.namespace.iter().rev() {
            name = format!("{}::{name}", part.as_str());
        }
        // `core::length` is Terraform's long name of `length`.
        let name: Arc<str> = name.strip_prefix("core::").unwrap_or(&name).into();
        let name_place = self.place(call.name.name.span().or_else(|| call.name.namespace.first().and_then(|it| it.span())));
        self.calls.push(Named { name: name.clone(), place: name_place });
        let guards = usize::from(GUARDS.contains(&name.as_ref()));
        self.guards += guards;
        let arguments = call.args.iter().map(|it| self.expr(it)).collect();
        self.guards -= guards;
        Node::Call(Box::new(Call { name, name_place, arguments, expand: call.args.expand_final() }))
    }

    fn for_expr(&mut self, it: &ForExpr) -> Node {
        let collection = self.expr(&it.intro.collection_expr);
        let key_name: Option<Arc<str>> = it.intro.key_var.as_ref().map(|it| it.as_str().into());
        let value_name: Arc<str> = it.intro.value_var.as_str().into();
        let before = self.bound.len();
        self.bound.extend(key_name.clone());
        self.bound.push(value_name.clone());
        let key = it.key_expr.as_ref().map(|it| self.expr(it));
        let guards = usize::from(it.cond.is_some());
        self.guards += guards;
        let value = self.expr(&it.value_expr);
        self.guards -= guards;
        let condition = it.cond.as_ref().map(|it| self.expr(&it.expr));
        self.bound.truncate(before);
        Node::For(Box::new(For { key_name, value_name, collection, key, value, condition, group: it.grouping }))
    }

    fn traversal(&mut self, it: &Traversal, place: Place) -> Node {
        let operators: Vec<&TraversalOperator> = it.operators.iter().map(|it| it.value()).collect();
        match &it.expr {
            Expression::Variable(name) => self.reference(name.as_str(), &operators, place),
            base => {
                let splats = operators.iter().any(|it| is_splat(it));
                self.guards += usize::from(splats);
                let base = self.boxed(base);
                self.guards -= usize::from(splats);
                Node::Access(base, self.steps(&operators))
            }
        }
    }

    pub(super) fn steps(&mut self, operators: &[&TraversalOperator]) -> Vec<Step> {
        let mut steps = Vec::with_capacity(operators.len());
        for (at, operator) in operators.iter().enumerate() {
            let rest = &operators[at + 1..];
            match operator {
                TraversalOperator::GetAttr(name) => steps.push(Step::Attribute(name.as_str().into())),
                TraversalOperator::Index(index) => steps.push(Step::Index(self.expr(index))),
                TraversalOperator::LegacyIndex(index) => {
                    let number = i64::try_from(*index.value()).unwrap_or(i64::MAX);
                    let place = self.place(index.span());
                    steps.push(Step::Index(Expr { place, node: Node::Literal(Value::from(number)) }));
                }
                TraversalOperator::FullSplat(_) => {
                    steps.push(Step::Splat(self.steps(rest)));
                    break;
                }
                // The attribute-only splat takes names along; an index after it picks from the result.
                TraversalOperator::AttrSplat(_) => {
                    let names = rest.iter().take_while(|it| matches!(it, TraversalOperator::GetAttr(_))).count();
                    let (inner, outer) = rest.split_at(names);
                    steps.push(Step::Splat(self.steps(inner)));
                    let outer = self.steps(outer);
                    steps.extend(outer);
                    break;
                }
            }
        }
        steps
    }

    fn reference(&mut self, root: &str, operators: &[&TraversalOperator], place: Place) -> Node {
        if self.free_names || self.bound.iter().any(|it| it.as_ref() == root) {
            return Node::Local(root.into(), self.steps(operators));
        }
        let name = |at: usize| match operators.get(at) {
            Some(TraversalOperator::GetAttr(name)) => Some(Arc::<str>::from(name.as_str())),
            _ => None,
        };
        let found = match root {
            "var" => name(0).map(|it| (Target::Variable(it), 1)),
            "local" => name(0).map(|it| (Target::Local(it), 1)),
            "module" => name(0).map(|it| (Target::Module(it), 1)),
            "stack" => name(0).map(|it| (Target::Stack(it), 1)),
            "path" => name(0).map(|it| (Target::Path(it), 1)),
            "self" => Some((Target::This, 0)),
            "each" => match name(0).as_deref() {
                Some("key") => Some((Target::EachKey, 1)),
                Some("value") => Some((Target::EachValue, 1)),
                _ => None,
            },
            "data" => name(0).zip(name(1)).map(|(ty, name)| (Target::Block(Mode::Data, ty, name), 2)),
            _ => name(0).map(|it| (Target::Block(Mode::Managed, root.into(), it), 1)),
        };
        let Some((target, taken)) = found else {
            self.incomplete(root, place);
            return Node::Literal(Value::Null);
        };
        let rest = &operators[taken..];
        let head = rest.iter().take(3).map(|it| match it {
            TraversalOperator::GetAttr(name) => Head::Attribute(name.as_str().into()),
            TraversalOperator::Index(_) | TraversalOperator::LegacyIndex(_) => Head::Key,
            TraversalOperator::FullSplat(_) | TraversalOperator::AttrSplat(_) => Head::Splat,
        });
        let guarded = self.guards > 0;
        self.mentions.push(Mention { place, target: target.clone(), head: head.collect(), guarded });
        Node::Reference(target, self.steps(rest))
    }

    /// A name that stands alone, or is not one of ours.
    fn incomplete(&mut self, root: &str, place: Place) {
        let (summary, help) = match root {
            "var" | "local" | "module" | "stack" | "path" => {
                (format!("`{root}` needs a name after it"), format!("write `{root}.NAME`"))
            }
            "each" => ("`each` has only `key` and `value`".to_owned(), "write `each.key` or `each.value`".to_owned()),
            "data" => ("`data` needs a type and a name after it".to_owned(), "write `data.TYPE.NAME.ATTRIBUTE`".to_owned()),
            "count" => return self.count(place),
            _ => (
                format!("`{root}` alone refers to nothing"),
                format!("a text is written \"{root}\", a variable var.{root}, a local value local.{root}"),
            ),
        };
        let error = self.error(place, "unknown-reference", summary);
        *error = error.clone().help(help);
    }

    fn count(&mut self, place: Place) {
        let error = self.error(place, "no-count", "there is no `count` here");
        *error = error.clone().help("use `for_each` with a map or set, and `each.key`");
    }
}

/// A template that is nothing but one `${…}` yields the value itself, as in Terraform.
pub(super) fn joined(mut parts: Vec<Part>) -> Node {
    match (parts.pop(), parts.is_empty()) {
        (None, _) => Node::Literal(Value::from("")),
        (Some(Part::Value(only)), true) => only.node,
        (Some(last), _) => {
            parts.push(last);
            Node::Template(parts)
        }
    }
}

fn is_splat(operator: &TraversalOperator) -> bool {
    matches!(operator, TraversalOperator::FullSplat(_) | TraversalOperator::AttrSplat(_))
}

fn operator(it: BinaryOperator) -> Operator {
    match it {
        BinaryOperator::Or => Operator::Or,
        BinaryOperator::And => Operator::And,
        BinaryOperator::Eq => Operator::Equal,
        BinaryOperator::NotEq => Operator::NotEqual,
        BinaryOperator::Less => Operator::Less,
        BinaryOperator::LessEq => Operator::LessOrEqual,
        BinaryOperator::Greater => Operator::Greater,
        BinaryOperator::GreaterEq => Operator::GreaterOrEqual,
        BinaryOperator::Plus => Operator::Add,
        BinaryOperator::Minus => Operator::Subtract,
        BinaryOperator::Mul => Operator::Multiply,
        BinaryOperator::Div => Operator::Divide,
        BinaryOperator::Mod => Operator::Remainder,
    }
}
