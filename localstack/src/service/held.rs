//! States that AWS shows for a while and emulators skip.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::control::Settings;
use crate::lock;

/// Held states by the name of what is in them.
#[derive(Default)]
pub struct HeldStates(Mutex<HashMap<String, Held>>);

#[derive(Clone, Debug)]
struct Held {
    state: &'static str,
    until: Instant,
    reads: u32,
}

impl Held {
    fn is_over(&self) -> bool {
        self.reads == 0 && self.until <= Instant::now()
    }
}

impl HeldStates {
    /// Shows `state` for as long as `settings` make AWS's `usual` time.
    pub fn hold(&self, name: &str, state: &'static str, usual: Duration, settings: Settings) {
        let held = Held { state, until: Instant::now() + usual.mul_f64(settings.slow.max(0.0)), reads: settings.held_reads };
        lock(&self.0).insert(name.to_owned(), held);
    }

    /// The state to show instead of the emulator's. Looking counts as a read.
    pub fn look(&self, name: &str) -> Option<&'static str> {
        let mut all = lock(&self.0);
        let held = all.get_mut(name)?;
        if held.is_over() {
            all.remove(name);
            return None;
        }
        held.reads = held.reads.saturating_sub(1);
        Some(held.state)
    }

    /// Is no state held any more? Asking does not count as a read.
    pub fn is_over(&self, name: &str) -> bool {
        lock(&self.0).get(name).is_none_or(Held::is_over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_lasts_for_a_number_of_reads() {
        let states = HeldStates::default();
        let settings = Settings { slow: 0.0, held_reads: 2, ..Settings::default() };
        states.hold("a", "pending", Duration::from_secs(1), settings);
        assert!(!states.is_over("a"));
        let seen: Vec<_> = (0..3).map(|_| states.look("a")).collect();
        assert_eq!(seen, [Some("pending"), Some("pending"), None]);
        assert!(states.is_over("a"));
    }
}
