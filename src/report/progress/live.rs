//! Progress on a terminal: a line for each thing that runs, below the lines of what is over.

use std::collections::BTreeMap;
use std::io;
use std::sync::PoisonError;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::{Sink, words};
use crate::address::Address;
use crate::apply::event::{Doing, Event};
use crate::report::Style;
use crate::report::style::{Tone, columns};
use crate::report::time::length;

/// More lines than this tell a person less.
const LINES_MAX: usize = 12;
const TICK: Duration = Duration::from_millis(200);
const REDRAWS_PER_SECOND: u8 = 10;

pub struct Live {
    bars: MultiProgress,
    /// The last line: how much is left. There only while something runs, so that it does not draw over a question.
    total: Option<ProgressBar>,
    running: BTreeMap<(Address, Doing), Running>,
    style: Style,
    done: usize,
    failed: usize,
    remaining: usize,
}

struct Running {
    /// None for what has no line of its own, because there are many.
    bar: Option<ProgressBar>,
    doing: Doing,
}

impl Live {
    pub(super) fn new(sink: Sink, style: Style) -> Self {
        let terminal = Terminal { sink, width: u16::try_from(style.width).unwrap_or(u16::MAX) };
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal), REDRAWS_PER_SECOND);
        let bars = MultiProgress::with_draw_target(target);
        Self { bars, total: None, running: BTreeMap::new(), style, done: 0, failed: 0, remaining: 0 }
    }

    pub(super) fn tell(&mut self, event: &Event) {
        match event {
            Event::Started { address, doing, remaining, .. } => {
                self.remaining = *remaining;
                self.total.get_or_insert_with(|| {
                    let bar = self.bars.add(ProgressBar::new_spinner().with_style(template("{spinner} {msg}  {elapsed}")));
                    bar.enable_steady_tick(TICK);
                    bar
                });
                let shown = self.running.values().filter(|it| it.bar.is_some()).count();
                let bar = (shown < LINES_MAX).then(|| self.add(address, *doing));
                self.running.insert((address.clone(), *doing), Running { bar, doing: *doing });
            }
            Event::Waiting { address, doing, status, .. } => self.say(address, *doing, status),
            Event::Retrying { address, doing, fault, .. } => {
                let what = fault.code.as_deref().unwrap_or(&fault.message);
                self.say(address, *doing, &format!("trying again: {what}"));
            }
            Event::Done { address, doing, id, took, .. } => {
                self.done += 1;
                self.remaining = self.remaining.saturating_sub(1);
                self.end(address, *doing);
                let id = id.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
                let word = self.style.paint(Tone::Add, words(*doing).1);
                self.keep(&format!("{address}: {word}{id} {}", self.style.paint(Tone::Faint, &length(*took))));
            }
            Event::Failed { address, doing, failure, .. } => {
                self.failed += 1;
                self.remaining = self.remaining.saturating_sub(1);
                self.end(address, *doing);
                let word = self.style.paint(Tone::Alarm, "failed");
                self.keep(&format!("{address}: {} {word}: {failure}", words(*doing).0));
            }
            Event::Skipped { address, because, .. } => {
                self.remaining = self.remaining.saturating_sub(1);
                let word = self.style.paint(Tone::Change, "skipped");
                self.keep(&format!("{address}: {word}, because it needs {because}"));
            }
            Event::Stopping { in_flight, .. } => self.keep(&self.style.paint(
                Tone::Alarm,
                &format!("Stopping: {in_flight} running steps are finished, nothing more is started. Once more: stop waiting."),
            )),
        }
        self.count();
    }

    pub(super) fn finish(self) {
        for running in self.running.into_values() {
            if let Some(bar) = running.bar {
                bar.finish_and_clear();
            }
        }
        if let Some(total) = self.total {
            total.finish_and_clear();
        }
    }

    fn add(&self, address: &Address, doing: Doing) -> ProgressBar {
        let word = words(doing).0;
        let room = self.style.width.saturating_sub(word.len() + 24);
        let bar = ProgressBar::new_spinner().with_style(template("  {prefix} {elapsed} {wide_msg}"));
        let bar = match &self.total {
            Some(total) => self.bars.insert_before(total, bar),
            None => self.bars.add(bar),
        };
        bar.set_prefix(format!("{} {word}", shortened(&address.to_string(), room)));
        bar.enable_steady_tick(TICK);
        bar
    }

    fn say(&self, address: &Address, doing: Doing, what: &str) {
        if let Some(bar) = self.running.get(&(address.clone(), doing)).and_then(|it| it.bar.as_ref()) {
            bar.set_message(what.to_owned());
        }
    }

    fn end(&mut self, address: &Address, doing: Doing) {
        if let Some(bar) = self.running.remove(&(address.clone(), doing)).and_then(|it| it.bar) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        // A line is free: the next that has none gets it.
        let waiting = self.running.iter().find(|(_, it)| it.bar.is_none()).map(|(key, it)| (key.clone(), it.doing));
        if let Some((key, doing)) = waiting {
            let bar = self.add(&key.0, doing);
            self.running.insert(key, Running { bar: Some(bar), doing });
        }
    }

    /// A line that stays, above those that run.
    fn keep(&self, line: &str) {
        // The only failure is a terminal that is gone; the run goes on.
        let _ = self.bars.println(line);
    }

    fn count(&mut self) {
        if self.running.is_empty() && self.remaining == 0 {
            if let Some(total) = self.total.take() {
                total.finish_and_clear();
            }
            return;
        }
        let Some(total) = &self.total else { return };
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let waiting = self.remaining.saturating_sub(self.running.len());
        total.set_message(format!("{} done{failed}, {} running, {waiting} to go", self.done, self.running.len()));
    }
}

fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Cut in the middle: both ends of an address say most.
fn shortened(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let half = room.saturating_sub(1) / 2;
    let (start, end) = (&chars[..half.min(chars.len())], &chars[chars.len().saturating_sub(half)..]);
    format!("{}…{}", start.iter().collect::<String>(), end.iter().collect::<String>())
}

/// What `indicatif` needs of a terminal, over the writer that `main` made.
struct Terminal {
    sink: Sink,
    width: u16,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Terminal({} columns)", self.width)
    }
}

impl Terminal {
    fn write(&self, text: &str) -> io::Result<()> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes())
    }
    fn step(&self, count: usize, code: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.write(&format!("\u{1b}[{count}{code}")) }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.width
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.step(n, 'A')
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.step(n, 'B')
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.step(n, 'C')
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.step(n, 'D')
    }
    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write(&format!("{line}\r\n"))
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.write("\r\u{1b}[2K")
    }
    fn flush(&self) -> io::Result<()> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}
