//! Text to syntax tree, with limits that no input can get around.

use hcl_edit::expr::Expression;
use hcl_edit::structure::Body;
use hcl_edit::template::Template;

use super::expr::Place;
use crate::diag::Diagnostic;

/// Larger files are not read; the largest honest ones are a few hundred kilobytes.
pub const FILE_BYTES_MAX: usize = 8 << 20;
/// How deep brackets and templates may nest. The parser recurses: this keeps it well within a thread's stack.
pub const NESTING_MAX: usize = 40;

/// What is wrong with a text, and where in it.
#[derive(Debug)]
pub struct SyntaxError {
    pub code: &'static str,
    pub summary: String,
    pub detail: String,
    pub start: usize,
    pub end: usize,
}

impl SyntaxError {
    pub fn to_diagnostic(&self, file: u32, spans: &impl Fn(Place) -> crate::diag::Span) -> Diagnostic {
        let place = Place { file, start: offset(self.start), end: offset(self.end) };
        Diagnostic::error(self.code, self.summary.clone()).detail(self.detail.clone()).at(spans(place))
    }
}

/// Offsets fit: larger files are refused.
pub fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

pub fn body(text: &str) -> Result<Body, SyntaxError> {
    scan(text)?;
    hcl_edit::parser::parse_body(text).map_err(|error| syntax_error(text, &error))
}

/// Pieces of this size are parsed one after the other: the tree is many times larger than its text, and stays in the cache.
const PIECE_BYTES: usize = 64 << 10;

/// Cuts a file behind lines that most likely end a top-level block. A cut in the wrong place (within a text of several lines)
/// leaves a piece that does not parse.
pub fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let tail = rest.as_bytes().get(PIECE_BYTES..).unwrap_or_default();
        let cut = tail.windows(3).position(|it| it == b"\n}\n").map_or(rest.len(), |it| PIECE_BYTES + it + 3);
        let (piece, after) = rest.split_at(cut);
        rest = after;
        Some(piece)
    })
}

pub fn expression(text: &str) -> Result<Expression, SyntaxError> {
    scan(text)?;
    hcl_edit::parser::parse_expr(text).map_err(|error| syntax_error(text, &error))
}

pub fn template(text: &str) -> Result<Template, SyntaxError> {
    scan(text)?;
    hcl_edit::parser::parse_template(text).map_err(|error| syntax_error(text, &error))
}

fn syntax_error(text: &str, error: &hcl_edit::parser::Error) -> SyntaxError {
    let mut start = error.location().offset().min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let end = start + text[start..].chars().next().filter(|it| *it != '\n').map_or(0, char::len_utf8);
    let message = error.message();
    if message.contains("redefined attribute") {
        return SyntaxError {
            code: "duplicate-attribute",
            summary: "an attribute is set twice in one block".into(),
            detail: String::new(),
            end: start + text[start..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(0),
            start,
        };
    }
    if let Some(quote) = open_quote(text, start) {
        return SyntaxError {
            code: "syntax",
            summary: "a text is not closed on its line".into(),
            detail: "A `\"` is missing. Texts of several lines are written between <<-EOT and EOT.".into(),
            start: quote,
            end: quote + 1,
        };
    }
    SyntaxError { code: "syntax", summary: format!("this is not valid HCL: {message}"), detail: String::new(), start, end }
}

/// The last quote of the line that an error is on, when quotes do not pair there.
fn open_quote(text: &str, at: usize) -> Option<usize> {
    let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let quotes = line.match_indices('"').map(|(at, _)| at).filter(|at| !line[..*at].ends_with('\\'));
    let quotes: Vec<usize> = quotes.collect();
    (quotes.len() % 2 == 1 && !line.contains("<<")).then(|| quotes.last().map(|it| start + it)).flatten()
}

/// What to do with a file that is too large.
pub(super) const SPLIT: &str = "Split it, or read data from a file of its own with yamldecode(file(…)).";

/// Refuses what is too large or nests too deep, before the parser recurses into it. Counts brackets without regard to
/// strings and comments: what only looks deep is so rare that it may be refused too.
fn scan(text: &str) -> Result<(), SyntaxError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(SyntaxError {
            code: "too-large",
            summary: format!("the file is larger than {} MiB", FILE_BYTES_MAX >> 20),
            detail: SPLIT.into(),
            start: 0,
            end: 0,
        });
    }
    let mut depth = 0usize;
    let mut signs = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        // `!!!!…` and `----…` nest as well; dashes are common in comments and texts, so only a long run counts.
        signs = if matches!(byte, b'!' | b'-') { signs + 1 } else { 0 };
        if depth > NESTING_MAX || (signs > 1_000 && byte == b'!') {
            return Err(SyntaxError {
                code: "too-deep",
                summary: format!("brackets nest deeper than {NESTING_MAX} levels"),
                detail: "Give inner parts names with `locals`.".into(),
                start: at,
                end: at + 1,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_input_is_refused_before_the_parser_sees_it() {
        for text in ["[", "{a=", "(", "\"${", "a[", "!(", "a{\n"] {
            let deep = format!("x = {}", text.repeat(100_000));
            assert_eq!(body(&deep).unwrap_err().code, "too-deep", "{text}");
        }
        for text in ["!", "-", "1+", "a?b:", "- ", "! "] {
            assert!(body(&format!("x = {}1", text.repeat(100_000))).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_allowed_to_nest_parses() {
        let deep = |open: &str, close: &str| format!("x = {}1{}", open.repeat(38), close.repeat(38));
        assert!(body(&deep("[", "]")).is_ok());
        assert!(body(&deep("f(", ")")).is_ok());
        assert!(body(&deep("\"${", "}\"")).is_ok());
    }

    #[test]
    fn pieces_are_the_whole_and_end_behind_blocks() {
        let block = "resource \"a\" \"é\" {\n  x = 1\n}\n";
        let text = block.repeat(10_000);
        assert_eq!(pieces(&text).collect::<String>(), text);
        assert!(pieces(&text).count() > 3);
        assert!(pieces(&text).all(|it| it.ends_with("}\n") && body(it).is_ok()));
        assert_eq!(pieces("").count(), 0);
    }

    #[test]
    fn an_error_points_at_its_place() {
        let error = body("a = 1\nb = ]\n").unwrap_err();
        assert_eq!((error.code, error.start), ("syntax", 10));
    }
}
