//! A plan as Markdown: for the comment on a pull request.

use crate::plan::Plan;
use crate::report::style::Line;
use crate::report::{Options, Places, plan};

/// GitHub cuts a comment at 65,536 characters; what does not fit is said to be left out.
const BODY_BYTES_MAX: usize = 60_000;
const WIDTH: usize = 100;

pub fn text(it: &Plan, places: &dyn Places, options: Options<'_>) -> String {
    let mut out = format!("### `{}` in {} ({})\n\n**{}**\n", it.stack, it.account, it.region, plan::summary(it));
    let body = diff_block(&plan::body(it, places, options, WIDTH).collect::<Vec<_>>());
    if !body.is_empty() {
        out.push_str(&format!("\n<details><summary>What changes, and why</summary>\n\n{body}\n</details>\n"));
    }
    out
}

/// The lines as a fenced `diff` block, which colours them by their first column.
fn diff_block(lines: &[Line]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    for (at, line) in lines.iter().enumerate() {
        let line = line.render_diff();
        if body.len() + line.len() > BODY_BYTES_MAX {
            body.push_str(&format!("  … and {} more lines: see the run's log\n", lines.len() - at));
            break;
        }
        body.push_str(&line);
        body.push('\n');
    }
    let fence = fence_for(&body);
    format!("{fence}diff\n{}\n{fence}\n", body.trim_end())
}

/// Longer than any run of backquotes within.
fn fence_for(body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}
