//! The one type that several values can have together.

use std::sync::Arc;

use super::limits::Contents;
use crate::value::{Field, Type, Value};

/// The type that values of all `types` convert to, by Terraform's rules: text where texts, numbers and bools meet; a list where
/// tuples do; a map where objects of different members do. Nothing when there is none.
pub fn unify<'a>(types: impl IntoIterator<Item = &'a Type>) -> Option<Type> {
    types.into_iter().try_fold(Type::Any, |all, ty| pair(&all, ty))
}

fn pair(a: &Type, b: &Type) -> Option<Type> {
    let scalar = |it: &Type| matches!(it, Type::Bool | Type::Number | Type::String);
    Some(match (a, b) {
        (a, b) if a == b => a.clone(),
        (Type::Any, it) | (it, Type::Any) => it.clone(),
        (a, b) if scalar(a) && scalar(b) => Type::String,
        (Type::List(a), Type::List(b)) => Type::list(pair(a, b)?),
        (Type::Set(a), Type::Set(b)) => Type::set(pair(a, b)?),
        (Type::Map(a), Type::Map(b)) => Type::map(pair(a, b)?),
        (Type::List(of), Type::Set(other)) | (Type::Set(other), Type::List(of)) => Type::list(pair(of, other)?),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            let items = a.iter().zip(b.iter()).map(|(a, b)| pair(a, b)).collect::<Option<Vec<_>>>();
            match items {
                Some(items) => Type::Tuple(Arc::new(items)),
                None => return None,
            }
        }
        (Type::Tuple(a), Type::Tuple(b)) => Type::list(unify(a.iter().chain(b.iter()))?),
        (Type::Tuple(items), Type::List(of)) | (Type::List(of), Type::Tuple(items)) => {
            Type::list(unify(items.iter().chain([of.as_ref()]))?)
        }
        (Type::Tuple(items), Type::Set(of)) | (Type::Set(of), Type::Tuple(items)) => {
            Type::set(unify(items.iter().chain([of.as_ref()]))?)
        }
        (Type::Object(a), Type::Object(b)) if a.keys().eq(b.keys()) => {
            let field =
                |(name, field): (&Arc<str>, &Field)| Some((name.clone(), Field::required(pair(&field.ty, &b.get(name)?.ty)?)));
            Type::Object(Arc::new(a.iter().map(field).collect::<Option<_>>()?))
        }
        (Type::Object(a), Type::Object(b)) => Type::map(unify(a.values().chain(b.values()).map(|it| &it.ty))?),
        (Type::Object(fields), Type::Map(of)) | (Type::Map(of), Type::Object(fields)) => {
            Type::map(unify(fields.values().map(|it| &it.ty).chain([of.as_ref()]))?)
        }
        _ => return None,
    })
}

/// The one type of the members of a sequence.
fn member_type(value: &Value) -> Result<(Type, Vec<&Value>), String> {
    let problem = || format!("a list, tuple or set is required, this is {}", value.kind());
    Contents::of([value]).map_err(|e| e.message)?;
    let items = value.items().ok_or_else(problem)?;
    let types: Vec<_> = items.iter().map(|it| it.type_of()).collect();
    let ty = unify(&types).ok_or("the elements have no type in common")?;
    Ok((ty, items))
}

/// As `list` of one type.
pub(super) fn to_list(value: &Value) -> Result<Value, String> {
    let (ty, items) = member_type(value)?;
    let list = items.into_iter().map(|it| it.convert(&ty));
    Ok(Value::List(Arc::new(list.collect::<Result<_, _>>().map_err(|e| e.to_string())?)))
}

/// As `set` of one type. A set's members are not told apart once one is sensitive, so the set is as a whole.
pub(super) fn to_set(value: &Value) -> Result<Value, String> {
    let secret = Contents::of([value]).map_err(|e| e.message)?.sensitive;
    let clear = if secret { value.unmark_deep().0 } else { value.clone() };
    let (ty, _) = member_type(&clear)?;
    Ok(clear.convert(&Type::set(ty)).map_err(|e| e.to_string())?.mark(secret))
}

/// As `map` of one type.
pub(super) fn to_map(value: &Value) -> Result<Value, String> {
    let problem = || format!("a map or an object is required, this is {}", value.kind());
    Contents::of([value]).map_err(|e| e.message)?;
    let types: Vec<_> = value.members().ok_or_else(problem)?.values().map(Value::type_of).collect();
    let ty = unify(&types).ok_or("the members have no type in common")?;
    value.convert(&Type::map(ty)).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_meet_where_terraform_lets_them() {
        let object = |names: &[&str]| {
            let fields = names.iter().map(|it| (Arc::from(*it), Field::required(Type::Number)));
            Type::Object(Arc::new(fields.collect()))
        };
        assert_eq!(unify(&[Type::Number, Type::String, Type::Any]), Some(Type::String));
        assert_eq!(unify(&[Type::list(Type::Bool), Type::set(Type::Number)]), Some(Type::list(Type::String)));
        assert_eq!(unify(&[object(&["a"]), object(&["b"])]), Some(Type::map(Type::Number)));
        assert_eq!(unify(&[object(&["a"]), object(&["a"])]), Some(object(&["a"])));
        assert_eq!(unify(&[Type::Number, Type::list(Type::Number)]), None);
        assert_eq!(unify(&[]), Some(Type::Any));
    }
}
