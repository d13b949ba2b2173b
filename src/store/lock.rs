//! The lock as it is kept, and the decision when it may be taken: [`Watch`]. Pure, so that memory and DynamoDB share it.

use std::time::Duration;

use crate::store::{Holder, Owner};

/// The lock as it is kept. It outlives its holders, so that the epoch never falls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRecord {
    /// Random, another one with every write.
    pub version: String,
    pub epoch: u64,
    pub lease: Duration,
    pub owner: Owner,
    /// When it was taken, milliseconds since 1970 on the holder's clock.
    pub since: u64,
    pub standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Held,
    /// Given back by its holder, which has no call under way any more.
    Released,
    /// Taken away by a person; its former holder may be alive.
    Broken,
}

impl LockRecord {
    pub fn holder(&self) -> Option<Holder> {
        let holder =
            || Holder { owner: self.owner.clone(), epoch: self.epoch, since: self.since, lease_seconds: self.lease.as_secs() };
        match self.standing {
            Standing::Held => Some(holder()),
            Standing::Released | Standing::Broken => None,
        }
    }

    pub fn is_held_by(&self, run: &str, epoch: u64) -> bool {
        self.standing == Standing::Held && self.owner.run == run && self.epoch == epoch
    }

    /// Why a run that held the lock does not any more.
    pub fn loss(&self) -> String {
        match self.standing {
            Standing::Held => format!("{} took it over ({})", self.owner.who, self.owner.command),
            Standing::Released => "it was given back".to_owned(),
            Standing::Broken => "it was taken away by `infra unlock`".to_owned(),
        }
    }
}

/// 128 random bits in hexadecimal.
pub fn random_version() -> String {
    let mut bits = [0; 16];
    // The system's generator fails only before it is seeded, early in boot; then the clock has to do for a version.
    if getrandom::fill(&mut bits).is_err() {
        bits = crate::store::clock::since_boot().as_nanos().to_le_bytes();
    }
    hex::encode(bits)
}

/// What one look at the lock leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be taken, if it is still as it was seen. `idle` is for how long its record did not change under a holder that did
    /// not release it; none when it was released or never held.
    Take {
        idle: Option<Duration>,
    },
    /// Somebody holds it: look again after this long.
    Wait(Duration),
    Refuse(Box<Holder>),
}

/// One wait for the lock. Compares no clocks: a holder counts as gone when its record was seen unchanged for a whole lease.
pub struct Watch {
    patience: Option<Duration>,
    started: Duration,
    seen: Option<(String, Duration)>,
}

impl Watch {
    /// `patience`: none watches for one lease and refuses as soon as the holder moves; zero refuses at once; longer waits.
    pub fn new(patience: Option<Duration>, now: Duration) -> Self {
        Self { patience, started: now, seen: None }
    }

    pub fn look(&mut self, lock: Option<&LockRecord>, now: Duration) -> Verdict {
        let Some(lock) = lock else { return Verdict::Take { idle: None } };
        let Some(holder) = lock.holder() else {
            // Taken away a moment ago, for all that is known.
            let idle = (lock.standing == Standing::Broken).then_some(Duration::ZERO);
            return Verdict::Take { idle };
        };
        let moved = self.seen.as_ref().is_some_and(|(version, _)| *version != lock.version);
        let since = match &self.seen {
            Some((version, since)) if *version == lock.version => *since,
            _ => {
                self.seen = Some((lock.version.clone(), now));
                now
            }
        };
        let unchanged = now.saturating_sub(since);
        let refused = match self.patience {
            None => moved,
            Some(patience) => now.saturating_sub(self.started) >= patience,
        };
        if unchanged >= lock.lease {
            Verdict::Take { idle: Some(unchanged) }
        } else if refused {
            Verdict::Refuse(Box::new(holder))
        } else {
            let pause = (lock.lease / 12).clamp(Duration::from_millis(10), Duration::from_secs(2));
            Verdict::Wait(pause.min(lock.lease - unchanged))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(60);

    fn held(version: &str) -> LockRecord {
        let owner = Owner { run: "r".into(), who: "a@b".into(), command: "infra apply dev".into() };
        LockRecord { version: version.into(), epoch: 1, lease: LEASE, owner, since: 0, standing: Standing::Held }
    }

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(1_000 + seconds)
    }

    #[test]
    fn a_free_lock_is_taken() {
        let mut watch = Watch::new(None, after(0));
        assert_eq!(watch.look(None, after(0)), Verdict::Take { idle: None });
        let released = LockRecord { standing: Standing::Released, ..held("a") };
        assert_eq!(watch.look(Some(&released), after(0)), Verdict::Take { idle: None });
        let broken = LockRecord { standing: Standing::Broken, ..held("a") };
        assert_eq!(watch.look(Some(&broken), after(0)), Verdict::Take { idle: Some(Duration::ZERO) });
    }

    #[test]
    fn a_silent_holder_is_replaced_after_a_whole_lease() {
        let mut watch = Watch::new(None, after(0));
        for second in [0, 30, 59] {
            assert!(matches!(watch.look(Some(&held("a")), after(second)), Verdict::Wait(_)), "{second}");
        }
        assert_eq!(watch.look(Some(&held("a")), after(60)), Verdict::Take { idle: Some(LEASE) });
    }

    #[test]
    fn a_holder_that_moves_is_named_at_once() {
        let mut watch = Watch::new(None, after(0));
        watch.look(Some(&held("a")), after(0));
        assert!(matches!(watch.look(Some(&held("b")), after(10)), Verdict::Refuse(it) if it.owner.run == "r"));
    }

    #[test]
    fn patience_outlives_holders_that_move_but_not_itself() {
        let mut watch = Watch::new(Some(Duration::from_secs(100)), after(0));
        for second in (0..100).step_by(10) {
            assert!(matches!(watch.look(Some(&held(&second.to_string())), after(second)), Verdict::Wait(_)), "{second}");
        }
        assert!(matches!(watch.look(Some(&held("x")), after(100)), Verdict::Refuse(_)));
        let mut none = Watch::new(Some(Duration::ZERO), after(0));
        assert!(matches!(none.look(Some(&held("a")), after(0)), Verdict::Refuse(_)));
    }
}
