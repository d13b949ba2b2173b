//! A plan for people: by module, each change with its reason, its place in the files, and what was and will be.

use std::collections::BTreeMap;

use crate::plan::{Action, Change, Deferred, OutputChange, Plan, Summary};
use crate::report::style::{Line, Sign, Style, Tone, columns, pad, wrap};
use crate::report::{Places, attribute, reason, value};

/// Wider than this, lines are hard to follow.
const WIDTH_MAX: usize = 140;

/// What of a plan is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// No-ops too.
    pub all: bool,
    /// Show what only undoes somebody's hand-made change in a part of its own.
    pub repairs_apart: bool,
    /// Such changes that are left alone; not part of the plan.
    pub withheld: &'a [Change],
}

/// The plan as lines, without its summary. There may be very many: each is made when it is asked for.
pub fn body<'a>(
    plan: &'a Plan,
    places: &'a dyn Places,
    options: Options<'a>,
    width: usize,
) -> impl Iterator<Item = Line> + use<'a> {
    let width = width.min(WIDTH_MAX);
    let shown = |it: &&Change| options.all || it.action != Action::Noop;
    let apart = |it: &&Change| options.repairs_apart && it.repairs_drift;
    let (repairs, changes): (Vec<&Change>, Vec<&Change>) = plan.changes.iter().filter(shown).partition(apart);
    let withheld: Vec<&Change> = options.withheld.iter().collect();

    let legend = legend(changes.iter().chain(&repairs).chain(&withheld).map(|it| it.action_sign()));
    let parts =
        [("Changed by hand, and changed back", repairs), ("Changed by hand, and left alone without --repair-drift", withheld)];
    let apart = parts.into_iter().filter(|(_, it)| !it.is_empty()).flat_map(move |(title, changes)| {
        [Line::new(0).and(Tone::Alarm, title), Line::default()].into_iter().chain(grouped(plan, changes, places, width))
    });
    let rest = deferred(&plan.deferred, width).into_iter().chain(outputs(&plan.outputs, width));
    legend.into_iter().chain(grouped(plan, changes, places, width)).chain(apart).chain(rest)
}

/// The plan as text, the one-line summary last.
pub fn text(plan: &Plan, places: &dyn Places, options: Options<'_>, style: Style) -> String {
    let withheld = (!options.withheld.is_empty())
        .then(|| Line::new(0).plain(format!("Left alone: {} made by hand.", count(options.withheld.len(), "change"))));
    let summary = Line::new(0).and(Tone::Strong, summary(plan));
    super::style::render(body(plan, places, options, style.width).chain(withheld).chain([summary]), style)
}

/// `1 change`, `2 changes`
fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// `Plan: 3 to create, 1 to update, 0 to delete.`
pub fn summary(plan: &Plan) -> String {
    let sum = Summary::of(&plan.changes);
    if sum.is_empty() && plan.outputs.is_empty() && plan.deferred.is_empty() {
        return format!("No changes: `{}` is as its files say.", plan.stack);
    }
    let mut parts = vec![format!("{} to create", sum.create), format!("{} to update", sum.update)];
    for (count, what) in [(sum.replace, "to replace"), (sum.import, "to import"), (sum.moved, "to move")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.push(format!("{} to delete", sum.delete));
    for (count, what) in
        [(sum.forget, "to forget"), (sum.read, "to read"), (plan.deferred.len(), "deferred"), (plan.outputs.len(), "outputs")]
    {
        match (count, what) {
            (0, _) => {}
            (1, "outputs") => parts.push("1 output changes".into()),
            (count, "outputs") => parts.push(format!("{count} outputs change")),
            (count, what) => parts.push(format!("{count} {what}")),
        }
    }
    format!("Plan: {}.", parts.join(", "))
}

impl Change {
    fn action_sign(&self) -> Sign {
        match self.action {
            Action::Create => Sign::Add,
            Action::Update => Sign::Change,
            Action::Replace if self.create_first => Sign::ReplaceLater,
            Action::Replace => Sign::Replace,
            Action::Delete => Sign::Remove,
            Action::Read => Sign::Read,
            Action::Import => Sign::Import,
            Action::Forget => Sign::Forget,
            Action::Move => Sign::Move,
            Action::Noop => Sign::Noop,
        }
    }
}

/// The signs that occur, explained.
fn legend(signs: impl Iterator<Item = Sign>) -> Vec<Line> {
    let present: Vec<Sign> = signs.collect();
    let all = [
        (Sign::Add, "create"),
        (Sign::Change, "update"),
        (Sign::Replace, "delete, then create anew"),
        (Sign::ReplaceLater, "create anew, then delete"),
        (Sign::Remove, "delete"),
        (Sign::Read, "read"),
        (Sign::Import, "import"),
        (Sign::Forget, "forget, without deleting"),
        (Sign::Move, "rename"),
        (Sign::Noop, "stays"),
    ];
    let mut line = Line::new(0);
    for (sign, what) in all.into_iter().filter(|(sign, _)| present.contains(sign)) {
        let gap = if line.pieces.is_empty() { "" } else { "   " };
        line = line.plain(gap).and(sign.tone(), sign.symbol()).and(Tone::Faint, format!(" {what}"));
    }
    if line.pieces.is_empty() { Vec::new() } else { vec![line, Line::default()] }
}

fn grouped<'a>(
    plan: &'a Plan,
    changes: Vec<&'a Change>,
    places: &'a dyn Places,
    width: usize,
) -> impl Iterator<Item = Line> + use<'a> {
    let mut modules: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        modules.entry(change.address.module_path()).or_default().push(change);
    }
    modules.into_iter().flat_map(move |(module, changes)| {
        let title = if module.is_empty() { format!("stack {}", plan.stack) } else { module };
        let each = changes.into_iter().flat_map(move |it| one(it, places, width).into_iter().chain([Line::default()]));
        [Line::new(0).and(Tone::Strong, title), Line::default()].into_iter().chain(each)
    })
}

fn one(change: &Change, places: &dyn Places, width: usize) -> Vec<Line> {
    let sign = change.action_sign();
    let mut head = Line::new(2).sign(sign).and(Tone::Strong, change.address.local());
    if let Some(id) = &change.id
        && change.action != Action::Create
    {
        head = head.and(Tone::Faint, format!("  {}", value::inline(&id.as_str().into()).trim_matches('"')));
    }
    let indent = head.indent + sign.symbol().len() + 1;
    let mut out = Vec::new();
    let place = change.span.as_ref().and_then(|it| places.place(it));
    let reasons = reason::sentences(change);
    match place {
        Some(place) if head.columns() + 2 + columns(&place) <= width => {
            let gap = width - head.columns() - columns(&place);
            out.push(head.plain(" ".repeat(gap)).and(Tone::Faint, place));
        }
        Some(place) => {
            out.push(head);
            out.push(Line::new(indent).and(Tone::Faint, place));
        }
        None => out.push(head),
    }
    for sentence in reasons {
        out.extend(wrap(&sentence, width.saturating_sub(indent)).into_iter().map(|it| Line::new(indent).and(Tone::Note, it)));
    }
    out.extend(attribute::lines(change.action, &change.attributes, indent + 2, width));
    out
}

fn deferred(blocks: &[Deferred], width: usize) -> Vec<Line> {
    if blocks.is_empty() {
        return Vec::new();
    }
    let mut out =
        vec![Line::new(0).and(Tone::Strong, "Deferred: planned as soon as what they wait for is known"), Line::default()];
    for block in blocks {
        let names: Vec<String> = block
            .waits_for
            .iter()
            .map(|it| if it.path.is_empty() { it.address.to_string() } else { format!("{}.{}", it.address, it.path) })
            .collect();
        let head = Line::new(2).and(Tone::Faint, "… ").and(Tone::Strong, block.address.to_string());
        let waits = format!("waits for {}", value::few(&names));
        if head.columns() + 2 + columns(&waits) <= width {
            out.push(head.plain("  ").and(Tone::Note, waits));
        } else {
            out.push(head);
            out.push(Line::new(4).and(Tone::Note, waits));
        }
    }
    out.push(Line::default());
    out
}

fn outputs(changes: &BTreeMap<String, OutputChange>, width: usize) -> Vec<Line> {
    if changes.is_empty() {
        return Vec::new();
    }
    let widest = changes.keys().map(|it| columns(it)).max().unwrap_or(0);
    let shown = |it: &crate::value::Value, sensitive: bool| {
        if sensitive && !it.is_null() { "(sensitive)".to_owned() } else { value::inline(it) }
    };
    let mut out = vec![Line::new(0).and(Tone::Strong, "outputs"), Line::default()];
    for (name, change) in changes {
        let (before, after) = (shown(&change.before, change.sensitive), shown(&change.after, change.sensitive));
        let name = format!("{} = ", pad(name, widest));
        let line = |sign: Sign| Line::new(2).sign(sign).plain(name.as_str());
        match (change.before.is_null(), change.after.is_null()) {
            (_, true) => out.push(line(Sign::Remove).and(Tone::Remove, before)),
            (true, false) => out.push(line(Sign::Add).plain(after)),
            (false, false) => {
                let head = line(Sign::Change);
                let start = head.columns();
                let head = head.and(Tone::Remove, before.as_str());
                if head.columns() + 3 + columns(&after) <= width {
                    out.push(head.and(Tone::Faint, " → ").and(Tone::Add, after));
                } else {
                    out.push(head);
                    out.push(Line::new(start.saturating_sub(2)).and(Tone::Faint, "→ ").and(Tone::Add, after));
                }
            }
        }
    }
    out.push(Line::default());
    out
}

#[cfg(test)]
mod tests;
