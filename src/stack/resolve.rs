//! Checks that need no values: names that are not there, attributes that a type has not, arguments that a module has not.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expr::{Head, Mention, Named, Place, Target};
use super::functions;
use super::model::{Block, Body, Content, Definition, Meta, Model, Nested, Owner};
use crate::address::Mode;
use crate::diag::{Diagnostic, nearest};
use crate::schema::{Attribute, Attributes, Presence, Schema, Shape};

/// Functions that the evaluator knows itself.
const FORMS: [&str; 4] = ["try", "can", "templatefile", "templatestring"];

pub fn check(model: &Model, diagnostics: &mut Vec<Diagnostic>) {
    for definition in &model.definitions {
        let mut it = Check { model, definition, diagnostics };
        for (owner, mention) in &definition.mentions {
            it.mention(*owner, mention);
        }
        it.functions(&definition.calls);
        for block in &definition.blocks {
            it.block(block);
        }
        it.modules();
        for (name, place) in &definition.aws_mentions {
            let stack = &model.definitions[0];
            if !stack.aws.iter().any(|it| it.name == *name) {
                let names = stack.aws.iter().map(|it| it.name.as_ref());
                it.complain(*place, "unknown-reference", format!("the stack has no aws \"{name}\""), nearest(name, names));
            }
        }
    }
}

/// The same for an expression that stands in no file.
pub fn check_text(model: &Model, calls: &[Named], mentions: &[Mention], diagnostics: &mut Vec<Diagnostic>) {
    let mut it = Check { model, definition: &model.definitions[0], diagnostics };
    for mention in mentions {
        it.mention(Owner::Other, mention);
    }
    it.functions(calls);
}

struct Check<'a> {
    model: &'a Model,
    definition: &'a Definition,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Check<'_> {
    fn complain(&mut self, place: Place, code: &'static str, summary: String, near: Option<&str>) -> &mut Diagnostic {
        let at = self.diagnostics.len();
        self.diagnostics.push(Diagnostic::error(code, summary).at(self.model.span(place)).did_you_mean(near));
        &mut self.diagnostics[at]
    }

    fn functions(&mut self, calls: &[Named]) {
        for call in calls {
            let name = call.name.as_ref();
            if let Some(reason) = functions::refusal(name) {
                let it = self.complain(call.place, "refused-function", format!("`{name}` cannot be used"), None);
                it.detail = reason.to_owned();
            } else if !FORMS.contains(&name) && !functions::names().any(|it| it == name) {
                let near = nearest(name, functions::names().chain(FORMS));
                self.complain(call.place, "unknown-function", format!("there is no function `{name}`"), near);
            }
        }
    }

    fn mention(&mut self, owner: Owner, it: &Mention) {
        let definition = self.definition;
        match &it.target {
            Target::Variable(name) => self.name(it, "variable", name, &definition.variable_names),
            Target::Local(name) => self.name(it, "local value", name, &definition.local_names),
            Target::Module(name) => self.module(owner, it, name),
            Target::Block(mode, type_name, name) => self.resource(owner, it, *mode, type_name, name),
            Target::EachKey | Target::EachValue => self.each(owner, it),
            Target::This => {
                let allowed = match owner {
                    Owner::Block(index) => {
                        definition.blocks.get(index as usize).is_some_and(|it| !it.lifecycle.postconditions.is_empty())
                    }
                    Owner::Module(_) | Owner::Validation(_) | Owner::Other => false,
                };
                if !allowed {
                    self.complain(it.place, "self-outside", "`self` is only known in a postcondition".into(), None);
                }
            }
            Target::Stack(name) => {
                const NAMES: [&str; 4] = ["name", "region", "account_id", "partition"];
                if !NAMES.contains(&name.as_ref()) {
                    let near = nearest(name, NAMES);
                    self.complain(it.place, "unknown-reference", format!("there is no `stack.{name}`"), near);
                }
            }
            Target::Path(name) => {
                const NAMES: [&str; 3] = ["module", "stack", "root"];
                if !NAMES.contains(&name.as_ref()) {
                    let near = nearest(name, NAMES);
                    self.complain(it.place, "unknown-reference", format!("there is no `path.{name}`"), near);
                }
            }
        }
    }

    fn name(&mut self, it: &Mention, what: &str, name: &str, names: &BTreeMap<Arc<str>, u32>) {
        if !names.contains_key(name) {
            let near = nearest(name, names.keys().map(AsRef::as_ref));
            self.complain(it.place, "unknown-reference", format!("there is no {what} \"{name}\" here"), near);
        }
    }

    fn each(&mut self, owner: Owner, it: &Mention) {
        let definition = self.definition;
        let has = match owner {
            Owner::Block(index) => definition.blocks.get(index as usize).is_some_and(|it| it.meta.for_each.is_some()),
            Owner::Module(index) => definition.modules.get(index as usize).is_some_and(|it| it.meta.for_each.is_some()),
            Owner::Other => definition.imports.iter().any(|it| it.for_each.is_some()),
            Owner::Validation(_) => false,
        };
        if !has {
            let it = self.complain(it.place, "each-outside", "`each` is only known in a block with `for_each`".into(), None);
            *it = it.clone().help("for_each = { name = value }, or a `for` expression");
        }
    }

    /// A reference without a key to what has several instances, and the other way round. `many` says why it has.
    fn keyed(&mut self, it: &Mention, name: &str, many: Option<&str>) {
        match (it.head.first(), many) {
            (Some(Head::Attribute(attribute)), Some(many)) => {
                let summary = format!("{name} {many}: say which one");
                let complaint = self.complain(it.place, "which-instance", summary, None);
                *complaint = complaint
                    .clone()
                    .help(format!("one: {name}[\"KEY\"].{attribute} · all: [for it in {name} : it.{attribute}]"));
            }
            (Some(Head::Key), None) => {
                let complaint = self.complain(it.place, "which-instance", format!("{name} is one thing, not several"), None);
                *complaint = complaint.clone().help(format!("write {name} without the brackets"));
            }
            _ => {}
        }
    }

    /// A reference to what may be disabled, where nothing provides for that.
    fn guard(&mut self, owner: Owner, it: &Mention, name: &str, enabled: Place) {
        let goes_on = matches!(it.head.iter().find(|it| **it != Head::Key), Some(Head::Attribute(_)));
        if it.guarded || !goes_on {
            return;
        }
        // Whoever is enabled by the same condition is there only when the other one is.
        let own = match owner {
            Owner::Block(index) => self.definition.blocks.get(index as usize).and_then(|it| it.meta.enabled.as_ref()),
            Owner::Module(index) => self.definition.modules.get(index as usize).and_then(|it| it.meta.enabled.as_ref()),
            Owner::Validation(_) | Owner::Other => None,
        };
        if own.is_some_and(|it| self.model.text(it.place) == self.model.text(enabled)) {
            return;
        }
        let span = self.model.span(enabled);
        let complaint = self.complain(it.place, "unguarded", format!("{name} may be disabled"), None);
        *complaint = complaint
            .clone()
            .related(span, "here")
            .detail("Where it is disabled there is nothing to refer to, and the reference fails.")
            .help("guard it: try(…, null), one(….*.attribute), or CONDITION ? … : null");
    }

    fn module(&mut self, owner: Owner, it: &Mention, name: &Arc<str>) {
        let definition = self.definition;
        let Some(call) = definition.module_names.get(name).and_then(|it| definition.modules.get(*it as usize)) else {
            return self.name(it, "module", name, &definition.module_names);
        };
        let shown = format!("module.{name}");
        self.keyed(it, &shown, for_each(&call.meta));
        if let Some(enabled) = call.meta.enabled.as_ref().filter(|_| call.meta.may_be_disabled()) {
            self.guard(owner, it, &shown, enabled.place);
        }
        let Some(target) = self.model.definitions.get(call.definition as usize) else { return };
        let output = match it.head.as_slice() {
            [Head::Attribute(output), ..] if call.meta.for_each.is_none() => Some(output),
            [Head::Key | Head::Splat, Head::Attribute(output), ..] => Some(output),
            _ => None,
        };
        if let Some(output) = output.filter(|it| !target.output_names.contains_key(*it)) {
            let near = nearest(output, target.output_names.keys().map(AsRef::as_ref));
            self.complain(it.place, "unknown-reference", format!("{shown} has no output \"{output}\""), near);
        }
    }

    fn resource(&mut self, owner: Owner, it: &Mention, mode: Mode, type_name: &Arc<str>, name: &Arc<str>) {
        let definition = self.definition;
        let key = (mode, type_name.clone(), name.clone());
        let Some(block) = definition.block_names.get(&key).and_then(|it| definition.blocks.get(*it as usize)) else {
            return self.unknown_resource(it, mode, type_name, name);
        };
        let data = if mode == Mode::Data { "data." } else { "" };
        let shown = format!("{data}{type_name}.{name}");
        let many =
            if block.schema.objects().is_some() { Some("makes an instance of each object") } else { for_each(&block.meta) };
        self.keyed(it, &shown, many);
        if let Some(enabled) = block.meta.enabled.as_ref().filter(|_| block.meta.may_be_disabled()) {
            self.guard(owner, it, &shown, enabled.place);
        }
        let attribute = match it.head.as_slice() {
            [Head::Attribute(attribute), ..] if many.is_none() => Some(attribute),
            [Head::Key | Head::Splat, Head::Attribute(attribute), ..] => Some(attribute),
            _ => None,
        };
        if let Some(attribute) = attribute.filter(|it| !block.schema.attributes.contains_key(*it)) {
            self.unknown_attribute(it.place, &block.schema, &block.schema.attributes, attribute, type_name);
        }
    }

    fn unknown_resource(&mut self, it: &Mention, mode: Mode, type_name: &Arc<str>, name: &Arc<str>) {
        let names = self.definition.block_names.keys().filter(|(of, ..)| *of == mode);
        let same_type: Vec<&str> = names.clone().filter(|(_, ty, _)| ty == type_name).map(|(.., name)| name.as_ref()).collect();
        let data = if mode == Mode::Data { "data." } else { "" };
        let summary = format!("there is no {data}{type_name}.{name} here");
        match type_name.as_ref() {
            "count" => {
                let it = self.complain(it.place, "no-count", "there is no `count` here".into(), None);
                *it = it.clone().help("use `for_each` with a map or set, and `each.key`");
                return;
            }
            "terraform" => {
                let it = self.complain(it.place, "not-terraform", "there is no `terraform` here".into(), None);
                *it = it.clone().help("the stack's name is stack.name; another stack's output is given as a variable");
                return;
            }
            _ => {}
        }
        if let Some(near) = nearest(name, same_type.iter().copied()).or_else(|| same_type.first().copied()) {
            let near = format!("{data}{type_name}.{near}");
            self.complain(it.place, "unknown-reference", summary, Some(&near));
            return;
        }
        let all: Vec<String> = names.map(|(_, ty, name)| format!("{data}{ty}.{name}")).collect();
        let near = nearest(&format!("{data}{type_name}.{name}"), all.iter().map(String::as_str));
        self.complain(it.place, "unknown-reference", summary, near);
    }

    fn unknown_attribute(&mut self, place: Place, schema: &Schema, among: &Attributes, name: &str, owner: &str) {
        let near = nearest(name, among.keys().map(AsRef::as_ref));
        let help = format!("infra schema {}", schema.type_name);
        let it = self.complain(place, "unknown-attribute", format!("{owner} has no attribute \"{name}\""), near);
        *it = it.clone().help(help);
    }

    fn block(&mut self, block: &Block) {
        self.body(&block.body, &block.schema.attributes, &block.schema, &block.type_name, block.place);
    }

    /// `owner`: `aws_security_group`, or `ingress` within it.
    fn body(&mut self, body: &Body, attributes: &Attributes, schema: &Schema, owner: &str, place: Place) {
        for setting in &body.settings {
            match attributes.get(&setting.name) {
                None => self.unknown_attribute(setting.place, schema, attributes, &setting.name, owner),
                Some(it) if it.presence == Presence::Computed => {
                    let summary = format!("`{}` of {owner} is set by the cloud", setting.name);
                    self.complain(setting.place, "computed-attribute", summary, None);
                }
                Some(attribute) => {
                    if let Content::Blocks(blocks) = &setting.content {
                        self.nested(blocks, attribute, schema, &setting.name, owner);
                    }
                }
            }
        }
        for (name, _) in attributes.iter().filter(|(name, it)| it.presence == Presence::Required && body.get(name).is_none()) {
            let help = format!("infra schema {}", schema.type_name);
            let it = self.complain(place, "missing-attribute", format!("{owner} needs `{name}`"), None);
            *it = it.clone().help(help);
        }
    }

    fn nested(&mut self, blocks: &[Nested], attribute: &Attribute, schema: &Schema, name: &Arc<str>, owner: &str) {
        let inner = attribute.shape.block();
        for (at, nested) in blocks.iter().enumerate() {
            let (place, body, once) = match nested {
                Nested::Block { place, labels, body } => {
                    if !labels.is_empty() {
                        self.complain(*place, "bad-labels", format!("`{name}` takes no names"), None);
                    }
                    (*place, body, true)
                }
                Nested::Dynamic { place, body, .. } => (*place, body, false),
            };
            match (inner, &attribute.shape) {
                (None, Shape::Map(_)) if once && at == 0 => {}
                (None, Shape::Map(_)) => {
                    self.complain(place, "duplicate-block", format!("{owner} takes one `{name}` at most"), None);
                }
                (None, shape) => {
                    let wanted = shape.ty().friendly();
                    let it = self.complain(place, "not-a-block", format!("`{name}` of {owner} is {wanted}, not a block"), None);
                    *it = it.clone().help(format!("{name} = …"));
                }
                (Some(attributes), shape) => {
                    if matches!(shape, Shape::Object(_)) && at > 0 && once {
                        self.complain(place, "duplicate-block", format!("{owner} takes one `{name}` block at most"), None);
                    }
                    self.body(body, attributes, schema, &format!("{owner}.{name}"), place);
                }
            }
        }
    }

    fn modules(&mut self) {
        let definition = self.definition;
        for call in &definition.modules {
            let Some(target) = self.model.definitions.get(call.definition as usize) else { continue };
            for argument in &call.arguments {
                if !target.variable_names.contains_key(&argument.name) {
                    let near = nearest(&argument.name, target.variable_names.keys().map(AsRef::as_ref));
                    let summary = format!("module.{} has no variable \"{}\"", call.name, argument.name);
                    self.complain(argument.place, "unknown-argument", summary, near);
                }
            }
            for variable in target.variables.iter().filter(|it| it.default.is_none()) {
                if !call.arguments.iter().any(|it| it.name == variable.name) {
                    let span = self.model.span(variable.place);
                    let summary = format!("module.{} needs `{}`", call.name, variable.name);
                    let it = self.complain(call.place, "missing-argument", summary, None);
                    *it = it.clone().related(span, "declared here");
                }
            }
        }
    }
}

/// Why there may be several instances.
fn for_each(meta: &Meta) -> Option<&'static str> {
    meta.for_each.as_ref().map(|_| "has `for_each`")
}
