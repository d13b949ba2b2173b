//! Columns for people: the first flush left, the others flush right.

use std::time::Duration;

/// Prints rows of equal length, indented by two.
pub fn print<const N: usize>(rows: &[[String; N]]) {
    for line in lines(rows) {
        anstream::println!("  {line}");
    }
}

/// The same, for whoever prints them. Cells are plain text: colours would count as width.
pub fn lines<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// `3.1 s`
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["plan", "1", "ok"], ["apply", "1503", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(lines(&rows), ["plan      1  ok", "apply  1503"]);
        assert_eq!(seconds(Duration::from_millis(3140)), "3.1 s");
    }
}
