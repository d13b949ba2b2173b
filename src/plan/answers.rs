//! What a thing answers when others refer to it: its outputs, and the settings that the cloud may have chosen.

use std::sync::Arc;

use crate::address::Address;
use crate::remote::Id;
use crate::schema::{Attribute, Presence, Schema, Shape};
use crate::value::Value;

fn answers(schema: &Schema) -> impl Iterator<Item = (&Arc<str>, &Attribute)> {
    schema.attributes.iter().filter(|(_, it)| matches!(it.presence, Presence::Computed | Presence::Auto))
}

/// The answers of what exists, with secrets marked. What the cloud left out is null.
pub fn known(schema: &Schema, settings: &Value, outputs: &Value) -> Value {
    Value::object(answers(schema).map(|(name, it)| {
        let value = if it.presence == Presence::Computed { outputs.get(name) } else { settings.get(name) };
        let secret = it.secret && !value.is_null();
        (name.clone(), value.mark(secret))
    }))
}

/// The answers of what is yet to be made, or to be read.
pub fn unknown(schema: Option<&Schema>, address: &Address) -> Value {
    let all = schema.into_iter().flat_map(answers);
    Value::object(all.map(|(name, it)| {
        let (name, value) = unknown_one(name, it, address);
        (name, value.mark(it.secret))
    }))
}

/// The answers of what has this id and was not read yet. An output `id` is the id, with every type.
pub fn expected(schema: &Schema, address: &Address, id: &Id) -> Value {
    let named = schema.outputs().filter(|(name, it)| &***name == "id" && it.shape == Shape::String && !it.secret);
    unknown(Some(schema), address).with_all(named.map(|(name, _)| (name.clone(), Value::from(id.as_str()))))
}

/// The answers on record of what was not looked at: what the cloud chose is not on record.
pub fn recorded(schema: &Schema, address: &Address, settings: &Value, outputs: &Value) -> Value {
    let all = known(schema, settings, outputs);
    let chosen = answers(schema).filter(|(name, it)| it.presence == Presence::Auto && settings.get(name).is_null());
    all.with_all(chosen.map(|(name, it)| unknown_one(name, it, address)))
}

/// The same before a change: what moves with it is not known.
pub fn moved(schema: &Schema, address: &Address, known: Value) -> Value {
    let moving = schema.outputs().filter(|(_, it)| it.moving);
    known.with_all(moving.map(|(name, it)| unknown_one(name, it, address)))
}

fn unknown_one(name: &Arc<str>, it: &Attribute, address: &Address) -> (Arc<str>, Value) {
    (name.clone(), Value::unknown(it.shape.ty(), address.clone(), name.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Catalogue;
    use super::*;
    use crate::schema::Types;

    #[test]
    fn what_the_cloud_chose_is_answered_like_an_output() {
        let types = Catalogue::default();
        let schema = types.resource("net").unwrap();
        let settings = Value::object([("cidr", Value::from("10/8")), ("zone", Value::from("a"))]);
        let outputs = Value::object([("id", Value::from("n-1"))]);
        assert_eq!(known(schema, &settings, &outputs), Value::object([("id", Value::from("n-1")), ("zone", Value::from("a"))]));
        let address: Address = "net.n".parse().unwrap();
        let recorded = recorded(schema, &address, &Value::Null, &outputs);
        assert!(recorded.get("zone").is_unknown() && recorded.get("id") == Value::from("n-1"));
        assert!(unknown(Some(schema), &address).get("id").is_unknown());
        let expected = expected(schema, &address, &Id::new("n-1"));
        assert!(expected.get("zone").is_unknown() && expected.get("id") == Value::from("n-1"));
    }
}
