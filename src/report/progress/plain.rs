//! Progress as lines that stay: for logs and pipes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Sink, words, write_line};
use crate::address::Address;
use crate::apply::event::Event;
use crate::report::Style;
use crate::report::style::Tone;
use crate::report::time::length;

/// What waits is told again after so long, so that a log shows life.
const AGAIN: Duration = Duration::from_secs(30);

pub struct Plain {
    sink: Sink,
    style: Style,
    /// When what runs began, and was last spoken of.
    running: BTreeMap<Address, (Duration, Duration)>,
}

impl Plain {
    pub(super) fn new(sink: Sink, style: Style) -> Self {
        Self { sink, style, running: BTreeMap::new() }
    }

    pub(super) fn tell(&mut self, event: &Event) {
        if let Some((tone, line)) = self.line(event) {
            write_line(&self.sink, &self.style.paint(tone, &line));
        }
    }

    fn line(&mut self, event: &Event) -> Option<(Tone, String)> {
        match event {
            Event::Started { at, address, doing, remaining } => {
                self.running.insert(address.clone(), (*at, *at));
                Some((Tone::Plain, format!("{address}: {} ({remaining} to go)", words(*doing).0)))
            }
            Event::Waiting { at, address, doing, status } => {
                let (since, told) = self.running.get_mut(address)?;
                if at.saturating_sub(*told) < AGAIN {
                    return None;
                }
                *told = *at;
                let elapsed = length(at.saturating_sub(*since));
                Some((Tone::Faint, format!("{address}: still {} after {elapsed}, {status}", words(*doing).0)))
            }
            Event::Retrying { address, fault, wait, .. } => {
                Some((Tone::Faint, format!("{address}: {fault}; trying again in {}", length(*wait))))
            }
            Event::Done { address, doing, id, took, .. } => {
                self.running.remove(address);
                let id = id.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
                Some((Tone::Add, format!("{address}: {}{id} in {}", words(*doing).1, length(*took))))
            }
            Event::Failed { address, doing, failure, .. } => {
                self.running.remove(address);
                Some((Tone::Alarm, format!("{address}: {} failed: {failure}", words(*doing).0)))
            }
            Event::Skipped { address, because, .. } => {
                Some((Tone::Change, format!("{address}: skipped, because it needs {because}")))
            }
            Event::Stopping { in_flight, .. } => Some((
                Tone::Alarm,
                format!("Stopping: {in_flight} running steps are finished, nothing more is started. Once more: stop waiting."),
            )),
        }
    }
}
