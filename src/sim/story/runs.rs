//! The runs of a story: what troubles each, and the plain one that must put all in order.

use std::time::Duration;

use super::{Command, SECRET, Story};
use crate::address::Mode;
use crate::apply::event::{Failure, Outcome};
use crate::apply::settle;
use crate::plan::{Action, Options};
use crate::remote::{Blocker, Id};
use crate::sim::laws;
use crate::sim::process::Process;
use crate::sim::rng::Rng;
use crate::sim::run::{self, Faults, Interrupt, Scene, Watcher};
use crate::sim::wish::Wish;
use crate::state::IntentAct;

const INTERRUPTS: [Interrupt; 8] = [
    Interrupt::Crash,
    Interrupt::Crash,
    Interrupt::Crash,
    Interrupt::Stop,
    Interrupt::Abandon,
    Interrupt::Pause,
    Interrupt::Sleep,
    Interrupt::Outage,
];
/// How far the clocks of two machines are apart at most, in milliseconds.
const CLOCKS_APART: u64 = 45_000;

impl Story {
    pub(super) fn tell(&mut self, watcher: &mut dyn Watcher) -> Result<(), Vec<String>> {
        // A source of its own: most stories begin from nothing, and are not changed by it.
        if Rng::new(!self.seed).one_in(4) && self.cuts.past {
            self.remember()?;
        }
        self.scene.vault.checks_epoch = watcher.checks_epoch();
        for _ in 0..(1 + self.rng.below(3)).min(self.cuts.rounds) {
            self.rewrite();
            let command = if self.rng.one_in(6) { Command::Destroy } else { Command::Apply };
            self.scene.world.weather.breaks = [0, 0, 8][self.rng.below(3)];
            for _ in 0..self.rng.below(4).min(self.cuts.runs) {
                self.troubled_run(command, watcher)?;
            }
            if self.rng.one_in(8) && self.cuts.strangers {
                self.meet_a_stranger(watcher)?;
            }
            if self.rng.one_in(2) {
                continue;
            }
            self.converge(command, watcher)?;
        }
        self.converge(Command::Apply, watcher)?;
        if self.rng.one_in(3) {
            self.troubled_run(Command::Destroy, watcher)?;
            self.converge(Command::Destroy, watcher)?;
        }
        Ok(())
    }

    /// A run with a name that is taken: fails on that, and leaves what is there alone.
    fn meet_a_stranger(&mut self, watcher: &mut dyn Watcher) -> Result<(), Vec<String>> {
        let Some(address) = self.trespass() else { return Ok(()) };
        self.troubled_run(Command::Apply, watcher)?;
        self.wish.blocks.remove(&address);
        match self.scene.vault.folded.resources.get(&address) {
            Some(record) => Err(vec![format!("{} is somebody else's, and was taken in as {address}", record.id)]),
            None => Ok(()),
        }
    }

    fn faults(&mut self) -> Faults {
        let rng = &mut self.rng;
        let mut odds = |choices: [usize; 3]| choices[rng.below(3)];
        let faults = Faults {
            throttled: odds([0, 10, 4]),
            lost_answer: odds([0, 8, 3]),
            lost_request: odds([0, 20, 8]),
            refused: odds([0, 0, 25]),
            store: odds([0, 12, 4]),
            meddling: odds([0, 30, 6]),
            latency: Duration::from_millis(odds([10, 300, 2_000]) as u64),
        };
        let meddling = if self.cuts.strangers { faults.meddling } else { 0 };
        match self.cuts.faults {
            true => Faults { meddling, ..faults },
            false => Faults { meddling, latency: faults.latency, ..Faults::default() },
        }
    }

    /// A run in bad weather, which may be interrupted anywhere.
    fn troubled_run(&mut self, command: Command, watcher: &mut dyn Watcher) -> Result<(), Vec<String>> {
        let faults = self.faults();
        let mut interrupts = Vec::new();
        if !self.rng.one_in(3) {
            let kind = self.rng.pick(&INTERRUPTS).copied().unwrap_or(Interrupt::Crash);
            interrupts.push((1 + self.rng.below(60), kind));
            if kind == Interrupt::Stop {
                interrupts.push((1 + self.rng.below(80), Interrupt::Abandon));
            }
        }
        if !self.cuts.interrupts {
            interrupts.clear();
        }
        self.run(command, faults, interrupts, watcher)?;
        self.complaints()
    }

    fn complaints(&self) -> Result<(), Vec<String>> {
        let all = [self.scene.world.violations.clone(), self.scene.vault.violations.clone()].concat();
        if all.is_empty() { Ok(()) } else { Err(all) }
    }

    /// One plain run, and what the laws say of the end of all things.
    pub(super) fn converge(&mut self, command: Command, watcher: &mut dyn Watcher) -> Result<(), Vec<String>> {
        self.scene.world.weather.breaks = 0;
        self.scene.world.heal(self.scene.now);
        self.scene.tell(|| "a plain run".into());
        let ended = self.plain_run(command, watcher)?;
        if !went_through(&ended) && !self.is_blocked_by_late_ones(&ended) {
            return Err(vec![format!("a plain run did not go through: {ended:?}")]);
        }
        // Late requests of dead runs arrive until their signatures lapse; the next run finds what they made, as soon as it can be
        // seen, whatever its clock says.
        let watched = !self.scene.vault.folded.intents.is_empty();
        let window = Duration::from_secs(settle::WATCH_SECONDS + 60) + Duration::from_millis(CLOCKS_APART);
        self.scene.advance(self.scene.now + window.max(self.scene.world.weather.slow));
        if watched {
            self.scene.tell(|| "a plain run after the window".into());
            let ended = self.plain_run(command, watcher)?;
            if !went_through(&ended) {
                return Err(vec![format!("a plain run after the window did not go through: {ended:?}")]);
            }
            self.scene.advance(self.scene.now + self.scene.world.weather.slow);
        }
        let state = self.scene.vault.folded.clone();
        let mut broken = laws::check_end(&self.scene, &state);
        match run::plan(&self.scene, &mut self.wish, &state, &options(command)) {
            Err(why) => broken.push(format!("{why:?}")),
            Ok(run::Made { planned: again, .. }) => {
                let noop = |it: &crate::plan::Change| it.action == Action::Noop;
                let changes = again.plan.changes.iter().filter(|it| !noop(it));
                broken
                    .extend(changes.map(|it| format!("planned again: {} {:?} because {:?}", it.address, it.action, it.reasons)));
                broken
                    .extend(again.plan.steps.iter().map(|it| format!("planned again: a step for {}: {:?}", it.address, it.act)));
            }
        }
        let all = &self.scene.world.things;
        if !["foreign-theirs", "sim_named/n0", "sim_bare/n1"].into_iter().all(|it| all.contains_key(&Id::new(it))) {
            broken.push("something of somebody else's is gone".into());
        }
        self.told.things = self.told.things.max(state.resources.len());
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    /// Whether nothing failed but deletions that something is in the way of which arrived while they were made: a creation of a
    /// dead run, which is watched for, and which the run after the window finds.
    fn is_blocked_by_late_ones(&self, ended: &Outcome) -> bool {
        let intents = self.scene.vault.folded.intents.values().filter(|it| it.watched_until.is_some());
        let watched: Vec<&str> = intents
            .filter_map(|it| match &it.act {
                IntentAct::Create { token, .. } => Some(token.as_str()),
                IntentAct::Update { .. } | IntentAct::Delete { .. } => None,
            })
            .collect();
        let things = &self.scene.world.things;
        let is_late = |blocker: &Blocker| {
            let token = things.get(&Id::new(blocker.what.as_str())).and_then(|it| it.token.as_deref());
            token.is_some_and(|it| watched.contains(&it))
        };
        !ended.stopped
            && !ended.failed.is_empty()
            && ended.failed.iter().all(|(_, it)| match it {
                Failure::Blocked { blockers, .. } => !blockers.is_empty() && blockers.iter().all(is_late),
                _ => false,
            })
    }

    fn plain_run(&mut self, command: Command, watcher: &mut dyn Watcher) -> Result<Outcome, Vec<String>> {
        let faults = Faults { latency: Duration::from_millis(100), ..Faults::default() };
        let mut outcome = self.run(command, faults, Vec::new(), watcher)?;
        // What a data source said only then is a change that nobody was shown: the next plan shows it, once for each of them.
        let sources = self.wish.blocks.keys().filter(|it| it.mode() == Mode::Data).count();
        for _ in 0..sources {
            if !outcome.as_ref().is_some_and(|it| !it.failed.is_empty() && it.failed.iter().all(|(_, why)| is_news(why))) {
                break;
            }
            outcome = self.run(command, faults, Vec::new(), watcher)?;
        }
        outcome.ok_or_else(|| vec!["a plain run came to no end".into()])
    }

    pub(super) fn run(
        &mut self,
        command: Command,
        faults: Faults,
        interrupts: Vec<(usize, Interrupt)>,
        watcher: &mut dyn Watcher,
    ) -> Result<Option<Outcome>, Vec<String>> {
        self.told.runs += 1;
        self.scene.ahead = self.rng.below(CLOCKS_APART as usize) as u64;
        let recorded = &self.scene.vault.folded.resources;
        self.wish.imports.retain(|it| !recorded.contains_key(&it.to) && self.wish.blocks.contains_key(&it.to));
        let concurrency = 1 + self.rng.below(8);
        let pauses = interrupts.iter().any(|(_, it)| *it == Interrupt::Pause);
        let mut second = if pauses { self.wish.clone() } else { Wish::default() };
        let mut trouble = Vec::new();
        let mut meanwhile = |scene: &mut Scene| {
            let calm = Faults { latency: Duration::from_millis(100), ..Faults::default() };
            let mut nobody = run::Nobody;
            let it = process(command, calm, Vec::new(), 4, &mut nobody);
            if let Err(why) = it.run(scene, &mut second) {
                trouble.extend(why);
            }
        };
        let it = process(command, faults, interrupts, concurrency, watcher);
        let it = Process { meanwhile: Some(&mut meanwhile), ..it };
        let outcome = it.run(&mut self.scene, &mut self.wish)?.outcome;
        if !trouble.is_empty() {
            return Err(trouble);
        }
        if outcome.as_ref().is_some_and(|it| !it.failed.is_empty() && format!("{:?}", it.failed).contains(SECRET)) {
            return Err(vec!["a secret in clear in what a run says of its end".into()]);
        }
        self.told.crashes += usize::from(outcome.is_none());
        Ok(outcome)
    }
}

fn went_through(outcome: &Outcome) -> bool {
    outcome.failed.is_empty() && outcome.skipped.is_empty() && !outcome.stopped
}

fn is_news(failure: &Failure) -> bool {
    matches!(failure, Failure::MustBeReplaced { .. })
}

fn options(command: Command) -> Options {
    Options { destroy: command == Command::Destroy, ..Options::default() }
}

fn process<'p>(
    command: Command,
    faults: Faults,
    interrupts: Vec<(usize, Interrupt)>,
    concurrency: usize,
    watcher: &'p mut dyn Watcher,
) -> Process<'p> {
    Process { options: options(command), faults, interrupts, concurrency, rates: None, watcher, meanwhile: None }
}
