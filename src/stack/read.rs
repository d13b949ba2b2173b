//! One file's syntax tree to its part of a [`Definition`].

mod blocks;
mod body;
mod meta;
mod resource;

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::structure::{Block as Syntax, Body as SyntaxBody};

use super::expr::Place;
use super::lower::Lowering;
use super::model::{Body, Condition, Content, Definition, Nested, Owner};
use super::refusals;
use crate::address::Mode;
use crate::diag::{Diagnostic, Span, nearest};
use crate::schema::{Schema, Types};

/// The kinds of blocks that a file may hold.
const KINDS: [&str; 12] =
    ["stack", "aws", "variable", "locals", "resource", "data", "module", "output", "moved", "removed", "import", "check"];

/// Schemas that were asked for, shared by all blocks of a type.
pub type Schemas = BTreeMap<(Mode, Arc<str>), Arc<Schema>>;

/// A module's `source` as written, resolved by whoever reads folders.
pub struct ModuleSource {
    pub module: usize,
    pub path: Arc<str>,
    pub place: Place,
}

pub struct Reader<'a> {
    pub lowering: Lowering<'a>,
    pub types: &'a dyn Types,
    pub schemas: &'a mut Schemas,
    pub definition: &'a mut Definition,
    pub sources: Vec<ModuleSource>,
    /// The stack itself, not a module of it.
    pub is_stack: bool,
}

impl<'a> Reader<'a> {
    /// Adds the blocks of one file. Complaints are in `lowering.diagnostics` afterwards.
    pub fn file(&mut self, body: &SyntaxBody) {
        for attribute in body.attributes() {
            let place = self.place(attribute.key.span());
            let name = attribute.key.as_str();
            self.complain(place, "unexpected-attribute", format!("`{name}` stands outside of any block"), |it| {
                it.help(format!("a value for use in this folder: locals {{ {name} = … }}"))
            });
        }
        for block in body.blocks() {
            self.block(block);
            self.settle(Owner::Other);
        }
    }

    fn block(&mut self, block: &Syntax) {
        let place = self.place(block.ident.span());
        match block.ident.as_str() {
            "resource" => self.resource(block, Mode::Managed),
            "data" => self.resource(block, Mode::Data),
            "module" => self.module(block),
            "variable" => self.variable(block),
            "locals" => self.locals(block),
            "output" => self.output(block),
            "check" => self.check(block),
            "moved" => self.moved(block),
            "removed" => self.removed(block),
            "import" => self.import(block),
            "stack" | "aws" if !self.is_stack => {
                self.complain(place, "not-in-a-module", format!("a module has no `{}` block", block.ident.as_str()), |it| {
                    it.detail("Where things go is the stack's business; a module gets it from there.")
                });
            }
            "stack" => self.stack(block),
            "aws" => self.aws(block),
            other => {
                let refused = refusals::block(other);
                let code = if refused.is_some() { "not-terraform" } else { "unknown-block" };
                self.complain(place, code, format!("there is no block `{other}`"), |it| match refused {
                    Some(instead) => it.detail(instead.why).help(instead.write),
                    None => it.did_you_mean(nearest(other, KINDS)),
                });
            }
        }
    }

    pub fn place(&self, span: Option<std::ops::Range<usize>>) -> Place {
        self.lowering.place(span)
    }

    pub fn span(&self, place: Place) -> Span {
        (self.lowering.span)(place)
    }

    pub fn complain(
        &mut self,
        place: Place,
        code: &'static str,
        summary: impl Into<String>,
        with: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        let diagnostic = Diagnostic::error(code, summary).at(self.span(place));
        self.lowering.diagnostics.push(with(diagnostic));
    }

    /// Files what was mentioned since the last time under its owner.
    pub fn settle(&mut self, owner: Owner) {
        let mentions = self.lowering.mentions.drain(..).map(|it| (owner, it));
        self.definition.mentions.extend(mentions);
        self.definition.calls.append(&mut self.lowering.calls);
    }

    /// From the first word to the last label.
    fn head(&self, block: &Syntax) -> Place {
        let start = block.ident.span().unwrap_or(0..0);
        let end = block.labels.last().and_then(|it| it.span()).map_or(start.end, |it| it.end);
        self.place(Some(start.start..end))
    }

    /// The block's labels, when they are as many as `names` and can be names.
    fn labels<const N: usize>(&mut self, block: &Syntax, names: [&str; N]) -> Option<[Arc<str>; N]> {
        let place = self.head(block);
        let kind = block.ident.as_str();
        let labels: Vec<Arc<str>> = block.labels.iter().map(|it| it.as_str().into()).collect();
        let Ok(labels) = <[Arc<str>; N]>::try_from(labels) else {
            let form: String = names.iter().map(|it| format!(" \"{it}\"")).collect();
            self.complain(place, "bad-labels", format!("`{kind}` has the wrong number of names"), |it| {
                it.detail(format!("It is written: {kind}{form} {{ … }}"))
            });
            return None;
        };
        for label in &labels {
            if !is_name(label) {
                self.complain(place, "bad-name", format!("\"{label}\" cannot be a name"), |it| {
                    it.detail("Names begin with a letter or `_` and hold letters, digits, `_` and `-`.")
                });
                return None;
            }
        }
        Some(labels)
    }

    /// Says that a name is taken, and by what.
    fn duplicate(&mut self, place: Place, first: Place, what: &str) {
        let first = self.span(first);
        self.complain(place, "duplicate-block", format!("{what} is there already"), |it| it.related(first, "first here"));
    }

    /// Complains about everything that is still in a block whose names are fixed.
    fn leftover(&mut self, body: Body, kind: &str, known: &[&str]) {
        for setting in body.settings {
            let name = setting.name.clone();
            self.complain(setting.place, "unknown-argument", format!("`{kind}` has no `{name}`"), |it| {
                it.did_you_mean(nearest(&name, known.iter().copied()))
            });
        }
    }

    fn condition(&mut self, nested: Nested, kind: &str) -> Option<Condition> {
        let (place, mut body) = self.plain(nested, kind)?;
        let condition = self.take_value(&mut body, "condition");
        let message = self.take_value(&mut body, "error_message");
        self.leftover(body, kind, &["condition", "error_message"]);
        match (condition, message) {
            (Some(condition), Some(message)) => Some(Condition { place, condition, message }),
            _ => {
                self.complain(place, "missing-argument", format!("`{kind}` needs `condition` and `error_message`"), |it| it);
                None
            }
        }
    }

    fn conditions(&mut self, body: &mut Body, kind: &str) -> Vec<Condition> {
        let nested = self.take_blocks(body, kind);
        nested.into_iter().filter_map(|it| self.condition(it, kind)).collect()
    }

    /// A block that is not `dynamic` and has no labels.
    fn plain(&mut self, nested: Nested, kind: &str) -> Option<(Place, Body)> {
        match nested {
            Nested::Block { place, body, .. } => Some((place, body)),
            Nested::Dynamic { place, .. } => {
                self.complain(place, "no-dynamic", format!("`{kind}` cannot be dynamic"), |it| it);
                None
            }
        }
    }

    fn take_value(&mut self, body: &mut Body, name: &str) -> Option<super::expr::Expr> {
        let at = body.settings.iter().position(|it| it.name.as_ref() == name)?;
        let setting = body.settings.remove(at);
        match setting.content {
            Content::Value(value) => Some(value),
            Content::Blocks(_) => {
                self.complain(setting.place, "not-a-block", format!("`{name}` is set with `=`"), |it| {
                    it.help(format!("{name} = …"))
                });
                None
            }
        }
    }

    fn take_blocks(&mut self, body: &mut Body, name: &str) -> Vec<Nested> {
        let Some(at) = body.settings.iter().position(|it| it.name.as_ref() == name) else { return Vec::new() };
        let setting = body.settings.remove(at);
        match setting.content {
            Content::Blocks(blocks) => blocks,
            Content::Value(_) => {
                self.complain(setting.place, "not-an-attribute", format!("`{name}` is a block"), |it| {
                    it.help(format!("{name} {{ … }}, without `=`"))
                });
                Vec::new()
            }
        }
    }

    /// `true` or `false`, where nothing else makes sense.
    fn take_bool(&mut self, body: &mut Body, name: &str) -> Option<bool> {
        let value = self.take_value(body, name)?;
        let literal = value.literal_bool();
        if literal.is_none() {
            self.complain(value.place, "literal-only", format!("`{name}` is true or false, written out"), |it| it);
        }
        literal
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|it| it.is_ascii_alphabetic() || it == '_')
        && chars.all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-'))
}
