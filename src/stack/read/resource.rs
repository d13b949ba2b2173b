//! `resource`, `data` and `module` blocks.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::structure::Block as Syntax;

use super::{ModuleSource, Reader};
use crate::address::Mode;
use crate::diag::nearest;
use crate::schema::Schema;
use crate::stack::expr::Place;
use crate::stack::model::{Block, Body, Content, ModuleCall, Owner};
use crate::stack::refusals;

impl Reader<'_> {
    pub(super) fn resource(&mut self, syntax: &Syntax, mode: Mode) {
        let Some([type_name, name]) = self.labels(syntax, ["TYPE", "NAME"]) else { return };
        let place = self.head(syntax);
        let key = (mode, type_name.clone(), name.clone());
        if let Some(first) = self.definition.block_names.get(&key).and_then(|it| self.definition.blocks.get(*it as usize)) {
            let first = first.place;
            return self.duplicate(place, first, &format!("{type_name}.{name}"));
        }
        let type_place = self.place(syntax.labels.first().and_then(|it| it.span()));
        let Some(schema) = self.schema(mode, &type_name, type_place) else { return };
        let mut body = self.body(&syntax.body, &["lifecycle"]);
        let (lifecycle, enabled) = self.lifecycle(syntax);
        let mut meta = self.meta(&mut body);
        meta.enabled = meta.enabled.or(enabled);
        let timeouts = self.timeouts(&mut body);
        let aws = self.aws_name(&mut body);
        self.refuse(&mut body, &type_name);
        let index = number(self.definition.blocks.len());
        self.settle(Owner::Block(index));
        self.definition.block_names.insert(key, index);
        self.definition.blocks.push(Block { mode, type_name, name, place, schema, meta, aws, timeouts, lifecycle, body });
    }

    fn schema(&mut self, mode: Mode, type_name: &Arc<str>, place: Place) -> Option<Arc<Schema>> {
        if let Some(known) = self.schemas.get(&(mode, type_name.clone())) {
            return Some(known.clone());
        }
        let types = self.types;
        let found = match mode {
            Mode::Managed => types.resource(type_name),
            Mode::Data => types.data(type_name),
        };
        if let Some(schema) = found {
            let schema = Arc::new(schema.clone());
            self.schemas.insert((mode, type_name.clone()), schema.clone());
            return Some(schema);
        }
        if let Some(part) = refusals::part(type_name) {
            self.complain(place, "part-of-another", format!("{type_name} is a part of {}", part.whole), |it| {
                it.detail("Terraform's provider splits one thing into several resources; here its parts are blocks or attributes of it.")
                    .help(format!("write it within the {}: {}", part.whole, part.write))
            });
            return None;
        }
        let other = match mode {
            Mode::Managed => types.data(type_name).map(|_| "it is a data source: data"),
            Mode::Data => types.resource(type_name).map(|_| "it is a resource: resource"),
        };
        let what = if mode == Mode::Managed { "resource type" } else { "data source" };
        self.complain(place, "unknown-type", format!("there is no {what} {type_name}"), |it| match other {
            Some(other) => it.help(format!("{other} \"{type_name}\" \"NAME\" {{ … }}")),
            None => it.did_you_mean(nearest(type_name, types.names())).help("infra schema"),
        });
        None
    }

    /// `aws = "us_east_1"`: the name of an `aws` block.
    fn aws_name(&mut self, body: &mut Body) -> Option<Arc<str>> {
        let value = self.take_value(body, "aws")?;
        match value.literal_text() {
            Some(name) => {
                self.definition.aws_mentions.push((name.into(), value.place));
                Some(name.into())
            }
            None => {
                self.complain(value.place, "literal-only", "`aws` is the name of an `aws` block, as a text", |it| {
                    it.help("aws = \"us_east_1\"")
                });
                None
            }
        }
    }

    /// What Terraform has and we have not.
    fn refuse(&mut self, body: &mut Body, what: &str) {
        let (refused, rest) = std::mem::take(&mut body.settings).into_iter().partition(|it| {
            let is_block = matches!(it.content, Content::Blocks(_));
            refusals::argument(&it.name, is_block).is_some()
        });
        body.settings = rest;
        let refused: Vec<crate::stack::model::Setting> = refused;
        for setting in refused {
            let is_block = matches!(setting.content, Content::Blocks(_));
            if let Some(instead) = refusals::argument(&setting.name, is_block) {
                self.complain(setting.place, "not-terraform", format!("{what} has no `{}`", setting.name), |it| {
                    it.detail(instead.why).help(instead.write)
                });
            }
        }
    }

    pub(super) fn module(&mut self, syntax: &Syntax) {
        let Some([name]) = self.labels(syntax, ["NAME"]) else { return };
        let place = self.head(syntax);
        if let Some(first) = self.definition.module_names.get(&name).and_then(|it| self.definition.modules.get(*it as usize)) {
            let first = first.place;
            return self.duplicate(place, first, &format!("module.{name}"));
        }
        let mut body = self.body(&syntax.body, &[]);
        let meta = self.meta(&mut body);
        let source = self.take_value(&mut body, "source");
        if let Some(version) = self.take_value(&mut body, "version") {
            self.complain(version.place, "module-source", "a module has no `version`", |it| {
                it.detail("Modules are folders of this repository: their version is the repository's.")
            });
        }
        self.refuse(&mut body, "a module");
        let mut arguments = Vec::new();
        for setting in std::mem::take(&mut body.settings) {
            match setting.content {
                Content::Value(_) => arguments.push(setting),
                Content::Blocks(_) => {
                    self.complain(setting.place, "not-a-block", "a module takes attributes only", |it| {
                        it.help(format!("{} = {{ … }}", setting.name))
                    });
                }
            }
        }
        let index = self.definition.modules.len();
        self.settle(Owner::Module(number(index)));
        let Some(source) = source else {
            return self.complain(place, "missing-argument", format!("module.{name} has no `source`"), |it| {
                it.help("source = \"../modules/network\"")
            });
        };
        let Some(path) = source.literal_text() else {
            return self.complain(source.place, "literal-only", "`source` is the path of a folder, written out", |it| it);
        };
        self.sources.push(ModuleSource { module: index, path: path.into(), place: source.place });
        self.definition.module_names.insert(name.clone(), number(index));
        let source_place = source.place;
        self.definition.modules.push(ModuleCall { name, place, source_place, definition: u32::MAX, meta, arguments });
    }
}

/// Indices fit: a file is smaller than 2^32 bytes.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
