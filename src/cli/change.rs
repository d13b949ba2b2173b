//! Making it so: under the lock, settle what was left open, plan, show, ask, carry out, and say what came of it.

mod approve;
mod goal;
mod saved;
mod unwritten;

use std::time::Duration;

pub use goal::Goal;

use super::args::{Carrying, Format, Selection};
use super::call::Call;
use super::connect::{Connected, Locked};
use super::desired;
use super::exit::{Ended, Exit};
use super::ledger::{self, Ledger};
use super::look;
use super::world::Nature;
use super::{guard, output, plan, planning};
use crate::address::Address;
use crate::apply::drive::{self, Edge};
use crate::apply::event::{Event, Failure, Outcome};
use crate::apply::{Mint, Pace};
use crate::cloud::aws::mutation_attempt;
use crate::diag::Diagnostic;
use crate::plan::{Deferred, Former, Observed, Options, Plan, Planned};
use crate::report::progress::{self, Progress};
use crate::report::{fault, json, value};
use crate::stack::desired::Configuration;
use crate::state::State;
use crate::state::ledger::{Beginning, RunRecord, RunResult};
use crate::store::{Session, StoreError};
use crate::value::Sealer;

/// What is wanted.
pub struct Change {
    pub goal: Goal,
    pub selection: Selection,
    pub carrying: Carrying,
}

/// Takes the lock, changes what is to be changed, and gives the lock back unless a call may still be under way.
pub async fn run(call: &mut Call, mut connected: Connected, change: Change) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let began = call.world.nature.now();
    let ahead = (change.selection.refresh && change.goal.looks_ahead()).then(|| change.goal.depth());
    let Locked { mut session, state, seen, runs } = connected.lock(call, change.goal.command(), &change.carrying, ahead).await?;
    connected.clouds.fence().guard(session.gate(), mutation_attempt(session.lease()));
    if let Err(error) = ledger::close_former(&*connected.store, &mut *session).await {
        call.complain(&[unnoted(&error)]);
    }
    let beginning = Beginning {
        stack: connected.stack.name.clone(),
        run: connected.run().to_owned(),
        epoch: session.epoch(),
        command: format!("infra {} {}", change.goal.command(), connected.stack.name),
        caller: Some(connected.caller.clone()),
        by: call.world.nature.whoami(),
        commit: call.world.nature.commit(&connected.stack.root),
        at: began,
    };
    let mut run = Run {
        call,
        connected: &mut connected,
        session: &mut *session,
        change: &change,
        ahead: seen,
        ledger: Ledger::new(beginning, runs),
        total: Outcome::default(),
        quiet: true,
        began,
    };
    let ended = run.all(state).await;
    let Run { total, quiet, ledger, .. } = run;
    let (now, kept) = (call.world.nature.now(), connected.stack.settings.runs_kept);
    if let Err(error) = ledger.end(&mut *session, result(&ended, &total), now, kept).await {
        call.complain(&[unnoted(&error)]);
    }
    // A session that is only dropped keeps the lock until its lease runs out: the next run then knows of calls under way.
    if quiet && let Err(error) = session.release().await {
        call.complain(&connected.refused(call, &error).diagnostics);
    }
    match call.format {
        Format::Json => progress::write_summary(&call.world.stdout, &total),
        Format::Text | Format::Markdown if total != Outcome::default() => {
            call.print(&format!("\n{}", progress::summary(change.goal.done(), &total, call.out_style())));
        }
        Format::Text | Format::Markdown => {}
    }
    ended
}

/// How the run went, for its record.
fn result(ended: &Ended, total: &Outcome) -> RunResult {
    match ended {
        Ok(Exit::Done | Exit::Changes) => RunResult::Done,
        Ok(Exit::Partly) => RunResult::Partly,
        Ok(Exit::Interrupted) => RunResult::Interrupted,
        Ok(Exit::Failed | Exit::Usage) | Err(_) if total.done > 0 => RunResult::Partly,
        Ok(Exit::Failed | Exit::Usage) | Err(_) => RunResult::Failed,
    }
}

fn unnoted(error: &StoreError) -> Diagnostic {
    Diagnostic::warning("unnoted", "what this run does is not fully on record").detail(error.to_string())
}

fn teller(call: &Call) -> Progress {
    match call.format {
        Format::Json => Progress::json(call.world.stdout.clone()),
        Format::Text | Format::Markdown if call.world.terminal.stderr && !call.world.is_unattended() => {
            Progress::live(call.world.stderr.clone(), call.err_style())
        }
        Format::Text | Format::Markdown => Progress::plain(call.world.stderr.clone(), call.err_style()),
    }
}

/// Hears a round: for people, and for the record.
struct Hearing<'a> {
    progress: Progress,
    ledger: &'a mut Ledger,
    /// Where nothing is left for another round: who tells the time.
    last: Option<&'a dyn Nature>,
}

impl drive::Listener for Hearing<'_> {
    fn hear(&mut self, event: Event) {
        self.progress.tell(&event);
        self.ledger.hear(&event);
    }

    fn conclude(&mut self, outcome: &Outcome, serial: u64) -> Option<RunRecord> {
        let went_well = outcome.failed.is_empty() && outcome.skipped.is_empty() && !outcome.stopped;
        let nature = self.last.filter(|_| went_well)?;
        Some(self.ledger.conclude(nature.now(), serial))
    }
}

struct Run<'a> {
    call: &'a mut Call,
    connected: &'a mut Connected,
    session: &'a mut dyn Session,
    change: &'a Change,
    /// What was seen while the lock was taken, for the first round.
    ahead: Option<Observed>,
    ledger: Ledger,
    /// Of all rounds.
    total: Outcome,
    /// No call can still be under way.
    quiet: bool,
    /// Milliseconds since 1970.
    began: u64,
}

impl Run<'_> {
    async fn all(&mut self, state: State) -> Ended {
        let sealer = self.connected.sealer(self.call).await?;
        let mut state = self.settle(state).await?;
        let seed =
            drive::seed().map_err(|error| Diagnostic::error("io", "there are no random numbers").detail(error.to_string()))?;
        let mut mint = Mint::new(self.session.epoch(), seed);
        let mut options = planning::options(self.connected, &self.change.selection)?;
        if let Goal::Nothing { purge } = &self.change.goal {
            options = Options { destroy: true, purge: purge.clone(), max_deletes: None, ..options };
        }
        match &self.change.goal {
            Goal::Files | Goal::Saved(_) | Goal::Found | Goal::Taken => state.commit = self.ledger.commit(),
            Goal::Former(version) => {
                let former = Former::new(version, &state, &*self.connected.stack.catalog)?;
                let declared = former.instances().iter().map(|(address, it)| (address.clone(), it.clone().into()));
                self.connected.stack.declared = declared.collect();
                self.connected.former = Some(former);
                state.commit = version.commit.clone();
            }
            Goal::Nothing { .. } => {}
        }
        let mut rounds = 0;
        loop {
            let (planned, observed) = self.plan(&mut state, &options, &sealer).await?;
            self.call.complain(&planned.diagnostics);
            let plan = &planned.plan;
            self.show(&planned, rounds);
            if plan.steps.is_empty() && plan.outputs.is_empty() {
                return Ok(if plan.deferred.is_empty() { Exit::Done } else { self.deferred(&plan.deferred) });
            }
            self.check_credentials(plan).await?;
            if !plan::is_empty(plan) && !approve::ask(self.call, plan, self.change, self.connected.stack.settings.confirm)? {
                self.call.tell("Nothing was changed.\n");
                return Ok(Exit::Failed);
            }
            let deferred = planned.plan.deferred.clone();
            let (outcome, after) = self.carry_out(*planned, observed, state, &sealer, &mut mint).await?;
            state = after;
            if let Some(exit) = self.ended(outcome) {
                return Ok(exit);
            }
            if deferred.is_empty() {
                self.finish(state).await?;
                return Ok(Exit::Done);
            }
            let may_go_on = matches!(self.change.goal, Goal::Files)
                && (!self.change.carrying.auto_approve || self.change.carrying.allow_deferred);
            if !may_go_on {
                return Ok(self.deferred(&deferred));
            }
            rounds += 1;
        }
    }

    /// Finds out what became of what former runs had begun.
    async fn settle(&mut self, state: State) -> Ended<State> {
        let state = unwritten::take_in(self.call, self.connected, self.session, state).await?;
        let (pace, settles) = (self.pace(), self.connected.stack.catalog.settles());
        let mut hearing = Hearing { progress: teller(self.call), ledger: &mut self.ledger, last: None };
        let mut edge = Edge {
            cloud: &self.connected.clouds,
            session: &mut *self.session,
            types: &*self.connected.stack.catalog,
            settles,
            pace,
            interrupts: &mut self.call.world.interrupts,
            tell: &mut hearing,
        };
        let settled = drive::settle(&mut edge, state).await;
        hearing.progress.finish();
        settled.map_err(|failures| failures.iter().map(|(address, it)| unsettled(address, it)).collect::<Vec<_>>().into())
    }

    async fn plan(&mut self, state: &mut State, options: &Options, sealer: &Sealer) -> Ended<(Box<Planned>, Observed)> {
        if let Goal::Saved(file) = &self.change.goal {
            return saved::load(self.connected, state, file, options, sealer).await;
        }
        let mut observed = Observed::default();
        if self.change.selection.refresh {
            observed = match self.ahead.take() {
                Some(seen) => seen,
                None => planning::look(self.connected, state, self.change.goal.depth()).await?,
            };
        }
        if self.change.goal.is_destruction() {
            // It says what is to be looked at, which was the last time.
            self.connected.stack.declared.clear();
        }
        look::contents(&self.connected.clouds, state, &options.purge, &mut observed).await?;
        let planned = planning::plan(self.connected, state, &mut observed, options, sealer).await?;
        Ok((planned, observed))
    }

    fn show(&self, planned: &Planned, round: usize) {
        match self.call.format {
            Format::Json => {
                let plan = json::plan(&planned.plan, &planned.withheld, self.call, self.change.selection.all);
                let event = serde_json::json!({ "event": "planned", "round": round, "plan": plan });
                self.call.print(&format!("{event}\n"));
            }
            Format::Text | Format::Markdown => {
                if round > 0 {
                    self.call.print("\nWhat was deferred is known now:\n\n");
                }
                plan::show(self.call, planned, &self.change.selection);
            }
        }
    }

    async fn check_credentials(&self, plan: &Plan) -> Ended<()> {
        let ends = self.connected.credentials_end().await?;
        guard::credentials(ends, self.call.world.nature.now(), expected_millis(plan))
    }

    /// Of what was shown and approved, nothing is kept but the steps: a run may be long.
    async fn carry_out(
        &mut self,
        planned: Planned,
        observed: Observed,
        state: State,
        sealer: &Sealer,
        mint: &mut Mint,
    ) -> Ended<(Outcome, State)> {
        let pace = self.pace();
        let settles = self.connected.stack.catalog.settles();
        let opening = self.ledger.begin(&planned.plan, self.call.world.nature.now());
        let Planned { plan: Plan { steps, deferred, .. }, instances, .. } = planned;
        let is_destruction = self.change.goal.is_destruction();
        let Connected { clouds, stack, former, .. } = &mut *self.connected;
        if is_destruction {
            stack.program.reset();
        }
        let mut hearing = Hearing {
            progress: teller(self.call),
            ledger: &mut self.ledger,
            last: deferred.is_empty().then(|| &*self.call.world.nature),
        };
        let mut edge = Edge {
            cloud: &*clouds,
            session: &mut *self.session,
            types: &*stack.catalog,
            settles,
            pace,
            interrupts: &mut self.call.world.interrupts,
            tell: &mut hearing,
        };
        let work = drive::Run {
            steps,
            instances,
            configuration: desired::desired(former, &mut stack.program),
            // What goes is evaluated no more.
            observed: if is_destruction { Observed::default() } else { observed },
            state,
            opening,
            sealer,
            mint,
            waits_for_twins: is_destruction,
        };
        let ended = drive::drive(&mut edge, work).await;
        hearing.progress.finish();
        let ended = ended.map_err(|error| {
            Diagnostic::error("bug", "this is a bug in infra: the plan cannot be carried out").detail(error.to_string())
        })?;
        self.quiet &= ended.quiet;
        if let Some(error) = &ended.unnoted {
            self.ledger.unconcluded();
            self.call.complain(&[unnoted(error)]);
        }
        unwritten::keep(self.call, self.connected, &ended.state, &ended.unwritten);
        Ok((ended.outcome, ended.state))
    }

    /// How it ended, if it ended here. Takes the outcome into the total.
    fn ended(&mut self, outcome: Outcome) -> Option<Exit> {
        let failed = !outcome.failed.is_empty();
        let stopped = outcome.stopped;
        let total = &mut self.total;
        total.done += outcome.done;
        total.failed.extend(outcome.failed);
        total.skipped.extend(outcome.skipped);
        total.stopped |= stopped;
        total.took += outcome.took;
        match (failed, stopped) {
            (_, true) if total.failed.is_empty() => Some(Exit::Interrupted),
            (true, _) | (_, true) if total.done > 0 => Some(Exit::Partly),
            (true, _) | (_, true) => Some(Exit::Failed),
            (false, false) => None,
        }
    }

    /// What is deferred is not carried out in this run.
    fn deferred(&self, blocks: &[Deferred]) -> Exit {
        let names: Vec<String> = blocks.iter().map(|it| it.address.to_string()).collect();
        self.call.complain(&[Diagnostic::warning("deferred", format!("not everything was carried out: {}", value::few(&names)))
            .detail("It could only be planned once other things were known, so the plan that was approved did not show it.")
            .help(format!("infra plan {}, and apply again; or --allow-deferred", self.connected.stack.name))]);
        Exit::Partly
    }

    /// Everything that was wanted is done.
    async fn finish(&mut self, mut state: State) -> Ended<()> {
        if !self.change.goal.is_destruction() {
            self.print_outputs(&state);
        } else if state.resources.is_empty() && !state.outputs.is_empty() {
            // Outputs tell of things that are gone.
            state.outputs.clear();
            self.session.save(&state).await.map_err(|it| self.connected.refused(self.call, &it))?;
        }
        Ok(())
    }

    fn print_outputs(&self, state: &State) {
        if self.call.format != Format::Text || state.outputs.is_empty() {
            return;
        }
        self.call.print(&format!("\n{}", output::listed(&state.outputs)));
    }

    fn pace(&self) -> Pace {
        let carrying = &self.change.carrying;
        let elapsed = Duration::from_millis(self.call.world.nature.now().saturating_sub(self.began));
        Pace {
            concurrency: usize::from(carrying.parallelism),
            deadline: carrying.deadline.map(|it| it.saturating_sub(elapsed)),
            scale: patience(self.call),
            ..Pace::default()
        }
    }
}

/// Tests against a cloud that is never slow scale all patience down.
fn patience(call: &Call) -> f64 {
    let scale = call.world.var("INFRA_PATIENCE").and_then(|it| it.parse::<f64>().ok());
    scale.filter(|it| *it > 0.0 && *it <= 1.0).unwrap_or(1.0)
}

fn unsettled(address: &Address, failure: &Failure) -> Diagnostic {
    let diagnostic = match failure {
        Failure::Fault { fault } => fault::of_cloud(fault),
        other => Diagnostic::error("unsettled", "what a former run had begun could not be settled").detail(other.to_string()),
    };
    diagnostic.address(address.clone()).note("nothing is planned before it is known what became of it; repeat the command")
}

/// The longest path through the steps: what the run takes at least.
fn expected_millis(plan: &Plan) -> u64 {
    let mut ends: Vec<u64> = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let needs = step.needs.iter().filter_map(|it| ends.get(usize::try_from(it.step.0).unwrap_or(usize::MAX)));
        let start = needs.copied().max().unwrap_or(0);
        ends.push(start.saturating_add(step.expected_millis));
    }
    ends.into_iter().max().unwrap_or(0)
}
