//! [`Lease`]: how much longer this run may write, and so whether a mutation may still be sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cloud::Gate;

/// Time since some fixed moment. Must count suspended time where the lock can be taken over meanwhile.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The lease that holders ask for when nothing else is set.
pub const LEASE: Duration = Duration::from_secs(60);

/// The longest that one attempt of a mutation may take under a lease: 20 seconds, or a third of a shorter lease.
pub fn attempt_max(lease: Duration) -> Duration {
    Duration::from_secs(20).min(lease / 3)
}

/// How often the lease is renewed, so that several renewals may fail before it runs out.
pub fn renewal_every(lease: Duration) -> Duration {
    lease / 6
}

/// What must be left of the lease beyond the attempt itself: for clocks that run at different speeds, and a call that is sent
/// a little after it was allowed.
fn margin(lease: Duration) -> Duration {
    lease / 12
}

/// The holder's view of its own lease.
pub struct Lease {
    length: Duration,
    clock: Clock,
    standing: Mutex<Standing>,
}

struct Standing {
    until: Duration,
    lost: Option<String>,
}

impl Lease {
    /// A lease that was asked for at `asked` on the given clock, and granted.
    pub fn new(length: Duration, clock: Clock, asked: Duration) -> Self {
        Self { length, clock, standing: Mutex::new(Standing { until: asked + length, lost: None }) }
    }

    pub fn length(&self) -> Duration {
        self.length
    }

    pub fn now(&self) -> Duration {
        (self.clock)()
    }

    /// A renewal that was sent at `asked` has been answered: others see it no earlier than that, so it counts from then.
    pub fn renewed(&self, asked: Duration) {
        let mut standing = self.standing();
        standing.until = standing.until.max(asked + self.length);
    }

    /// Somebody else holds the lock, or nobody: for ever.
    pub fn lose(&self, why: impl Into<String>) {
        self.standing().lost.get_or_insert_with(|| why.into());
    }

    pub fn lost(&self) -> Option<String> {
        self.standing().lost.clone()
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate for Lease {
    fn allows(&self, attempt: Duration) -> bool {
        let now = self.now();
        let standing = self.standing();
        standing.lost.is_none() && now + attempt + margin(self.length) <= standing.until
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! { static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) }; }

    fn at(seconds: u64) -> Duration {
        NOW.set(Duration::from_secs(seconds));
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_gate_is_open_while_the_lease_covers_the_attempt_with_a_margin() {
        let lease = Lease::new(LEASE, Arc::new(|| NOW.get()), at(100));
        let attempt = attempt_max(LEASE);
        assert_eq!(attempt, Duration::from_secs(20));
        at(135);
        assert!(lease.allows(attempt));
        at(136);
        assert!(!lease.allows(attempt) && lease.allows(Duration::from_secs(10)));
        lease.renewed(at(140));
        assert!(lease.allows(attempt));
        at(4_000);
        assert!(!lease.allows(Duration::ZERO), "an hour asleep");
    }

    #[test]
    fn a_late_answer_counts_from_when_it_was_asked_and_never_backwards() {
        let lease = Lease::new(LEASE, Arc::new(|| NOW.get()), at(100));
        lease.renewed(Duration::from_secs(90));
        at(155);
        assert!(lease.allows(Duration::ZERO));
        lease.renewed(Duration::from_secs(110));
        at(166);
        assert!(!lease.allows(Duration::ZERO));
    }

    #[test]
    fn a_lost_lease_stays_lost() {
        let lease = Lease::new(LEASE, Arc::new(|| NOW.get()), at(100));
        lease.lose("taken over by `run-2`");
        lease.renewed(at(101));
        assert!(!lease.allows(Duration::ZERO));
        assert_eq!(lease.lost().as_deref(), Some("taken over by `run-2`"));
    }
}
