//! What was measured, beside what is allowed.

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
    pub apply: Run,
    pub destroy: Run,
    pub hand_apply: Run,
    pub hand_destroy: Run,
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

/// What a command that changes things may take, beside the client that was written by hand.
fn of_change(command: &str, run: &Run, least: u64, hand: &Run) -> [Option<Target>; 3] {
    let by_hand = table::seconds(hand.took);
    [
        Some(calls(format!("{command}: calls (the least is {least})"), run.calls.total, least * CALLS_PERCENT / 100)),
        Some(time(format!("{command}: time (by hand {by_hand})"), run.took, hand.took.mul_f64(TIME_FACTOR))),
        memory(command, run),
    ]
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
fn median<T: Clone>(all: impl Iterator<Item = T>, took: impl Fn(&T) -> Duration) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_by_key(took);
    all.get(all.len() / 2).cloned()
}

/// The run in the middle, with the most memory that any of them took.
fn median_run<'r>(runs: impl Iterator<Item = &'r Run> + Clone) -> Option<Run> {
    let peak = runs.clone().filter_map(|it| it.peak).max();
    median(runs, |it| it.took).map(|it| Run { peak, ..it.clone() })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [apply, by_hand] = [self.apply.took, self.hand_apply.took].map(table::seconds);
        write!(f, "apply {apply} (by hand {by_hand})")?;
        let [destroy, by_hand] = [self.destroy.took, self.hand_destroy.took].map(table::seconds);
        write!(f, ", destroy {destroy} (by hand {by_hand}), plan {}", table::seconds(self.plan.took))
    }
}

impl Report {
    /// The median of each, if there was any round.
    pub fn of(rounds: &[Self]) -> Option<Self> {
        let all = rounds.iter();
        Some(Self {
            plan: median_run(all.clone().map(|it| &it.plan))?,
            emulators: median(all.clone().map(|it| it.emulators), |it| *it)?,
            apply: median_run(all.clone().map(|it| &it.apply))?,
            destroy: median_run(all.clone().map(|it| &it.destroy))?,
            hand_apply: median_run(all.clone().map(|it| &it.hand_apply))?,
            hand_destroy: median_run(all.map(|it| &it.hand_destroy))?,
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
        let of_apply = of_change("apply", &self.apply, LEAST_TO_CREATE, &self.hand_apply);
        let of_destroy = of_change("destroy", &self.destroy, LEAST_TO_DESTROY, &self.hand_destroy);
        of_plan.into_iter().chain(of_apply).chain(of_destroy).flatten().collect()
    }

    /// How often each action was called.
    pub fn print_calls(&self) {
        let mut rows = vec![["", "plan", "apply", "by hand", "destroy", "by hand"].map(str::to_owned)];
        let runs = [&self.plan, &self.apply, &self.hand_apply, &self.destroy, &self.hand_destroy];
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
