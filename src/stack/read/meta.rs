//! Arguments that every resource or module takes: `for_each`, `enabled`, `depends_on`, `lifecycle`, `timeouts`.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, TraversalOperator};
use hcl_edit::structure::{Block as Syntax, Body as SyntaxBody};

use super::Reader;
use crate::stack::expr::{Expr, Node};
use crate::stack::model::{Body, LifecycleBlock, Meta};

const LIFECYCLE: [&str; 10] = [
    "prevent_destroy",
    "prevent_replace",
    "create_before_destroy",
    "retain_on_delete",
    "ignore_changes",
    "owned_elsewhere",
    "replace_triggered_by",
    "precondition",
    "postcondition",
    "enabled",
];

impl Reader<'_> {
    pub(super) fn meta(&mut self, body: &mut Body) -> Meta {
        if let Some(at) = body.settings.iter().position(|it| it.name.as_ref() == "count") {
            let setting = body.settings.remove(at);
            self.complain(setting.place, "no-count", "there is no `count`", |it| {
                it.detail("Numbered instances change their identity when one in the middle goes away; named ones do not.")
                    .help("several: for_each = toset([\"a\", \"b\"]) with each.key · one or none: enabled = CONDITION")
            });
        }
        let for_each = self.take_value(body, "for_each");
        if let Some(Expr { node: Node::Tuple(_), place }) = &for_each {
            self.complain(*place, "for-each-list", "`for_each` takes a map or a set, this is a list", |it| {
                it.detail("The keys are part of the addresses of the instances, so they must be named, not numbered.")
                    .help("for_each = toset([…])")
            });
        }
        let enabled = self.take_value(body, "enabled");
        let depends_on = self.references(body, "depends_on");
        Meta { for_each, enabled, depends_on }
    }

    /// A list of references, as `depends_on` takes it. They may name what is not there.
    pub(super) fn references(&mut self, body: &mut Body, name: &str) -> Vec<Expr> {
        let Some(value) = self.take_value(body, name) else { return Vec::new() };
        let Node::Tuple(items) = value.node else {
            self.complain(value.place, "bad-reference", format!("`{name}` is a list of references"), |it| {
                it.help(format!("{name} = [aws_vpc.main]"))
            });
            return Vec::new();
        };
        let (good, bad): (Vec<_>, Vec<_>) = items.into_iter().partition(|it| matches!(it.node, Node::Reference(..)));
        for it in bad {
            self.complain(it.place, "bad-reference", format!("`{name}` holds references only"), |it| it);
        }
        good
    }

    /// Paths in a list, as written: `tags["x"]`, `scaling_config.desired_size`.
    fn paths(&mut self, lifecycle: &SyntaxBody, name: &str) -> (Vec<Arc<str>>, bool) {
        let Some(attribute) = lifecycle.get_attribute(name) else { return (Vec::new(), false) };
        let place = self.place(attribute.value.span());
        match &attribute.value {
            Expression::Variable(it) if it.as_str() == "all" => (Vec::new(), true),
            Expression::Array(items) => {
                let mut paths = Vec::new();
                for item in items.iter() {
                    match path(item) {
                        Some(path) => paths.push(path.into()),
                        None => {
                            let place = self.place(item.span());
                            self.complain(place, "bad-path", format!("`{name}` holds the names of attributes"), |it| {
                                it.help(format!("{name} = [tags[\"x\"], scaling_config.desired_size]"))
                            });
                        }
                    }
                }
                (paths, false)
            }
            _ => {
                self.complain(place, "bad-path", format!("`{name}` is a list of attributes, or `all`"), |it| it);
                (Vec::new(), false)
            }
        }
    }

    /// Also `enabled`, which Terraform writes in here.
    pub(super) fn lifecycle(&mut self, resource: &Syntax) -> (LifecycleBlock, Option<Expr>) {
        let mut found = LifecycleBlock::default();
        let mut enabled = None;
        for (at, block) in resource.body.get_blocks("lifecycle").enumerate() {
            let place = self.head(block);
            if at > 0 {
                self.complain(place, "duplicate-block", "`lifecycle` is there already", |it| it);
                continue;
            }
            let mut body = self.body(&block.body, &["ignore_changes", "owned_elsewhere"]);
            (found.ignore_changes, found.ignore_all_changes) = self.paths(&block.body, "ignore_changes");
            let (owned, all) = self.paths(&block.body, "owned_elsewhere");
            found.owned_elsewhere = owned;
            if all {
                self.complain(
                    place,
                    "bad-path",
                    "`owned_elsewhere` names attributes; `all` would leave nothing to manage",
                    |it| it,
                );
            }
            found.prevent_destroy = self.take_value(&mut body, "prevent_destroy");
            found.prevent_replace = self.take_value(&mut body, "prevent_replace");
            found.create_before_destroy = self.take_value(&mut body, "create_before_destroy");
            found.retain_on_delete = self.take_value(&mut body, "retain_on_delete");
            found.replace_triggered_by = self.references(&mut body, "replace_triggered_by");
            found.preconditions = self.conditions(&mut body, "precondition");
            found.postconditions = self.conditions(&mut body, "postcondition");
            enabled = self.take_value(&mut body, "enabled");
            self.leftover(body, "lifecycle", &LIFECYCLE);
        }
        (found, enabled)
    }

    pub(super) fn timeouts(&mut self, body: &mut Body) -> Vec<(Arc<str>, Expr)> {
        let mut timeouts = Vec::new();
        for nested in self.take_blocks(body, "timeouts") {
            let Some((_, mut inner)) = self.plain(nested, "timeouts") else { continue };
            for name in ["create", "update", "delete"] {
                timeouts.extend(self.take_value(&mut inner, name).map(|it| (name.into(), it)));
            }
            self.leftover(inner, "timeouts", &["create", "update", "delete"]);
        }
        timeouts
    }
}

/// A path in the form that plans and states use; the provider's `[0]` of single blocks is dropped.
fn path(item: &Expression) -> Option<String> {
    match item {
        Expression::Variable(name) => Some(name.as_str().to_owned()),
        // Terraform of old quotes them.
        Expression::String(text) => Some(text.as_str().to_owned()),
        Expression::Traversal(it) => {
            let Expression::Variable(root) = &it.expr else { return None };
            let mut out = root.as_str().to_owned();
            for operator in &it.operators {
                match operator.value() {
                    TraversalOperator::GetAttr(name) => out.push_str(&format!(".{}", name.as_str())),
                    TraversalOperator::Index(Expression::String(key)) => {
                        out.push_str(&format!("[{}]", serde_json::Value::from(key.as_str())));
                    }
                    TraversalOperator::Index(Expression::Number(_)) | TraversalOperator::LegacyIndex(_) => {}
                    TraversalOperator::Index(_) | TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                        return None;
                    }
                }
            }
            Some(out)
        }
        _ => None,
    }
}
