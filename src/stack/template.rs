//! Templates: `${…}`, `%{if}`, `%{for}`, and the `~` that trims white space beside a marker.

use std::sync::Arc;

use hcl_edit::Span as _;
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
                    let place = self.place(text.span());
                    let source = self.text.get(place.start as usize..place.end as usize).unwrap_or_default();
                    let whole = text.as_str();
                    let (from, to) = bounds(whole, source.contains('\n'), trim_start, trim_end);
                    if let Some(text) = whole.get(from..to).filter(|it| !it.is_empty()) {
                        let start = place.start.saturating_add(u32::try_from(from).unwrap_or(u32::MAX));
                        parts.push(Part::Text(text.into(), start));
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

/// What is left of a text between markers. A marker trims within the line that it stands on, its end included; in a quoted text,
/// which is one line whatever is escaped in it, all.
/// As in Terraform: `hclsyntax/scan_tokens.rl` makes a token of each line, `parser_template.go` trims the one beside the marker.
fn bounds(text: &str, has_lines: bool, trim_start: bool, trim_end: bool) -> (usize, usize) {
    let (mut from, mut to) = (0, text.len());
    if trim_start {
        let line = text.find('\n').filter(|_| has_lines).map_or(text, |end| &text[..=end]);
        from = line.len() - line.trim_start().len();
    }
    if trim_end {
        let before = text.strip_suffix('\n').unwrap_or(text);
        let line = before.rfind('\n').filter(|_| has_lines).map_or(0, |end| end + 1);
        to = line + text[line..].trim_end().len();
    }
    (from, to.max(from))
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
