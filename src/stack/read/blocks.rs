//! The other blocks: `stack`, `aws`, `variable`, `locals`, `output`, `check`, `moved`, `removed`, `import`.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::structure::Block as Syntax;

use super::Reader;
use super::resource::number;
use crate::stack::model::{AwsBlock, Check, Content, ImportBlock, Local, MovedBlock, Output, Owner, RemovedBlock, Variable};
use crate::stack::type_expr;
use crate::value::Type;

/// Names that would hide something, or that a module block takes itself.
const RESERVED: [&str; 8] = ["source", "version", "providers", "count", "for_each", "enabled", "depends_on", "lifecycle"];

impl Reader<'_> {
    pub(super) fn stack(&mut self, syntax: &Syntax) {
        let place = self.head(syntax);
        if let Some(first) = self.definition.settings_place {
            return self.duplicate(place, first, "`stack`");
        }
        if self.labels(syntax, []).is_some() {
            self.definition.settings_place = Some(place);
            let body = self.body(&syntax.body, &[]);
            self.definition.settings = Some(body);
        }
    }

    pub(super) fn aws(&mut self, syntax: &Syntax) {
        let Some([name]) = self.labels(syntax, ["NAME"]) else { return };
        let place = self.head(syntax);
        if let Some(first) = self.definition.aws.iter().find(|it| it.name == name) {
            let first = first.place;
            return self.duplicate(place, first, &format!("aws \"{name}\""));
        }
        let body = self.body(&syntax.body, &[]);
        self.definition.aws.push(AwsBlock { name, place, body });
    }

    pub(super) fn variable(&mut self, syntax: &Syntax) {
        let Some([name]) = self.labels(syntax, ["NAME"]) else { return };
        let place = self.head(syntax);
        if RESERVED.contains(&name.as_ref()) {
            return self.complain(place, "bad-name", format!("`{name}` cannot be the name of a variable"), |it| {
                it.detail("A module block uses the word itself.")
            });
        }
        if let Some(first) = self.definition.variable_names.get(&name).and_then(|it| self.definition.variables.get(*it as usize))
        {
            let first = first.place;
            return self.duplicate(place, first, &format!("variable \"{name}\""));
        }
        let ty = match syntax.body.get_attribute("type") {
            None => Type::Any,
            Some(it) => type_expr::read(&it.value).unwrap_or_else(|problem| {
                let place = self.place(problem.span.or_else(|| it.value.span()));
                self.complain(place, "bad-type", problem.message, |it| {
                    it.help("types: string, number, bool, any, list(…), set(…), map(…), tuple([…]), object({ name = type, other = optional(type, default) })")
                });
                Type::Any
            }),
        };
        let mut body = self.body(&syntax.body, &["type"]);
        let default = self.take_value(&mut body, "default");
        let nullable = self.take_bool(&mut body, "nullable").unwrap_or(true);
        let sensitive = self.take_bool(&mut body, "sensitive").unwrap_or(false);
        let _ = self.take_value(&mut body, "description");
        let _ = self.take_value(&mut body, "ephemeral");
        let validations = self.conditions(&mut body, "validation");
        self.leftover(body, "variable", &["type", "default", "nullable", "sensitive", "description", "validation"]);
        let index = number(self.definition.variables.len());
        self.settle(Owner::Validation(index));
        self.definition.variable_names.insert(name.clone(), index);
        self.definition.variables.push(Variable { name, place, ty, default, nullable, sensitive, validations });
    }

    pub(super) fn locals(&mut self, syntax: &Syntax) {
        if self.labels(syntax, []).is_none() {
            return;
        }
        let body = self.body(&syntax.body, &[]);
        for setting in body.settings {
            let name = setting.name;
            let Content::Value(value) = setting.content else {
                self.complain(setting.place, "not-a-block", "a local value is set with `=`", |it| it);
                continue;
            };
            if let Some(first) = self.definition.local_names.get(&name).and_then(|it| self.definition.locals.get(*it as usize)) {
                let first = first.place;
                self.duplicate(setting.place, first, &format!("local.{name}"));
                continue;
            }
            self.definition.local_names.insert(name.clone(), number(self.definition.locals.len()));
            self.definition.locals.push(Local { name, place: setting.place, value });
        }
    }

    pub(super) fn output(&mut self, syntax: &Syntax) {
        let Some([name]) = self.labels(syntax, ["NAME"]) else { return };
        let place = self.head(syntax);
        if let Some(first) = self.definition.output_names.get(&name).and_then(|it| self.definition.outputs.get(*it as usize)) {
            let first = first.place;
            return self.duplicate(place, first, &format!("output \"{name}\""));
        }
        let mut body = self.body(&syntax.body, &[]);
        let value = self.take_value(&mut body, "value");
        let sensitive = self.take_bool(&mut body, "sensitive").unwrap_or(false);
        let _ = self.take_value(&mut body, "description");
        let depends_on = self.references(&mut body, "depends_on");
        let preconditions = self.conditions(&mut body, "precondition");
        self.leftover(body, "output", &["value", "sensitive", "description", "depends_on", "precondition"]);
        let Some(value) = value else {
            return self.complain(place, "missing-argument", format!("output \"{name}\" has no `value`"), |it| it);
        };
        self.definition.output_names.insert(name.clone(), number(self.definition.outputs.len()));
        self.definition.outputs.push(Output { name, place, value, sensitive, preconditions, depends_on });
    }

    pub(super) fn check(&mut self, syntax: &Syntax) {
        let Some([name]) = self.labels(syntax, ["NAME"]) else { return };
        let place = self.head(syntax);
        if let Some(first) = self.definition.checks.iter().find(|it| it.name == name) {
            let first = first.place;
            return self.duplicate(place, first, &format!("check \"{name}\""));
        }
        let mut body = self.body(&syntax.body, &[]);
        let asserts = self.conditions(&mut body, "assert");
        self.leftover(body, "check", &["assert"]);
        if asserts.is_empty() {
            self.complain(place, "missing-argument", format!("check \"{name}\" has no `assert`"), |it| {
                it.help("assert { condition = …, error_message = \"…\" }, one argument a line")
            });
        }
        self.definition.checks.push(Check { name, place, asserts });
    }

    /// The text of an attribute that holds an address.
    fn written(&mut self, syntax: &Syntax, name: &str) -> Option<(Arc<str>, crate::stack::expr::Place)> {
        let Some(attribute) = syntax.body.get_attribute(name) else {
            let place = self.head(syntax);
            self.complain(place, "missing-argument", format!("`{}` has no `{name}`", syntax.ident.as_str()), |it| it);
            return None;
        };
        let span = attribute.value.span().unwrap_or(0..0);
        let text: String = self.lowering.text.get(span.clone()).unwrap_or_default().split_whitespace().collect();
        Some((text.into(), self.place(Some(span))))
    }

    /// An address of a resource, an instance or a module.
    fn address(&mut self, syntax: &Syntax, name: &str) -> Option<Arc<str>> {
        let (text, place) = self.written(syntax, name)?;
        // A module has no address of its own: it reads like one with a name below it.
        let below = format!("{text}.x.x");
        if text.parse::<crate::address::Address>().is_ok()
            || (text.starts_with("module.") && below.parse::<crate::address::Address>().is_ok())
        {
            return Some(text);
        }
        self.complain(place, "bad-address", format!("`{text}` is not an address"), |it| {
            it.help("TYPE.NAME, TYPE.NAME[\"KEY\"] or module.NAME, with module.NAME before it")
        });
        None
    }

    pub(super) fn moved(&mut self, syntax: &Syntax) {
        let place = self.head(syntax);
        let (from, to) = (self.address(syntax, "from"), self.address(syntax, "to"));
        let body = self.body(&syntax.body, &["from", "to"]);
        self.leftover(body, "moved", &["from", "to"]);
        if let (Some(from), Some(to)) = (from, to) {
            self.definition.moved.push(MovedBlock { place, from, to });
        }
    }

    pub(super) fn removed(&mut self, syntax: &Syntax) {
        let place = self.head(syntax);
        let from = self.address(syntax, "from");
        let mut body = self.body(&syntax.body, &["from"]);
        let mut destroy = true;
        for nested in self.take_blocks(&mut body, "lifecycle") {
            let Some((_, mut inner)) = self.plain(nested, "lifecycle") else { continue };
            destroy = self.take_bool(&mut inner, "destroy").unwrap_or(true);
            self.leftover(inner, "lifecycle", &["destroy"]);
        }
        self.leftover(body, "removed", &["from", "lifecycle"]);
        if let Some(from) = from {
            self.definition.removed.push(RemovedBlock { place, from, destroy });
        }
    }

    pub(super) fn import(&mut self, syntax: &Syntax) {
        let place = self.head(syntax);
        let to = self.written(syntax, "to");
        let mut body = self.body(&syntax.body, &["to"]);
        let id = self.take_value(&mut body, "id");
        let for_each = self.take_value(&mut body, "for_each");
        self.leftover(body, "import", &["to", "id", "for_each"]);
        match (to, id) {
            (Some((to, to_place)), Some(id)) => {
                self.definition.imports.push(ImportBlock { place, to, to_place, id, for_each });
            }
            (Some(_), None) => self.complain(place, "missing-argument", "`import` has no `id`", |it| it),
            (None, _) => {}
        }
    }
}
