//! `localstack torture`: stories in virtual time; then infra killed at every call it makes and started sixteen times at once, on
//! both stores, the account listed and everything that it wrote searched for secrets afterwards.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// Builds infra, lives all lives, prints what was done and what did not end well; fails if anything did not.
pub async fn run(how: &Torture) -> Result<(), Failure> {
    let infra = Infra::build().await?;
    rehearse(&infra, how.stories).await?;
    let cloud = Cloud::start(Options::default()).await?;
    let mut rows = vec![["", "lives", "phases", "kills", "over before", "racers", "searched", "hits", "took"].map(str::to_owned)];
    let mut total = Tally::default();
    let accounts = AtomicU64::new(ACCOUNTS);
    for backend in how.stores.iter().copied() {
        let ground = Ground { cloud: &cloud, infra: &infra, backend, accounts: &accounts };
        let mut sites = try_join_all((0..how.sites.max(1)).map(|_| ground.open())).await?;
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
            let tally = ground.all(&mut sites, &reference, lives, &name).await?;
            let took = table::seconds(started.elapsed());
            let Tally { stories, kills, missed, racers, places, hits } = tally;
            let [lives, stories, kills, missed, racers, places, hits] =
                [count as u64, stories, kills, missed, racers, places, hits].map(|it| it.to_string());
            rows.push([name, lives, stories, kills, missed, racers, places, hits, took]);
            total += tally;
        }
    }
    anstream::println!("");
    table::print(&rows);
    let Tally { kills, racers, places, hits, .. } = total;
    let done = format!("{} stories, {kills} kills, {racers} racers, {places} places searched for secrets", how.stories);
    if hits > 0 {
        return Err(format!("{done}: {hits} lives did not end well").into());
    }
    anstream::println!("\n{done}: all ended well");
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

/// Where lives are lived: one store, and as many accounts as are asked for.
struct Ground<'c> {
    cloud: &'c Cloud,
    infra: &'c Infra,
    backend: Backend,
    accounts: &'c AtomicU64,
}

impl<'c> Ground<'c> {
    /// In an account of its own.
    async fn open(&self) -> Result<Site<'c>, Failure> {
        let account = self.accounts.fetch_add(1, Ordering::Relaxed).to_string();
        let folder = self.cloud.folder().join(&account);
        Ok(Site::open(self.cloud, self.infra.program(), &folder, &account, self.backend).await?)
    }

    /// Lives them on all sites. What does not end well is told, and its site, where it can be looked at, given up for a new one.
    async fn all(
        &self,
        sites: &mut [Site<'c>],
        reference: &Reference,
        lives: VecDeque<Story>,
        name: &str,
    ) -> Result<Tally, Failure> {
        let count = lives.len();
        let queue = Mutex::new((lives, Tally::default()));
        let locked = || queue.lock().unwrap_or_else(PoisonError::into_inner);
        let work = sites.iter_mut().map(|site| async {
            loop {
                let Some(life) = locked().0.pop_front() else { return Ok::<(), Failure>(()) };
                let (lived, what) = match life {
                    Story::Killed(life) => (life.live(site, reference).await, life.to_string()),
                    Story::Raced => (race(site, reference).await, format!("{RACERS} at once")),
                };
                let lived = match lived {
                    Ok(lived) => lived,
                    Err(broken) => {
                        anstream::println!("{name}: DID NOT END WELL: {broken}");
                        *site = self.open().await?;
                        Tally { hits: 1, ..Tally::default() }
                    }
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
}
