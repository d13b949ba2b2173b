//! Operators.

use super::{Eval, Evaluator, Frame, hidden};
use crate::stack::expr::{Expr, Operator, Place};
use crate::value::{ArithmeticError, Number, Type, Value};

impl Evaluator<'_> {
    pub(super) fn bool(&self, value: &Value, place: Place, what: &str) -> Eval<bool> {
        match value.convert(&Type::Bool) {
            Ok(Value::Bool(it)) => Ok(it),
            _ => self.fail(place, "wrong-type", format!("{what} is true or false, this is {}", value.kind())),
        }
    }

    fn number(&self, value: &Value, place: Place, what: &str) -> Eval<Number> {
        match value.convert(&Type::Number) {
            Ok(Value::Number(it)) => Ok(it),
            _ => self.fail(place, "wrong-type", format!("{what} takes numbers, this is {}", value.kind())),
        }
    }

    pub(super) fn not(&mut self, expr: &Expr, frame: &mut Frame) -> Eval<Value> {
        let value = self.operand(expr, frame)?;
        let (bare, marked) = value.unmark();
        if bare.is_unknown() {
            return Ok(Value::unknown_from(Type::Bool, [bare]).mark(marked));
        }
        Ok(Value::Bool(!self.bool(bare, expr.place, "what follows `!`")?).mark(marked))
    }

    pub(super) fn negate(&mut self, expr: &Expr, frame: &mut Frame) -> Eval<Value> {
        let value = self.operand(expr, frame)?;
        let (bare, marked) = value.unmark();
        if bare.is_unknown() {
            return Ok(Value::unknown_from(Type::Number, [bare]).mark(marked));
        }
        let number = self.number(bare, expr.place, "`-`")?;
        Ok(Value::Number(number.neg()).mark(marked))
    }

    pub(super) fn binary(&mut self, operator: Operator, sides: &[Expr; 2], place: Place, frame: &mut Frame) -> Eval<Value> {
        let [left, right] = sides;
        match operator {
            Operator::And | Operator::Or => self.logic(operator == Operator::Or, left, right, frame),
            Operator::Equal | Operator::NotEqual => {
                let (a, b) = (self.operand(left, frame)?, self.operand(right, frame)?);
                // A digest tells nothing but whether it is the same digest.
                Ok(match self.sized([&a, &b], place)?.digest && a != b {
                    true => hidden(Type::Bool, frame),
                    false => equality(&a, &b, operator == Operator::NotEqual),
                })
            }
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                self.arithmetic(operator, left, right, place, frame, Type::Bool)
            }
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
                self.arithmetic(operator, left, right, place, frame, Type::Number)
            }
        }
    }

    /// `decisive` decides without the other side: true for `||`, false for `&&`.
    fn logic(&mut self, decisive: bool, left: &Expr, right: &Expr, frame: &mut Frame) -> Eval<Value> {
        let what = if decisive { "`||`" } else { "`&&`" };
        let a = self.operand(left, frame)?;
        let (bare_a, marked_a) = a.unmark();
        if !bare_a.is_unknown() && self.bool(bare_a, left.place, what)? == decisive {
            return Ok(Value::Bool(decisive).mark(marked_a));
        }
        let b = self.operand(right, frame)?;
        let (bare_b, marked_b) = b.unmark();
        let marked = marked_a || marked_b;
        if bare_b.is_unknown() {
            return Ok(Value::unknown_from(Type::Bool, [bare_a, bare_b]).mark(marked));
        }
        let b = self.bool(bare_b, right.place, what)?;
        if bare_a.is_unknown() && b != decisive {
            return Ok(Value::unknown_from(Type::Bool, [bare_a]).mark(marked));
        }
        Ok(Value::Bool(b).mark(marked))
    }

    fn exact(&self, result: Result<Number, ArithmeticError>, place: Place) -> Eval<Value> {
        match result {
            Ok(number) => Ok(Value::Number(number)),
            Err(error) => self.fail(place, "bad-number", error.to_string()),
        }
    }

    fn arithmetic(
        &mut self,
        operator: Operator,
        left: &Expr,
        right: &Expr,
        place: Place,
        frame: &mut Frame,
        ty: Type,
    ) -> Eval<Value> {
        let (a, b) = (self.operand(left, frame)?, self.operand(right, frame)?);
        let ((bare_a, marked_a), (bare_b, marked_b)) = (a.unmark(), b.unmark());
        let marked = marked_a || marked_b;
        if bare_a.is_unknown() || bare_b.is_unknown() {
            return Ok(Value::unknown_from(ty, [bare_a, bare_b]).mark(marked));
        }
        let sign = sign(operator);
        let (a, b) = (self.number(bare_a, left.place, sign)?, self.number(bare_b, right.place, sign)?);
        let value = match operator {
            Operator::Less => Value::Bool(a < b),
            Operator::LessOrEqual => Value::Bool(a <= b),
            Operator::Greater => Value::Bool(a > b),
            Operator::GreaterOrEqual => Value::Bool(a >= b),
            Operator::Add => self.exact(a.add(&b), place)?,
            Operator::Subtract => self.exact(a.sub(&b), place)?,
            Operator::Multiply => self.exact(a.mul(&b), place)?,
            Operator::Divide => self.exact(a.div(&b), place)?,
            Operator::Remainder => self.exact(a.rem(&b), place)?,
            // These have functions of their own.
            Operator::Or | Operator::And | Operator::Equal | Operator::NotEqual => Value::Null,
        };
        Ok(value.mark(marked))
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Or => "`||`",
        Operator::And => "`&&`",
        Operator::Equal => "`==`",
        Operator::NotEqual => "`!=`",
        Operator::Less => "`<`",
        Operator::LessOrEqual => "`<=`",
        Operator::Greater => "`>`",
        Operator::GreaterOrEqual => "`>=`",
        Operator::Add => "`+`",
        Operator::Subtract => "`-`",
        Operator::Multiply => "`*`",
        Operator::Divide => "`/`",
        Operator::Remainder => "`%`",
    }
}

/// Whether two values mean the same: lists are lists however they came about, and so are maps and objects.
fn equality(a: &Value, b: &Value, negated: bool) -> Value {
    let ((bare_a, marked_a), (bare_b, marked_b)) = (a.unmark_deep(), b.unmark_deep());
    let marked = marked_a || marked_b;
    if bare_a.is_unknown() || bare_b.is_unknown() {
        return Value::unknown_from(Type::Bool, [&bare_a, &bare_b]).mark(marked);
    }
    let known = bare_a.is_wholly_known() && bare_b.is_wholly_known();
    // Whatever its members turn out to be, it is not null.
    let one_is_null = bare_a.is_null() || bare_b.is_null();
    if !known && !one_is_null {
        return Value::unknown_from(Type::Bool, [&bare_a, &bare_b]).mark(marked);
    }
    Value::Bool((plain(&bare_a) == plain(&bare_b)) != negated).mark(marked)
}

fn plain(value: &Value) -> Value {
    match value {
        Value::List(items) | Value::Tuple(items) => Value::tuple(items.iter().map(plain)),
        Value::Set(items) => Value::set(items.iter().map(plain)),
        Value::Map(items) | Value::Object(items) => Value::object(items.iter().map(|(k, v)| (k.clone(), plain(v)))),
        it => it.clone(),
    }
}
