//! A story: random stacks and commands, each interrupted and troubled in every way, then one plain run that must put all in
//! order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::laws;
use super::rng::Rng;
use super::run::{self, Drive, End, Faults, Interrupt, LEASE, Scene, Watcher};
use super::types::HABITS;
use super::vault::Vault;
use super::wish::{Block, Wish};
use super::world::{Weather, World};
use crate::address::Address;
use crate::apply::{Pace, settle};
use crate::plan::{Action, Options};
use crate::remote::Id;
use crate::stack::desired::{Import, Moved};
use crate::state::{Lineage, State};
use crate::value::Value;

/// In every secret attribute of every story: must never be found in what is stored.
pub const SECRET: &str = "hunter2-in-clear";

/// A story that ended badly.
#[derive(Clone, Debug)]
pub struct Broken {
    pub seed: u64,
    pub why: Vec<String>,
    /// What was left out of it without its ending well.
    pub cuts: Cuts,
    /// What happened, line by line, with the virtual time.
    pub log: Vec<String>,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "seed {}, with {:?}", self.seed, self.cuts)?;
        for line in &self.log {
            writeln!(f, "{line}")?;
        }
        for why in &self.why {
            writeln!(f, "BROKEN: {why}")?;
        }
        Ok(())
    }
}

/// What a story was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub runs: usize,
    pub crashes: usize,
    pub things: usize,
}

/// How much there is of a story. A seed with cuts is another story, and a shorter one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cuts {
    /// Times that the files are rewritten.
    pub rounds: usize,
    /// Blocks that are added each time.
    pub blocks: usize,
    /// Runs in bad weather each time.
    pub runs: usize,
    pub interrupts: bool,
    pub faults: bool,
}

impl Cuts {
    const NONE: Self = Self { rounds: 3, blocks: 4, runs: 3, interrupts: true, faults: true };

    /// With one thing less, each.
    fn smaller(self) -> Vec<Self> {
        let less = |it: usize| it.saturating_sub(1);
        let mut all = vec![
            Self { rounds: less(self.rounds).max(1), ..self },
            Self { runs: less(self.runs), ..self },
            Self { faults: false, ..self },
            Self { interrupts: false, ..self },
            Self { blocks: less(self.blocks).max(1), ..self },
        ];
        all.retain(|it| *it != self);
        all
    }
}

/// The smallest story of this seed that still ends badly, taking away one thing after the other.
fn shrink<W: Watcher>(seed: u64, watcher: &impl Fn() -> W) -> Cuts {
    let mut cuts = Cuts::NONE;
    let fails = |it: &Cuts| Story::new(seed, *it).tell(&mut watcher()).is_err();
    while let Some(smaller) = cuts.smaller().into_iter().find(fails) {
        cuts = smaller;
    }
    cuts
}

/// Plays the story of this seed. `watcher` may spoil it. A story that ends badly is made as small as it can be and played again
/// to be written down, by a new watcher of the same kind.
pub fn play<W: Watcher>(seed: u64, watcher: impl Fn() -> W) -> Result<Told, Box<Broken>> {
    let mut quiet = Story::new(seed, Cuts::NONE);
    if quiet.tell(&mut watcher()).is_ok() {
        return Ok(quiet.told);
    }
    let cuts = shrink(seed, &watcher);
    let mut story = Story::new(seed, cuts);
    story.scene.log = Some(Vec::new());
    let why = match story.tell(&mut watcher()) {
        Ok(()) => vec!["it ended badly once, and well when it was played again".to_owned()],
        Err(why) => why,
    };
    Err(Box::new(Broken { seed, why, cuts, log: story.scene.log.unwrap_or_default() }))
}

struct Story {
    cuts: Cuts,
    rng: Rng,
    scene: Scene,
    wish: Wish,
    told: Told,
    names: usize,
}

/// What a run shall do.
#[derive(Clone, Copy, PartialEq)]
enum Command {
    Apply,
    Destroy,
}

impl Story {
    fn new(seed: u64, cuts: Cuts) -> Self {
        let mut rng = Rng::new(seed);
        let weather = Weather {
            hides: Duration::from_secs([0, 5, 40][rng.below(3)]),
            slow: Duration::from_secs([1, 30, 200][rng.below(3)]),
            breaks: 0,
        };
        let state = State::new("sim".parse().unwrap_or_else(|_| unreachable!("a good name")), Lineage("lineage".into()));
        let mut world = World::new(rng.split(), weather);
        world.add_foreign("sim_instant", "theirs");
        world.add_foreign("sim_named", "n0");
        world.add_foreign("sim_bare", "n1");
        let scene = Scene::new(world, Vault::new(&state), rng.split());
        Self { cuts, rng, scene, wish: Wish::default(), told: Told::default(), names: 2 }
    }

    fn tell(&mut self, watcher: &mut dyn Watcher) -> Result<(), Vec<String>> {
        self.scene.vault.checks_epoch = watcher.checks_epoch();
        for _ in 0..(1 + self.rng.below(3)).min(self.cuts.rounds) {
            self.rewrite();
            let command = if self.rng.one_in(6) { Command::Destroy } else { Command::Apply };
            self.scene.world.weather.breaks = [0, 0, 8][self.rng.below(3)];
            for _ in 0..self.rng.below(4).min(self.cuts.runs) {
                self.troubled_run(command, watcher)?;
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

    /// The user changes the files.
    fn rewrite(&mut self) {
        for _ in 0..(1 + self.rng.below(4)).min(self.cuts.blocks) {
            self.add_block();
        }
        if self.rng.one_in(4) {
            self.move_block();
        }
        if self.rng.one_in(4) {
            self.import_block();
        }
        let all: Vec<Address> = self.wish.blocks.keys().cloned().collect();
        for address in all {
            if self.rng.one_in(5) {
                self.change_block(&address);
            }
            let used = self.wish.blocks.values().any(|it| it.parents.contains(&address) || it.peers.contains(&address));
            if !used && self.rng.one_in(6) {
                self.wish.blocks.remove(&address);
            }
        }
        let blocks = &self.wish.blocks;
        self.scene.tell(|| format!("the files say {blocks:?}"));
    }

    fn add_block(&mut self) {
        let Some(habit) = self.rng.pick(&HABITS).copied() else { return };
        self.names += 1;
        let name = format!("n{}", self.names);
        let Ok(address) = format!("{}.{name}", habit.name).parse::<Address>() else { return };
        let others: Vec<Address> = self.wish.blocks.keys().cloned().collect();
        let parents: BTreeSet<Address> = others.iter().filter(|_| self.rng.one_in(3)).take(2).cloned().collect();
        let peers: BTreeSet<Address> = others.iter().filter(|_| self.rng.one_in(5)).cloned().collect();
        let mut settings: BTreeMap<&'static str, Value> = [("name", Value::from(name))].into();
        settings.insert("size", Value::from(self.rng.below(5) as i64));
        if self.rng.one_in(3) {
            settings.insert("secret", Value::from(SECRET));
        }
        if habit.tagged && self.rng.one_in(2) {
            settings.insert("tags", Value::map([("project", Value::from("sim"))]));
        }
        let mut block =
            Block { settings, parents: parents.into_iter().collect(), peers: peers.into_iter().collect(), ..Block::default() };
        // Whatever it needs is replaced create-first with it, and of a name there can only be one.
        let named = block.parents.iter().chain(&block.peers).any(|it| self.needs_name(it));
        block.lifecycle.create_before_destroy = !habit.by_name && !named && self.rng.one_in(3);
        self.wish.blocks.insert(address, block);
    }

    /// A block gets another address, whatever former runs left open under the old one.
    fn move_block(&mut self) {
        let all: Vec<Address> = self.wish.blocks.keys().cloned().collect();
        let (Some(from), Some(state)) = (self.rng.pick(&all).cloned(), self.scene.vault.read()) else { return };
        self.names += 1;
        let Ok(to) = format!("{}.m{}", from.type_name(), self.names).parse::<Address>() else { return };
        if !state.resources.contains_key(&from) {
            return;
        }
        let renamed = |it: Address| if it == from { to.clone() } else { it };
        let blocks = std::mem::take(&mut self.wish.blocks).into_iter().map(|(address, mut block)| {
            for it in block.parents.iter_mut().chain(&mut block.peers) {
                *it = renamed(it.clone());
            }
            (renamed(address), block)
        });
        self.wish.blocks = blocks.collect();
        self.wish.moved.push(Moved { from: from.to_string(), to: to.to_string(), span: None });
    }

    /// Something that was made by hand is taken in.
    fn import_block(&mut self) {
        self.names += 1;
        let name = format!("n{}", self.names);
        let Ok(to) = format!("sim_instant.{name}").parse::<Address>() else { return };
        self.scene.world.add_foreign("sim_instant", &name);
        let id = Id::new(format!("foreign-{name}"));
        let settings: BTreeMap<&'static str, Value> =
            [("name", Value::from(name)), ("flavor", "theirs".into()), ("size", Value::from(self.rng.below(5) as i64))].into();
        self.wish.blocks.insert(to.clone(), Block { settings, ..Block::default() });
        self.wish.imports.push(Import { to, id, span: None });
    }

    fn needs_name(&self, address: &Address) -> bool {
        let block = self.wish.blocks.get(address);
        let mut needs = block.into_iter().flat_map(|it| it.parents.iter().chain(&it.peers));
        super::types::habit(address.type_name()).by_name || needs.any(|it| self.needs_name(it))
    }

    fn change_block(&mut self, address: &Address) {
        let (size, flavor) = (self.rng.below(5) as i64, format!("f{}", self.rng.below(3)));
        // What is about to be imported must be as it is where it cannot change.
        let fixed = self.rng.one_in(3) && self.wish.imports.iter().all(|it| it.to != *address);
        let Some(block) = self.wish.blocks.get_mut(address) else { return };
        match fixed {
            true => block.settings.insert("flavor", flavor.into()),
            false => block.settings.insert("size", size.into()),
        };
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
            meddling: odds([0, 0, 30]),
            latency: Duration::from_millis(odds([10, 300, 2_000]) as u64),
        };
        if self.cuts.faults { faults } else { Faults { latency: faults.latency, ..Faults::default() } }
    }

    /// A run in bad weather, which may be interrupted anywhere.
    fn troubled_run(&mut self, command: Command, watcher: &mut dyn Watcher) -> Result<(), Vec<String>> {
        let faults = self.faults();
        let mut interrupts = Vec::new();
        if !self.rng.one_in(3) {
            let kinds = [Interrupt::Crash, Interrupt::Crash, Interrupt::Stop, Interrupt::Abandon, Interrupt::Pause];
            let kind = self.rng.pick(&kinds).copied().unwrap_or(Interrupt::Crash);
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
    fn converge(&mut self, command: Command, watcher: &mut dyn Watcher) -> Result<(), Vec<String>> {
        self.scene.world.weather.breaks = 0;
        self.scene.world.heal(self.scene.now);
        self.scene.tell(|| "a plain run".into());
        self.plain_run(command, watcher)?;
        // Late requests of dead runs arrive until their signatures lapse; the next run finds what they made.
        let watched = self.scene.vault.read().is_some_and(|it| !it.intents.is_empty());
        let window = Duration::from_secs(settle::WATCH_SECONDS + 60);
        self.scene.advance(self.scene.now + window.max(self.scene.world.weather.slow));
        if watched {
            self.scene.tell(|| "a plain run after the window".into());
            self.plain_run(command, watcher)?;
            self.scene.advance(self.scene.now + self.scene.world.weather.slow);
        }
        let Some(state) = self.scene.vault.read() else { return Err(vec!["there is no state".into()]) };
        let mut broken = laws::check_end(&self.scene, &state);
        match run::plan(&self.scene, &mut self.wish, &state, &options(command)) {
            Err(why) => broken.push(why),
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

    fn plain_run(&mut self, command: Command, watcher: &mut dyn Watcher) -> Result<(), Vec<String>> {
        let faults = Faults { latency: Duration::from_millis(100), ..Faults::default() };
        match self.run(command, faults, Vec::new(), watcher)? {
            Some(outcome) if outcome.failed.is_empty() && outcome.skipped.is_empty() && !outcome.stopped => Ok(()),
            Some(outcome) => Err(vec![format!("a plain run did not go through: {outcome:?}")]),
            None => Err(vec!["a plain run came to no end".into()]),
        }
    }

    fn run(
        &mut self,
        command: Command,
        faults: Faults,
        interrupts: Vec<(usize, Interrupt)>,
        watcher: &mut dyn Watcher,
    ) -> Result<Option<crate::apply::event::Outcome>, Vec<String>> {
        self.told.runs += 1;
        if let Some(state) = self.scene.vault.read() {
            self.wish.imports.retain(|it| !state.resources.contains_key(&it.to) && self.wish.blocks.contains_key(&it.to));
        }
        let concurrency = 1 + self.rng.below(8);
        let mut second = self.wish.clone();
        let mut trouble = Vec::new();
        let mut meanwhile = |scene: &mut Scene| {
            let calm = Faults { latency: Duration::from_millis(100), ..Faults::default() };
            let mut nobody = run::Nobody;
            if let Err(why) = one_run(scene, &mut second, command, calm, Vec::new(), 4, &mut nobody, None) {
                trouble.extend(why);
            }
        };
        let outcome =
            one_run(&mut self.scene, &mut self.wish, command, faults, interrupts, concurrency, watcher, Some(&mut meanwhile))?;
        if !trouble.is_empty() {
            return Err(trouble);
        }
        self.told.crashes += usize::from(outcome.is_none());
        Ok(outcome)
    }
}

fn options(command: Command) -> Options {
    Options { destroy: command == Command::Destroy, ..Options::default() }
}

/// One process from its lock to its end. Nothing when it died on the way.
#[allow(clippy::too_many_arguments)]
fn one_run<'m>(
    scene: &mut Scene,
    wish: &mut Wish,
    command: Command,
    faults: Faults,
    interrupts: Vec<(usize, Interrupt)>,
    concurrency: usize,
    watcher: &'m mut dyn Watcher,
    meanwhile: Option<&'m mut dyn FnMut(&mut Scene)>,
) -> Result<Option<crate::apply::event::Outcome>, Vec<String>> {
    if scene.vault.is_held() {
        // A waiter takes over after a whole lease seen unchanged.
        scene.advance(scene.now + LEASE + Duration::from_secs(1));
    }
    let Some(taken) = scene.vault.take(scene.now) else { return Err(scene.vault.violations.clone()) };
    scene.tell(|| format!("a run takes the lock: epoch {}", taken.epoch));
    let settles_open = watcher.settles_open();
    let lease_until = scene.now + LEASE;
    let mut drive = Drive { epoch: taken.epoch, faults, interrupts, watcher, meanwhile, lease_until, rates: None };
    let mut state = taken.state;
    if settles_open && !state.intents.is_empty() {
        let (end, settled, failures) = run::settle_open(scene, &mut drive, state, taken.abandoned);
        match end {
            End::Crashed => return Ok(None),
            End::Stuck => return Err(vec!["settling is stuck".into()]),
            End::Finished => {}
        }
        if !failures.is_empty() || scene.vault.holder() != taken.epoch {
            scene.tell(|| format!("settling failed: {failures:?}"));
            scene.vault.give_back(taken.epoch);
            return Ok(None);
        }
        state = settled;
    }
    let made = run::plan(scene, wish, &state, &options(command)).map_err(|why| vec![why])?;
    scene.tell(|| {
        let steps = made.planned.plan.steps.iter().map(|it| format!("{} {}", crate::plan::doing(&it.act), it.address));
        format!("planned: {}", steps.collect::<Vec<_>>().join(", "))
    });
    let pace = Pace { concurrency, ..Pace::default() };
    let (end, outcome) = run::carry_out(scene, &mut drive, wish, state, made, pace).map_err(|why| vec![why])?;
    Ok((end == End::Finished).then_some(outcome))
}
