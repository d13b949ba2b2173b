//! The order of complaints: by file and place, each once.

use crate::diag::Diagnostic;

pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| (&a.span, a.code, &a.summary).cmp(&(&b.span, b.code, &b.summary)));
    // What is wrong in a block is wrong in each of its instances: once is enough.
    diagnostics.dedup_by(|a, b| a.span == b.span && a.code == b.code && a.summary == b.summary);
}

pub fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    sort(&mut diagnostics);
    diagnostics
}
