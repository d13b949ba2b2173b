//! [`Process`]: one process, from taking the lock to giving it back or dying: settle, plan, carry out.

use std::time::Duration;

use super::rates::Rates;
use super::run::{self, Drive, End, Faults, Interrupt, LEASE, Scene, Watcher};
use crate::apply::Pace;
use crate::apply::event::Outcome;
use crate::plan::{Options, Step};
use crate::stack::desired::Configuration;

/// What it shall do, and what comes in between.
pub struct Process<'p> {
    pub options: Options,
    pub faults: Faults,
    pub interrupts: Vec<(usize, Interrupt)>,
    pub concurrency: usize,
    pub rates: Option<Rates>,
    pub watcher: &'p mut dyn Watcher,
    /// What happens while it stands still.
    pub meanwhile: Option<&'p mut dyn FnMut(&mut Scene)>,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Ran {
    /// Nothing when it died on the way, or could not begin.
    pub outcome: Option<Outcome>,
    /// What was to be done, when it came to planning.
    pub steps: Vec<Step>,
    /// Calls and commits that were carried out or answered.
    pub happened: usize,
}

impl Process<'_> {
    /// The error is what breaks a law.
    pub fn run(self, scene: &mut Scene, configuration: &mut dyn Configuration) -> Result<Ran, Vec<String>> {
        if scene.vault.is_held() {
            // A waiter takes over after a whole lease seen unchanged.
            scene.advance(scene.now + LEASE + Duration::from_secs(1));
        }
        let Some(taken) = scene.vault.take(scene.now) else { return Err(scene.vault.violations.clone()) };
        scene.tell(|| format!("a run takes the lock: epoch {}", taken.epoch));
        let Self { options, faults, interrupts, concurrency, rates, watcher, meanwhile } = self;
        let (settles_open, lease_until) = (watcher.settles_open(), scene.now + LEASE);
        let mut drive =
            Drive { epoch: taken.epoch, faults, interrupts, watcher, meanwhile, lease_until, rates, outage: false, happened: 0 };
        let mut state = taken.state;
        let mut ran = Ran::default();
        if settles_open && !state.intents.is_empty() {
            let (end, settled, failures) = run::settle_open(scene, &mut drive, state, taken.abandoned);
            ran.happened = drive.happened;
            match end {
                End::Crashed => return Ok(ran),
                End::Stuck => return Err(vec!["settling is stuck".into()]),
                End::Finished => {}
            }
            if !failures.is_empty() || scene.vault.holder() != taken.epoch {
                scene.tell(|| format!("settling failed: {failures:?}"));
                scene.vault.give_back(taken.epoch);
                return Ok(ran);
            }
            state = settled;
        }
        let made = run::plan(scene, configuration, &state, &options).map_err(|why| vec![format!("{why:?}")])?;
        ran.steps.clone_from(&made.planned.plan.steps);
        scene.tell(|| {
            let steps = ran.steps.iter().map(|it| format!("{} {}", crate::plan::doing(&it.act), it.address));
            format!("planned: {}", steps.collect::<Vec<_>>().join(", "))
        });
        let pace = Pace { concurrency, ..Pace::default() };
        let (end, outcome) = run::carry_out(scene, &mut drive, configuration, state, made, pace).map_err(|why| vec![why])?;
        ran.happened = drive.happened;
        ran.outcome = (end == End::Finished).then_some(outcome);
        Ok(ran)
    }
}
