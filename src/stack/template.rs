//! Templates: `${…}`, `%{if}`, `%{for}`, and the `~` that trims white space beside a marker.

use std::sync::Arc;

use hcl_edit::template::{Directive, Element, Strip};

use super::expr::{Expr, Part};
use super::lower::{Lowering, joined};

impl Lowering<'_> {
    /// The parts of a template, trimmed where markers say so.
    pub(super) fn parts<'e>(&mut self, elements: impl Iterator<Item = &'e Element>) -> Vec<Part> {
        let elements: Vec<&Element> = elements.collect();
        self.trimmed(&elements, false, false)
    }

    /// `after` and `before`: the markers around these elements trim inwards.
    fn trimmed(&mut self, elements: &[&Element], after: bool, before: bool) -> Vec<Part> {
        let mut parts = Vec::with_capacity(elements.len());
        for (at, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(text) => {
                    let trim_start = if at == 0 { after } else { trims_after(elements[at - 1]) };
                    let trim_end = elements.get(at + 1).map_or(before, |it| trims_before(it));
                    let mut text = text.as_str();
                    if trim_start {
                        text = text.trim_start();
                    }
                    if trim_end {
                        text = text.trim_end();
                    }
                    if !text.is_empty() {
                        parts.push(Part::Text(text.into()));
                    }
                }
                Element::Interpolation(it) => parts.push(Part::Value(self.expr(&it.expr))),
                Element::Directive(it) => parts.push(self.directive(it)),
            }
        }
        parts
    }

    fn directive(&mut self, directive: &Directive) -> Part {
        match directive {
            Directive::If(it) => {
                let condition = self.expr(&it.if_expr.cond_expr);
                let close = it.endif_expr.strip;
                let middle = it.else_expr.as_ref().map_or(close, |it| it.strip);
                self.guards += 1;
                let then: Vec<&Element> = it.if_expr.template.iter().collect();
                let then = self.trimmed(&then, it.if_expr.strip.strip_end(), middle.strip_start());
                let otherwise = it.else_expr.as_ref().map(|otherwise| {
                    let elements: Vec<&Element> = otherwise.template.iter().collect();
                    self.trimmed(&elements, otherwise.strip.strip_end(), close.strip_start())
                });
                self.guards -= 1;
                Part::If { condition, then, otherwise: otherwise.unwrap_or_default() }
            }
            Directive::For(it) => {
                let head = &it.for_expr;
                let collection = self.expr(&head.collection_expr);
                let key: Option<Arc<str>> = head.key_var.as_ref().map(|it| it.as_str().into());
                let value: Arc<str> = head.value_var.as_str().into();
                let before = self.bound.len();
                self.bound.extend(key.clone());
                self.bound.push(value.clone());
                let body: Vec<&Element> = head.template.iter().collect();
                let body = self.trimmed(&body, head.strip.strip_end(), it.endfor_expr.strip.strip_start());
                self.bound.truncate(before);
                Part::For { key, value, collection, body }
            }
        }
    }

    /// A whole template, as `templatefile` reads it.
    pub fn template(&mut self, template: &hcl_edit::template::Template) -> Expr {
        let place = self.place(Some(0..self.text.len()));
        Expr { place, node: joined(self.parts(template.iter())) }
    }
}

/// Whether the text before this element loses its trailing white space.
fn trims_before(element: &Element) -> bool {
    outer(element).is_some_and(|(open, _)| open.strip_start())
}

/// Whether the text after this element loses its leading white space.
fn trims_after(element: &Element) -> bool {
    outer(element).is_some_and(|(_, close)| close.strip_end())
}

/// The markers that face outwards.
fn outer(element: &Element) -> Option<(Strip, Strip)> {
    match element {
        Element::Literal(_) => None,
        Element::Interpolation(it) => Some((it.strip, it.strip)),
        Element::Directive(it) => Some(match &**it {
            Directive::If(it) => (it.if_expr.strip, it.endif_expr.strip),
            Directive::For(it) => (it.for_expr.strip, it.endfor_expr.strip),
        }),
    }
}
