//! Times that are given: none is taken from a clock.

use jiff::civil::Weekday;

use super::function::{Arguments, Body, Function, Parameter, Shape};
use super::timestamp::{Timestamp, offset, read_duration};
use super::{Answer, CallError};
use crate::value::Value;

const TIME: Parameter = Parameter::new("timestamp", Shape::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "formatdate",
        &[Parameter::new("spec", Shape::String), TIME],
        Shape::String,
        Body::Known(formatdate),
        "The time as the spec says: YYYY YY MMMM MMM MM M DD D EEEE EEE hh h HH H AA aa mm m ss s ZZZZZ ZZZZ ZZZ Z, 'text'.",
    ),
    Function::new(
        "timeadd",
        &[TIME, Parameter::new("duration", Shape::String)],
        Shape::String,
        Body::Known(timeadd),
        "The time a duration later: \"1h30m\", \"-10m\".",
    ),
    Function::new(
        "timecmp",
        &[TIME, Parameter::new("other", Shape::String)],
        Shape::Number,
        Body::Known(timecmp),
        "-1, 0 or 1 when the first time is before, at or after the second.",
    ),
];

fn time(it: &Arguments, at: usize) -> Result<Timestamp, CallError> {
    let wrong = || {
        let problem = format!("{:?} is not a time as RFC 3339 writes it, such as \"2006-01-02T15:04:05Z\"", it.text(at));
        CallError::at(at, problem)
    };
    Timestamp::read(it.text(at)).ok_or_else(wrong)
}

fn timeadd(it: &Arguments) -> Answer {
    let wrong = || CallError::at(1, format!("{:?} is not a duration such as \"1h30m\" or \"-90s\"", it.text(1)));
    let start = time(it, 0)?;
    let duration = read_duration(it.text(1)).ok_or_else(wrong)?;
    let end = start.add(duration).ok_or_else(|| CallError::new("the result is not in the years 0 to 9999"))?;
    Ok(Value::from(end.to_string()))
}

fn timecmp(it: &Arguments) -> Answer {
    let (a, b) = (time(it, 0)?, time(it, 1)?);
    let (Some(a), Some(b)) = (a.utc(), b.utc()) else {
        return Err(CallError::new("a time is not in the years 0 to 9999"));
    };
    Ok(Value::from(a.cmp(&b) as i64))
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

fn formatdate(it: &Arguments) -> Answer {
    let time = time(it, 1)?;
    let mut out = String::new();
    let mut rest = it.text(0);
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' => quoted_end(rest).ok_or_else(|| CallError::at(0, "a quoted text in the spec has no end"))?,
            _ => rest.find(|c| c != first).unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(end);
        match first {
            '\'' if token == "''" => out.push('\''),
            '\'' => out.push_str(&token[1..token.len() - 1].replace("''", "'")),
            c if c.is_ascii_alphabetic() => out.push_str(&print(token, &time)?),
            _ => out.push_str(token),
        }
        rest = behind;
    }
    Ok(Value::from(out))
}

/// Where the quoted text at the start of `spec` ends; two quotes within stand for one.
fn quoted_end(spec: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += spec.get(at..)?.find('\'')? + 1;
        match spec.as_bytes().get(at) {
            Some(b'\'') if at > 2 => at += 1,
            _ => return Some(at),
        }
    }
}

fn print(token: &str, time: &Timestamp) -> Result<String, CallError> {
    let at = time.local;
    let month = MONTHS.get(usize::try_from(at.month() - 1).unwrap_or(0)).copied().unwrap_or_default();
    let day = match at.weekday() {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    };
    let hour12 = (at.hour() + 11) % 12 + 1;
    let morning = at.hour() < 12;
    Ok(match token {
        "YYYY" => format!("{:04}", at.year()),
        "YY" => format!("{:02}", at.year() % 100),
        "MMMM" => month.to_owned(),
        "MMM" => month[..3].to_owned(),
        "MM" => format!("{:02}", at.month()),
        "M" => at.month().to_string(),
        "DD" => format!("{:02}", at.day()),
        "D" => at.day().to_string(),
        "EEEE" => day.to_owned(),
        "EEE" => day[..3].to_owned(),
        "hh" => format!("{:02}", at.hour()),
        "h" => at.hour().to_string(),
        "HH" => format!("{hour12:02}"),
        "H" => hour12.to_string(),
        "AA" => if morning { "AM" } else { "PM" }.to_owned(),
        "aa" => if morning { "am" } else { "pm" }.to_owned(),
        "mm" => format!("{:02}", at.minute()),
        "m" => at.minute().to_string(),
        "ss" => format!("{:02}", at.second()),
        "s" => at.second().to_string(),
        "Z" if time.offset_seconds == 0 => "Z".to_owned(),
        "ZZZ" if time.offset_seconds == 0 => "UTC".to_owned(),
        "Z" | "ZZZZZ" => offset(time.offset_seconds, ":"),
        "ZZZ" | "ZZZZ" => offset(time.offset_seconds, ""),
        _ => {
            let problem = format!("{token:?} in the spec means nothing; letters that are text go between single quotes");
            return Err(CallError::at(0, problem));
        }
    })
}
