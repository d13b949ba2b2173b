//! Whatever is wrong with what infra is given: a clear diagnostic with a code and a page, the right exit code, and nothing changed.

mod cloud;
mod commands;
mod files;
mod interrupts;
mod secrets;
mod states;

use std::collections::BTreeMap;
use std::path::Path;

use localstack::Cloud;
use regex::Regex;

use crate::cli::person::{Repository, Said};

/// Every file below the folder with its bytes; what is no readable file counts by its name.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                out.insert(path.display().to_string(), std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    out
}

/// Runs a command that must leave every file of the repository as it was.
#[track_caller]
fn unchanged(here: &Repository, run: impl FnOnce() -> Said) -> Said {
    let before = contents(here.path());
    let said = run();
    let after = contents(here.path());
    let touched: Vec<_> = after.keys().chain(before.keys()).filter(|it| before.get(*it) != after.get(*it)).collect();
    assert!(touched.is_empty(), "{touched:?} changed\n{}", said.err);
    said
}

/// The calls of an account that change something, or would have.
fn mutations(cloud: &Cloud, account: &str) -> u64 {
    let reads = ["Describe", "Get", "List", "Head", "BatchGet", "Query", "Scan"];
    let calls = cloud.calls().account(account).calls;
    let changes = |name: &str| name.split('.').next_back().is_some_and(|it| !reads.iter().any(|read| it.starts_with(read)));
    calls.into_iter().filter(|(name, _)| changes(name)).map(|(_, count)| count).sum()
}

/// Without what is another in every run: ports, request ids, times, runs.
fn steady(text: &str) -> String {
    let changing = [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\(request\s+id\s+[^)]+\)", "(request id ID)"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \([^)]*\)", "TIME (AGE)"),
        (r"(?:\d+m)?\d+(?:\.\d+)?m?s\b", "TIME"),
        (r"\b[0-9a-f]{32}\b", "RUN"),
        (r"\b(vpc|subnet|igw|sg|rtb)-[0-9a-f]+\b", "$1-ID"),
    ];
    changing
        .iter()
        .fold(text.to_owned(), |text, (pattern, name)| Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned())
}
