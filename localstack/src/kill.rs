//! `localstack torture`: stories in virtual time; then infra killed at every call it makes and started sixteen times at once, on
//! both stores, the account listed and everything that it wrote searched for secrets afterwards.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use clap::Args;
use futures::future::try_join_all;
use localstack::torture::{Backend, Life, RACERS, Reference, Site, Tally, lives, race, sample};
use localstack::{Cloud, Options};
use tokio::process::Command;

use crate::infra::{Infra, ending};
use crate::{Failure, table};

#[derive(Args)]
pub struct Torture {
    /// Only so many lives of each kind, chosen by the seed; all of them unless given.
    #[arg(long)]
    lives: Option<usize>,
    /// Lives with two kills in a row.
    #[arg(long, default_value_t = 50)]
    pairs: usize,
    /// Lives in which each phase is begun by sixteen processes at once.
    #[arg(long, default_value_t = 10)]
    races: usize,
    /// Stories that are rehearsed before.
    #[arg(long, default_value_t = 200_000)]
    stories: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the state is kept.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "local,s3")]
    stores: Vec<Backend>,
    /// Stacks worked at side by side.
    #[arg(long, default_value_t = 6)]
    sites: usize,
}

const ACCOUNTS: u64 = 620_000_000_000;

/// Builds infra, lives all lives, prints what was done; fails at the first life that did not end well.
pub async fn run(how: &Torture) -> Result<(), Failure> {
    let infra = Infra::build().await?;
    rehearse(&infra, how.stories).await?;
    let cloud = Cloud::start(Options::default()).await?;
    let mut rows = vec![["", "lives", "phases", "kills", "over before", "racers", "searched", "took"].map(str::to_owned)];
    let mut total = Tally::default();
    for (number, backend) in how.stores.iter().copied().enumerate() {
        let sites = (0..how.sites.max(1)).map(|at| {
            let account = (ACCOUNTS + (number * 1_000 + at) as u64).to_string();
            let folder = cloud.folder().join(&account);
            let (cloud, infra) = (&cloud, &infra);
            async move { Site::open(cloud, infra.program(), &folder, &account, backend).await }
        });
        let sites = try_join_all(sites).await?;
        let Some(first) = sites.first() else { continue };
        let reference = Reference::take(first).await?;
        let [apply, update, destroy] = reference.counts.0;
        anstream::println!("{}: apply makes {apply} calls, update {update}, destroy {destroy}", backend.name());
        let mut single = lives(reference.counts, how.seed);
        single.truncate(how.lives.unwrap_or(usize::MAX));
        let pairs = how.lives.map_or(how.pairs, |it| how.pairs.min(it));
        let pairs = sample(reference.counts, 2, pairs, how.seed);
        let lives = |of: Vec<Life>| of.into_iter().map(Story::Killed).collect::<VecDeque<_>>();
        let races = std::iter::repeat_with(|| Story::Raced).take(how.races).collect();
        for (kind, lives) in [("one kill a phase", lives(single)), ("two kills a phase", lives(pairs)), ("races", races)] {
            let name = format!("{}, {kind}", backend.name());
            let started = Instant::now();
            let count = lives.len();
            let tally = all(&sites, &reference, lives, &name).await?;
            let took = table::seconds(started.elapsed());
            let Tally { stories, kills, missed, racers, places } = tally;
            let [lives, stories, kills, missed, racers, places] =
                [count as u64, stories, kills, missed, racers, places].map(|it| it.to_string());
            rows.push([name, lives, stories, kills, missed, racers, places, took]);
            total += tally;
        }
    }
    anstream::println!("");
    table::print(&rows);
    let Tally { kills, racers, places, .. } = total;
    let stories = how.stories;
    anstream::println!("\n{stories} stories, {kills} kills, {racers} racers, no secret in {places} places: all ended well");
    Ok(())
}

async fn rehearse(infra: &Infra, stories: u64) -> Result<(), Failure> {
    if stories == 0 {
        return Ok(());
    }
    let status = Command::new(infra.program()).args(["rehearse", "--seeds", &stories.to_string()]).status().await?;
    if status.success() { Ok(()) } else { Err(format!("`infra rehearse --seeds {stories}` {}", ending(status)).into()) }
}

enum Story {
    Killed(Life),
    Raced,
}

/// Lives them on all sites. The first that does not end well ends all.
async fn all(sites: &[Site<'_>], reference: &Reference, lives: VecDeque<Story>, name: &str) -> Result<Tally, Failure> {
    let count = lives.len();
    let queue = Mutex::new((lives, Tally::default()));
    let locked = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let work = sites.iter().map(|site| async {
        loop {
            let Some(life) = locked().0.pop_front() else { return Ok::<(), Failure>(()) };
            let (lived, what) = match life {
                Story::Killed(life) => (life.live(site, reference).await?, life.to_string()),
                Story::Raced => (race(site, reference).await?, format!("{RACERS} at once")),
            };
            let (left, kills) = {
                let mut it = locked();
                it.1 += lived;
                (it.0.len(), it.1.kills)
            };
            anstream::println!("{name}: {} of {count} lives, {kills} kills ({what})", count - left);
        }
    });
    try_join_all(work).await?;
    let tally = locked().1;
    Ok(tally)
}
