//! Runs as people read them.

use std::time::Duration;

use super::style::{Line, Style, Tone, pad, render, table};
use super::time;
use crate::state::ledger::{RunRecord, RunResult, StepRecord, StepResult};

/// So much of an id tells runs apart.
const ID_LENGTH: usize = 8;
const COMMIT_LENGTH: usize = 10;

fn short(id: &str) -> &str {
    id.get(..ID_LENGTH).unwrap_or(id)
}

/// `4f2a…-dirty` at a length that people compare.
fn commit(run: &RunRecord) -> Option<String> {
    let text = run.commit.as_deref()?;
    let (id, mark) = text.split_once('-').map_or((text, ""), |(id, _)| (id, "-dirty"));
    Some(format!("{}{mark}", id.get(..COMMIT_LENGTH).unwrap_or(id)))
}

fn result(run: &RunRecord) -> &'static str {
    match run.result {
        None => "at work",
        Some(RunResult::Done) => "done",
        Some(RunResult::Failed) => "failed",
        Some(RunResult::Partly) => "partly",
        Some(RunResult::Interrupted) => "interrupted",
        Some(RunResult::Lost) => "killed",
    }
}

/// `infra apply dev by ann@box, commit 4f2a…`
pub fn brief(run: &RunRecord) -> String {
    let at = commit(run).map(|it| format!(", commit {it}")).unwrap_or_default();
    format!("{} by {}{at} ({}, run {})", run.command, run.by, result(run), short(&run.run))
}

/// One line a run.
pub fn list(runs: &[RunRecord]) -> String {
    if runs.is_empty() {
        return "No run is on record.\n".to_owned();
    }
    let mut rows = vec![["run", "began", "took", "result", "steps", "command", "by", "commit"].map(str::to_owned)];
    rows.extend(runs.iter().map(|it| {
        let took = it.ended.map(|end| time::length(Duration::from_millis(end.saturating_sub(it.began)))).unwrap_or_default();
        [
            short(&it.run).to_owned(),
            time::point(it.began),
            took,
            result(it).to_owned(),
            counts(it),
            it.command.clone(),
            it.by.clone(),
            commit(it).unwrap_or_default(),
        ]
    }));
    table(&rows)
}

fn counts(run: &RunRecord) -> String {
    let of = |wanted| run.steps.iter().filter(|it| it.result == wanted).count();
    let parts = [
        (StepResult::Done, "done"),
        (StepResult::Failed, "failed"),
        (StepResult::Skipped, "skipped"),
        (StepResult::Open, "open"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(it, word)| (of(it), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// All that is known of one run.
pub fn one(run: &RunRecord, style: Style) -> String {
    let mut lines = Vec::new();
    let mut fact = |name: &str, text: String| lines.push(Line::new(0).and(Tone::Faint, pad(name, 9)).plain(text));
    fact("run", run.run.clone());
    fact("command", run.command.clone());
    fact("by", run.by.clone());
    if let Some(caller) = &run.caller {
        fact("caller", caller.clone());
    }
    fact("began", time::point(run.began));
    if let Some(end) = run.ended {
        fact("ended", format!("{} ({})", time::point(end), time::length(Duration::from_millis(end.saturating_sub(run.began)))));
    }
    fact("result", result(run).to_owned());
    if let Some(commit) = &run.commit {
        fact("commit", commit.clone());
    }
    fact("infra", run.version.clone());
    for plan in &run.plans {
        fact("plan", plan.clone());
    }
    if let Some(serial) = run.serial {
        fact("serial", serial.to_string());
    }
    if !run.steps.is_empty() {
        lines.push(Line::default());
        lines.extend(run.steps.iter().flat_map(step));
    }
    render(&lines, style)
}

fn step(it: &StepRecord) -> Vec<Line> {
    let word = match it.result {
        StepResult::Done => "",
        StepResult::Failed => " failed",
        StepResult::Skipped => " skipped",
        StepResult::Open => " begun, outcome unknown",
    };
    let tone = if it.result == StepResult::Failed { Tone::Strong } else { Tone::Plain };
    let id = it.id.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
    let mut lines = vec![Line::new(0).and(tone, format!("{} {}{id}{word}", it.doing, it.address))];
    let more = it.why.iter().map(|it| format!("why: {it}"));
    let more = more.chain(it.message.iter().cloned()).chain(it.requests.iter().map(|it| format!("request {it}")));
    lines.extend(more.map(|it| Line::new(2).and(Tone::Faint, it)));
    lines
}

/// What was done to one address, newest first, and by whom.
pub fn steps(runs: &[RunRecord], style: Style) -> String {
    if runs.is_empty() {
        return "No run on record did anything to it.\n".to_owned();
    }
    let mut lines = Vec::new();
    for run in runs {
        lines.push(Line::new(0).and(Tone::Note, time::point(run.began)).plain(format!("  {}", brief(run))));
        lines.extend(run.steps.iter().flat_map(step).map(|it| Line { indent: it.indent + 2, ..it }));
    }
    render(&lines, style)
}
