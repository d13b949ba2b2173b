//! Practice: a strict simulated cloud in virtual time, and stories that are played through the real planner and the real
//! machine. One seed decides everything, so a seed replays a story.
//!
//! `types` are the resource types that exist there, `world` is the cloud, `vault` the store, `wish` a configuration that is
//! given instead of parsed, `run` drives a machine over them, `process` is one process from its lock to its end, `story` many of them with everything that can go
//! wrong, `laws` what must hold all the time, `words` a story in words.

pub mod laws;
pub mod process;
pub mod rates;
pub mod rehearsal;
mod rng;
pub mod run;
pub mod story;
pub mod types;
pub mod vault;
pub mod wish;
mod words;
pub mod world;

pub use rng::Rng;
pub use run::apply_plan;
