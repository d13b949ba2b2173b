//! Type expressions: `map(object({ scan = optional(bool, false) }))`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall};

use crate::value::{Field, Type, Value};

pub struct Problem {
    pub message: String,
    pub span: Option<Range<usize>>,
}

fn problem<T>(at: &Expression, message: impl Into<String>) -> Result<T, Problem> {
    Err(Problem { message: message.into(), span: at.span() })
}

pub fn read(syntax: &Expression) -> Result<Type, Problem> {
    match syntax {
        Expression::Parenthesis(it) => read(it.inner()),
        // Terraform of old quotes the simple ones.
        Expression::String(name) => simple(name.as_str()).map_or_else(|| problem(syntax, "this is not a type"), Ok),
        Expression::Variable(name) => match (simple(name.as_str()), name.as_str()) {
            (Some(ty), _) => Ok(ty),
            (None, "list") => Ok(Type::list(Type::Any)),
            (None, "set") => Ok(Type::set(Type::Any)),
            (None, "map") => Ok(Type::map(Type::Any)),
            (None, other) => problem(syntax, format!("there is no type `{other}`")),
        },
        Expression::FuncCall(call) => constructed(syntax, call),
        _ => problem(syntax, "this is not a type"),
    }
}

fn simple(name: &str) -> Option<Type> {
    Some(match name {
        "any" => Type::Any,
        "bool" => Type::Bool,
        "number" => Type::Number,
        "string" => Type::String,
        _ => return None,
    })
}

fn constructed(syntax: &Expression, call: &FuncCall) -> Result<Type, Problem> {
    let name = call.name.name.as_str();
    let arguments: Vec<&Expression> = call.args.iter().collect();
    let [argument] = arguments.as_slice() else {
        return problem(syntax, format!("`{name}(…)` takes one argument here"));
    };
    match (name, argument) {
        ("list", of) => Ok(Type::list(read(of)?)),
        ("set", of) => Ok(Type::set(read(of)?)),
        ("map", of) => Ok(Type::map(read(of)?)),
        ("tuple", Expression::Array(items)) => Ok(Type::Tuple(Arc::new(items.iter().map(read).collect::<Result<_, _>>()?))),
        ("object", Expression::Object(items)) => {
            let mut fields = BTreeMap::new();
            for (key, value) in items.iter() {
                let name: Arc<str> = match (key.as_ident(), key.as_expr().and_then(Expression::as_str)) {
                    (Some(name), _) => name.as_str().into(),
                    (_, Some(text)) => text.into(),
                    (None, None) => return problem(value.expr(), "the members of an object type have plain names"),
                };
                fields.insert(name, field(value.expr())?);
            }
            Ok(Type::Object(Arc::new(fields)))
        }
        ("tuple", other) => problem(other, "`tuple` takes a list of types: tuple([string, number])"),
        ("object", other) => problem(other, "`object` takes names and types: object({ name = string })"),
        ("optional", _) => problem(syntax, "`optional` stands only for a member of an object type"),
        _ => problem(syntax, format!("there is no type `{name}(…)`")),
    }
}

fn field(syntax: &Expression) -> Result<Field, Problem> {
    let Expression::FuncCall(call) = syntax else { return Ok(Field::required(read(syntax)?)) };
    if call.name.name.as_str() != "optional" {
        return Ok(Field::required(read(syntax)?));
    }
    let arguments: Vec<&Expression> = call.args.iter().collect();
    match arguments.as_slice() {
        [ty] => Ok(Field { ty: read(ty)?, optional: true, default: None }),
        [ty, default] => {
            let ty = read(ty)?;
            let default = match constant(default).map(|it| it.convert(&ty)) {
                Some(Ok(default)) => default,
                Some(Err(error)) => return problem(default_of(syntax, &arguments), format!("the default does not fit: {error}")),
                None => return problem(default_of(syntax, &arguments), "the default of a member is written out"),
            };
            Ok(Field { ty, optional: true, default: Some(default) })
        }
        _ => problem(syntax, "`optional` takes a type and maybe a default"),
    }
}

fn default_of<'a>(whole: &'a Expression, arguments: &[&'a Expression]) -> &'a Expression {
    arguments.get(1).copied().unwrap_or(whole)
}

/// A value that is written out, without references or functions.
fn constant(syntax: &Expression) -> Option<Value> {
    Some(match syntax {
        Expression::Null(_) => Value::Null,
        Expression::Bool(it) => Value::Bool(*it.value()),
        Expression::Number(it) => Value::Number(it.value().to_string().parse().ok()?),
        Expression::String(it) => Value::string(it.as_str()),
        Expression::Parenthesis(it) => constant(it.inner())?,
        Expression::Array(items) => Value::tuple(items.iter().map(constant).collect::<Option<Vec<_>>>()?),
        Expression::Object(items) => {
            let members = items.iter().map(|(key, value)| {
                let name = key.as_ident().map(|it| it.as_str()).or_else(|| key.as_expr().and_then(Expression::as_str))?;
                Some((name, constant(value.expr())?))
            });
            Value::object(members.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}
