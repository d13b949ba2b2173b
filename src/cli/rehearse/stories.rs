//! Stories of made-up stacks, one seed each, on all cores.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::cli::args::Format;
use crate::cli::call::Call;
use crate::cli::exit::{Ended, Exit};
use crate::report::rehearsal;
use crate::sim::run::Nobody;
use crate::sim::story::{self, Broken, Told};

/// Between two lines of progress, in milliseconds: where a line can be written over, and where not.
const PROGRESS: [u64; 2] = [500, 10_000];

/// Plays one story and shows it whole when it ends badly.
pub fn one(call: &Call, seed: u64) -> Ended {
    let told = story::play(seed, || Nobody);
    let broken = told.as_ref().err().map(|it| vec![it.as_ref()]).unwrap_or_default();
    say(call, 1, told.as_ref().ok().copied().unwrap_or_default(), &broken, Duration::ZERO)
}

/// Plays so many, the first of them `from`, until one ends badly or somebody presses Ctrl-C.
pub fn many(call: &mut Call, from: u64, count: u64) -> Ended {
    let began = call.world.nature.now();
    let since = |call: &Call| Duration::from_millis(call.world.nature.now().saturating_sub(began));
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (mut played, mut total, mut broken, mut interrupted) = (0, Told::default(), Vec::new(), false);
    thread::scope(|scope| {
        let (said, heard) = channel();
        for _ in 0..cores {
            let said = said.clone();
            let (next, stop) = (&next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count || !tell(from + at, &said) {
                        return;
                    }
                }
            });
        }
        drop(said);
        let mut shown = 0;
        while let Some(news) = wait(&heard) {
            match news {
                Some(Ok(told)) => {
                    played += 1;
                    total += told;
                }
                Some(Err(it)) => {
                    played += 1;
                    broken.push(it);
                    stop.store(true, Ordering::Relaxed);
                }
                None => {}
            }
            if call.world.interrupts.try_recv().is_ok() {
                interrupted = true;
                stop.store(true, Ordering::Relaxed);
            }
            let now = u64::try_from(since(call).as_millis()).unwrap_or(u64::MAX);
            if now.saturating_sub(shown) >= PROGRESS[usize::from(!call.world.terminal.stderr)] {
                shown = now;
                let line = rehearsal::progress(played, count, since(call), cores);
                call.tell(&if call.world.terminal.stderr { format!("\r{line} ") } else { format!("{line}\n") });
            }
        }
        if call.world.terminal.stderr && shown > 0 {
            call.tell("\n");
        }
    });
    broken.sort_by_key(|it| it.seed);
    let ended = say(call, played, total, &broken.iter().map(|it| &**it).collect::<Vec<_>>(), since(call))?;
    Ok(if interrupted && ended == Exit::Done { Exit::Interrupted } else { ended })
}

/// Whether somebody still listens.
fn tell(seed: u64, said: &Sender<Result<Told, Box<Broken>>>) -> bool {
    said.send(story::play(seed, || Nobody)).is_ok()
}

/// What a story came to, or nothing for a while; the end when nobody plays any more.
fn wait(heard: &Receiver<Result<Told, Box<Broken>>>) -> Option<Option<Result<Told, Box<Broken>>>> {
    match heard.recv_timeout(Duration::from_millis(PROGRESS[0])) {
        Ok(it) => Some(Some(it)),
        Err(RecvTimeoutError::Timeout) => Some(None),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

fn say(call: &Call, played: u64, total: Told, broken: &[&Broken], took: Duration) -> Ended {
    match call.format {
        Format::Json => {
            let bad = broken.iter().map(|it| json!({ "seed": it.seed, "why": it.why, "log": it.log }));
            call.print_json(&json!({
                "format_version": 1,
                "stories": played,
                "runs": total.runs,
                "ended_early": total.crashes,
                "seconds": took.as_secs_f64(),
                "broken": bad.collect::<Vec<_>>(),
            }));
        }
        Format::Text | Format::Markdown => {
            broken.iter().for_each(|it| call.print(&it.to_string()));
            call.print(&rehearsal::stories(played, total.runs, total.crashes, broken.len()));
        }
    }
    Ok(if broken.is_empty() { Exit::Done } else { Exit::Failed })
}
