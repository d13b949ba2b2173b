//! What was done, what failed, what was not even tried, and why: the last word of a run.

use crate::address::Address;
use crate::apply::event::{Failure, Outcome};
use crate::diag::Hint;
use crate::report::fault;
use crate::report::style::{Line, Style, Tone, render, wrap};
use crate::report::time::length;

/// Skipped steps of one cause beyond this many are only counted.
const SKIPPED_SHOWN: usize = 5;

/// So is what is in the way of a deletion.
const BLOCKERS_SHOWN: usize = 20;

/// `verb` is what was wanted: `Applied`, `Destroyed`.
pub fn text(verb: &str, outcome: &Outcome, style: Style) -> String {
    render(lines(verb, outcome, style.width), style)
}

/// What to do about it, where that is not plain from what failed.
fn helps(failure: &Failure) -> Vec<String> {
    let help = |hint: Hint| match hint {
        Hint::Help(help) => Some(help),
        Hint::DidYouMean(_) | Hint::Note(_) => None,
    };
    match failure {
        Failure::Fault { fault } => fault::of_cloud(fault).hints.into_iter().filter_map(help).collect(),
        Failure::Store { .. } => vec!["repeat the command: what was begun is on record, and is looked for first".into()],
        _ => Vec::new(),
    }
}

fn lines(verb: &str, outcome: &Outcome, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for (address, failure) in &outcome.failed {
        out.push(Line::new(0).and(Tone::Alarm, "failed ").and(Tone::Strong, address.to_string()));
        let said = match failure {
            Failure::Blocked { fault, .. } => fault.to_string(),
            other => other.to_string(),
        };
        out.extend(wrap(&said, width.saturating_sub(2)).into_iter().map(|it| Line::new(2).plain(it)));
        out.extend(in_the_way(failure, width));
        for help in helps(failure) {
            let lines = wrap(&format!("help: {help}"), width.saturating_sub(2));
            out.extend(lines.into_iter().map(|it| Line::new(2).and(Tone::Note, it)));
        }
        let skipped: Vec<&Address> = outcome.skipped.iter().filter(|(_, because)| because == address).map(|(it, _)| it).collect();
        for it in skipped.iter().take(SKIPPED_SHOWN) {
            out.push(Line::new(2).and(Tone::Faint, format!("so skipped: {it}")));
        }
        if skipped.len() > SKIPPED_SHOWN {
            out.push(Line::new(2).and(Tone::Faint, format!("and {} more", skipped.len() - SKIPPED_SHOWN)));
        }
        out.push(Line::default());
    }
    let steps = |count: usize| if count == 1 { "1 step".to_owned() } else { format!("{count} steps") };
    let (tone, mut last) = match (outcome.failed.is_empty(), outcome.stopped) {
        (true, false) => (Tone::Add, format!("{verb}: {} done", steps(outcome.done))),
        (true, true) => (Tone::Alarm, format!("Interrupted: {} done, the rest was not started", steps(outcome.done))),
        (false, _) => (Tone::Alarm, format!("Not finished: {} done, {} failed", steps(outcome.done), outcome.failed.len())),
    };
    if !outcome.skipped.is_empty() {
        last.push_str(&format!(", {} skipped", outcome.skipped.len()));
    }
    last.push_str(&format!(", in {}.", length(outcome.took)));
    out.push(Line::new(0).and(tone, last));
    out
}

/// What a deletion is blocked by, each with the command that takes it away. Commands are not broken, so that they can be
/// copied.
fn in_the_way(failure: &Failure, width: usize) -> Vec<Line> {
    let Failure::Blocked { blockers, purge, .. } = failure else { return Vec::new() };
    let mut out = Vec::new();
    for it in blockers.iter().take(BLOCKERS_SHOWN) {
        let lines = wrap(&format!("in the way: {}", it.what), width.saturating_sub(2));
        out.extend(lines.into_iter().map(|it| Line::new(2).plain(it)));
        out.extend(it.help.iter().map(|it| Line::new(4).and(Tone::Note, it.as_str())));
    }
    if blockers.len() > BLOCKERS_SHOWN {
        out.push(Line::new(2).plain(format!("and {} more", blockers.len() - BLOCKERS_SHOWN)));
    }
    out.extend(purge.iter().map(|it| Line::new(2).and(Tone::Note, format!("help: to lose what lies in it: {it}"))));
    out
}
