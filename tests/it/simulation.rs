//! The engine under fire: random stories through the real planner and the real machine, over a strict simulated cloud.
//!
//! `INFRA_SIM_SEED=n` replays one story and prints it; `INFRA_SIM_SEEDS=n` plays so many.

mod mistakes;

use infra::sim::run::Nobody;
use infra::sim::story;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn nothing_is_lost_and_nothing_made_twice() {
    if let Some(seed) = variable("INFRA_SIM_SEED") {
        return match story::play(seed, || Nobody) {
            Ok(told) => println!("{told:?}"),
            Err(broken) => panic!("{broken}"),
        };
    }
    let seeds = variable("INFRA_SIM_SEEDS").unwrap_or(2_000);
    let cores = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    let share = |core| (core..seeds).step_by(cores as usize);
    let play = |core| {
        let (mut runs, mut crashes, mut things) = (0, 0, 0);
        for seed in share(core) {
            match story::play(seed, || Nobody) {
                Ok(told) => (runs, crashes, things) = (runs + told.runs, crashes + told.crashes, things + told.things),
                Err(broken) => panic!("{broken}replay it with INFRA_SIM_SEED={seed}"),
            }
        }
        (runs, crashes, things)
    };
    let totals: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|core| scope.spawn(move || play(core))).collect();
        threads.into_iter().map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    // The stories are what they claim to be.
    for (runs, crashes, things) in totals {
        assert!(crashes > runs / 20 && things > runs / 2, "{runs} runs, {crashes} ended early, {things} things");
    }
}

#[test]
fn a_process_may_die_at_every_instant_and_again_in_its_recovery() {
    let instants: usize = (0..4).map(|seed| story::every_instant(seed).unwrap_or_else(|broken| panic!("{broken}"))).sum();
    assert!(instants > 200, "{instants} instants");
}
