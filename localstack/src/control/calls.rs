//! Counting.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use serde::Serialize;

use super::Subject;
use crate::lock;

/// Calls since the start or the last reset.
#[derive(Default)]
pub struct Calls {
    counts: Mutex<Counts>,
    /// How many calls of an account are being carried out, whether or not somebody still waits for the answer.
    under_way: Mutex<HashMap<String, u64>>,
}

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
        let mut counts = lock(&self.counts);
        counts.total += 1;
        counts.in_flight += 1;
        counts.max_in_flight = counts.max_in_flight.max(counts.in_flight);
        let account = counts.accounts.entry(subject.account.clone()).or_default();
        account.total += 1;
        *account.calls.entry(name.clone()).or_default() += 1;
        *counts.calls.entry(name).or_default() += 1;
        InFlight(self)
    }

    /// To be held by whatever carries a call of `account` out.
    pub(crate) fn carry_out(&self, account: &str) -> UnderWay<'_> {
        *lock(&self.under_way).entry(account.to_owned()).or_default() += 1;
        UnderWay { calls: self, account: account.to_owned() }
    }

    /// How many calls of `account` are being carried out.
    pub fn under_way(&self, account: &str) -> u64 {
        lock(&self.under_way).get(account).copied().unwrap_or_default()
    }

    pub fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    pub fn reset(&self) {
        let mut counts = lock(&self.counts);
        let in_flight = counts.in_flight;
        *counts = Counts { in_flight, max_in_flight: in_flight, ..Counts::default() };
    }
}

/// A call that is not answered yet.
pub(crate) struct InFlight<'a>(&'a Calls);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        lock(&self.0.counts).in_flight -= 1;
    }
}

/// A call that is being carried out.
pub(crate) struct UnderWay<'a> {
    calls: &'a Calls,
    account: String,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(count) = lock(&self.calls.under_way).get_mut(&self.account) {
            *count -= 1;
        }
    }
}
