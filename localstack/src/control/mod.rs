//! What tests and people steer the local cloud with, in the process and under `/_local/`.

mod calls;
mod faults;
mod http;
mod log;
mod rates;
mod refusals;
mod settings;

use std::sync::{Mutex, PoisonError, RwLock};

pub use calls::{Calls, Count, Counts};
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
    pub calls: Calls,
    pub faults: Faults,
    pub log: Log,
    pub rates: Mutex<Rates>,
}

impl Control {
    pub fn settings(&self) -> Settings {
        *self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, settings: Settings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
    }
}
