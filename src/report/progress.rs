//! A run while it goes on: live lines on a terminal, plain lines elsewhere, JSON lines for scripts; and its summary.

mod live;
mod plain;
mod summary;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

pub use summary::text as summary;

use crate::apply::event::{Doing, Event, Outcome};
use crate::report::Style;

/// Where lines go; shared, because the live view draws from a thread of its own.
pub type Sink = Arc<Mutex<dyn Write + Send>>;

/// How progress is told.
pub enum Progress {
    Live(live::Live),
    Plain(plain::Plain),
    Json(Sink),
}

impl Progress {
    /// For a terminal: a line for each thing that runs, redrawn in place.
    pub fn live(sink: Sink, style: Style) -> Self {
        Self::Live(live::Live::new(sink, style))
    }
    /// For logs: a line when something begins, ends, or takes long.
    pub fn plain(sink: Sink, style: Style) -> Self {
        Self::Plain(plain::Plain::new(sink, style))
    }
    /// For scripts: every event as one line of JSON.
    pub fn json(sink: Sink) -> Self {
        Self::Json(sink)
    }

    pub fn tell(&mut self, event: &Event) {
        match self {
            Self::Live(it) => it.tell(event),
            Self::Plain(it) => it.tell(event),
            Self::Json(sink) => {
                if let Ok(line) = serde_json::to_string(event) {
                    write_line(sink, &line);
                }
            }
        }
    }

    /// Takes the live lines away; to be done before anything else is printed.
    pub fn finish(self) {
        match self {
            Self::Live(it) => it.finish(),
            Self::Plain(_) | Self::Json(_) => {}
        }
    }
}

/// For scripts, the last line of all: what came of the whole command.
pub fn write_summary(sink: &Sink, outcome: &Outcome) {
    write_line(sink, &summary_event(outcome).to_string());
}

fn summary_event(outcome: &Outcome) -> serde_json::Value {
    let failed = outcome.failed.iter().map(|(address, failure)| json!({ "address": address, "failure": failure }));
    let skipped = outcome.skipped.iter().map(|(address, because)| json!({ "address": address, "because": because }));
    json!({
        "event": "summary",
        "done": outcome.done,
        "failed": failed.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "stopped": outcome.stopped,
        "took": outcome.took.as_secs_f64(),
    })
}

/// A pipe that nobody reads any more stops nothing: the run goes on, and its exit code tells.
pub fn write_line(sink: &Sink, line: &str) {
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = writeln!(sink, "{line}").and_then(|()| sink.flush());
}

/// `creating`, and `created` when it is over.
fn words(doing: Doing) -> (&'static str, &'static str) {
    match doing {
        Doing::Settle => ("settling", "settled"),
        Doing::Create => ("creating", "created"),
        Doing::Configure => ("configuring", "configured"),
        Doing::Update => ("updating", "updated"),
        Doing::Delete => ("deleting", "deleted"),
        Doing::Import => ("importing", "imported"),
        Doing::Read => ("reading", "read"),
        Doing::Record => ("recording", "recorded"),
    }
}

#[cfg(test)]
mod tests;
