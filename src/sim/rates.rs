//! [`Rates`]: token buckets per type and verb, as EC2 limits each action apart. A call waits for its token on its way.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::apply::{Effect, Time};

/// A burst, and what flows in each second after it.
#[derive(Clone, Debug)]
pub struct Rates {
    burst: f64,
    per_second: f64,
    /// Tokens at a time; below nothing for those who wait.
    buckets: BTreeMap<(String, &'static str), (f64, Time)>,
}

impl Rates {
    pub fn new(burst: f64, per_second: f64) -> Self {
        Self { burst, per_second, buckets: BTreeMap::new() }
    }

    /// How long the call waits for its token. Reads and the journal are not limited.
    pub fn take(&mut self, now: Time, effect: &Effect) -> Duration {
        let (target, verb) = match effect {
            Effect::Create { target, .. } => (target, "create"),
            Effect::Update { target, .. } => (target, "update"),
            Effect::Delete { target, .. } => (target, "delete"),
            Effect::Empty { target, .. } => (target, "empty"),
            Effect::Find { .. } | Effect::Read { .. } | Effect::Blockers { .. } => return Duration::ZERO,
            Effect::Data { .. } | Effect::Append(_) => return Duration::ZERO,
        };
        let bucket = self.buckets.entry((target.type_name.clone(), verb)).or_insert((self.burst, now));
        let flown = now.saturating_sub(bucket.1).as_secs_f64() * self.per_second;
        *bucket = ((bucket.0 + flown).min(self.burst) - 1.0, now);
        Duration::from_secs_f64((-bucket.0).max(0.0) / self.per_second)
    }

    /// What `count` calls of one kind take at least.
    pub fn least(&self, count: usize) -> Duration {
        Duration::from_secs_f64((count as f64 - self.burst).max(0.0) / self.per_second)
    }
}
