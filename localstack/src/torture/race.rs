//! Many at once: one has the lock, the others wait or say who has it.

use futures::future::try_join_all;

use super::kills::{Phase, Reference, Tally};
use super::{Broken, Site};

/// So many processes are started at once.
pub const RACERS: usize = 16;

/// One life in which each phase is begun by many at once, and brought to its end by one.
pub async fn race(site: &Site<'_>, reference: &Reference) -> Result<Tally, Broken> {
    let mut tally = Tally::default();
    for (phase, wanted) in Phase::ALL.into_iter().zip(&reference.left) {
        site.turn(phase.turn())?;
        let broken = |why: Broken| Broken::new(format!("{} by {RACERS} at once: {why}", phase.name()));
        let racers = (0..RACERS).map(|it| site.compete(phase.command(), it));
        let won = try_join_all(racers).await.map_err(broken)?;
        if !won.contains(&true) {
            return Err(broken(Broken::new("nobody got through")));
        }
        tally.racers += RACERS as u64;
        tally.places += phase.ends(site, wanted).await.map_err(broken)?;
        tally.stories += 1;
    }
    Ok(tally)
}
