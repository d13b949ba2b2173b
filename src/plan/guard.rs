//! What a plan must not do.

use super::change::{Action, Reason};
use super::decide::{Decision, Work};
use super::sight::{Seen, Sight};
use crate::diag::Diagnostic;
use crate::remote::tags;
use crate::value::path;

pub(super) fn check(sight: &Sight<'_>, decisions: &[Decision<'_>], out: &mut Vec<Diagnostic>) {
    for it in decisions {
        protected(sight, it, out);
        foreign(sight, it, out);
        import(it, out);
    }
    let destroys = |it: &&Decision<'_>| matches!(it.work, Work::Delete { .. } | Work::Replace { .. });
    let deletes = decisions.iter().filter(destroys).count();
    if let Some(most) = sight.options.max_deletes.filter(|most| deletes > *most) {
        let names = decisions.iter().filter(destroys).take(10).map(|it| format!("\n  {}", it.address()));
        out.push(
            Diagnostic::error(
                "too-many-deletes",
                format!("the plan deletes or replaces {deletes} resources, at most {most} are allowed"),
            )
            .detail(format!(
                "The stack sets `max_deletes`, so that a mistake cannot take everything down. It is about:{}{}",
                names.collect::<String>(),
                if deletes > 10 { "\n  …" } else { "" }
            ))
            .help(format!("if that is meant: --max-deletes {deletes}")),
        );
    }
}

/// Both what the files say and what is recorded protects: lifting is a change of its own, applied before.
fn protected(sight: &Sight<'_>, it: &Decision<'_>, out: &mut Vec<Diagnostic>) {
    let was = it.record.map(|it| it.lifecycle.clone()).unwrap_or_default();
    let prevent_destroy = was.prevent_destroy || it.lifecycle.prevent_destroy;
    let prevent_replace = was.prevent_replace || it.lifecycle.prevent_replace;
    let (code, verb) = match it.work {
        Work::Delete { .. } if prevent_destroy => ("prevent-destroy", "destroyed"),
        Work::Replace { .. } if prevent_replace => ("prevent-replace", "replaced"),
        Work::Replace { .. } if prevent_destroy => ("prevent-destroy", "replaced"),
        _ => return,
    };
    let name = code.replace('-', "_");
    let paths = it.change.attributes.iter().filter(|it| it.forces_replacement).map(|it| format!("`{}`", it.path));
    let paths: Vec<_> = paths.collect();
    let because = match (paths.is_empty(), &it.work) {
        (false, _) => format!(" because {} cannot change in place", paths.join(", ")),
        (true, Work::Replace { .. }) => match it.change.reasons.first() {
            Some(Reason::Asked) => " because --replace asks for it".to_owned(),
            Some(Reason::Triggered { address }) => format!(" because `replace_triggered_by` names {address}"),
            Some(Reason::Failed { status }) => format!(" because it has failed: {status}"),
            _ => String::new(),
        },
        (true, _) => match it.change.reasons.first() {
            Some(Reason::Destroy) => " with the whole stack".to_owned(),
            _ => " because it is not in the files any more".to_owned(),
        },
    };
    let mut complaint = Diagnostic::error(code, format!("{} would be {verb}, and is protected", it.address()))
        .address(it.address().clone())
        .detail(format!(
            "It would be {verb}{because}. `{name}` is on record for it{}.",
            if sight.options.precious.contains(it.address().type_name()) && sight.options.confirm_stack {
                " (on by default for this type on a stack with `confirm = true`)"
            } else {
                ""
            }
        ))
        .help(format!(
            "to lift it: keep the resource as it was, write `lifecycle {{ {name} = false }}` in its block and apply that alone; \
             then make this change again"
        ));
    let span = it.change.attributes.iter().find(|it| it.forces_replacement);
    let span = span.and_then(|change| it.instance?.spans.get(path::root(&change.path)).cloned());
    complaint.span = span.or(it.change.span.clone());
    out.push(complaint);
}

/// A thing that carries another stack's mark is not ours to touch, whatever the record says.
fn foreign(sight: &Sight<'_>, it: &Decision<'_>, out: &mut Vec<Diagnostic>) {
    let touches = match it.work {
        Work::Update { .. } | Work::Replace { .. } | Work::Delete { .. } | Work::Import { .. } => true,
        Work::Nothing | Work::Create | Work::Forget | Work::Read | Work::Protect | Work::Refresh(_) => false,
    };
    let Seen::There(there) = sight.see(it.address()) else { return };
    let Some(live) = there.live.filter(|_| touches) else { return };
    let tags = live.settings.get("tags");
    let (lineage, stack) = (tags.get(tags::LINEAGE), tags.get(tags::STACK));
    let Some(lineage) = lineage.as_str().filter(|it| *it != &*sight.state.lineage.0) else { return };
    let owner = stack.as_str().map_or_else(|| format!("the lineage {lineage}"), |it| format!("the stack `{it}`"));
    out.push(
        Diagnostic::error("foreign-resource", format!("{} ({}) belongs to {owner}", it.address(), there.id))
            .address(it.address().clone())
            .at(it.change.span.clone())
            .detail(format!(
                "Its tag `{}` names another state than this one, so it is left alone. Two stacks must not manage one thing.",
                tags::LINEAGE
            ))
            .help(format!("take it out of this stack: infra state rm {}", it.address()))
            .help("or, if that other state is lost for good, remove the tag by hand and import it"),
    );
}

fn import(it: &Decision<'_>, out: &mut Vec<Diagnostic>) {
    if it.change.action != Action::Import {
        return;
    }
    for change in it.change.attributes.iter().filter(|it| it.forces_replacement) {
        let span = it.instance.and_then(|it| it.spans.get(path::root(&change.path)).cloned());
        out.push(
            Diagnostic::error(
                "import-differs",
                format!("{} is not what would be imported: `{}` differs", it.address(), change.path),
            )
            .address(it.address().clone())
            .at(span.or(it.change.span.clone()))
            .detail(format!(
                "The thing has {:?}, the files say {:?}, and `{}` cannot change in place: importing it would mean replacing it.",
                change.before, change.after, change.path
            ))
            .help("write the value that it has, or import another id"),
        );
    }
}
