//! Diagnostics for people: the source line, a caret, what was expected, what to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Diagnostic, Hint, Severity, Span};

/// A tab is shown as this many columns, so that carets stay where they belong.
const TAB: usize = 4;
/// Longer lines are cut around the place that matters.
const LINE_WIDTH_MAX: usize = 160;

/// Escape sequences, or nothing.
struct Colours {
    error: &'static str,
    warning: &'static str,
    frame: &'static str,
    help: &'static str,
    bold: &'static str,
    off: &'static str,
}

const PLAIN: Colours = Colours { error: "", warning: "", frame: "", help: "", bold: "", off: "" };
const COLOURED: Colours = Colours {
    error: "\x1b[1;31m",
    warning: "\x1b[1;33m",
    frame: "\x1b[1;34m",
    help: "\x1b[36m",
    bold: "\x1b[1m",
    off: "\x1b[0m",
};

/// Who holds the texts that spans point into.
pub trait Sources {
    fn text(&self, file: &str) -> Option<Arc<str>>;
}

/// No file at hand: places are shown by file name alone.
#[derive(Clone, Copy, Debug)]
pub struct NoSources;

impl Sources for NoSources {
    fn text(&self, _: &str) -> Option<Arc<str>> {
        None
    }
}

/// All of them, sorted by file and place, those without a place last, an empty line between two.
pub fn render(diagnostics: &[Diagnostic], sources: &dyn Sources, colour: bool) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    let rank = |it: &Diagnostic| (it.span.is_none(), it.span.clone(), it.severity, it.code);
    sorted.sort_by_cached_key(|it| rank(it));
    let spans = sorted.iter().flat_map(|it| it.span.iter().chain(it.related.iter().map(|(span, _)| span)));
    let texts: BTreeMap<&str, Arc<str>> = spans.filter_map(|it| Some((&*it.file, sources.text(&it.file)?))).collect();
    let colours = if colour { &COLOURED } else { &PLAIN };
    let mut files = Files { text: |file: &str| texts.get(file).map(|it| &**it), lines: BTreeMap::new() };
    let all: Vec<String> = sorted.iter().map(|it| one(it, &mut files, colours)).collect();
    all.join("\n")
}

/// `stacks/dev/stack.hcl:14`, or the file alone where its text is not at hand.
pub fn location(span: &Span, sources: &dyn Sources) -> String {
    let text = sources.text(&span.file);
    let mut files = Files { text: |_: &str| text.as_deref(), lines: BTreeMap::new() };
    match files.locate(span) {
        Some(at) => format!("{}:{}", span.file, at.line),
        None => span.file.to_string(),
    }
}

/// Texts of files, with the offset of each line, found once a file.
struct Files<F> {
    text: F,
    lines: BTreeMap<String, Vec<usize>>,
}

/// A place in a line of a file.
struct Located<'t> {
    /// From one.
    line: usize,
    /// From one, in characters.
    column: usize,
    text: &'t str,
    /// Bytes of the line before the place, and within it.
    before: usize,
    length: usize,
}

impl<'t, F: Fn(&str) -> Option<&'t str>> Files<F> {
    fn locate(&mut self, span: &Span) -> Option<Located<'t>> {
        let text = (self.text)(&span.file)?;
        let starts = self
            .lines
            .entry(span.file.to_string())
            .or_insert_with(|| std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect());
        let start = floor(text, (span.start as usize).min(text.len()));
        let end = floor(text, (span.end as usize).clamp(start, text.len()));
        let line = starts.partition_point(|it| *it <= start).max(1);
        let from = starts.get(line - 1).copied().unwrap_or(0);
        let to = starts.get(line).map_or(text.len(), |it| it - 1);
        let content = text.get(from..to)?.trim_end_matches('\r');
        let before = (start - from).min(content.len());
        let length = end.min(from + content.len()).saturating_sub(from + before);
        let column = content.get(..before)?.chars().count() + 1;
        Some(Located { line, column, text: content, before, length })
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn one<'t>(it: &Diagnostic, files: &mut Files<impl Fn(&str) -> Option<&'t str>>, c: &Colours) -> String {
    let (word, colour) = match it.severity {
        Severity::Error => ("error", c.error),
        Severity::Warning => ("warning", c.warning),
    };
    let mut out = format!("{colour}{word}[{}]{}: {}{}{}\n", it.code, c.off, c.bold, printable(&it.summary), c.off);
    let located = it.span.as_ref().and_then(|span| Some((span, files.locate(span)?)));
    let related: Vec<_> = it.related.iter().map(|(span, what)| (span, what, files.locate(span))).collect();
    let lines = located.iter().map(|(_, at)| at.line).chain(related.iter().filter_map(|it| it.2.as_ref().map(|at| at.line)));
    let gutter = lines.max().map_or(1, |it| it.to_string().len());
    match (&located, &it.span) {
        (Some((span, at)), _) => excerpt(&mut out, span, at, &it.label, gutter, c, colour, "-->"),
        (None, Some(span)) => out.push_str(&format!("{}{}-->{} {}\n", " ".repeat(gutter), c.frame, c.off, span.file)),
        (None, None) => {}
    }
    for (span, what, at) in &related {
        match at {
            Some(at) => excerpt(&mut out, span, at, what, gutter, c, c.frame, ":::"),
            None => out.push_str(&format!("{}{}:::{} {}: {what}\n", " ".repeat(gutter), c.frame, c.off, span.file)),
        }
    }
    // What leads a note may be coloured; what follows comes from outside.
    let mut note = |lead: &str, text: &str| {
        let margin = " ".repeat(gutter);
        let mut lines = text.lines();
        let first = printable(lines.next().unwrap_or_default());
        out.push_str(&format!("{margin} {}={} {lead}{first}\n", c.frame, c.off));
        for line in lines {
            out.push_str(&format!("{margin}   {}\n", printable(line)));
        }
    };
    if !it.detail.is_empty() {
        note("", &it.detail);
    }
    if let Some(address) = &it.address {
        note("in ", &address.to_string());
    }
    for hint in &it.hints {
        match hint {
            Hint::DidYouMean(name) => note(&format!("{}did you mean{} ", c.help, c.off), &format!("`{name}`?")),
            Hint::Help(help) => note(&format!("{}help{}: ", c.help, c.off), help),
            Hint::Note(text) => note("note: ", text),
        }
    }
    out
}

#[expect(clippy::too_many_arguments, reason = "what is drawn, and with which pens")]
fn excerpt(out: &mut String, span: &Span, at: &Located<'_>, label: &str, gutter: usize, c: &Colours, pen: &str, arrow: &str) {
    let margin = " ".repeat(gutter);
    let (line, skipped) = window(at);
    let before = width(&at.text[skipped..at.before]) + if skipped > 0 { 1 } else { 0 };
    let marked = &at.text[at.before..at.before + at.length];
    let room = LINE_WIDTH_MAX.saturating_sub(before).max(1);
    let carets = "^".repeat(width(marked).clamp(1, room));
    let label = if label.is_empty() { String::new() } else { format!(" {}", printable(label)) };
    out.push_str(&format!("{margin}{}{arrow}{} {}:{}:{}\n", c.frame, c.off, span.file, at.line, at.column));
    out.push_str(&format!("{margin} {}|{}\n", c.frame, c.off));
    out.push_str(&format!("{}{:>gutter$} |{} {line}\n", c.frame, at.line, c.off));
    out.push_str(&format!("{margin} {}|{} {}{pen}{carets}{label}{}\n", c.frame, c.off, " ".repeat(before), c.off));
}

/// The line with tabs widened, cut around the place when it is too long; and how many bytes were cut off its start.
fn window(at: &Located<'_>) -> (String, usize) {
    let whole = widen(at.text);
    if width(at.text) <= LINE_WIDTH_MAX {
        return (whole, 0);
    }
    let skipped = if width(&at.text[..at.before]) > LINE_WIDTH_MAX / 2 {
        let target = at.before.saturating_sub(LINE_WIDTH_MAX / 4);
        floor(at.text, target)
    } else {
        0
    };
    let mut out = if skipped > 0 { "…".to_owned() } else { String::new() };
    let mut used = 0;
    for it in at.text[skipped..].chars() {
        used += char_width(it);
        if used >= LINE_WIDTH_MAX {
            out.push('…');
            break;
        }
        out.push_str(&widen(it.encode_utf8(&mut [0; 4])));
    }
    (out, skipped)
}

fn widen(text: &str) -> String {
    printable(&text.replace('\t', &" ".repeat(TAB)))
}

fn char_width(it: char) -> usize {
    if it == '\t' { TAB } else { it.width().unwrap_or(1) }
}

fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() + text.matches('\t').count() * (TAB - 1) } else { text.chars().map(char_width).sum() }
}

/// Control characters could rewrite the terminal.
fn printable(text: &str) -> String {
    if text.width() == text.len() && !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars().map(|it| if it.is_control() && it != '\n' { '\u{fffd}' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { file: "a.hcl".into(), start, end }
    }

    struct One(String);

    impl Sources for One {
        fn text(&self, _: &str) -> Option<Arc<str>> {
            Some(self.0.as_str().into())
        }
    }

    fn show(text: &str, it: Diagnostic) -> String {
        render(&[it], &One(text.to_owned()), false)
    }

    #[test]
    fn a_complaint_looks_as_the_reference_says() {
        let text = "resource \"aws_subnet\" \"a\" {\n  cidr   = cidrsubnet(var.cidr, 8, each.key)\n}\n";
        let it = Diagnostic::error("unknown-attribute", "aws_subnet has no attribute \"cidr\"")
            .at(span(30, 34))
            .did_you_mean(Some("cidr_block"))
            .help("infra schema aws_subnet");
        let expected = "\
error[unknown-attribute]: aws_subnet has no attribute \"cidr\"
 --> a.hcl:2:3
  |
2 |   cidr   = cidrsubnet(var.cidr, 8, each.key)
  |   ^^^^
  = did you mean `cidr_block`?
  = help: infra schema aws_subnet
";
        assert_eq!(show(text, it), expected);
    }

    #[test]
    fn carets_stand_under_what_they_mean() {
        // A tab, and characters of two columns.
        let text = "\tname = \"世界\" + x\n";
        let start = text.find('x').unwrap() as u32;
        let shown = show(text, Diagnostic::error("c", "s").at(span(start, start + 1)).label("here"));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[3], "1 |     name = \"世界\" + x");
        assert_eq!(lines[4], "  |                     ^ here");
        assert!(shown.contains("a.hcl:1:16"));
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("x = \"{}\" + y", "a".repeat(5_000));
        let start = text.find('y').unwrap() as u32;
        let shown = show(&text, Diagnostic::error("c", "s").at(span(start, start + 1)));
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[3].chars().count() < 200 && lines[3].ends_with('y'));
        assert_eq!(lines[3].chars().count(), lines[4].chars().count());
    }

    #[test]
    fn places_that_are_none_do_no_harm() {
        for (start, end) in [(0, 0), (5, 2), (900, 1_000), (2, 900)] {
            assert!(show("é\nx", Diagnostic::error("c", "s").at(span(start, end))).contains("a.hcl"));
        }
        assert!(show("", Diagnostic::error("c", "s").at(span(0, 1))).contains("a.hcl:1:1"));
        assert_eq!(show("", Diagnostic::error("c", "s")), "error[c]: s\n");
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_printed() {
        let shown = show("a \x1b[2J b", Diagnostic::error("c", "s\x1b[31m").at(span(0, 1)));
        assert!(!shown.contains('\x1b'));
    }

    #[test]
    fn colours_are_an_addition() {
        let it = Diagnostic::warning("c", "s").at(span(0, 1)).help("h");
        let coloured = render(std::slice::from_ref(&it), &One("x".to_owned()), true);
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\x1b') {
            plain.push_str(before);
            rest = after.split_once('m').map_or("", |it| it.1);
        }
        plain.push_str(rest);
        assert_eq!(plain, show("x", it));
    }
}
