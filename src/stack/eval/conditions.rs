//! Conditions: `validation`, `precondition` and `postcondition` stop, `check` warns.

use super::{Eval, Evaluator, Failure, Frame};
use crate::diag::Diagnostic;
use crate::stack::model::Condition;

impl Evaluator<'_> {
    /// Fails when the condition is false; what is not known yet is not false.
    pub(super) fn must_hold(&mut self, it: &Condition, code: &'static str, summary: &str, frame: &mut Frame) -> Eval<()> {
        match self.broken(it, frame)? {
            None => Ok(()),
            Some(message) => {
                let complaint = Diagnostic::error(code, summary).at(self.model.span(it.condition.place)).detail(message);
                Err(Failure::Complaint(Box::new(complaint)))
            }
        }
    }

    /// The message of a condition that does not hold.
    pub(super) fn broken(&mut self, it: &Condition, frame: &mut Frame) -> Eval<Option<String>> {
        let value = self.operand(&it.condition, frame)?;
        let bare = value.unmark().0;
        if bare.is_unknown() || self.bool(bare, it.condition.place, "a condition")? {
            return Ok(None);
        }
        let message = self.eval(&it.message, frame)?;
        let size = self.sized([&message], it.message.place)?;
        Ok(Some(match (size.sensitive || size.digest, message.as_str()) {
            (true, _) => "(the message is sensitive)".into(),
            (false, Some(text)) => text.to_owned(),
            (false, None) => "(the message is not known yet)".into(),
        }))
    }
}
