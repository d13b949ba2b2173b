//! Rehearsals as people read them.

use std::time::Duration;

use super::style::{Style, Tone, pad, table};
use super::time::length;
use crate::sim::rehearsal::{Crash, Played, Rehearsal};

/// More lines than these tell nothing more.
const STEPS_SHOWN: usize = 30;
const CRASHES_SHOWN: usize = 8;
const NAMES_SHOWN: usize = 2;
/// The width of the bars, in columns.
const BARS: usize = 32;

/// How the stack came into being, and what crashes would have cost.
pub fn text(stack: &str, it: &Rehearsal, style: Style) -> String {
    let title = |text: &str| format!("\n{}\n", style.paint(Tone::Strong, text));
    let mut out = format!(
        "`{stack}` from nothing: {} in {}, as far as types and their usual times tell.\n",
        count(it.things, "thing"),
        length(it.took)
    );
    let critical: Vec<&Played> = it.steps.iter().filter(|it| it.critical).collect();
    if !critical.is_empty() {
        out += &title("Critical path");
        out += &table(&critical.iter().map(|it| row(it)).collect::<Vec<_>>());
    }
    if it.steps.len() > critical.len() {
        out += &title("Timeline");
        out += &timeline(it);
    }
    if !it.crashes.is_empty() {
        out += &title("If the process dies");
        out += &crashes(it);
    }
    out
}

fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn row(it: &Played) -> [String; 4] {
    let took = it.ended.saturating_sub(it.began);
    [format!("  at {}", length(it.began)), doing(it), it.address.to_string(), length(took)]
}

fn doing(it: &Played) -> String {
    format!("{:?}", it.doing).to_lowercase()
}

/// The longest steps, in the order in which they begin.
fn timeline(it: &Rehearsal) -> String {
    let mut longest: Vec<&Played> = it.steps.iter().collect();
    longest.sort_by_key(|it| std::cmp::Reverse(it.ended.saturating_sub(it.began)));
    let left = longest.len().saturating_sub(STEPS_SHOWN);
    longest.truncate(STEPS_SHOWN);
    longest.sort_by_key(|it| it.began);
    let whole = it.took.as_secs_f64().max(f64::EPSILON);
    let column = |at: Duration| ((at.as_secs_f64() / whole * BARS as f64) as usize).min(BARS - 1);
    let rows: Vec<[String; 3]> = longest
        .iter()
        .map(|it| {
            let (from, to) = (column(it.began), column(it.ended));
            let bar = format!("  {}{}", " ".repeat(from), "█".repeat(to - from + 1));
            [pad(&bar, BARS + 2), length(it.ended.saturating_sub(it.began)), format!("{} {}", doing(it), it.address)]
        })
        .collect();
    let more = if left == 0 { String::new() } else { format!("  and {} shorter ones\n", left) };
    table(&rows) + &more
}

fn crashes(it: &Rehearsal) -> String {
    let bad: Vec<&Crash> = it.crashes.iter().filter(|it| !it.broken.is_empty()).collect();
    let worst = it.crashes.iter().max_by_key(|it| it.again);
    let total: Duration = it.crashes.iter().map(|it| it.again).sum();
    let mean = total.checked_div(u32::try_from(it.crashes.len()).unwrap_or(u32::MAX)).unwrap_or_default();
    let tried = format!("{} of {} instants tried", it.crashes.len(), it.instants);
    let mut out = match bad.is_empty() {
        true => format!("{tried}: one more run puts all in order, every time.\n"),
        false => format!("{tried}; after {} of them one more run does NOT put all in order.\n", bad.len()),
    };
    if let Some(worst) = worst {
        out += &format!(
            "It takes {} on average, {} at most (after a crash at {}); a minute of it is the lease of the dead run.\n\n",
            length(mean),
            length(worst.again),
            length(worst.at)
        );
    }
    let every = it.crashes.len().div_ceil(CRASHES_SHOWN).max(1);
    let shown = it.crashes.iter().enumerate().filter(|(at, it)| at % every == 0 || !it.broken.is_empty()).map(|(_, it)| it);
    let mut rows = vec![["  at", "one more run", "found again", "on its way"].map(str::to_owned)];
    rows.extend(shown.map(|it| {
        let open = match it.broken.as_slice() {
            [] => names(it),
            why => format!("BROKEN: {}", why.join("; ")),
        };
        [format!("  {}", length(it.at)), length(it.again), it.found.to_string(), open]
    }));
    out + &table(&rows)
}

/// What a crash left in the air.
fn names(it: &Crash) -> String {
    let shown: Vec<String> = it.open.iter().take(NAMES_SHOWN).map(|it| it.to_string()).collect();
    match it.open.len() - shown.len() {
        0 if shown.is_empty() => "nothing".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `12,000 of 1,000,000 stories, 640 a second on 8 cores`
pub fn progress(played: u64, of: u64, took: Duration, cores: usize) -> String {
    let rate = (played as f64 / took.as_secs_f64().max(0.001)) as u64;
    format!("{} of {} stories, {} a second on {}", grouped(played), grouped(of), grouped(rate), count(cores, "core"))
}

/// What all of them came to.
pub fn stories(played: u64, runs: usize, crashes: usize, broken: usize) -> String {
    let told = match played {
        1 => "1 story".to_owned(),
        played => format!("{} stories", grouped(played)),
    };
    let (runs, crashes) = (grouped(runs as u64), grouped(crashes as u64));
    let told = format!("{told}: {runs} runs, {crashes} of them ended early");
    match broken {
        0 => format!("{told}; nothing was lost, nothing made twice.\n"),
        broken => format!("{told}; {broken} ended badly.\n"),
    }
}

/// With a comma at every third digit.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut parts: Vec<&str> = Vec::new();
    if first > 0 {
        parts.extend(digits.get(..first));
    }
    parts.extend((first..digits.len()).step_by(3).filter_map(|at| digits.get(at..at + 3)));
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!(stories(1, 3, 1, 0), "1 story: 3 runs, 1 of them ended early; nothing was lost, nothing made twice.\n");
    }
}
