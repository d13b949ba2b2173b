//! Counting.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Serialize;

use super::Subject;
use crate::lock;

/// Calls since the start or the last reset.
#[derive(Default)]
pub struct Calls(Mutex<Counts>);

/// A snapshot of all counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub total: u64,
    pub max_in_flight: u64,
    /// By `service.Action`.
    pub calls: BTreeMap<String, u64>,
    pub accounts: BTreeMap<String, Count>,
    #[serde(skip)]
    in_flight: u64,
}

/// The counts of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub total: u64,
    pub calls: BTreeMap<String, u64>,
}

impl Counts {
    /// How often `service.Action` was called, by anyone.
    pub fn of(&self, name: &str) -> u64 {
        self.calls.get(name).copied().unwrap_or_default()
    }

    /// The counts of one account.
    pub fn account(&self, account: &str) -> Count {
        self.accounts.get(account).cloned().unwrap_or_default()
    }
}

impl Count {
    /// How often this account called `service.Action`.
    pub fn of(&self, name: &str) -> u64 {
        self.calls.get(name).copied().unwrap_or_default()
    }
}

impl Calls {
    pub(crate) fn begin(&self, subject: &Subject) -> InFlight<'_> {
        let name = format!("{}.{}", subject.service, subject.action);
        let mut counts = lock(&self.0);
        counts.total += 1;
        counts.in_flight += 1;
        counts.max_in_flight = counts.max_in_flight.max(counts.in_flight);
        let account = counts.accounts.entry(subject.account.clone()).or_default();
        account.total += 1;
        *account.calls.entry(name.clone()).or_default() += 1;
        *counts.calls.entry(name).or_default() += 1;
        InFlight(self)
    }

    pub fn counts(&self) -> Counts {
        lock(&self.0).clone()
    }

    pub fn reset(&self) {
        let mut counts = lock(&self.0);
        let in_flight = counts.in_flight;
        *counts = Counts { in_flight, max_in_flight: in_flight, ..Counts::default() };
    }
}

/// A call that is not answered yet.
pub(crate) struct InFlight<'a>(&'a Calls);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        lock(&self.0.0).in_flight -= 1;
    }
}
