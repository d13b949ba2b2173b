//! `condition ? then : otherwise`. Only the branch that is taken is evaluated, but both have a say in the type.

use super::{Eval, Evaluator, Frame};
use crate::stack::expr::{Expr, Node, Operator, Step, Target};
use crate::stack::functions::{self, unify};
use crate::value::{Field, Type, Value};

impl Evaluator<'_> {
    pub(super) fn conditional(&mut self, it: &[Expr; 3], frame: &mut Frame) -> Eval<Value> {
        let [condition, then, otherwise] = it;
        let value = self.operand(condition, frame)?;
        let (bare, marked) = value.unmark();
        if bare.is_unknown() {
            let (then, otherwise) = (self.eval(then, frame)?, self.eval(otherwise, frame)?);
            let size = self.sized([&then, &otherwise], condition.place)?;
            let ty = unify([&then.type_of(), &otherwise.type_of()]).unwrap_or(Type::Any);
            return Ok(Value::unknown_from(ty, [bare]).mark(marked || size.sensitive || size.digest));
        }
        let (taken, other) = if self.bool(bare, condition.place, "a condition")? { (then, otherwise) } else { (otherwise, then) };
        let value = self.eval(taken, frame)?;
        Ok(self.unified(value, taken, other, frame.scope)?.mark(marked))
    }

    /// The value in the type that both branches have in common; as it is where there is none, or the other one cannot tell.
    fn unified(&mut self, value: Value, taken: &Expr, other: &Expr, scope: u32) -> Eval<Value> {
        let other = self.outlook(other, scope);
        if other == Type::Any {
            return Ok(value);
        }
        self.sized([&value], taken.place)?;
        let ty = unify([&value.type_of(), &other]);
        Ok(ty.and_then(|ty| value.convert(&ty).ok()).unwrap_or(value))
    }

    /// The type that an expression will have, as far as it can be told without evaluating it.
    fn outlook(&self, expr: &Expr, scope: u32) -> Type {
        match &expr.node {
            Node::Literal(value) => value.type_of(),
            Node::Template(_) => Type::String,
            Node::Tuple(items) => Type::Tuple(items.iter().map(|it| self.outlook(it, scope)).collect::<Vec<_>>().into()),
            Node::Object(members) => {
                let member =
                    |(key, it): &(Expr, Expr)| Some((key.literal_text()?.into(), Field::required(self.outlook(it, scope))));
                match members.iter().map(member).collect::<Option<_>>() {
                    Some(fields) => Type::Object(std::sync::Arc::new(fields)),
                    None => Type::map(Type::Any),
                }
            }
            Node::Reference(target, steps) => self.outlook_of(target, steps, scope),
            Node::Conditional(it) => {
                let [_, then, otherwise] = &**it;
                unify([&self.outlook(then, scope), &self.outlook(otherwise, scope)]).unwrap_or(Type::Any)
            }
            Node::Call(call) => match call.name.as_ref() {
                "can" => Type::Bool,
                "templatefile" | "templatestring" => Type::String,
                name => functions::signature(name).map_or(Type::Any, |it| it.returns.as_type()),
            },
            Node::Not(_) => Type::Bool,
            Node::Negate(_) => Type::Number,
            Node::Binary(operator, _) => match operator {
                Operator::Or | Operator::And | Operator::Equal | Operator::NotEqual => Type::Bool,
                Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => Type::Bool,
                Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => Type::Number,
            },
            Node::Local(..) | Node::Access(..) | Node::For(_) => Type::Any,
        }
    }

    fn outlook_of(&self, target: &Target, steps: &[Step], scope: u32) -> Type {
        let definition = self.definition(scope);
        match (target, steps) {
            (Target::Variable(name), []) => {
                let variable = definition.variable_names.get(name).and_then(|it| definition.variables.get(*it as usize));
                variable.map_or(Type::Any, |it| it.ty.clone())
            }
            (Target::Block(mode, type_name, name), [Step::Attribute(attribute)]) => {
                let index = definition.block_names.get(&(*mode, type_name.clone(), name.clone()));
                let block = index.and_then(|it| definition.blocks.get(*it as usize)).filter(|it| it.meta.for_each.is_none());
                block.and_then(|it| it.schema.attributes.get(attribute)).map_or(Type::Any, |it| it.shape.ty())
            }
            (Target::EachKey | Target::Stack(_) | Target::Path(_), []) => Type::String,
            _ => Type::Any,
        }
    }
}
