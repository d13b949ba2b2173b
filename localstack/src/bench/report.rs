//! What was measured, beside what is allowed.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Style};

use super::by_hand::{LEAST_TO_CREATE, LEAST_TO_DESTROY};
use super::child::Run;
use crate::{Failure, table};

/// A plan without changes: calls, at AWS's page sizes.
const PLAN_CALLS: u64 = 14;
/// Beyond what the emulators themselves need for its calls.
const PLAN_TIME: Duration = Duration::from_millis(1500);
/// Of the least possible number of calls, in percent.
const CALLS_PERCENT: u64 = 115;
/// Of the time of the client that was written by hand.
const TIME_FACTOR: f64 = 1.3;
/// In bytes, for every command.
const MEMORY: u64 = 60_000_000;

const MET: Style = AnsiColor::Green.on_default();
const MISSED: Style = AnsiColor::Red.on_default().bold();

/// Of one round, or of several.
pub struct Report {
    pub plan: Run,
    /// What the emulators took for the reads of a plan.
    pub emulators: Duration,
    pub apply: Change,
    pub destroy: Change,
}

/// A command that changes things, and the client that was written by hand at the same.
pub struct Change {
    infra: Run,
    hand: Run,
    /// The time of the one as a part of the other's; of several rounds the median of theirs.
    factor: f64,
}

/// One measured quantity with its limit.
pub struct Target {
    what: String,
    measured: String,
    allowed: String,
    met: bool,
}

fn calls(what: String, measured: u64, allowed: u64) -> Target {
    Target { what, measured: measured.to_string(), allowed: allowed.to_string(), met: measured <= allowed }
}

pub fn time(what: String, measured: Duration, allowed: Duration) -> Target {
    Target { what, measured: table::seconds(measured), allowed: table::seconds(allowed), met: measured <= allowed }
}

fn memory(command: &str, run: &Run) -> Option<Target> {
    let peak = run.peak?;
    let megabytes = |bytes: u64| format!("{} MB", bytes.div_ceil(1_000_000));
    let what = format!("{command}: most memory at once");
    Some(Target { what, measured: megabytes(peak), allowed: megabytes(MEMORY), met: peak <= MEMORY })
}

impl Change {
    pub fn new(infra: Run, hand: Run) -> Self {
        let factor = infra.took.as_secs_f64() / hand.took.as_secs_f64();
        Self { infra, hand, factor }
    }

    /// The median of each.
    fn of<'c>(all: impl Iterator<Item = &'c Self> + Clone) -> Option<Self> {
        let infra = median_run(all.clone().map(|it| &it.infra))?;
        let hand = median_run(all.clone().map(|it| &it.hand))?;
        Some(Self { infra, hand, factor: median(all.map(|it| it.factor), f64::total_cmp)? })
    }

    /// What it may take, beside the client that was written by hand.
    fn targets(&self, command: &str, least: u64) -> [Option<Target>; 3] {
        let [took, by_hand] = [&self.infra, &self.hand].map(|it| table::seconds(it.took));
        let beside = Target {
            what: format!("{command}: {took}, as a part of the {by_hand} by hand"),
            measured: format!("{:.2}", self.factor),
            allowed: format!("{TIME_FACTOR:.2}"),
            met: self.factor <= TIME_FACTOR,
        };
        let made = self.infra.calls.total;
        [
            Some(calls(format!("{command}: calls (the least is {least})"), made, least * CALLS_PERCENT / 100)),
            Some(beside),
            memory(command, &self.infra),
        ]
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [took, by_hand] = [&self.infra, &self.hand].map(|it| table::seconds(it.took));
        write!(f, "{took} (by hand {by_hand}: {:.2})", self.factor)
    }
}

/// Whether they were met, in colour.
pub fn print(targets: &[Target]) {
    let mut rows = vec![["", "measured", "at most", ""].map(str::to_owned)];
    rows.extend(targets.iter().map(|it| {
        let verdict = if it.met { "met" } else { "missed" };
        [it.what.clone(), it.measured.clone(), it.allowed.clone(), verdict.to_owned()]
    }));
    let styles = [Style::new()].into_iter().chain(targets.iter().map(|it| if it.met { MET } else { MISSED }));
    for (line, style) in table::lines(&rows).into_iter().zip(styles) {
        anstream::println!("  {style}{line}{style:#}");
    }
}

/// A failure if any was missed.
pub fn verdict(targets: &[Target]) -> Result<(), Failure> {
    match targets.iter().filter(|target| !target.met).count() {
        0 => Ok(()),
        1 => Err("one target is missed".into()),
        many => Err(format!("{many} targets are missed").into()),
    }
}

/// The one in the middle.
fn median<T: Clone>(all: impl Iterator<Item = T>, compare: impl Fn(&T, &T) -> Ordering) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_by(compare);
    all.get(all.len() / 2).cloned()
}

/// The run in the middle, with the most memory that any of them took.
fn median_run<'r>(runs: impl Iterator<Item = &'r Run> + Clone) -> Option<Run> {
    let peak = runs.clone().filter_map(|it| it.peak).max();
    median(runs, |a, b| a.took.cmp(&b.took)).map(|it| Run { peak, ..it.clone() })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "apply {}, destroy {}, plan {}", self.apply, self.destroy, table::seconds(self.plan.took))
    }
}

impl Report {
    /// The median of each, if there was any round.
    pub fn of(rounds: &[Self]) -> Option<Self> {
        let all = rounds.iter();
        Some(Self {
            plan: median_run(all.clone().map(|it| &it.plan))?,
            emulators: median(all.clone().map(|it| it.emulators), Duration::cmp)?,
            apply: Change::of(all.clone().map(|it| &it.apply))?,
            destroy: Change::of(all.map(|it| &it.destroy))?,
        })
    }

    pub fn targets(&self) -> Vec<Target> {
        let (plan, emulators) = (&self.plan, self.emulators);
        let beyond = format!("plan without changes: time beyond the emulators' {}", table::seconds(emulators));
        let of_plan = [
            Some(calls("plan without changes: calls".to_owned(), plan.calls.total, PLAN_CALLS)),
            Some(time(beyond, plan.took.saturating_sub(emulators), PLAN_TIME)),
            memory("plan without changes", plan),
        ];
        let of_apply = self.apply.targets("apply", LEAST_TO_CREATE);
        let of_destroy = self.destroy.targets("destroy", LEAST_TO_DESTROY);
        of_plan.into_iter().chain(of_apply).chain(of_destroy).flatten().collect()
    }

    /// How often each action was called.
    pub fn print_calls(&self) {
        let mut rows = vec![["", "plan", "apply", "by hand", "destroy", "by hand"].map(str::to_owned)];
        let (apply, destroy) = (&self.apply, &self.destroy);
        let runs = [&self.plan, &apply.infra, &apply.hand, &destroy.infra, &destroy.hand];
        let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.calls.calls.keys()).collect();
        let count = |number: u64| if number == 0 { String::new() } else { number.to_string() };
        let mut row = |name: &str, of: &dyn Fn(&Run) -> u64| {
            let [plan, apply, hand_apply, destroy, hand_destroy] = runs.map(|run| count(of(run)));
            rows.push([name.to_owned(), plan, apply, hand_apply, destroy, hand_destroy]);
        };
        for name in names {
            row(name, &|run| run.calls.of(name));
        }
        row("state, lock and journal, apart", &|run| run.state_calls);
        row("most at once", &|run| run.most_in_flight);
        table::print(&rows);
    }
}
