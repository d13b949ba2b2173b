//! What stands between two braces: attributes, nested blocks, `dynamic` blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::structure::{Block as Syntax, Body as SyntaxBody, Structure};

use super::Reader;
use crate::stack::expr::{Expr, Place};
use crate::stack::model::{Body, Content, Nested, Setting};

impl Reader<'_> {
    /// All settings but those named in `except`, which their owner reads off the syntax.
    pub(super) fn body(&mut self, syntax: &SyntaxBody, except: &[&str]) -> Body {
        let mut body = Body::default();
        let mut places: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for structure in syntax.iter() {
            match structure {
                Structure::Attribute(it) if except.contains(&it.key.as_str()) => {}
                Structure::Attribute(it) => {
                    let place = self.place(it.key.span());
                    let name: Arc<str> = it.key.as_str().into();
                    let value = self.lowering.expr(&it.value);
                    match places.get(&name) {
                        Some(first) => self.twice(&name, place, body.settings[*first].place),
                        None => {
                            places.insert(name.clone(), body.settings.len());
                            body.settings.push(Setting { name, place, content: Content::Value(value) });
                        }
                    }
                }
                Structure::Block(it) if except.contains(&it.ident.as_str()) => {}
                Structure::Block(it) => {
                    let Some((name, nested)) = self.nested(it) else { continue };
                    let place = self.head(it);
                    match places.get(&name).map(|at| &mut body.settings[*at]) {
                        Some(Setting { content: Content::Blocks(blocks), .. }) => blocks.push(nested),
                        Some(Setting { place: first, .. }) => {
                            let first = *first;
                            self.twice(&name, place, first);
                        }
                        None => {
                            places.insert(name.clone(), body.settings.len());
                            body.settings.push(Setting { name, place, content: Content::Blocks(vec![nested]) });
                        }
                    }
                }
            }
        }
        body
    }

    fn twice(&mut self, name: &str, place: Place, first: Place) {
        let first = self.span(first);
        self.complain(place, "duplicate-attribute", format!("`{name}` is set twice"), |it| it.related(first, "first here"));
    }

    fn nested(&mut self, block: &Syntax) -> Option<(Arc<str>, Nested)> {
        let place = self.head(block);
        if block.ident.as_str() != "dynamic" {
            let labels = block.labels.iter().map(|it| it.as_str().into()).collect();
            let name: Arc<str> = block.ident.as_str().into();
            return Some((name, Nested::Block { place, labels, body: self.body(&block.body, &[]) }));
        }
        let [name] = self.labels(block, ["BLOCK"])?;
        let iterator = match block.body.get_attribute("iterator") {
            Some(it) => self.lowering.text.get(it.value.span().unwrap_or(0..0)).unwrap_or_default().trim().into(),
            None => name.clone(),
        };
        let for_each: Option<Expr> = block.body.get_attribute("for_each").map(|it| self.lowering.expr(&it.value));
        let content = block.body.get_blocks("content").next();
        let (Some(for_each), Some(content)) = (for_each, content) else {
            self.complain(place, "missing-argument", "`dynamic` needs `for_each` and a `content` block", |it| it);
            return None;
        };
        self.lowering.bind(&iterator);
        let body = self.body(&content.body, &[]);
        self.lowering.unbind();
        Some((name, Nested::Dynamic { place, for_each, iterator, body }))
    }
}
