//! What objects of one cluster need of each other that nobody has to write: the namespace that they are in, and the definition of
//! their kind.

use std::collections::BTreeMap;

use super::desired::{Instance, Object, Reference};
use crate::address::Address;
use crate::diag::Diagnostic;
use crate::object::Key;
use crate::value::Value;

/// In which cluster, and what there.
type Home<'a> = (&'a Value, &'a Key);

/// Adds those references, as far as what they lead to is in the stack. An object that two blocks have is a complaint.
pub fn relate(instances: &mut BTreeMap<Address, Instance>, diagnostics: &mut Vec<Diagnostic>) {
    let mut found: BTreeMap<Home<'_>, &Instance> = BTreeMap::new();
    let mut definitions: BTreeMap<(&Value, String, String), &Address> = BTreeMap::new();
    for (instance, object) in objects(instances) {
        if let Some(first) = found.insert((&object.home, &object.key), instance) {
            // As they are written, whatever they are called.
            let (first, second) = if first.span > instance.span { (instance, first) } else { (first, instance) };
            diagnostics.push(twice(first, second, object));
        }
        if object.key.is("apiextensions.k8s.io", "CustomResourceDefinition") {
            let spec = instance.settings.get(&object.attribute).get("spec");
            if let (Some(group), Some(kind)) = (spec.get("group").as_str(), spec.get("names").get("kind").as_str()) {
                definitions.insert((&object.home, group.to_owned(), kind.to_owned()), &instance.address);
            }
        }
    }
    let mut all: Vec<(Address, Vec<Reference>)> = Vec::new();
    for (instance, object) in objects(instances) {
        let key = &object.key;
        let namespace = key.namespace.as_ref().map(|name| Key {
            group: String::new(),
            kind: "Namespace".to_owned(),
            namespace: None,
            name: name.clone(),
        });
        let namespace = namespace.and_then(|it| Some((found.get(&(&object.home, &it))?.address.clone(), it)));
        let definition = definitions.get(&(&object.home, key.group.clone(), key.kind.clone()));
        let references = namespace.map(|(to, it)| reference(to, "(namespace)", it.to_string())).into_iter();
        let references = references.chain(definition.map(|to| reference((*to).clone(), "(definition)", to.local())));
        let references: Vec<Reference> = references.filter(|it| it.to != instance.address).collect();
        if !references.is_empty() {
            all.push((instance.address.clone(), references));
        }
    }
    for (address, references) in all {
        if let Some(instance) = instances.get_mut(&address) {
            instance.references.extend(references);
            instance.references.sort();
        }
    }
}

fn objects(instances: &BTreeMap<Address, Instance>) -> impl Iterator<Item = (&Instance, &Object)> {
    instances.values().filter_map(|it| Some((it, it.object.as_ref()?)))
}

fn reference(to: Address, from: &str, expression: String) -> Reference {
    Reference { to, from: from.into(), later: false, expression: expression.into() }
}

fn twice(first: &Instance, second: &Instance, object: &Object) -> Diagnostic {
    let path = format!("{}.metadata.name", object.attribute);
    let complaint = Diagnostic::error("duplicate-object", format!("there are two of {} in one cluster", object.key))
        .at(second.span_of(&path))
        .address(second.address.clone())
        .detail("A kind has one object of a name in a namespace, whatever its version.");
    match first.span_of(&path) {
        Some(span) => complaint.related(span, format!("{} is the first", first.address)),
        None => complaint,
    }
}
