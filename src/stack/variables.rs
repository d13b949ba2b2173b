//! Values of variables from outside: the command line, files, the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expr::Place;
use super::lower::Lowering;
use super::model::Model;
use super::parse;
use crate::diag::{Diagnostic, Span, nearest};
use crate::value::{Type, Value};

/// One variable as somebody gave it; later ones win.
#[derive(Clone, Debug)]
pub struct Given {
    pub name: String,
    pub value: GivenValue,
    /// Where it comes from, for messages: `--var`, `prod.hcl`, `INFRA_VAR_azs`.
    pub origin: String,
}

#[derive(Clone, Debug)]
pub enum GivenValue {
    /// As typed: for a string variable the text itself, for others an expression without references.
    Text(String),
    Value(Value),
}

/// The values in the types that the stack declares.
pub(super) fn read(model: &Model, given: &[Given], diagnostics: &mut Vec<Diagnostic>) -> BTreeMap<Arc<str>, Value> {
    let definition = &model.definitions[0];
    let mut out = BTreeMap::new();
    for it in given {
        let Some(index) = definition.variable_names.get(it.name.as_str()) else {
            // The environment may hold variables of other stacks.
            let names = definition.variable_names.keys().map(AsRef::as_ref);
            let summary = format!("the stack has no variable \"{}\" ({})", it.name, it.origin);
            let complaint = match it.origin.starts_with("INFRA_VAR_") {
                true => Diagnostic::warning("unknown-variable", summary),
                false => Diagnostic::error("unknown-variable", summary),
            };
            diagnostics.push(complaint.did_you_mean(nearest(&it.name, names)));
            continue;
        };
        let variable = &definition.variables[*index as usize];
        let value = match &it.value {
            GivenValue::Value(value) => Ok(value.clone()),
            GivenValue::Text(text) if matches!(variable.ty, Type::String) => Ok(Value::string(text.as_str())),
            GivenValue::Text(text) => match constant(text) {
                Ok(value) => Ok(value),
                // A word alone is a text where anything may stand.
                Err(_) if matches!(variable.ty, Type::Any) => Ok(Value::string(text.as_str())),
                Err(problem) => Err(problem),
            },
        };
        match value.and_then(|it| it.convert(&variable.ty).map_err(|error| error.to_string())) {
            Ok(value) => {
                out.insert(variable.name.clone(), value);
            }
            Err(problem) => {
                let summary = format!("the variable \"{}\" ({}): {problem}", it.name, it.origin);
                let span = model.span(variable.place);
                diagnostics.push(Diagnostic::error("bad-variable", summary).related(span, "declared here"));
            }
        }
    }
    out
}

/// An expression without references or functions.
pub fn constant(text: &str) -> Result<Value, String> {
    let syntax = parse::expression(text).map_err(|error| error.summary)?;
    let span = |place: Place| Span { file: "".into(), start: place.start, end: place.end };
    let mut lowering = Lowering::new(0, text, &span);
    let expr = lowering.expr(&syntax);
    if let Some(complaint) = lowering.diagnostics.first() {
        return Err(complaint.summary.clone());
    }
    evaluate(&expr).ok_or_else(|| "a value that is written out is needed, without references and functions".into())
}

fn evaluate(expr: &super::expr::Expr) -> Option<Value> {
    use super::expr::Node;
    Some(match &expr.node {
        Node::Literal(value) => value.clone(),
        Node::Tuple(items) => Value::tuple(items.iter().map(evaluate).collect::<Option<Vec<_>>>()?),
        Node::Object(members) => {
            let members = members.iter().map(|(key, value)| match evaluate(key)?.convert(&Type::String).ok()? {
                Value::String(name) => Some((name, evaluate(value)?)),
                _ => None,
            });
            Value::object(members.collect::<Option<Vec<_>>>()?)
        }
        Node::Negate(inner) => match evaluate(inner)? {
            Value::Number(number) => Value::Number(number.neg()),
            _ => return None,
        },
        _ => return None,
    })
}

/// A file of variables: `name = value`, as `--var-file` names it.
pub fn read_file(name: &str, text: &str) -> Result<Vec<Given>, Vec<Diagnostic>> {
    let span = |place: Place| Span { file: name.into(), start: place.start, end: place.end };
    let body = parse::body(text).map_err(|error| vec![error.to_diagnostic(0, &span)])?;
    let mut lowering = Lowering::new(0, text, &span);
    let mut out = Vec::new();
    for attribute in body.attributes() {
        let expr = lowering.expr(&attribute.value);
        match evaluate(&expr) {
            Some(value) => {
                let value = GivenValue::Value(value);
                out.push(Given { name: attribute.key.as_str().to_owned(), value, origin: name.to_owned() });
            }
            None => {
                lowering.error(expr.place, "literal-only", "a file of variables holds values that are written out");
            }
        }
    }
    if let Some(block) = body.blocks().next() {
        let place = lowering.place(hcl_edit::Span::span(&block.ident));
        lowering.error(place, "unknown-block", "a file of variables holds `name = value` only");
    }
    if lowering.diagnostics.is_empty() { Ok(out) } else { Err(lowering.diagnostics) }
}
