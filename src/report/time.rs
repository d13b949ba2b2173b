//! Lengths and points of time as people read them.

use std::time::Duration;

/// `0.4s`, `12s`, `3m07s`, `2h05m`
pub fn length(it: Duration) -> String {
    let seconds = it.as_secs();
    match seconds {
        0 => format!("{:.1}s", it.as_secs_f64()),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `2026-11-25 02:11:48 UTC`, from milliseconds since 1970.
pub fn point(millis: u64) -> String {
    let when = i64::try_from(millis).ok().and_then(|it| jiff::Timestamp::from_millisecond(it).ok());
    when.map_or_else(|| "at an unknown time".into(), |it| it.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ones_are_exact_and_long_ones_readable() {
        let shown = |millis| length(Duration::from_millis(millis));
        assert_eq!([shown(432), shown(12_900), shown(187_000), shown(7_500_000)], ["0.4s", "12s", "3m07s", "2h05m"]);
        assert_eq!(point(1_795_572_708_000), "2026-11-25 02:11:48 UTC");
    }
}
