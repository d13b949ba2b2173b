//! [`Style`]: how wide a text may be, and whether it has colours. [`Line`]: one line before it is laid out.

use std::borrow::Borrow;

use owo_colors::OwoColorize;
use unicode_width::UnicodeWidthStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// In columns.
    pub width: usize,
    pub colour: bool,
}

/// What a piece of text is, from which its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Strong,
    /// Of less weight: places, explanations.
    Faint,
    Add,
    Change,
    Remove,
    /// Wants attention.
    Alarm,
    /// Something to know.
    Note,
}

impl Style {
    /// What a file or a pipe gets.
    pub const PLAIN: Self = Self { width: 80, colour: false };

    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        match tone {
            Tone::Plain => text.to_owned(),
            Tone::Strong => text.bold().to_string(),
            Tone::Faint => text.dimmed().to_string(),
            Tone::Add => text.green().to_string(),
            Tone::Change => text.yellow().to_string(),
            Tone::Remove => text.red().to_string(),
            Tone::Alarm => text.red().bold().to_string(),
            Tone::Note => text.cyan().to_string(),
        }
    }
}

/// The columns that a text takes on a terminal.
pub fn columns(text: &str) -> usize {
    match text.bytes().all(|it| matches!(it, b' '..=b'~')) {
        true => text.len(),
        false => UnicodeWidthStr::width(text),
    }
}

/// Fills a text up with blanks.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Breaks a text at blanks, so that no line is wider than `room` unless a word is.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What a line begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Add,
    Change,
    Remove,
    /// Delete first, then create.
    Replace,
    /// Create first, then delete.
    ReplaceLater,
    Read,
    Import,
    Forget,
    Move,
    Noop,
}

impl Sign {
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Change => "~",
            Self::Remove => "-",
            Self::Replace => "-/+",
            Self::ReplaceLater => "+/-",
            Self::Read => "<=",
            Self::Import => "<-",
            Self::Forget => "x",
            Self::Move => "->",
            Self::Noop => "=",
        }
    }

    pub fn tone(self) -> Tone {
        match self {
            Self::Add | Self::Import => Tone::Add,
            Self::Change => Tone::Change,
            Self::Remove | Self::Replace | Self::ReplaceLater => Tone::Remove,
            Self::Read | Self::Move => Tone::Note,
            Self::Forget | Self::Noop => Tone::Faint,
        }
    }

    /// The first column of a line in a `diff` block of Markdown.
    fn diff(self) -> char {
        match self {
            Self::Add | Self::Import => '+',
            Self::Change | Self::Replace | Self::ReplaceLater | Self::Move => '!',
            Self::Remove | Self::Forget => '-',
            Self::Read | Self::Noop => ' ',
        }
    }
}

/// One line: how far it is indented, what it begins with, and its pieces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub indent: usize,
    pub sign: Option<Sign>,
    pub pieces: Vec<(Tone, String)>,
}

impl Line {
    pub fn new(indent: usize) -> Self {
        Self { indent, ..Self::default() }
    }
    pub fn sign(mut self, sign: Sign) -> Self {
        self.sign = Some(sign);
        self
    }
    pub fn and(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.pieces.push((tone, text.into()));
        self
    }
    pub fn plain(self, text: impl Into<String>) -> Self {
        self.and(Tone::Plain, text)
    }

    /// Columns taken so far.
    pub fn columns(&self) -> usize {
        let sign = self.sign.map_or(0, |it| it.symbol().len() + 1);
        self.indent + sign + self.pieces.iter().map(|(_, text)| columns(text)).sum::<usize>()
    }

    pub fn render(&self, style: Style) -> String {
        let mut out = " ".repeat(self.indent);
        if let Some(sign) = self.sign {
            out.push_str(&style.paint(sign.tone(), sign.symbol()));
            out.push(' ');
        }
        for (tone, text) in &self.pieces {
            out.push_str(&style.paint(*tone, text));
        }
        // Nothing invisible at the end of a line.
        if !style.colour {
            out.truncate(out.trim_end().len());
        }
        out
    }

    /// As a line of a Markdown `diff` block: what it is in the first column.
    pub fn render_diff(&self) -> String {
        let first = self.sign.map_or(' ', Sign::diff);
        format!("{first} {}", self.render(Style::PLAIN)).trim_end().to_owned()
    }
}

/// Rows of equally many cells, each column as wide as its widest cell.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| pad(cell, width)).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// The lines as one text, each ended.
pub fn render(lines: impl IntoIterator<Item = impl Borrow<Line>>, style: Style) -> String {
    lines.into_iter().map(|line| line.borrow().render(style) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(columns("日本"), 4);
        assert_eq!(pad("é", 3), "é  ");
    }

    #[test]
    fn text_is_broken_at_blanks_only() {
        assert_eq!(wrap("a bb ccc dddddddd e", 6), ["a bb", "ccc", "dddddddd", "e"]);
    }

    #[test]
    fn without_colour_nothing_invisible_is_left() {
        let line = Line::new(2).sign(Sign::Add).and(Tone::Strong, "a").plain("  ");
        assert_eq!(line.render(Style::PLAIN), "  + a");
        assert!(line.render(Style { width: 80, colour: true }).contains("\u{1b}["));
    }
}
