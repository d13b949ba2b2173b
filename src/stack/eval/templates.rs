//! Templates to texts.

use super::{Binding, Eval, Evaluator, Frame, TEXT_BYTES_MAX};
use crate::stack::expr::{Part, Place};
use crate::value::{Type, Value};

/// A text in the making. Once a part of it is unknown, only what it waits for is gathered.
#[derive(Default)]
struct Text {
    text: String,
    unknown: Vec<Value>,
    sensitive: bool,
}

impl Evaluator<'_> {
    pub(super) fn template(&mut self, parts: &[Part], place: Place, frame: &mut Frame) -> Eval<Value> {
        let mut text = Text::default();
        self.fill(parts, place, frame, &mut text)?;
        let value = match text.unknown.is_empty() {
            true => Value::string(text.text),
            false => Value::unknown_from(Type::String, &text.unknown),
        };
        Ok(value.mark(text.sensitive))
    }

    fn fill(&mut self, parts: &[Part], place: Place, frame: &mut Frame, text: &mut Text) -> Eval<()> {
        for part in parts {
            match part {
                Part::Text(it) => text.text.push_str(it),
                Part::Value(expr) => {
                    let value = self.operand(expr, frame)?;
                    let (bare, marked) = value.unmark();
                    text.sensitive |= marked;
                    match bare {
                        Value::Unknown(_) => text.unknown.push(bare.clone()),
                        Value::String(it) => text.text.push_str(it),
                        Value::Null => return self.fail(expr.place, "null-value", "a null cannot be put into a text"),
                        other => match other.convert(&Type::String) {
                            Ok(Value::String(it)) => text.text.push_str(&it),
                            _ => {
                                let summary = format!("{} cannot be put into a text", other.kind());
                                return self.fail(expr.place, "wrong-type", summary);
                            }
                        },
                    }
                }
                Part::If { condition, then, otherwise } => {
                    let value = self.operand(condition, frame)?;
                    let (bare, marked) = value.unmark();
                    text.sensitive |= marked;
                    if bare.is_unknown() {
                        text.unknown.push(bare.clone());
                    } else if self.bool(bare, condition.place, "a condition")? {
                        self.fill(then, place, frame, text)?;
                    } else {
                        self.fill(otherwise, place, frame, text)?;
                    }
                }
                Part::For { key, value, collection, body } => {
                    let Some(members) = self.members(collection, frame)? else {
                        text.unknown.push(self.eval(collection, frame)?.unmark().0.clone());
                        continue;
                    };
                    text.sensitive |= members.sensitive;
                    let before = frame.locals.len();
                    for (name, member) in members.items {
                        frame.locals.extend(key.clone().map(|it| (it, Binding::Value(name))));
                        frame.locals.push((value.clone(), member));
                        let filled = self.fill(body, place, frame, text);
                        frame.locals.truncate(before);
                        filled?;
                    }
                }
            }
            if text.text.len() > TEXT_BYTES_MAX {
                return self.fail(place, "too-large", format!("the text grows beyond {} MiB", TEXT_BYTES_MAX >> 20));
            }
        }
        Ok(())
    }
}
