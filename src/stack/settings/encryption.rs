//! `encryption { age { recipients = […] } kms { key = … } }` within a `state` block.

use super::{EncryptionSettings, Fields, KmsSettings, Unencrypted};
use crate::stack::expr::Place;
use crate::stack::model::Body;
use crate::value::Type;

pub(super) fn read(state: &mut Fields<'_, '_, '_>) -> Option<EncryptionSettings> {
    let (body, place) = only(state, "encryption")?;
    let mut fields = Fields { evaluator: &mut *state.evaluator, body, kind: "encryption", known: Vec::new() };
    let (recipients, kms) = (age(&mut fields), kms(&mut fields));
    let unencrypted = unencrypted(&mut fields);
    if body.get("age").is_none() && body.get("kms").is_none() {
        let summary = "`encryption` names nobody who may open the state: it needs an `age` or a `kms` block";
        fields.complain(place, "missing-argument", summary.into());
    }
    fields.finish();
    Some(EncryptionSettings { recipients, kms, unencrypted })
}

/// The one block of that name.
fn only<'b>(fields: &mut Fields<'_, '_, 'b>, name: &'static str) -> Option<(&'b Body, Place)> {
    let blocks = fields.blocks(name);
    if let [_, (_, second, _), ..] = blocks.as_slice() {
        fields.complain(*second, "duplicate-block", format!("`{name}` is there already"));
    }
    let (body, place, _) = *blocks.first()?;
    Some((body, place))
}

fn age(fields: &mut Fields<'_, '_, '_>) -> Vec<String> {
    let Some((body, place)) = only(fields, "age") else { return Vec::new() };
    let mut inner = Fields { evaluator: &mut *fields.evaluator, body, kind: "age", known: Vec::new() };
    let recipients = inner.texts("recipients");
    // The checksum within a recipient finds what is mistyped; here it is only told from a secret key or a file's name.
    if let Some(bad) = recipients.iter().find(|it| !it.starts_with("age1")) {
        let summary = match bad.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            true => "a secret key stands in the files: `recipients` are the public keys, which begin with \"age1\"",
            false => "a recipient is a public key of age, which begins with \"age1\"",
        };
        inner.complain(place, "bad-value", summary.into());
    }
    if recipients.is_empty() {
        inner.complain(place, "missing-argument", "`age` names no `recipients`".into());
    }
    inner.finish();
    recipients
}

fn kms(fields: &mut Fields<'_, '_, '_>) -> Option<KmsSettings> {
    let (body, place) = only(fields, "kms")?;
    let mut inner = Fields { evaluator: &mut *fields.evaluator, body, kind: "kms", known: Vec::new() };
    let (key, previous) = (inner.required("key", place), inner.texts("previous"));
    inner.finish();
    Some(KmsSettings { key, previous })
}

fn unencrypted(fields: &mut Fields<'_, '_, '_>) -> Unencrypted {
    let Some((value, place)) = fields.value("unencrypted", &Type::String) else { return Unencrypted::Refused };
    match value.as_str() {
        Some("read") => Unencrypted::Read,
        Some("write") => Unencrypted::Written,
        _ => {
            let summary = "`unencrypted` is \"read\" (to begin with encryption) or \"write\" (to end it)";
            fields.complain(place, "bad-value", summary.into());
            Unencrypted::Refused
        }
    }
}

impl Fields<'_, '_, '_> {
    fn texts(&mut self, name: &'static str) -> Vec<String> {
        let value = self.value(name, &Type::list(Type::String));
        let items = value.iter().filter_map(|(it, _)| it.items()).flatten();
        items.filter_map(|it| it.as_str().map(str::to_owned)).collect()
    }
}
