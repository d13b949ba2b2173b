//! What tests and people steer the local cloud with, in the process and under `/_local/`.

mod calls;
mod faults;
mod http;
mod log;
mod rates;
mod refusals;
mod settings;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

pub use calls::{Calls, Count, Counts};
pub(crate) use faults::Hit;
pub use faults::{Effect, Fault, Faults};
pub use log::{Entry, Log};
pub use settings::Settings;

pub(crate) use http::{PREFIX, answer};
pub(crate) use rates::Rates;
pub(crate) use refusals::{denied, quota, throttled};

/// Who calls what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub account: String,
    pub region: String,
    pub service: &'static str,
    pub action: String,
}

impl Subject {
    pub(crate) fn new(account: &str, region: &str, service: &'static str, action: &str) -> Self {
        Self { account: account.to_owned(), region: region.to_owned(), service, action: action.to_owned() }
    }
}

/// Everything that can be steered and counted.
#[derive(Default)]
pub(crate) struct Control {
    settings: RwLock<Settings>,
    by_account: RwLock<HashMap<String, Settings>>,
    pub calls: Calls,
    pub faults: Faults,
    pub log: Log,
    pub rates: Mutex<Rates>,
}

impl Control {
    /// The settings for an account: its own, else everyone's.
    pub fn settings(&self, account: &str) -> Settings {
        let own = self.by_account.read();
        let own = own.unwrap_or_else(PoisonError::into_inner);
        own.get(account).copied().unwrap_or_else(|| self.common())
    }

    /// The settings of accounts that have none of their own.
    pub fn common(&self) -> Settings {
        *self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one account's settings, or everyone's.
    pub fn set(&self, account: Option<&str>, settings: Settings) {
        match account {
            Some(account) => {
                let all = self.by_account.write();
                all.unwrap_or_else(PoisonError::into_inner).insert(account.to_owned(), settings);
            }
            None => {
                let common = self.settings.write();
                *common.unwrap_or_else(PoisonError::into_inner) = settings;
            }
        }
    }
}
