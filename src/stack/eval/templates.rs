//! Templates to texts.

use super::{Binding, Eval, Evaluator, Frame, TEXT_BYTES_MAX};
use crate::stack::documents::Holes;
use crate::stack::expr::{Expr, Node, Part, Place};
use crate::value::{Type, Value};

/// A text in the making. Once a part of it is unknown, only what it waits for is gathered; unless it may have holes.
#[derive(Default)]
struct Text {
    text: String,
    unknown: Vec<Value>,
    sensitive: bool,
    holes: Option<Holes>,
}

impl Text {
    fn push(&mut self, text: &str, at: Option<u32>) {
        if let Some(holes) = &mut self.holes {
            holes.masked.push_str(text);
            if let (Some(at), Ok(here)) = (at, u32::try_from(self.text.len())) {
                holes.anchors.push((here, at));
            }
        }
        self.text.push_str(text);
    }

    fn push_secret(&mut self, text: &str) {
        match &mut self.holes {
            Some(holes) => holes.mask(),
            None => self.sensitive = true,
        }
        self.text.push_str(text);
    }

    fn push_unknown(&mut self, value: &Value, marked: bool) {
        match &mut self.holes {
            Some(holes) => {
                let hole = holes.leave(value.clone().mark(marked));
                self.push(&hole, None);
            }
            None => {
                self.sensitive |= marked;
                self.unknown.push(value.clone());
            }
        }
    }
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

    /// The text of a template with holes where its values are unknown, and what is known of them; or the unknown that decides
    /// what the text is made of at all. A secret that does that is a complaint.
    pub(super) fn template_with_holes(&mut self, template: &Expr, frame: &mut Frame) -> Eval<Result<(String, Holes), Value>> {
        let mut text = Text { holes: Some(Holes::default()), ..Text::default() };
        match &template.node {
            Node::Template(parts) => self.fill(parts, template.place, frame, &mut text)?,
            // One value and nothing around it.
            _ => {
                let value = self.operand(template, frame)?;
                self.put(&value, template.place, &mut text)?;
            }
        }
        if text.sensitive {
            return self.fail(template.place, "sensitive-key", "what objects a file holds cannot depend on a secret");
        }
        if !text.unknown.is_empty() {
            return Ok(Err(Value::unknown_from(Type::String, &text.unknown)));
        }
        Ok(Ok((text.text, text.holes.unwrap_or_default())))
    }

    fn put(&mut self, value: &Value, place: Place, text: &mut Text) -> Eval<()> {
        let (bare, marked) = value.unmark();
        let written = match bare {
            Value::Unknown(_) => {
                text.push_unknown(bare, marked);
                return Ok(());
            }
            Value::String(it) => it.clone(),
            Value::Null => return self.fail(place, "null-value", "a null cannot be put into a text"),
            other => match other.convert(&Type::String) {
                Ok(Value::String(it)) => it,
                _ => return self.fail(place, "wrong-type", format!("{} cannot be put into a text", other.kind())),
            },
        };
        match marked {
            true => text.push_secret(&written),
            false => text.push(&written, Some(place.start)),
        }
        Ok(())
    }

    fn fill(&mut self, parts: &[Part], place: Place, frame: &mut Frame, text: &mut Text) -> Eval<()> {
        for part in parts {
            match part {
                Part::Text(it, at) => text.push(it, Some(*at)),
                Part::Value(expr) => {
                    let value = self.operand(expr, frame)?;
                    self.put(&value, expr.place, text)?;
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
