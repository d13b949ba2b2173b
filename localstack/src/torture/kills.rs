//! Killing, at every call there is.

use std::fmt;

use super::{Broken, Listing, Site};
use crate::dice::Dice;

/// What is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Making everything.
    Apply,
    /// Changing, replacing, adding, removing.
    Update,
    /// Taking everything away.
    Destroy,
}

/// When the process dies, as the call sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The call was not done.
    Before,
    /// It was done, and its answer is lost.
    After,
}

/// `kill -9` at a call, counted from 1 over all services, state and lock included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kill {
    pub call: u64,
    pub moment: Moment,
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::After => "after",
        };
        write!(f, "{moment} call {}", self.call)
    }
}

impl Phase {
    pub const ALL: [Self; 3] = [Self::Apply, Self::Update, Self::Destroy];

    pub fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Update => "update",
            Self::Destroy => "destroy",
        }
    }

    /// Which of their two turns the stack's files then say.
    pub(super) fn turn(self) -> u32 {
        match self {
            Self::Apply => 1,
            Self::Update | Self::Destroy => 2,
        }
    }

    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Apply | Self::Update => "apply dev --auto-approve",
            Self::Destroy => "destroy dev --auto-approve",
        }
    }
}

impl Phase {
    /// Brings it to its end with one plain run. Then the account must hold `wanted`, nothing more and nothing less, the plan be
    /// empty, and no secret be found in as many places as are returned.
    pub(super) async fn ends(self, site: &Site<'_>, wanted: &Listing) -> Result<u64, Broken> {
        site.run(self.command()).await?;
        if self != Self::Destroy {
            site.run("plan dev --detailed-exitcode").await?;
        }
        let differences = site.differences(wanted).await?;
        match differences.is_empty() {
            true => site.search().await,
            false => Err(Broken::new(format!("the account differs from an undisturbed one:\n{differences}"))),
        }
    }
}

/// The calls of each undisturbed phase, in the order of [`Phase::ALL`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts(pub [u64; 3]);

/// What undisturbed phases leave, and how many calls they make.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    pub counts: Counts,
    pub left: [Listing; 3],
}

/// What is done to one stack from its making to its end: the kills of each phase, one after the other, before the plain run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life(pub [Vec<Kill>; 3]);

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = |(phase, kills): (Phase, &Vec<Kill>)| {
            let kills: Vec<String> = kills.iter().map(Kill::to_string).collect();
            (!kills.is_empty()).then(|| format!("{} killed {}", phase.name(), kills.join(", again ")))
        };
        let phases: Vec<String> = Phase::ALL.into_iter().zip(&self.0).filter_map(phase).collect();
        f.write_str(&if phases.is_empty() { "undisturbed".to_owned() } else { phases.join("; ") })
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Phases that were brought to their end and checked.
    pub stories: u64,
    /// Processes that were killed at their call.
    pub kills: u64,
    /// Kills that came to nothing because the run was over before.
    pub missed: u64,
    /// Processes that were started at once with others.
    pub racers: u64,
    /// What was searched for secrets: files, objects, items.
    pub places: u64,
    /// Lives that did not end well.
    pub hits: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.stories += other.stories;
        self.kills += other.kills;
        self.missed += other.missed;
        self.racers += other.racers;
        self.places += other.places;
        self.hits += other.hits;
    }
}

/// All lives that together kill every call of every phase at both moments, in an order that the seed decides.
pub fn lives(counts: Counts, seed: u64) -> Vec<Life> {
    let mut dice = Dice::new(seed);
    let mut kills = counts.0.map(|count| {
        let both = |call| [Moment::Before, Moment::After].map(|moment| Kill { call, moment });
        let mut all: Vec<Kill> = (1..=count).flat_map(both).collect();
        dice.shuffle(&mut all);
        all
    });
    let count = kills.iter().map(Vec::len).max().unwrap_or_default();
    (0..count).map(|_| Life(kills.each_mut().map(|it| it.pop().into_iter().collect()))).collect()
}

/// Some lives, each phase killed `deaths` times in a row.
pub fn sample(counts: Counts, deaths: usize, count: usize, seed: u64) -> Vec<Life> {
    let mut dice = Dice::new(seed);
    let mut kill = |calls: u64| {
        let moment = if dice.below(2) == 0 { Moment::Before } else { Moment::After };
        Kill { call: 1 + dice.below(calls), moment }
    };
    (0..count).map(|_| Life(counts.0.map(|calls| (0..deaths).map(|_| kill(calls)).collect()))).collect()
}

impl Reference {
    /// One undisturbed life.
    pub async fn take(site: &Site<'_>) -> Result<Self, Broken> {
        let mut reference = Self::default();
        for (at, phase) in Phase::ALL.into_iter().enumerate() {
            site.turn(phase.turn())?;
            reference.counts.0[at] = site.run(phase.command()).await?;
            reference.left[at] = site.things().await?;
        }
        Ok(reference)
    }
}

impl Life {
    /// Lives it: each phase is killed, and brought to its end.
    pub async fn live(&self, site: &Site<'_>, reference: &Reference) -> Result<Tally, Broken> {
        let mut tally = Tally::default();
        for ((phase, kills), wanted) in Phase::ALL.into_iter().zip(&self.0).zip(&reference.left) {
            site.turn(phase.turn())?;
            let broken = |why: Broken| Broken::new(format!("{self}\nin {}: {why}", phase.name()));
            for kill in kills {
                match site.run_killed(phase.command(), *kill).await.map_err(broken)? {
                    true => tally.kills += 1,
                    false => tally.missed += 1,
                }
            }
            tally.places += phase.ends(site, wanted).await.map_err(broken)?;
            tally.stories += 1;
        }
        Ok(tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_killed_at_both_moments() {
        let lives = lives(Counts([3, 2, 1]), 7);
        assert_eq!(lives.len(), 6);
        for (at, calls) in [3, 2, 1].into_iter().enumerate() {
            let mut killed: Vec<Kill> = lives.iter().flat_map(|it| it.0[at].clone()).collect();
            killed.sort();
            let wanted: Vec<Kill> =
                (1..=calls).flat_map(|call| [Moment::Before, Moment::After].map(|moment| Kill { call, moment })).collect();
            assert_eq!(killed, wanted);
        }
        assert_eq!(lives, super::lives(Counts([3, 2, 1]), 7));
        assert_eq!(sample(Counts([9, 9, 9]), 2, 1, 5)[0].0.each_ref().map(Vec::len), [2, 2, 2]);
    }
}
