//! Numbers.

use bigdecimal::num_bigint::{BigInt, Sign};

use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::limits::{bytes, elements};
use super::{Answer, CallError};
use crate::value::{ArithmeticError, Number, Type, Value};

const NUMBER: Parameter = Parameter::new("number", Shape::Number);

pub(super) const FUNCTIONS: &[Function] = &[
    function("abs", &[NUMBER], |it| number(it.number(0).abs()), "The number without its sign."),
    function("ceil", &[NUMBER], |it| number(it.number(0).ceil()), "The nearest whole number that is not less."),
    function("floor", &[NUMBER], |it| number(it.number(0).floor()), "The nearest whole number that is not greater."),
    function("log", &[NUMBER, Parameter::new("base", Shape::Number)], log, "The logarithm to the base."),
    function("max", &[NUMBER], |it| extreme(it, Ord::max), "The greatest of the numbers.").variadic(NUMBER),
    function("min", &[NUMBER], |it| extreme(it, Ord::min), "The least of the numbers.").variadic(NUMBER),
    function(
        "parseint",
        &[Parameter::new("string", Shape::String), Parameter::new("base", Shape::Number)],
        parseint,
        "The whole number that the text writes in the base, 2 to 62.",
    ),
    function("pow", &[NUMBER, Parameter::new("exponent", Shape::Number)], pow, "The number raised to the power."),
    Function::new(
        "range",
        &[NUMBER, NUMBER, NUMBER],
        Shape::List,
        Body::Known(range),
        "Numbers from a start up to, but without, a limit: `range(limit)`, `range(start, limit)`, `range(start, limit, step)`.",
    )
    .optional(2),
    function("signum", &[NUMBER], |it| Ok(it.number(0).signum().into()), "-1, 0 or 1: the number's sign."),
    function("sum", &[Parameter::new("numbers", Shape::Sequence)], sum, "The sum of the numbers."),
];

const fn function(
    name: &'static str,
    parameters: &'static [Parameter],
    body: fn(&Arguments) -> Answer,
    doc: &'static str,
) -> Function {
    Function::new(name, parameters, Shape::Number, Body::Known(body), doc)
}

fn number(number: Number) -> Answer {
    Ok(Value::Number(number))
}

fn log(it: &Arguments) -> Answer {
    let result = it.number(0).to_f64().ln() / it.number(1).to_f64().ln();
    // Whole powers would miss their exponent by a bit.
    let rounded = result.round();
    let exact = it.number(1).to_f64().powf(rounded) == it.number(0).to_f64();
    let result = if exact { rounded } else { result };
    Number::from_f64(result).map(Value::Number).ok_or_else(|| CallError::new("there is no such logarithm"))
}

fn extreme(it: &Arguments, of: fn(Number, Number) -> Number) -> Answer {
    number((1..it.count()).fold(it.number(0), |best, at| of(best, it.number(at))))
}

fn pow(it: &Arguments) -> Answer {
    it.number(0).pow(&it.number(1)).map(Value::Number).map_err(|e| CallError::new(e.to_string()))
}

/// Longer texts would take quadratic time.
const PARSE_MAX: usize = 4_096;

/// Digits beyond 9 are a to z, then A to Z; up to base 36 capitals mean the same as small letters.
fn parseint(it: &Arguments) -> Answer {
    let base = it.whole(1)?;
    if !(2..=62).contains(&base) {
        return Err(CallError::at(1, "the base is a whole number from 2 to 62"));
    }
    let wrong = || CallError::at(0, format!("{:?} is not a whole number in base {base}", it.text(0)));
    let (sign, digits) = match (it.text(0).strip_prefix('-'), it.text(0).strip_prefix('+')) {
        (Some(digits), _) => (Sign::Minus, digits),
        (None, Some(digits)) => (Sign::Plus, digits),
        (None, None) => (Sign::Plus, it.text(0)),
    };
    if digits.is_empty() || digits.len() > PARSE_MAX {
        return Err(wrong());
    }
    let digit = |c: char| match c {
        '0'..='9' => Some(c as u8 - b'0'),
        'a'..='z' => Some(c as u8 - b'a' + 10),
        'A'..='Z' if base <= 36 => Some(c as u8 - b'A' + 10),
        'A'..='Z' => Some(c as u8 - b'A' + 36),
        _ => None,
    };
    let digits: Option<Vec<u8>> = digits.chars().map(digit).collect();
    let parsed = digits.and_then(|it| BigInt::from_radix_be(sign, &it, base as u32));
    parsed.map(|it| Value::Number(it.into())).ok_or_else(wrong)
}

fn range(it: &Arguments) -> Answer {
    let (start, limit) = match it.count() {
        1 => (0.into(), it.number(0)),
        _ => (it.number(0), it.number(1)),
    };
    let up = start <= limit;
    let step = match it.count() {
        3 => it.number(2),
        _ => Number::from(if up { 1 } else { -1 }),
    };
    match step.signum() {
        0 => return Err(CallError::at(2, "the step must not be zero")),
        1 if start > limit => return Err(CallError::at(1, "the limit must not be below the start when the step is positive")),
        -1 if start < limit => return Err(CallError::at(1, "the limit must not be above the start when the step is negative")),
        _ => {}
    }
    let wrong = |e: ArithmeticError| CallError::new(e.to_string());
    let count = limit.sub(&start).and_then(|it| it.div(&step)).map_err(wrong)?.ceil();
    let count = elements(count.as_i64().and_then(|it| usize::try_from(it).ok()))?;
    // Numbers of many digits take memory too.
    bytes(count.checked_mul(start.to_string().len() + step.to_string().len()))?;
    let mut numbers = Vec::with_capacity(count);
    let mut next = start;
    for _ in 0..count {
        numbers.push(Value::Number(next.clone()));
        next = next.add(&step).map_err(wrong)?;
    }
    Ok(Value::list(numbers))
}

fn sum(it: &Arguments) -> Answer {
    let items = it.items(0);
    if items.is_empty() {
        return Err(CallError::at(0, "an empty list has no sum"));
    }
    let mut sum = Number::from(0);
    for (index, item) in items.into_iter().enumerate() {
        let Ok(Value::Number(number)) = item.convert(&Type::Number) else {
            return Err(CallError::at(0, format!("element {index} is not a number")));
        };
        sum = sum.add(&number).map_err(|e| CallError::new(e.to_string()))?;
    }
    number(sum)
}
