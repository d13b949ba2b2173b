//! The texts that diagnostics and plans point into: each file is read once, and its lines are counted once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::diag::Span;
use crate::diag::render::Sources;
use crate::stack::source::Source;

pub struct Texts {
    source: Arc<dyn Source>,
    read: Mutex<BTreeMap<String, Option<Arc<Text>>>>,
}

struct Text {
    text: Arc<str>,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl Texts {
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self { source, read: Mutex::default() }
    }

    fn get(&self, file: &str) -> Option<Arc<Text>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let found = read.entry(file.to_owned()).or_insert_with(|| {
            let bytes = self.source.read(file).ok()?;
            let text: Arc<str> = String::from_utf8_lossy(&bytes).into();
            let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
            Some(Arc::new(Text { text, starts }))
        });
        found.clone()
    }

    /// `stacks/dev/stack.hcl:14`; the file alone where it cannot be read.
    pub fn place(&self, span: &Span) -> String {
        let start = usize::try_from(span.start).unwrap_or(usize::MAX);
        match self.get(&span.file) {
            Some(it) => format!("{}:{}", span.file, it.starts.partition_point(|line| *line <= start)),
            None => span.file.to_string(),
        }
    }
}

impl Sources for Texts {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        self.get(file).map(|it| it.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::source::Memory;

    #[test]
    fn places_are_lines_of_files() {
        let texts = Texts::new(Arc::new(Memory::new([("a.hcl", "one\ntwo\n")])));
        let place = |file: &str, start| texts.place(&Span { file: file.into(), start, end: start });
        assert_eq!([place("a.hcl", 0), place("a.hcl", 3), place("a.hcl", 4)], ["a.hcl:1", "a.hcl:1", "a.hcl:2"]);
        assert_eq!([place("a.hcl", u32::MAX), place("b.hcl", 1)], ["a.hcl:3", "b.hcl"]);
    }
}
