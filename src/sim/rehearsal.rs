//! A stack of the user's, played from nothing over a cloud that behaves as its types say: how long it takes, what it waits
//! for, and what a crash at any point costs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::laws;
use super::process::{Process, Ran};
use super::rates::Rates;
use super::rng::Rng;
use super::run::{self, Faults, Interrupt, Nobody, Scene, Watcher};
use super::vault::Vault;
use super::world::{Weather, World};
use crate::address::{Address, StackName};
use crate::apply::event::{Doing, Event, Failure};
use crate::apply::{Answer, Effect};
use crate::diag::Diagnostic;
use crate::plan::{Act, Options, Step};
use crate::remote::Settle;
use crate::schema::Types;
use crate::stack::desired::Configuration;
use crate::state::{IntentAct, Lineage, State};

/// There and back, at most each.
const LATENCY: Duration = Duration::from_millis(75);
/// What EC2 lets through at once, and then each second ("Request throttling for the Amazon EC2 API": most mutating actions).
const RATE: (f64, f64) = (50.0, 5.0);
const CONCURRENCY: usize = 64;
/// Plans of one rehearsal: what is deferred is planned when its cause is known.
const PLANS_MAX: usize = 8;

/// Who plays.
pub struct Cast {
    pub stack: StackName,
    pub types: Arc<dyn Types>,
    pub settles: BTreeMap<Arc<str>, Settle>,
    pub seed: u64,
    /// So many crashes are tried at most, evenly over the run.
    pub crashes: usize,
}

/// How the stack came into being.
#[derive(Debug)]
pub struct Rehearsal {
    pub took: Duration,
    pub things: usize,
    /// In the order in which they began.
    pub steps: Vec<Played>,
    /// Calls and commits, each of which is a point at which the process may die.
    pub instants: usize,
    pub crashes: Vec<Crash>,
}

/// One step, as it was played. Times are since the beginning.
#[derive(Clone, Debug)]
pub struct Played {
    pub address: Address,
    pub doing: Doing,
    pub began: Duration,
    pub ended: Duration,
    /// The whole would be shorter if this were.
    pub critical: bool,
}

/// A crash, and the plain run after it.
#[derive(Clone, Debug)]
pub struct Crash {
    /// Since the beginning.
    pub at: Duration,
    /// What was announced and had no outcome yet.
    pub open: Vec<Address>,
    /// How many things the next run found that nobody had written down.
    pub found: usize,
    /// From the crash to the end of the next run, the lease of the dead one included.
    pub again: Duration,
    /// Empty when the next run put all in order.
    pub broken: Vec<String>,
}

/// Why there is no rehearsal.
#[derive(Debug)]
pub enum Refused {
    /// The stack cannot be planned.
    Plan(Vec<Diagnostic>),
    /// These steps failed.
    Failed(Vec<(Address, Failure)>),
    /// A law of the engine is broken: a mistake of ours.
    Broken(Vec<String>),
}

/// Plays the stack once to its end, and again for each crash.
pub fn rehearse(cast: &Cast, configuration: &mut dyn Configuration) -> Result<Rehearsal, Refused> {
    let mut scene = cast.scene();
    scene.events = Some(Vec::new());
    let mut steps = Vec::new();
    let mut instants = 0;
    for _ in 0..PLANS_MAX {
        let state = scene.vault.folded.clone();
        let made = run::plan(&scene, configuration, &state, &cast.options()).map_err(Refused::Plan)?;
        if made.planned.plan.steps.is_empty() {
            break;
        }
        let ran = cast.process(Vec::new(), &mut Nobody).run(&mut scene, configuration).map_err(Refused::Broken)?;
        if let Some(failed) = ran.outcome.map(|it| it.failed).filter(|it| !it.is_empty()) {
            return Err(Refused::Failed(failed));
        }
        instants += ran.happened;
        steps.extend(played(&ran.steps, &scene.events.replace(Vec::new()).unwrap_or_default(), steps_end(&steps)));
    }
    let broken = scene.world.violations.iter().chain(&scene.vault.violations).cloned().collect::<Vec<_>>();
    if !broken.is_empty() {
        return Err(Refused::Broken(broken));
    }
    let points = instants.min(cast.crashes);
    let crashes = (0..points).map(|at| cast.crash(configuration, 1 + at * instants / points.max(1)));
    let crashes = crashes.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    steps.sort_by_key(|it| it.began);
    Ok(Rehearsal { took: steps_end(&steps), things: scene.vault.folded.resources.len(), steps, instants, crashes })
}

fn steps_end(steps: &[Played]) -> Duration {
    steps.iter().map(|it| it.ended).max().unwrap_or_default()
}

impl Cast {
    fn scene(&self) -> Scene {
        let mut rng = Rng::new(self.seed);
        let state = State::new(self.stack.clone(), Lineage("rehearsal".into()));
        let mut world = World::of(self.types.clone(), rng.split(), Weather::default());
        world.typical = self.settles.iter().map(|(name, it)| (name.clone(), it.typical)).collect();
        Scene { settles: self.settles.clone(), ..Scene::new(world, Vault::new(&state), rng.split()) }
    }

    fn options(&self) -> Options {
        let typical = self.settles.iter().map(|(name, it)| (name.clone(), it.typical)).collect();
        Options { typical, ..Options::default() }
    }

    fn process<'p>(&self, interrupts: Vec<(usize, Interrupt)>, watcher: &'p mut dyn Watcher) -> Process<'p> {
        Process {
            options: self.options(),
            faults: Faults { latency: LATENCY, ..Faults::default() },
            interrupts,
            concurrency: CONCURRENCY,
            rates: Some(Rates::new(RATE.0, RATE.1)),
            watcher,
            meanwhile: None,
        }
    }

    /// The process dies after so many calls and commits. Nothing when it was done before.
    fn crash(&self, configuration: &mut dyn Configuration, at: usize) -> Result<Option<Crash>, Refused> {
        let mut scene = self.scene();
        let died = vec![(at, Interrupt::Crash)];
        let ran = self.process(died, &mut Nobody).run(&mut scene, configuration).map_err(Refused::Broken)?;
        if ran.outcome.is_some() {
            return Ok(None);
        }
        let (crashed, intents) = (scene.now, scene.vault.folded.intents.values());
        let open: BTreeSet<Address> = intents.map(|it| it.address.clone()).collect();
        let mut finds = Finds { made: made(&scene.vault.folded), found: 0 };
        let mut broken = Vec::new();
        for _ in 0..PLANS_MAX {
            match self.process(Vec::new(), &mut finds).run(&mut scene, configuration) {
                Ok(Ran { outcome: Some(it), steps, .. }) if it.failed.is_empty() && !steps.is_empty() => {}
                Ok(Ran { outcome: Some(it), .. }) => {
                    broken.extend(it.failed.iter().map(|(address, why)| format!("{address}: {why}")));
                    break;
                }
                Ok(_) => {
                    broken.push("the next run came to no end".into());
                    break;
                }
                Err(why) => {
                    broken.extend(why);
                    break;
                }
            }
        }
        broken.extend(laws::check_records(&scene, &scene.vault.folded));
        let found = finds.found;
        Ok(Some(Crash { at: crashed, open: open.into_iter().collect(), found, again: scene.now - crashed, broken }))
    }
}

/// Creations that are announced and have no id on record.
fn made(state: &State) -> usize {
    let recorded = |it: &&crate::state::Intent| match &it.act {
        IntentAct::Create { token, .. } => state.resources.get(&it.address).and_then(|it| it.token.as_ref()) != Some(token),
        IntentAct::Update { .. } | IntentAct::Delete { .. } => false,
    };
    state.intents.values().filter(recorded).count()
}

/// Counts what was found of them.
struct Finds {
    made: usize,
    found: usize,
}

impl Watcher for Finds {
    fn hears(&mut self, _: &Effect, answer: &mut Answer) {
        if let Answer::Found(Ok(found)) = answer
            && !found.is_empty()
        {
            self.found = (self.found + 1).min(self.made);
        }
    }
}

/// The steps with their times, and those on the longest path marked.
fn played(steps: &[Step], events: &[(Duration, Event)], since: Duration) -> Vec<Played> {
    let mut times: BTreeMap<(&Address, Doing), (Duration, Duration)> = BTreeMap::new();
    let mut first = None;
    for (at, event) in events {
        match event {
            Event::Started { address, doing, .. } => {
                first.get_or_insert(*at);
                times.insert((address, *doing), (*at, *at));
            }
            Event::Done { address, doing, .. } => {
                times.entry((address, *doing)).or_insert((*at, *at)).1 = *at;
            }
            _ => {}
        }
    }
    let first = first.unwrap_or_default();
    let shifted = |at: Duration| since + at.saturating_sub(first);
    let of = |step: &Step| times.get(&(&step.address, Doing::of(&step.act))).copied();
    let mut critical = BTreeSet::new();
    let mut next = (0..steps.len()).filter(|at| of(&steps[*at]).is_some()).max_by_key(|at| of(&steps[*at]).map(|it| it.1));
    while let Some(at) = next.filter(|at| critical.insert(*at)) {
        let needs = steps[at].needs.iter().map(|it| it.step.0 as usize).filter(|it| *it < steps.len());
        next = needs.max_by_key(|at| of(&steps[*at]).map(|it| it.1));
    }
    let one = |(at, step): (usize, &Step)| {
        let (began, ended) = of(step)?;
        let (address, doing) = (step.address.clone(), Doing::of(&step.act));
        Some(Played { address, doing, began: shifted(began), ended: shifted(ended), critical: critical.contains(&at) })
    };
    // What changes the record alone takes no time.
    let shown = steps.iter().enumerate().filter(|(_, it)| !matches!(it.act, Act::Protect { .. } | Act::Refresh { .. }));
    shown.filter_map(one).collect()
}
