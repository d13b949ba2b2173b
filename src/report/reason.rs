//! Why a change is made, in words.

use crate::plan::{Action, Change, Reason};
use crate::remote::Content;

/// One sentence a kind of reason, the deciding one first; paths of one kind are gathered.
pub fn sentences(change: &Change) -> Vec<String> {
    let mut gathered: Vec<(String, Vec<String>)> = Vec::new();
    for reason in &change.reasons {
        let (text, path) = match (reason, change.action) {
            (Reason::Block, Action::Import) => ("exists, and is taken in".to_owned(), None),
            _ => words(reason),
        };
        match gathered.iter_mut().find(|(it, _)| *it == text) {
            Some((_, paths)) => paths.extend(path),
            None => gathered.push((text, path.into_iter().collect())),
        }
    }
    let whole = |(text, paths): (String, Vec<String>)| match paths.is_empty() {
        true => text,
        false => format!("{text}: {}", super::value::few(&paths)),
    };
    gathered.into_iter().map(whole).collect()
}

fn words(reason: &Reason) -> (String, Option<String>) {
    let path = |text: &str, path: &str| (text.to_owned(), Some(path.to_owned()));
    let plain = |text: String| (text, None);
    match reason {
        Reason::New => plain("new".into()),
        Reason::Missing => plain("gone from the cloud, though recorded".into()),
        Reason::Configuration { path: it } => path("configuration changed", it),
        Reason::Drift { path: it } => path("changed behind our back", it),
        Reason::ConfigurationAndDrift { path: it } => path("changed both in the configuration and behind our back", it),
        Reason::Follows { path: it, address } => path(&format!("follows from {address}"), it),
        Reason::Fixed { path: it } => path("cannot change in place", it),
        Reason::Failed { status } => plain(format!("the cloud gave it up: {status}")),
        Reason::Asked => plain("asked for".into()),
        Reason::Triggered { address } => plain(format!("replace_triggered_by {address}")),
        Reason::Unfinished => plain("a former run did not finish it".into()),
        Reason::Deposed { id } => plain(format!("a former run replaced {id} and did not delete it")),
        Reason::NotInConfiguration => plain("no longer in the configuration".into()),
        Reason::Disabled => plain("enabled = false".into()),
        Reason::Destroy => plain("the stack is destroyed".into()),
        Reason::Purge { contents } => plain(purged(contents)),
        Reason::Block => plain("as the configuration's block says".into()),
        Reason::Protection { prevent_destroy, prevent_replace } => {
            let on = |it: &bool| if *it { "on" } else { "off" };
            plain(format!("protection: prevent_destroy {}, prevent_replace {}", on(prevent_destroy), on(prevent_replace)))
        }
        Reason::Dependency { address } => plain(format!("cannot outlive {address}")),
    }
}

/// `emptied before, and lost for good: 3 object versions and 1 open multipart upload`
fn purged(contents: &[Content]) -> String {
    let counts: Vec<String> = contents.iter().filter(|it| it.count > 0).map(Content::to_string).collect();
    match counts.split_last() {
        None => "emptied before, though nothing lies in it now".into(),
        Some((last, [])) => format!("emptied before, and lost for good: {last}"),
        Some((last, rest)) => format!("emptied before, and lost for good: {} and {last}", rest.join(", ")),
    }
}
