//! How fast and how patient a run is: limits, time-outs, backing off; and where its random numbers come from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Time;
use crate::remote::{Settle, Token};
use crate::state::OpId;

/// The limits of one run.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Calls in flight at once; reads and the journal do not count.
    pub concurrency: usize,
    /// Every patience is multiplied by it. One, except in tests.
    pub scale: f64,
    /// Nothing is started that is not expected to be finished by then.
    pub deadline: Option<Time>,
    /// Of the pauses before another try.
    pub seed: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { concurrency: 64, scale: 1.0, deadline: None, seed: 0 }
    }
}

/// Mints what must be unique: creation tokens and operation ids. One for all machines of a run.
pub struct Mint {
    epoch: u64,
    ops: u64,
    tokens: u64,
    seed: [u8; 32],
}

impl Mint {
    /// `seed` are 256 random bits of this run alone; every token is derived from them.
    pub fn new(epoch: u64, seed: [u8; 32]) -> Self {
        Self { epoch, ops: 0, tokens: 0, seed }
    }

    pub fn token(&mut self) -> Token {
        self.tokens += 1;
        let mut hasher = Sha256::new();
        hasher.update(self.seed);
        hasher.update(self.tokens.to_be_bytes());
        let digest = hasher.finalize();
        Token::from_bits(digest.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte)))
    }

    pub fn op(&mut self) -> OpId {
        self.ops += 1;
        OpId(format!("{}.{}", self.epoch, self.ops).into())
    }
}

/// The patience of each resource type, scaled.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    pub by_type: BTreeMap<Arc<str>, Settle>,
    pub scale: f64,
}

impl Patience {
    pub fn of(&self, type_name: &str) -> Settle {
        let it = self.by_type.get(type_name).copied().unwrap_or(Settle::INSTANT);
        if self.scale == 1.0 {
            return it;
        }
        let scaled = |duration: Duration| duration.mul_f64(self.scale);
        Settle {
            every: scaled(it.every),
            every_max: scaled(it.every_max),
            hidden: scaled(it.hidden),
            create: scaled(it.create),
            update: scaled(it.update),
            delete: scaled(it.delete),
            typical: scaled(it.typical),
        }
    }
}

/// Pauses that double from a base up to a limit, each shortened by up to half at random, so that callers that were refused
/// together do not come back together.
#[derive(Clone, Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn pause(&mut self, base: Duration, limit: Duration, tries: u32) -> Duration {
        let full = base.saturating_mul(1 << tries.min(16)).min(limit);
        full.mul_f64(0.5 + 0.5 * self.fraction())
    }

    /// SplitMix64, the upper 53 bits of it: evenly within 0..1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_and_differ() {
        let mut jitter = Jitter::new(7);
        let (base, limit) = (Duration::from_secs(1), Duration::from_secs(20));
        let pauses: Vec<_> = (0..10).map(|tries| jitter.pause(base, limit, tries)).collect();
        for (tries, pause) in pauses.iter().enumerate() {
            let full = base.saturating_mul(1 << tries).min(limit);
            assert!(*pause <= full && *pause >= full / 2, "{tries}: {pause:?}");
        }
        assert_ne!(pauses[8], pauses[9]);
    }

    #[test]
    fn operations_of_a_run_are_told_apart() {
        let mut mint = Mint::new(3, [1; 32]);
        assert_eq!((&*mint.op().0, &*mint.op().0), ("3.1", "3.2"));
        let (a, b) = (mint.token(), mint.token());
        assert!(a != b && a.as_str().len() == 32);
        assert_ne!(Mint::new(3, [2; 32]).token(), a);
    }
}
