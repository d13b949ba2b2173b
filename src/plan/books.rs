//! Objects held against what is known of their kinds without a cluster.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::diag::Diagnostic;
use crate::object::schema::{Book, Wrong};
use crate::remote::Complaint;
use crate::stack::desired::{Instance, Object, Reference};
use crate::value::Value;

/// What was found out of each cluster, by the settings that say which.
#[derive(Default)]
pub(super) struct Books<'i>(BTreeMap<&'i Value, Book>);

impl<'i> Books<'i> {
    /// What is wrong with the object of an instance, whose settings are these.
    pub fn complain(
        &mut self,
        (instance, object): (&'i Instance, &'i Object),
        settings: &Value,
        instances: &BTreeMap<Address, Instance>,
        out: &mut Vec<Diagnostic>,
    ) {
        let book = self.0.entry(&object.home).or_insert_with(|| book(instance, object, instances));
        for Wrong { path, message, did_you_mean } in book.check(&settings.get(&object.attribute)) {
            let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
            let path = format!("{}{dot}{path}", object.attribute);
            out.push(complaint(instance, &Complaint { path, message, did_you_mean, certain: true }));
        }
    }
}

/// What is wrong with objects of the files, whatever there is: for who only looks at the files.
pub fn unfit_objects(instances: &BTreeMap<Address, Instance>) -> Vec<Diagnostic> {
    let (mut books, mut out) = (Books::default(), Vec::new());
    for instance in instances.values() {
        if let Some(object) = &instance.object {
            books.complain((instance, object), &instance.settings, instances, &mut out);
        }
    }
    out
}

/// What is known of the kinds of the cluster that an object is in: those of the version that the cluster shall have, and those that
/// objects in it define.
fn book(instance: &Instance, object: &Object, instances: &BTreeMap<Address, Instance>) -> Book {
    let names = object.home.members();
    let leads = |it: &&Reference| names.is_some_and(|names| names.contains_key(&it.from));
    let clusters = instance.references.iter().filter(leads).filter_map(|it| instances.get(&it.to));
    let version = clusters.map(|it| it.settings.get("version")).find(|it| it.as_str().is_some());
    let mut book = Book::of(version.as_ref().and_then(Value::as_str));
    for other in instances.values() {
        if let Some(it) = other.object.as_ref().filter(|it| it.home == object.home) {
            book.define(&other.settings.get(&it.attribute));
        }
    }
    book
}

/// A complaint about an object, where it is written.
pub(super) fn complaint(instance: &Instance, said: &Complaint) -> Diagnostic {
    let diagnostic = match said.certain {
        true => Diagnostic::error("unfit-object", said.message.clone()),
        false => Diagnostic::warning("object-refused", said.message.clone()).detail(
            "The cluster said so when it was asked what it would make of the object. What else this plan changes may mend it.",
        ),
    };
    let at = instance.span_of(&said.path);
    diagnostic.at(at).address(instance.address.clone()).did_you_mean(said.did_you_mean.clone())
}
