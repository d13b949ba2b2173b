//! One attribute before and after, aligned with its neighbours; documents line by line.

use similar::{ChangeTag, TextDiff};

use crate::plan::{Action, AttributeChange};
use crate::report::style::{Line, Sign, Tone, columns, pad};
use crate::report::value::{self, inline};
use crate::value::Value;

/// Wider ones do not push the others to the right.
const BEFORE_COLUMNS: usize = 34;
const NAME_COLUMNS: usize = 46;
/// Unchanged lines shown around a changed one.
const CONTEXT_LINES: usize = 3;
const FORCES: &str = "  # forces replacement";

/// The attributes of one change, `indent` columns in.
pub fn lines(action: Action, attributes: &[AttributeChange], indent: usize, width: usize) -> Vec<Line> {
    let narrow = |of: &dyn Fn(&AttributeChange) -> usize, limit: usize| {
        attributes.iter().map(of).filter(|it| *it <= limit).max().unwrap_or(0)
    };
    let pairs = attributes.iter().any(|it| is_pair(action, it));
    let columns = Columns {
        indent,
        width,
        name: narrow(&|it| columns(&it.path), NAME_COLUMNS),
        before: if pairs { narrow(&|it| columns(&shown(&it.before, it.sensitive)), BEFORE_COLUMNS) } else { 0 },
    };
    attributes.iter().flat_map(|it| attribute(action, it, &columns)).collect()
}

struct Columns {
    indent: usize,
    width: usize,
    name: usize,
    before: usize,
}

/// Whether both sides are of interest: a creation has no before, a deletion no after.
fn is_pair(action: Action, it: &AttributeChange) -> bool {
    match action {
        Action::Create | Action::Read | Action::Delete | Action::Forget => false,
        Action::Update | Action::Replace | Action::Import | Action::Move | Action::Noop => {
            !(it.before.is_null() || it.after.is_null()) && it.before != it.after
        }
    }
}

fn attribute(action: Action, it: &AttributeChange, columns: &Columns) -> Vec<Line> {
    let sign = match (it.before.is_null(), it.after.is_null()) {
        _ if matches!(action, Action::Delete | Action::Forget) => Sign::Remove,
        _ if matches!(action, Action::Create | Action::Read) => Sign::Add,
        _ if it.before == it.after => Sign::Noop,
        (true, _) => Sign::Add,
        (_, true) => Sign::Remove,
        (false, false) => Sign::Change,
    };
    let mut head = Line::new(columns.indent).sign(sign).plain(format!("{} = ", pad(&it.path, columns.name)));
    let mut rest = Vec::new();
    let below = Line::new(columns.indent + 4);
    if super::style::columns(&it.path) > columns.name && !matches!(sign, Sign::Remove) && !is_document(it) {
        // A name so long leaves no room beside it.
        let head = Line::new(columns.indent).sign(sign).plain(format!("{} =", it.path));
        let columns = Columns { name: 0, before: 0, indent: columns.indent + 2, ..*columns };
        let (first, rest) = match sign {
            Sign::Change => pair(below, it, &columns),
            _ => single(below, sign, it, &columns),
        };
        let mut lines = vec![head, first];
        lines.extend(rest);
        return with_mark(lines, it);
    }
    match sign {
        Sign::Change => match diff(it, columns.indent + 4) {
            Some(lines) => {
                head = head.and(Tone::Faint, "(line by line)");
                rest = lines;
            }
            None => (head, rest) = pair(head, it, columns),
        },
        Sign::Remove => head = head.and(Tone::Remove, shown(&it.before, it.sensitive)),
        _ => (head, rest) = single(head, sign, it, columns),
    }
    rest.insert(0, head);
    with_mark(rest, it)
}

fn is_document(it: &AttributeChange) -> bool {
    !it.sensitive && value::document(&it.after).is_some()
}

fn with_mark(mut rest: Vec<Line>, it: &AttributeChange) -> Vec<Line> {
    // Behind the new value, or behind the opening of what hangs below.
    let marked = if rest.len() == 2 { 1 } else { 0 };
    if it.forces_replacement
        && let Some(line) = rest.get_mut(marked)
    {
        line.pieces.push((Tone::Alarm, FORCES.into()));
    }
    rest
}

/// `before → after`, on two lines where one is not wide enough.
fn pair(mut head: Line, it: &AttributeChange, columns: &Columns) -> (Line, Vec<Line>) {
    let (before, after) = (shown(&it.before, it.sensitive), shown(&it.after, it.sensitive));
    let tail = if it.forces_replacement { FORCES.len() } else { 0 };
    let arrow = super::style::columns("→ ");
    let start = head.columns();
    let wide = start + columns.before.max(super::style::columns(&before)) + 1 + arrow + super::style::columns(&after) + tail;
    if wide <= columns.width {
        head = head.and(Tone::Remove, pad(&before, columns.before)).and(Tone::Faint, " → ").and(Tone::Add, after);
        return (head, Vec::new());
    }
    let room = columns.width.saturating_sub(start);
    let mut rest = Vec::new();
    let mut befores = expanded(&it.before, it.sensitive, room).into_iter();
    head = head.and(Tone::Remove, befores.next().unwrap_or_default());
    rest.extend(befores.map(|line| Line::new(start).and(Tone::Remove, line)));
    for (at, line) in expanded(&it.after, it.sensitive, room).into_iter().enumerate() {
        let lead = if at == 0 { "→ " } else { "  " };
        rest.push(Line::new(start.saturating_sub(arrow)).and(Tone::Faint, lead).and(Tone::Add, line));
    }
    (head, rest)
}

/// One value: what is set, or what is there.
fn single(mut head: Line, sign: Sign, it: &AttributeChange, columns: &Columns) -> (Line, Vec<Line>) {
    if !it.sensitive
        && let Some(text) = value::document(&it.after)
    {
        let lines = text.lines().map(|line| Line::new(columns.indent + 4).and(sign.tone(), clean(line)));
        return (head.and(Tone::Faint, "<<"), lines.collect());
    }
    let start = head.columns();
    let mut lines = expanded(&it.after, it.sensitive, columns.width.saturating_sub(start)).into_iter();
    head = head.plain(lines.next().unwrap_or_default());
    // What is unfolded hangs under its name, not far to the right of it.
    (head, lines.map(|line| Line::new(columns.indent + 2).plain(line)).collect())
}

/// Both documents, as the lines that differ and some around them.
fn diff(it: &AttributeChange, indent: usize) -> Option<Vec<Line>> {
    if it.sensitive {
        return None;
    }
    let (before, after) = (value::document(&it.before)?, value::document(&it.after)?);
    let diff = TextDiff::from_lines(&before, &after);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if at > 0 {
            lines.push(Line::new(indent + 2).and(Tone::Faint, "…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = clean(change.value().trim_end_matches('\n'));
            lines.push(match change.tag() {
                ChangeTag::Equal => Line::new(indent + 2).and(Tone::Faint, text),
                ChangeTag::Delete => Line::new(indent).sign(Sign::Remove).and(Tone::Remove, text),
                ChangeTag::Insert => Line::new(indent).sign(Sign::Add).and(Tone::Add, text),
            });
        }
    }
    Some(lines)
}

fn shown(value: &Value, sensitive: bool) -> String {
    if sensitive && !value.is_null() { "(sensitive)".into() } else { inline(value) }
}

fn expanded(value: &Value, sensitive: bool, room: usize) -> Vec<String> {
    if sensitive { vec![shown(value, true)] } else { value::block(value, room) }
}

/// A line of somebody's document, unable to disturb the terminal.
fn clean(line: &str) -> String {
    let mut out = String::new();
    for c in line.chars() {
        match c {
            '\t' => out.push_str("    "),
            c if value::is_unprintable(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}
