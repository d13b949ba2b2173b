//! [`Diagnostic`]: what is wrong with what the user wrote or asked for; where, why, and what to do.

pub mod explain;
pub mod render;

use std::fmt;
use std::sync::Arc;

use crate::address::Address;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
}

/// A place in a file. Lines and columns are found by whoever holds the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Relative to the root of the repository, as printed.
    pub file: Arc<str>,
    /// Bytes from the start of the file.
    pub start: u32,
    pub end: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// `did you mean …?`
    DidYouMean(String),
    /// A command or sentence that helps.
    Help(String),
    Note(String),
}

/// One complaint. `summary` is fixed text with names in it; `detail` says in full sentences what, why it matters and what to
/// do, and may be empty where the summary says it all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// `unknown-attribute`: each has a page in `src/diag/pages`, printed by `infra explain`.
    pub code: &'static str,
    pub summary: String,
    pub detail: String,
    pub span: Option<Span>,
    /// What the caret line says, if anything.
    pub label: String,
    /// Other places that matter: the first definition, the steps of a cycle.
    pub related: Vec<(Span, String)>,
    pub address: Option<Address>,
    pub hints: Vec<Hint>,
}

impl Diagnostic {
    pub fn error(code: &'static str, summary: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            summary: summary.into(),
            detail: String::new(),
            span: None,
            label: String::new(),
            related: Vec::new(),
            address: None,
            hints: Vec::new(),
        }
    }

    pub fn warning(code: &'static str, summary: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, summary) }
    }

    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
    pub fn related(mut self, span: Span, what: impl Into<String>) -> Self {
        self.related.push((span, what.into()));
        self
    }
    pub fn address(mut self, address: Address) -> Self {
        self.address = Some(address);
        self
    }
    pub fn did_you_mean(mut self, name: Option<impl Into<String>>) -> Self {
        self.hints.extend(name.map(|it| Hint::DidYouMean(it.into())));
        self
    }
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.hints.push(Hint::Help(help.into()));
        self
    }
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.hints.push(Hint::Note(note.into()));
        self
    }
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_error() { "error" } else { "warning" };
        write!(f, "{word}[{}]: {}", self.code, self.summary)
    }
}

/// The name among `names` that `wrong` most likely was meant to be.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // One slip of the finger counts for much in a short name.
    let slip = |name: &str| wrong.len() > 2 && strsim::osa_distance(wrong, name) == 1;
    let part = |name: &str| wrong.len() > 2 && name.contains(wrong);
    let close = |name: &&str| strsim::jaro_winkler(wrong, name) > 0.8 || slip(name) || part(name);
    let mut best: Vec<&str> = names.into_iter().filter(close).collect();
    best.sort_by(|a, b| strsim::jaro_winkler(wrong, b).total_cmp(&strsim::jaro_winkler(wrong, a)).then(a.cmp(b)));
    best.first().copied()
}
