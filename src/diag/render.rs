//! Diagnostics with their source lines and a caret, as one reads them at three in the morning.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Diagnostic, Hint, Severity, Span};

/// Who holds the texts that spans point into.
pub trait Sources {
    fn text(&self, file: &str) -> Option<Arc<str>>;
}

/// No file at hand: spans are shown by file name alone.
#[derive(Clone, Copy, Debug)]
pub struct NoSources;

impl Sources for NoSources {
    fn text(&self, _: &str) -> Option<Arc<str>> {
        None
    }
}

/// Lines and columns count from one; columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    /// The line itself, and how many of its characters the span covers.
    pub text: String,
    pub covered: usize,
}

/// Where a span begins, and the line it begins on.
pub fn place(text: &str, span: &Span) -> Option<Place> {
    let start = floor(text, usize::try_from(span.start).ok()?);
    let end = floor(text, usize::try_from(span.end).ok()?).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    Some(Place {
        line: text[..start].matches('\n').count() + 1,
        column: text[line_start..start].chars().count() + 1,
        text: text[line_start..line_end].trim_end_matches('\r').to_owned(),
        covered: text[start..end.min(line_end)].chars().count().max(1),
    })
}

/// The next boundary of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// `stacks/dev/stack.hcl:14`, or the file alone where its text is not at hand.
pub fn location(span: &Span, sources: &dyn Sources) -> String {
    match sources.text(&span.file).and_then(|text| place(&text, span)) {
        Some(place) => format!("{}:{}", span.file, place.line),
        None => span.file.to_string(),
    }
}

/// All of them, sorted by place, the ones without place last; each followed by an empty line.
pub fn render_all(diagnostics: &[Diagnostic], sources: &dyn Sources, colour: bool) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by(|a, b| (a.span.is_none(), &a.span, a.severity).cmp(&(b.span.is_none(), &b.span, b.severity)));
    sorted.iter().map(|it| render(it, sources, colour) + "\n").collect()
}

pub fn render(it: &Diagnostic, sources: &dyn Sources, colour: bool) -> String {
    let ink = Ink { colour };
    let mut out = String::new();
    let (word, tone) = match it.severity {
        Severity::Error => ("error", RED),
        Severity::Warning => ("warning", YELLOW),
    };
    let head = ink.paint(tone, &format!("{word}[{}]", it.code));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{head}: {}", ink.paint(BOLD, &printable(&it.summary)));
    if let Some(span) = &it.span {
        snippet(&mut out, span, &it.label, true, sources, ink);
    }
    for (span, what) in &it.related {
        snippet(&mut out, span, what, false, sources, ink);
    }
    if it.span.is_none()
        && let Some(address) = &it.address
    {
        let _ = writeln!(out, "  {} {address}", ink.paint(BLUE, "at"));
    }
    for line in it.detail.lines() {
        let _ = writeln!(out, "   {} {}", ink.paint(BLUE, "="), printable(line));
    }
    for hint in &it.hints {
        let text = match hint {
            Hint::DidYouMean(name) => format!("did you mean `{}`?", printable(name)),
            Hint::Help(help) => format!("help: {}", printable(help)),
            Hint::Note(note) => format!("note: {}", printable(note)),
        };
        let _ = writeln!(out, "   {} {text}", ink.paint(BLUE, "="));
    }
    out
}

/// The line that a span begins on, with carets below what it covers.
fn snippet(out: &mut String, span: &Span, label: &str, main: bool, sources: &dyn Sources, ink: Ink) {
    let arrow = ink.paint(BLUE, if main { "-->" } else { ":::" });
    let Some(place) = sources.text(&span.file).and_then(|text| place(&text, span)) else {
        let _ = writeln!(out, "  {arrow} {}{}{}", span.file, if label.is_empty() { "" } else { ": " }, printable(label));
        return;
    };
    let _ = writeln!(out, "  {arrow} {}:{}:{}", span.file, place.line, place.column);
    let number = place.line.to_string();
    let gutter = number.len().max(2);
    let bar = ink.paint(BLUE, "|");
    let (before, covered): (String, String) = {
        let shown = expand(&place.text);
        let lead = expand(&place.text.chars().take(place.column - 1).collect::<String>());
        let within = expand(&place.text.chars().skip(place.column - 1).take(place.covered).collect::<String>());
        let _ = writeln!(out, "{:gutter$} {bar}", "");
        let _ = writeln!(out, "{} {bar} {shown}", ink.paint(BLUE, &format!("{number:<gutter$}")));
        (lead, within)
    };
    let mark = if main { "^" } else { "-" };
    let carets = mark.repeat(width(&covered).max(1));
    let tone = if main { RED } else { BLUE };
    let line = format!("{}{}", " ".repeat(width(&before)), ink.paint(tone, format!("{carets} {}", printable(label)).trim_end()));
    let _ = writeln!(out, "{:gutter$} {bar} {line}", "");
}

fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// Tabs as four blanks, and nothing that could disturb a terminal.
fn expand(text: &str) -> String {
    printable(&text.replace('\t', "    "))
}

/// With control characters, and those that turn the direction of writing around, as escapes; line ends stay.
fn printable(text: &str) -> String {
    let odd = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(odd) {
        return text.to_owned();
    }
    text.chars().map(|c| if odd(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const BLUE: &str = "34";
const BOLD: &str = "1";

#[derive(Clone, Copy)]
struct Ink {
    colour: bool,
}

impl Ink {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(&'static str);
    impl Sources for One {
        fn text(&self, _: &str) -> Option<Arc<str>> {
            Some(self.0.into())
        }
    }

    fn span(start: u32, end: u32) -> Span {
        Span { file: "stacks/dev/stack.hcl".into(), start, end }
    }

    #[test]
    fn the_caret_is_below_what_is_meant() {
        let source = One("resource \"aws_subnet\" \"a\" {\n\tcidr = \"é\"\n}\n");
        let diagnostic = Diagnostic::error("unknown-attribute", "aws_subnet has no attribute \"cidr\"")
            .at(span(29, 33))
            .did_you_mean(Some("cidr_block"))
            .help("infra schema aws_subnet");
        let text = render(&diagnostic, &source, false);
        let expected = "\
error[unknown-attribute]: aws_subnet has no attribute \"cidr\"
  --> stacks/dev/stack.hcl:2:2
   |
2  |     cidr = \"é\"
   |     ^^^^
   = did you mean `cidr_block`?
   = help: infra schema aws_subnet
";
        assert_eq!(text, expected);
    }

    #[test]
    fn spans_out_of_range_do_no_harm() {
        for (start, end) in [(0, 0), (1, 0), (2, 1), (900, 1000), (1, u32::MAX)] {
            render(&Diagnostic::error("x", "y").at(span(start, end)), &One("é\u{1b}[2J"), false);
        }
    }

    #[test]
    fn a_file_cannot_steer_the_terminal() {
        let text = render(&Diagnostic::error("x", "a\u{1b}b").at(span(0, 1)), &One("\u{1b}[2J"), false);
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn they_are_sorted_by_place_and_those_without_come_last() {
        let all = [Diagnostic::error("c", ""), Diagnostic::warning("b", "").at(span(5, 6)), Diagnostic::error("a", "").at(span(1, 2))];
        let text = render_all(&all, &NoSources, false);
        let at = |code: &str| text.find(&format!("[{code}]")).unwrap();
        assert!(at("a") < at("b") && at("b") < at("c"));
    }
}
