//! What was measured, beside what is allowed.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Style};

use super::Hand;
use super::by_hand::{LEAST_TO_CREATE, LEAST_TO_DESTROY};
use super::child::Run;
use crate::table;

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

pub struct Report {
    pub plan: Run,
    /// What the emulators took for the reads of a plan.
    pub emulators: Duration,
    pub apply: Run,
    pub destroy: Run,
    pub hand_apply: Hand,
    pub hand_destroy: Hand,
}

/// One measured quantity with its limit.
struct Target {
    what: &'static str,
    measured: String,
    allowed: String,
    met: bool,
    /// What the limit comes from.
    note: String,
}

fn calls(what: &'static str, measured: u64, allowed: u64, note: String) -> Target {
    Target { what, measured: measured.to_string(), allowed: allowed.to_string(), met: measured <= allowed, note }
}

fn time(what: &'static str, measured: Duration, allowed: Duration, note: String) -> Target {
    Target { what, measured: table::seconds(measured), allowed: table::seconds(allowed), met: measured <= allowed, note }
}

fn memory(what: &'static str, run: &Run) -> Option<Target> {
    let peak = run.peak?;
    let megabytes = |bytes: u64| format!("{} MB", bytes.div_ceil(1_000_000));
    Some(Target { what, measured: megabytes(peak), allowed: megabytes(MEMORY), met: peak <= MEMORY, note: String::new() })
}

impl Report {
    fn targets(&self) -> Vec<Target> {
        let Self { plan, emulators, apply, destroy, hand_apply, hand_destroy } = self;
        let of_least = |least: u64| least * CALLS_PERCENT / 100;
        let least = |least: u64| format!("the least is {least}");
        let by_hand = |hand: &Hand| format!("by hand {}", table::seconds(hand.took));
        let plan_note = format!("beyond the emulators' {}", table::seconds(*emulators));
        let targets = [
            Some(calls("plan without changes: calls", plan.calls.total, PLAN_CALLS, String::new())),
            Some(time("plan without changes: time", plan.took.saturating_sub(*emulators), PLAN_TIME, plan_note)),
            memory("plan without changes: memory", plan),
            Some(calls("apply: calls", apply.calls.total, of_least(LEAST_TO_CREATE), least(LEAST_TO_CREATE))),
            Some(time("apply: time", apply.took, hand_apply.took.mul_f64(TIME_FACTOR), by_hand(hand_apply))),
            memory("apply: memory", apply),
            Some(calls("destroy: calls", destroy.calls.total, of_least(LEAST_TO_DESTROY), least(LEAST_TO_DESTROY))),
            Some(time("destroy: time", destroy.took, hand_destroy.took.mul_f64(TIME_FACTOR), by_hand(hand_destroy))),
            memory("destroy: memory", destroy),
        ];
        targets.into_iter().flatten().collect()
    }

    pub fn missed(&self) -> usize {
        self.targets().iter().filter(|target| !target.met).count()
    }

    pub fn print(&self) {
        anstream::println!("\nTargets\n");
        let mut rows = vec![["", "measured", "at most", "", ""].map(str::to_owned)];
        rows.extend(self.targets().into_iter().map(|it| {
            let verdict = if it.met { format!("{MET}met{MET:#}") } else { format!("{MISSED}missed{MISSED:#}") };
            [it.what.to_owned(), it.measured, it.allowed, verdict, it.note]
        }));
        table::print(&rows);

        anstream::println!("\nCalls: infra, and by hand\n");
        let mut rows = vec![["", "plan", "apply", "by hand", "destroy", "by hand"].map(str::to_owned)];
        let columns =
            [&self.plan.calls, &self.apply.calls, &self.hand_apply.calls, &self.destroy.calls, &self.hand_destroy.calls];
        let names: BTreeSet<&String> = columns.iter().flat_map(|count| count.calls.keys()).collect();
        let count = |number: u64| if number == 0 { String::new() } else { number.to_string() };
        for name in names {
            let [plan, apply, hand_apply, destroy, hand_destroy] = columns.map(|column| count(column.of(name)));
            rows.push([name.clone(), plan, apply, hand_apply, destroy, hand_destroy]);
        }
        let state = [&self.plan, &self.apply, &self.destroy].map(|run| count(run.state_calls));
        let [plan, apply, destroy] = state;
        rows.push(["state, lock and journal, apart".to_owned(), plan, apply, String::new(), destroy, String::new()]);
        let flight = [&self.plan, &self.apply, &self.destroy].map(|run| run.most_in_flight.to_string());
        let [plan, apply, destroy] = flight;
        rows.push(["most at once".to_owned(), plan, apply, String::new(), destroy, String::new()]);
        table::print(&rows);
    }
}
