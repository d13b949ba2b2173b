//! Conversion of a value to a type, by Terraform's rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Members, Type, Unknown, Value};

/// Which part did not fit, and what was wanted of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct ConvertError {
    /// `[0].name`; empty for the value itself.
    pub path: String,
    pub problem: String,
}

impl ConvertError {
    fn new(problem: impl Into<String>) -> Self {
        Self { path: String::new(), problem: problem.into() }
    }
    fn within(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}

impl Value {
    /// The value as a `ty`. Unknown values take the type; marks stay; null fits every type.
    /// Strings, numbers and bools convert into each other where the text allows it; sequences into each other; objects and
    /// maps into each other. Members that an object type does not name are dropped, as Terraform does.
    pub fn convert(&self, ty: &Type) -> Result<Value, ConvertError> {
        let wrong = || ConvertError::new(format!("{} is required, this is {}", ty.friendly(), self.kind()));
        match (self, ty) {
            (Value::Sensitive(inner), _) => Ok(inner.convert(ty)?.sensitive()),
            (Value::Null | Value::Digest(_), _) | (_, Type::Any) => Ok(self.clone()),
            (Value::Unknown(unknown), _) => {
                let unknown = Unknown { ty: ty.clone(), waits_for: unknown.waits_for.clone() };
                Ok(Value::Unknown(Arc::new(unknown)))
            }
            (Value::Bool(_), Type::Bool) | (Value::Number(_), Type::Number) | (Value::String(_), Type::String) => {
                Ok(self.clone())
            }
            (Value::Bool(it), Type::String) => Ok(Value::string(it.to_string())),
            (Value::Number(it), Type::String) => Ok(Value::string(it.to_string())),
            (Value::String(text), Type::Number) => match text.parse() {
                Ok(number) => Ok(Value::Number(number)),
                Err(_) => Err(ConvertError::new(format!("a number is required, {text:?} is none"))),
            },
            (Value::String(text), Type::Bool) => match text.as_ref() {
                "true" | "1" => Ok(Value::Bool(true)),
                "false" | "0" => Ok(Value::Bool(false)),
                _ => Err(ConvertError::new(format!("a bool is required, {text:?} is neither true nor false"))),
            },
            (_, Type::List(of)) => {
                let items = self.items().ok_or_else(wrong)?;
                Ok(Value::list(sequence(&items, |_| of)?))
            }
            (_, Type::Set(of)) => {
                let items = self.items().ok_or_else(wrong)?;
                let items: BTreeSet<_> = sequence(&items, |_| of)?.into_iter().collect();
                Ok(Value::Set(Arc::new(items)))
            }
            (_, Type::Tuple(of)) => {
                let items = self.items().ok_or_else(wrong)?;
                if items.len() != of.len() {
                    let problem = format!("a tuple of {} is required, this has {}", of.len(), items.len());
                    return Err(ConvertError::new(problem));
                }
                Ok(Value::tuple(sequence(&items, |at| &of[at])?))
            }
            (Value::Map(items) | Value::Object(items), Type::Map(of)) => {
                let members = items.iter().map(|(key, it)| {
                    let step = format!("[{key:?}]");
                    Ok((key.clone(), it.convert(of).map_err(|e: ConvertError| e.within(&step))?))
                });
                Ok(Value::Map(Arc::new(members.collect::<Result<_, ConvertError>>()?)))
            }
            (Value::Map(items) | Value::Object(items), Type::Object(fields)) => {
                let mut members = Members::with_capacity(fields.len());
                for (name, field) in fields.iter() {
                    let member = match items.get(name) {
                        Some(it) if !it.is_null() || field.default.is_none() => {
                            it.convert(&field.ty).map_err(|e| e.within(&format!(".{name}")))?
                        }
                        _ if field.optional => field.default.clone().unwrap_or(Value::Null),
                        _ => return Err(ConvertError::new(format!("attribute {name:?} is required"))),
                    };
                    members.insert(name.clone(), member);
                }
                Ok(Value::Object(Arc::new(members)))
            }
            _ => Err(wrong()),
        }
    }
}

fn sequence<'t>(items: &[&Value], of: impl Fn(usize) -> &'t Type) -> Result<Vec<Value>, ConvertError> {
    let convert = |(at, it): (usize, &&Value)| it.convert(of(at)).map_err(|e| e.within(&format!("[{at}]")));
    items.iter().enumerate().map(convert).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_numbers_and_bools_convert_where_the_text_allows_it() {
        assert_eq!(Value::from("5").convert(&Type::Number), Ok(Value::from(5)));
        assert_eq!(Value::from(5).convert(&Type::String), Ok(Value::from("5")));
        assert_eq!(Value::from("true").convert(&Type::Bool), Ok(Value::from(true)));
        assert!(Value::from("yes").convert(&Type::Bool).is_err());
    }

    #[test]
    fn an_error_names_the_part() {
        let value = Value::tuple([Value::object([("port", Value::from("http"))])]);
        let ty = Type::list(Type::map(Type::Number));
        assert_eq!(value.convert(&ty).unwrap_err().to_string(), "[0][\"port\"]: a number is required, \"http\" is none");
    }

    #[test]
    fn marks_and_unknowns_pass_through() {
        let secret = Value::from(5).sensitive().convert(&Type::String).unwrap();
        assert_eq!(secret.unmark(), (&Value::from("5"), true));
        let unknown = Value::unknown(Type::Any, "a.b".parse().unwrap(), "id").convert(&Type::Number).unwrap();
        assert_eq!(unknown.type_of(), Type::Number);
    }
}
