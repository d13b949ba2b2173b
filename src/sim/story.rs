//! A story: random stacks and commands, each interrupted and troubled in every way, then one plain run that must put all in
//! order. `files` is what the user writes, `past` what some stories begin from, `runs` what happens.

mod files;
mod past;
mod runs;

use std::fmt;
use std::time::Duration;

use super::rng::Rng;
use super::run::{Faults, Interrupt, Nobody, Scene, Watcher};
use super::vault::Vault;
use super::wish::Wish;
use super::world::{Weather, World};
use crate::state::{Lineage, State};

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

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {}", self.seed, self.cuts)?;
        for line in &self.log {
            writeln!(f, "{line}")?;
        }
        for why in &self.why {
            writeln!(f, "BROKEN: {why}")?;
        }
        writeln!(f, "replay it: infra rehearse --seed {}", self.seed)
    }
}

/// What a story was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub runs: usize,
    /// Runs that came to no end of their own.
    pub crashes: usize,
    /// The most things on record at an end.
    pub things: usize,
}

impl std::ops::AddAssign for Told {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.crashes += other.crashes;
        self.things += other.things;
    }
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
    /// Whether others change things by hand, have names that are wanted, and made things that are taken in.
    pub strangers: bool,
    /// Whether it may begin from a stack that is there.
    pub past: bool,
}

impl Cuts {
    const NONE: Self = Self { rounds: 3, blocks: 4, runs: 3, interrupts: true, faults: true, strangers: true, past: true };

    /// With one thing less, each.
    fn smaller(self) -> Vec<Self> {
        let less = |it: usize| it.saturating_sub(1);
        let mut all = vec![
            Self { past: false, ..self },
            Self { rounds: less(self.rounds).max(1), ..self },
            Self { runs: less(self.runs), ..self },
            Self { faults: false, ..self },
            Self { strangers: false, ..self },
            Self { interrupts: false, ..self },
            Self { blocks: less(self.blocks).max(1), ..self },
        ];
        all.retain(|it| *it != self);
        all
    }
}

impl fmt::Display for Cuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without =
            [(self.interrupts, "interrupts"), (self.faults, "faults"), (self.strangers, "strangers"), (self.past, "a past")];
        let without: Vec<&str> = without.into_iter().filter(|(there, _)| !there).map(|(_, name)| name).collect();
        write!(f, "at most {} rounds, {} new blocks and {} troubled runs in each", self.rounds, self.blocks, self.runs)?;
        if without.is_empty() { Ok(()) } else { write!(f, ", without {}", without.join(" and ")) }
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
    Err(Box::new(story.broken(why)))
}

/// Whether the story of this seed ends badly; says nothing of how.
pub fn ends_badly<W: Watcher>(seed: u64, watcher: impl Fn() -> W) -> bool {
    Story::new(seed, Cuts::NONE).tell(&mut watcher()).is_err()
}

/// One stack, applied again and again from nothing: each time the process dies one event later, before or after a call or a
/// commit, and once more in its recovery; then a plain run. Says how many instants there were.
pub fn every_instant(seed: u64) -> Result<usize, Box<Broken>> {
    let cuts = Cuts { rounds: 1, ..Cuts::NONE };
    for at in 1.. {
        let mut story = Story::new(seed, cuts);
        match story.die_at(at) {
            Ok(true) => {}
            Ok(false) => return Ok(at - 1),
            Err(_) => {
                let mut again = Story::new(seed, cuts);
                again.scene.log = Some(Vec::new());
                let why = again.die_at(at).err().unwrap_or_default();
                return Err(Box::new(again.broken(why)));
            }
        }
    }
    Ok(0)
}

struct Story {
    seed: u64,
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
        Self { seed, cuts, rng, scene, wish: Wish::default(), told: Told::default(), names: 2 }
    }

    /// Whether the run was still going on at that instant.
    fn die_at(&mut self, at: usize) -> Result<bool, Vec<String>> {
        self.rewrite();
        self.rewrite();
        let faults = Faults { lost_answer: 6, store: 9, latency: Duration::from_millis(300), ..Faults::default() };
        if self.run(Command::Apply, faults, vec![(at, Interrupt::Crash)], &mut Nobody)?.is_some() {
            return Ok(false);
        }
        let again = vec![(1 + self.rng.below(40), Interrupt::Crash)];
        self.run(Command::Apply, faults, again, &mut Nobody)?;
        self.converge(Command::Apply, &mut Nobody)?;
        Ok(true)
    }

    fn broken(self, why: Vec<String>) -> Broken {
        Broken { seed: self.seed, why, cuts: self.cuts, log: self.scene.log.unwrap_or_default() }
    }
}
