//! [`Timestamp`]: a time as RFC 3339 writes it, with the offset that it was written with.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

#[derive(Clone, Copy, Debug)]
pub(super) struct Timestamp {
    /// At the offset.
    pub local: DateTime,
    pub offset_seconds: i64,
}

impl Timestamp {
    /// Reads `2006-01-02T15:04:05Z`, with a fraction of a second and `+hh:mm` in the place of `Z` where they are written.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shape = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
        if !(shape(4, b'-') && shape(7, b'-') && shape(10, b'T') && shape(13, b':') && shape(16, b':')) {
            return None;
        }
        let date = Date::new(digits(text, 0, 4)? as i16, digits(text, 5, 2)? as i8, digits(text, 8, 2)? as i8).ok()?;
        let rest = text.get(19..)?;
        let (fraction, zone) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).filter(|it| *it > 0)?),
            None => ("0", rest),
        };
        let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        let (hour, minute, second) = (digits(text, 11, 2)?, digits(text, 14, 2)?, digits(text, 17, 2)?);
        let time = Time::new(hour as i8, minute as i8, second as i8, nanos).ok()?;
        let offset_seconds = match (zone, zone.as_bytes()) {
            ("Z", _) => 0,
            (_, [sign @ (b'+' | b'-'), _, _, b':', _, _]) => {
                let (hours, minutes) = (digits(zone, 1, 2)?, digits(zone, 4, 2)?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let seconds = i64::from(hours * 60 + minutes) * 60;
                if *sign == b'-' { -seconds } else { seconds }
            }
            _ => return None,
        };
        Some(Self { local: date.to_datetime(time), offset_seconds })
    }

    /// The same moment at offset 0, for comparisons.
    pub fn utc(&self) -> Option<DateTime> {
        self.local.checked_sub(SignedDuration::from_secs(self.offset_seconds)).ok()
    }

    pub fn add(&self, duration: SignedDuration) -> Option<Self> {
        let local = self.local.checked_add(duration).ok()?;
        (0..=9999).contains(&local.year()).then_some(Self { local, ..*self })
    }
}

/// The number that `count` digits at `at` write.
fn digits(text: &str, at: usize, count: usize) -> Option<i32> {
    let digits = text.get(at..at + count)?;
    digits.bytes().all(|it| it.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// `+hh:mm`, with `colon` between the parts.
pub(super) fn offset(seconds: i64, colon: &str) -> String {
    let minutes = seconds.abs() / 60;
    format!("{}{:02}{colon}{:02}", if seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

/// RFC 3339 to the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = self.local;
        write!(f, "{:04}-{:02}-{:02}", it.year(), it.month(), it.day())?;
        write!(f, "T{:02}:{:02}:{:02}", it.hour(), it.minute(), it.second())?;
        match self.offset_seconds {
            0 => f.write_str("Z"),
            seconds => f.write_str(&offset(seconds, ":")),
        }
    }
}

/// Reads a duration as Go writes it: `1h30m`, `-1.5s`, `250ms`.
pub(super) fn read_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0_i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let unit_nanos = match unit {
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" | "µs" | "μs" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        nanos = nanos.checked_add(part_nanos(number, unit_nanos)?)?;
        rest = behind;
    }
    let nanos = if negative { -nanos } else { nanos };
    // Go's durations are 64 bits of nanoseconds.
    i64::try_from(nanos).ok().map(SignedDuration::from_nanos)
}

fn part_nanos(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || number.len() > 30 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = fraction.get(..fraction.len().min(15))?;
    let parts = 10_i128.pow(fraction.len() as u32);
    let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    whole.checked_mul(unit)?.checked_add(fraction * unit / parts)
}
