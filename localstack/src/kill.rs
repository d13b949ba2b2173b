//! `localstack torture`: infra killed at every call it makes, on both stores, and the account listed afterwards.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use clap::Args;
use futures::future::try_join_all;
use localstack::torture::{Backend, Life, Reference, Site, Tally, lives, sample};
use localstack::{Cloud, Options};

use crate::infra::Infra;
use crate::{Failure, table};

#[derive(Args)]
pub struct Torture {
    /// Only so many lives of each kind, chosen by the seed; all of them unless given.
    #[arg(long)]
    lives: Option<usize>,
    /// Lives with two kills in a row.
    #[arg(long, default_value_t = 50)]
    pairs: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stacks worked at side by side.
    #[arg(long, default_value_t = 6)]
    sites: usize,
}

const ACCOUNTS: u64 = 620_000_000_000;

/// Builds infra, lives all lives, prints what was done; fails at the first life that did not end well.
pub async fn run(how: &Torture) -> Result<(), Failure> {
    let infra = Infra::build().await?;
    let cloud = Cloud::start(Options::default()).await?;
    let mut rows = vec![["", "lives", "phases", "kills", "over before", "took"].map(str::to_owned)];
    for (number, backend) in [Backend::Local, Backend::S3].into_iter().enumerate() {
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
        for (kind, lives) in [("one kill a phase", single), ("two kills a phase", pairs)] {
            let name = format!("{}, {kind}", backend.name());
            let started = Instant::now();
            let count = lives.len();
            let tally = all(&sites, &reference, lives, &name).await?;
            let took = table::seconds(started.elapsed());
            let numbers = [count as u64, tally.stories, tally.kills, tally.missed].map(|it| it.to_string());
            let [count, stories, kills, missed] = numbers;
            rows.push([name, count, stories, kills, missed, took]);
        }
    }
    anstream::println!("");
    table::print(&rows);
    Ok(())
}

/// Lives them on all sites. The first that does not end well ends all.
async fn all(sites: &[Site<'_>], reference: &Reference, lives: Vec<Life>, name: &str) -> Result<Tally, Failure> {
    let count = lives.len();
    let queue = Mutex::new((lives.into_iter().collect::<VecDeque<_>>(), Tally::default()));
    let locked = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let work = sites.iter().map(|site| async {
        loop {
            let Some(life) = locked().0.pop_front() else { return Ok::<(), Failure>(()) };
            let lived = life.live(site, reference).await?;
            let (left, kills) = {
                let mut it = locked();
                it.1 += lived;
                (it.0.len(), it.1.kills)
            };
            anstream::println!("{name}: {} of {count} lives, {kills} kills ({life})", count - left);
        }
    });
    try_join_all(work).await?;
    let tally = locked().1;
    Ok(tally)
}
