//! What the files say beside instances: outputs, checks, moves, removals, imports.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::instances::indices;
use super::{Binding, Evaluator, Failure, Frame};
use crate::address::{Address, Mode};
use crate::diag::Diagnostic;
use crate::remote::Id;
use crate::stack::desired::{Evaluation, Import, Moved, OutputValue, Removed};
use crate::stack::model::Definition;
use crate::value::{Type, Value};

impl Evaluator<'_> {
    /// The stack's outputs; a secret must be marked as one.
    pub fn stack_outputs(&mut self) -> BTreeMap<String, OutputValue> {
        let definition = self.definition(0);
        let mut out = BTreeMap::new();
        for index in 0..indices(definition.outputs.len()) {
            let output = &definition.outputs[index as usize];
            let value = self.output(0, index, output.place, &mut Frame::new(0));
            let Some(value) = self.report(value) else { continue };
            if value.has_secret() && !output.sensitive {
                let complaint = Diagnostic::error("sensitive-output", format!("the output \"{}\" is sensitive", output.name))
                    .at(self.model.span(output.value.place))
                    .detail("Outputs are printed. Say that this one shall not be, or take the secret out.")
                    .help("sensitive = true, or nonsensitive(…) where it is no secret");
                self.diagnostics.push(complaint);
                continue;
            }
            out.insert(output.name.as_ref().to_owned(), OutputValue { value, sensitive: output.sensitive });
        }
        out
    }

    pub(super) fn checks(&mut self, scope: u32, definition: &Definition) {
        for check in &definition.checks {
            for assert in &check.asserts {
                let mut frame = Frame::new(scope);
                let summary = format!("the check \"{}\" failed", check.name);
                match self.broken(assert, &mut frame) {
                    Ok(None) | Err(Failure::Reported) => {}
                    Ok(Some(message)) => self
                        .diagnostics
                        .push(Diagnostic::warning("check", summary).at(self.model.span(assert.condition.place)).detail(message)),
                    Err(Failure::Complaint(it)) => {
                        let mut warning = Diagnostic::warning("check", summary).detail(it.summary);
                        warning.span = it.span;
                        self.diagnostics.push(warning);
                    }
                }
            }
        }
    }

    pub(super) fn moves(&mut self, scope: u32, definition: &Definition, out: &mut Evaluation) {
        let prefix = self.prefix(scope);
        for it in &definition.moved {
            let span = Some(self.model.span(it.place));
            out.moved.push(Moved { from: format!("{prefix}{}", it.from), to: format!("{prefix}{}", it.to), span });
        }
        for it in &definition.removed {
            let span = Some(self.model.span(it.place));
            out.removed.push(Removed { from: format!("{prefix}{}", it.from), destroy: it.destroy, span });
        }
    }

    /// `module.network.`, or nothing for the stack itself.
    pub(super) fn prefix(&self, scope: u32) -> String {
        let path = self.memo.scopes.get(scope as usize).map(|it| it.path.clone()).unwrap_or_default();
        let below = Address::new(path, Mode::Managed, "x", "x", None).module_path();
        if below.is_empty() { below } else { format!("{below}.") }
    }

    pub(super) fn imports(&mut self, scope: u32, definition: &Definition, out: &mut Evaluation) {
        let prefix = self.prefix(scope);
        for it in &definition.imports {
            let mut frames = vec![Frame::new(scope)];
            if let Some(for_each) = &it.for_each {
                let members = self.members(for_each, &mut frames[0]);
                let Some(members) = self.report(members) else { continue };
                let frame = |(key, binding): (Value, Binding)| {
                    let key: Arc<str> = key.as_str().unwrap_or_default().into();
                    Frame { each: Some((key, binding)), ..Frame::new(scope) }
                };
                frames = members.map(|it| it.items).unwrap_or_default().into_iter().map(frame).collect();
            }
            for mut frame in frames {
                let id = self.eval(&it.id, &mut frame);
                let Some(id) = self.report(id) else { continue };
                let key = frame.each.as_ref().map(|(key, _)| serde_json::Value::from(key.as_ref()).to_string());
                let to = key
                    .map_or_else(|| it.to.as_ref().to_owned(), |key| it.to.replace("each.key", &key).replace("each.value", &key));
                let address = format!("{prefix}{to}").parse::<Address>();
                let id = id.convert(&Type::String).ok().and_then(|it| it.as_str().map(str::to_owned));
                let span = self.model.span(it.place);
                match (address, id) {
                    (Ok(to), Some(id)) => out.imports.push(Import { to, id: Id::new(id), span: Some(span) }),
                    (Err(error), _) => self
                        .diagnostics
                        .push(Diagnostic::error("bad-address", error.to_string()).at(self.model.span(it.to_place))),
                    (_, None) => self.diagnostics.push(
                        Diagnostic::error("not-known", "the id of an import is a text that is known when the plan is made")
                            .at(self.model.span(it.id.place)),
                    ),
                }
            }
        }
    }
}
