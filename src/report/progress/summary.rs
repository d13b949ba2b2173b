//! What was done, what failed, what was not even tried, and why: the last word of a run.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::apply::event::{Failure, Outcome};
use crate::diag::Hint;
use crate::report::fault;
use crate::report::style::{Line, Style, Tone, render, wrap};
use crate::report::time::length;

/// Skipped steps of one cause beyond this many are only counted.
const SKIPPED_SHOWN: usize = 5;

/// So are commands that take away what is in the way.
const COMMANDS_SHOWN: usize = 10;

/// `verb` is what was wanted: `Applied`, `Destroyed`.
pub fn text(verb: &str, outcome: &Outcome, style: Style) -> String {
    render(&lines(verb, outcome, style.width), style)
}

fn lines(verb: &str, outcome: &Outcome, width: usize) -> Vec<Line> {
    let mut out = Vec::new();
    for (address, failure) in &outcome.failed {
        out.push(Line::new(0).and(Tone::Alarm, "failed ").and(Tone::Strong, address.to_string()));
        out.extend(wrap(&failure.to_string(), width.saturating_sub(2)).into_iter().map(|it| Line::new(2).plain(it)));
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

/// What one does about it.
fn helps(failure: &Failure) -> Vec<String> {
    let hints = |fault| fault::of_cloud(fault).hints.into_iter();
    match failure {
        Failure::Fault { fault } => hints(fault).filter_map(|it| if let Hint::Help(it) = it { Some(it) } else { None }).collect(),
        Failure::Blocked { blockers, purge, .. } => {
            let commands: BTreeSet<&String> = blockers.iter().filter_map(|it| it.help.as_ref()).chain(purge).collect();
            let more = commands.len().saturating_sub(COMMANDS_SHOWN);
            let mut out: Vec<String> = commands.into_iter().take(COMMANDS_SHOWN).cloned().collect();
            if more > 0 {
                out.push(format!("and so on for {more} more"));
            }
            out
        }
        _ => Vec::new(),
    }
}
