//! Drift for people, for scripts, and for an issue.

use serde_json::{Map, Value as Json, json};

use super::{Difference, Finding, Verdict};
use crate::report::Places;
use crate::report::json::shown_value;
use crate::report::style::{Line, Style, Tone, columns, pad, render};
use crate::report::value::inline;
use crate::value::Value;

/// Of the drift document; see `engine.md` §8.
pub const FORMAT_VERSION: u32 = 1;

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Changed, Self::Missing, Self::Pending, Self::OwnedElsewhere];

    /// As in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Pending => "pending",
            Self::OwnedElsewhere => "owned-elsewhere",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Changed => "Changed by someone else",
            Self::Missing => "Missing: recorded, and gone from the cloud",
            Self::Pending => "Pending: in the files, not applied yet",
            Self::OwnedElsewhere => "Owned elsewhere: for information",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Changed | Self::Missing => Tone::Alarm,
            Self::Pending => Tone::Change,
            Self::OwnedElsewhere => Tone::Faint,
        }
    }

    /// The names of the two sides that matter.
    fn sides(self, it: &Difference) -> [(&'static str, &Value); 2] {
        match self {
            Self::Changed | Self::Missing => [("declared", &it.recorded), ("live", &it.live)],
            Self::Pending | Self::OwnedElsewhere => [("files", &it.desired), ("live", &it.live)],
        }
    }
}

/// `2 changed, 1 missing`
fn counted(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|it| it.verdict == verdict).count();
    let parts: Vec<String> = Verdict::ALL
        .into_iter()
        .filter(|it| count(*it) > 0)
        .map(|it| format!("{} {}", count(it), it.name().replace('-', " ")))
        .collect();
    parts.join(", ")
}

/// The one line that says it all.
pub fn summary(stack: &str, findings: &[Finding], looked_at: usize) -> String {
    let things = if looked_at == 1 { "1 resource".to_owned() } else { format!("{looked_at} resources") };
    if findings.is_empty() {
        return format!("No drift: {things} of `{stack}` are as declared.");
    }
    let drift = findings.iter().any(|it| it.verdict.is_drift());
    let lead = if drift { "Drift" } else { "No drift" };
    format!("{lead}: {} ({things} of `{stack}` looked at).", counted(findings))
}

pub fn text(stack: &str, findings: &[Finding], looked_at: usize, places: &dyn Places, style: Style) -> String {
    let mut out = Vec::new();
    for verdict in Verdict::ALL {
        let of: Vec<&Finding> = findings.iter().filter(|it| it.verdict == verdict).collect();
        if of.is_empty() {
            continue;
        }
        out.push(Line::new(0).and(verdict.tone(), verdict.title()));
        out.push(Line::default());
        for finding in of {
            out.extend(one(finding, places, style.width.min(140)));
            out.push(Line::default());
        }
    }
    out.push(Line::new(0).and(Tone::Strong, summary(stack, findings, looked_at)));
    render(&out, style)
}

fn one(finding: &Finding, places: &dyn Places, width: usize) -> Vec<Line> {
    let mut head = Line::new(2).and(Tone::Strong, finding.address.to_string());
    if let Some(id) = &finding.id {
        head = head.and(Tone::Faint, format!("  {id}"));
    }
    let mut out = Vec::new();
    match finding.span.as_ref().and_then(|it| places.place(it)) {
        Some(place) if head.columns() + 2 + columns(&place) <= width => {
            let gap = width - head.columns() - columns(&place);
            out.push(head.plain(" ".repeat(gap)).and(Tone::Faint, place));
        }
        Some(place) => out.extend([head, Line::new(4).and(Tone::Faint, place)]),
        None => out.push(head),
    }
    for it in &finding.attributes {
        out.push(Line::new(4).and(Tone::Note, it.path.as_str()));
        let sides = finding.verdict.sides(it);
        let widest = sides.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in sides {
            out.push(Line::new(6).and(Tone::Faint, format!("{}  ", pad(name, widest))).plain(shown(value, it.sensitive)));
        }
    }
    out
}

fn shown(value: &Value, sensitive: bool) -> String {
    if sensitive && !value.is_null() { "(sensitive)".into() } else { inline(value) }
}

pub fn json(stack: &str, findings: &[Finding], looked_at: usize, places: &dyn Places) -> Json {
    let attribute = |it: &Difference| {
        json!({
            "path": it.path,
            "recorded": shown_value(&it.recorded, it.sensitive),
            "live": shown_value(&it.live, it.sensitive),
            "desired": shown_value(&it.desired, it.sensitive),
            "sensitive": it.sensitive,
        })
    };
    let finding = |it: &Finding| {
        json!({
            "address": it.address,
            "id": it.id,
            "type": it.type_name,
            "verdict": it.verdict,
            "source": it.span.as_ref().and_then(|span| places.place(span)),
            "attributes": it.attributes.iter().map(attribute).collect::<Vec<_>>(),
        })
    };
    let count = |verdict| findings.iter().filter(|it| it.verdict == verdict).count();
    let mut summary: Map<String, Json> = Verdict::ALL.into_iter().map(|it| (it.name().to_owned(), count(it).into())).collect();
    summary.insert("looked_at".into(), looked_at.into());
    json!({
        "format_version": FORMAT_VERSION,
        "stack": stack,
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        "summary": summary,
    })
}

/// A table for an issue or a pull request.
pub fn markdown(stack: &str, findings: &[Finding], looked_at: usize) -> String {
    let mut out = format!("### Drift of `{stack}`\n\n**{}**\n", summary(stack, findings, looked_at));
    if findings.is_empty() {
        return out;
    }
    out.push_str("\n| Verdict | Resource | Attribute | Declared | Live |\n|---|---|---|---|---|\n");
    for finding in findings {
        let resource = code(&finding.address.to_string());
        let row = |path: &str, before: &str, live: &str| {
            format!("| {} | {resource} | {path} | {before} | {live} |\n", finding.verdict.name())
        };
        if finding.attributes.is_empty() {
            out.push_str(&row("", "", ""));
        }
        for it in &finding.attributes {
            let [before, live] = finding.verdict.sides(it).map(|(_, value)| code(&shown(value, it.sensitive)));
            out.push_str(&row(&code(&it.path), &before, &live));
        }
    }
    out
}

/// As code within a table, whatever is in it.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    format!("{fence}{}{fence}", text.replace('|', "\\|"))
}
