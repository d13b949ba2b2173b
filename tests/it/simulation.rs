//! The engine under fire: random stories through the real planner and the real machine, over a strict simulated cloud.
//!
//! `INFRA_SIM_SEED=n` replays one story and prints it; `INFRA_SIM_SEEDS=n` plays so many.

use infra::sim::run::Nobody;
use infra::sim::story;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn nothing_is_lost_and_nothing_made_twice() {
    if let Some(seed) = variable("INFRA_SIM_SEED") {
        let told = story::play(seed, || Nobody);
        return match told {
            Ok(told) => println!("{told:?}"),
            Err(broken) => panic!("{broken}"),
        };
    }
    let (mut runs, mut crashes, mut things) = (0, 0, 0);
    for seed in 0..variable("INFRA_SIM_SEEDS").unwrap_or(2_000) {
        match story::play(seed, || Nobody) {
            Ok(told) => (runs, crashes, things) = (runs + told.runs, crashes + told.crashes, things + told.things),
            Err(broken) => panic!("{broken}replay it with INFRA_SIM_SEED={seed}"),
        }
    }
    // The stories are what they claim to be.
    assert!(crashes > runs / 10 && things > 2 * runs / 10, "{runs} runs, {crashes} ended early, {things} things");
}
