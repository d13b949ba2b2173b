//! [`Patience`]: how often and how long a read is tried again.

use std::time::Duration;

use tokio::time::Instant;

/// How long a read is tried again before its failure counts.
const BUDGET: Duration = Duration::from_secs(120);
const FIRST: Duration = Duration::from_millis(100);
const MAX: Duration = Duration::from_secs(10);

/// Pauses that double, each shortened by chance to a half at most, so that those who failed together do not return together.
pub(super) struct Patience {
    end: Instant,
    pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self::of(BUDGET)
    }
}

impl Patience {
    pub fn of(budget: Duration) -> Self {
        Self { end: Instant::now() + budget, pause: FIRST }
    }

    /// Waits until the next attempt; false at once where there shall be none.
    pub async fn wait(&mut self) -> bool {
        let jittered = self.pause.mul_f64(0.5 + random_part() / 2.0);
        if Instant::now() + jittered >= self.end {
            return false;
        }
        tokio::time::sleep(jittered).await;
        self.pause = (self.pause * 2).min(MAX);
        true
    }
}

/// From 0 to 1.
fn random_part() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends() {
        let (mut patience, began, mut attempts) = (Patience::default(), Instant::now(), 0);
        while patience.wait().await {
            attempts += 1;
        }
        let took = began.elapsed();
        assert!((15..40).contains(&attempts) && took < BUDGET && took > BUDGET - MAX, "{attempts} in {took:?}");
    }
}
