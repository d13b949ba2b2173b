//! What is said where infra falls over: where, and nothing of what it had in hand, which may be a secret.

use std::panic::Location;

use crate::report::progress::{Sink, write_line};

/// From now on a panic is told in these words. `sink` must not be one that is held while anything is written by others.
pub fn hush(sink: Sink) {
    std::panic::set_hook(Box::new(move |it| write_line(&sink, &words(it.location()))));
}

fn words(place: Option<&Location<'_>>) -> String {
    let place = place.map_or_else(String::new, |it| format!(" at {}:{}:{}", it.file(), it.line(), it.column()));
    format!(
        "error[bug]: this is a bug in infra: it gave up{place}\n   = note: what was known to be done is on record; the command may \
         be repeated\n   = help: please report it with this text, the command and the version"
    )
}
