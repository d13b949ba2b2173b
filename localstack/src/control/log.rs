//! The last requests, for people who wonder what just happened.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Subject;
use crate::lock;

const KEPT: usize = 2_000;

#[derive(Default)]
pub struct Log(Mutex<VecDeque<Entry>>);

#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Seconds since 1970.
    pub time: f64,
    pub took_ms: f64,
    pub account: String,
    pub region: String,
    pub service: String,
    pub action: String,
    /// 0 where the connection was dropped.
    pub status: u16,
    pub request_id: String,
}

impl Log {
    pub(crate) fn add(&self, subject: &Subject, status: u16, request_id: &str, started: Instant) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut entries = lock(&self.0);
        if entries.len() == KEPT {
            entries.pop_front();
        }
        entries.push_back(Entry {
            time: now.map_or(0.0, |since| since.as_secs_f64()),
            took_ms: started.elapsed().as_secs_f64() * 1000.0,
            account: subject.account.clone(),
            region: subject.region.clone(),
            service: subject.service.to_owned(),
            action: subject.action.clone(),
            status,
            request_id: request_id.to_owned(),
        });
    }

    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.0).iter().cloned().collect()
    }
}
