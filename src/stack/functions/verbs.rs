//! The %-verbs of `format`, as Terraform defines them on top of Go's.

use std::num::NonZeroU64;

use bigdecimal::num_bigint::Sign;
use bigdecimal::{BigDecimal, RoundingMode, Signed, Zero};
use unicode_segmentation::UnicodeSegmentation;

use super::CallError;
use super::json;
use super::limits::bytes;
use crate::value::{Number, Type, Value};

/// Digits that a precision may ask for.
const PRECISION_MAX: usize = 4_096;

/// One `%…`.
#[derive(Default)]
struct Verb<'a> {
    /// As written, for messages.
    text: &'a str,
    plus: bool,
    minus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
    /// `[2]`: which value, counted from 1.
    index: Option<usize>,
    letter: char,
}

/// The spec with its verbs replaced by the values.
pub(super) fn print(spec: &str, values: &[&Value]) -> Result<String, CallError> {
    let mut out = String::new();
    let mut rest = spec;
    let (mut next, mut used, mut indexed) = (0, 0, false);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(behind) = rest.strip_prefix("%%") {
            out.push('%');
            rest = behind;
            continue;
        }
        let (verb, behind) = Verb::read(rest)?;
        rest = behind;
        indexed |= verb.index.is_some();
        let wanted = verb.index.map_or(next, |it| it - 1);
        let Some(value) = values.get(wanted) else {
            let problem = format!("{:?} asks for value {}, but there are {}", verb.text, wanted + 1, values.len());
            return Err(CallError::at(0, problem));
        };
        next = wanted + 1;
        used = used.max(next);
        let text = verb.print(value).map_err(|e| CallError::at(wanted + 1, format!("{} for {:?}", e, verb.text)))?;
        verb.pad(&text, &mut out)?;
        bytes(Some(out.len()))?;
    }
    out.push_str(rest);
    if used < values.len() && !indexed {
        return Err(CallError::at(used + 1, format!("{} values are given, but the format uses only {used}", values.len())));
    }
    Ok(out)
}

impl<'a> Verb<'a> {
    /// `%`, flags, width, `.` precision, `[index]`, letter; the index may also be first.
    fn read(spec: &'a str) -> Result<(Self, &'a str), CallError> {
        let mut verb = Self::default();
        let mut rest = &spec[1..];
        let too_large = || CallError::at(0, "a width, precision or index in the format is too large");
        rest = verb.read_index(rest)?;
        while let Some(flag) = rest.chars().next() {
            match flag {
                '+' => verb.plus = true,
                '-' => verb.minus = true,
                '0' => verb.zero = true,
                ' ' => verb.space = true,
                '#' => verb.sharp = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        let (width, behind) = number(rest).ok_or_else(too_large)?;
        verb.width = width.unwrap_or(0);
        rest = behind;
        if let Some(behind) = rest.strip_prefix('.') {
            let (precision, behind) = number(behind).ok_or_else(too_large)?;
            verb.precision = Some(precision.unwrap_or(0));
            rest = behind;
        }
        rest = verb.read_index(rest)?;
        let Some(letter) = rest.chars().next() else {
            return Err(CallError::at(0, format!("the format ends within {spec:?}")));
        };
        rest = &rest[letter.len_utf8()..];
        verb.letter = letter;
        verb.text = &spec[..spec.len() - rest.len()];
        if verb.precision.is_some_and(|it| it > PRECISION_MAX) {
            return Err(too_large());
        }
        Ok((verb, rest))
    }

    fn read_index(&mut self, rest: &'a str) -> Result<&'a str, CallError> {
        let Some(inner) = rest.strip_prefix('[') else {
            return Ok(rest);
        };
        match number(inner).and_then(|(index, behind)| Some((index.filter(|it| *it > 0)?, behind.strip_prefix(']')?))) {
            Some((index, behind)) => {
                self.index = Some(index);
                Ok(behind)
            }
            None => Err(CallError::at(0, "an index in the format is a number from 1 in brackets, as in %[1]s")),
        }
    }

    fn print(&self, value: &Value) -> Result<String, String> {
        let null = || "null has no text".to_owned();
        match (self.letter, value) {
            ('v', _) if self.sharp => json::encode(value),
            ('v', Value::String(text)) => Ok(text.to_string()),
            ('v', Value::Number(number)) => self.general(number),
            ('v', _) => json::encode(value),
            (_, Value::Null) => Err(null()),
            ('s' | 'q' | 't' | 'b' | 'd' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G', _) => self.print_typed(value),
            (letter, _) => Err(format!("there is no verb %{letter}")),
        }
    }

    fn print_typed(&self, value: &Value) -> Result<String, String> {
        let ty = match self.letter {
            's' | 'q' => Type::String,
            't' => Type::Bool,
            _ => Type::Number,
        };
        match value.convert(&ty).map_err(|e| e.to_string())? {
            Value::String(text) => {
                let kept: String = match self.precision {
                    Some(count) => text.graphemes(true).take(count).collect(),
                    None => text.to_string(),
                };
                if self.letter == 'q' { json::encode(&Value::from(kept)) } else { Ok(kept) }
            }
            Value::Bool(it) => Ok(it.to_string()),
            Value::Number(number) => match self.letter {
                'b' | 'd' | 'o' | 'x' | 'X' => self.whole(&number),
                'e' | 'E' => Ok(self.signed(&number, exponential(&number.to_decimal().abs(), self.precision.unwrap_or(6)))),
                'f' | 'F' => {
                    let decimals = self.precision.unwrap_or(6) as i64;
                    let rounded = number.to_decimal().abs().with_scale_round(decimals, RoundingMode::HalfEven);
                    Ok(self.signed(&number, rounded.to_plain_string()))
                }
                _ => self.general(&number),
            },
            other => Err(format!("a {ty} is required, this is {}", other.kind())),
        }
    }

    fn whole(&self, number: &Number) -> Result<String, String> {
        let int = number.to_bigint().ok_or("a whole number is required")?.abs();
        let (prefix, digits) = match self.letter {
            'b' => ("0b", int.to_str_radix(2)),
            'o' => ("0", int.to_str_radix(8)),
            'x' => ("0x", int.to_str_radix(16)),
            'X' => ("0X", int.to_str_radix(16).to_uppercase()),
            _ => ("", int.to_string()),
        };
        let zeros = "0".repeat(self.precision.unwrap_or(0).saturating_sub(digits.len()));
        let prefix = if self.sharp { prefix } else { "" };
        Ok(self.signed(number, format!("{prefix}{zeros}{digits}")))
    }

    /// `%g`: as few digits as possible, with an exponent where that is shorter.
    fn general(&self, number: &Number) -> Result<String, String> {
        let decimal = number.to_decimal().abs();
        let rounded = match self.precision {
            Some(count) => significant(&decimal, count.max(1)),
            None => decimal,
        }
        .normalized();
        let (digits, exponent) = digits_and_exponent(&rounded);
        let bound = match self.precision {
            None => 6,
            Some(count) => {
                let fits = digits.len() as i64 > exponent;
                if count > digits.len() && fits { digits.len() as i64 } else { count.max(1) as i64 }
            }
        };
        let text = match exponent < -4 || exponent >= bound {
            true => exponential(&rounded, digits.len() - 1),
            false => rounded.to_plain_string(),
        };
        Ok(self.signed(number, text))
    }

    fn signed(&self, number: &Number, magnitude: String) -> String {
        let magnitude = if self.letter.is_uppercase() { magnitude.replace('e', "E") } else { magnitude };
        match (number.to_decimal().sign(), self.plus, self.space) {
            (Sign::Minus, ..) => format!("-{magnitude}"),
            (_, true, _) => format!("+{magnitude}"),
            (_, false, true) => format!(" {magnitude}"),
            (_, false, false) => magnitude,
        }
    }

    fn pad(&self, text: &str, out: &mut String) -> Result<(), CallError> {
        let missing = self.width.saturating_sub(text.graphemes(true).count());
        bytes(missing.checked_add(text.len()).and_then(|it| it.checked_add(out.len())))?;
        let numeric = !matches!(self.letter, 's' | 'q' | 't' | 'v');
        match (self.minus, self.zero && numeric) {
            (true, _) => {
                out.push_str(text);
                out.extend(std::iter::repeat_n(' ', missing));
            }
            (false, true) => {
                let digits = text.trim_start_matches(['-', '+', ' ']);
                out.push_str(&text[..text.len() - digits.len()]);
                out.extend(std::iter::repeat_n('0', missing));
                out.push_str(digits);
            }
            (false, false) => {
                out.extend(std::iter::repeat_n(' ', missing));
                out.push_str(text);
            }
        }
        Ok(())
    }
}

/// The number that `text` starts with, if any, and what follows; nothing when it is too large.
fn number(text: &str) -> Option<(Option<usize>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return Some((None, text));
    }
    Some((Some(text[..end].parse().ok()?), &text[end..]))
}

fn significant(decimal: &BigDecimal, digits: usize) -> BigDecimal {
    match NonZeroU64::new(digits as u64) {
        Some(digits) => decimal.with_precision_round(digits, RoundingMode::HalfEven),
        None => decimal.clone(),
    }
}

/// The digits of a decimal without sign, and the power of ten of the first.
fn digits_and_exponent(decimal: &BigDecimal) -> (String, i64) {
    let (int, scale) = decimal.as_bigint_and_scale();
    let digits = int.to_string();
    let exponent = if int.is_zero() { 0 } else { digits.len() as i64 - 1 - scale };
    (digits, exponent)
}

/// `1.500000e+03`
fn exponential(decimal: &BigDecimal, decimals: usize) -> String {
    let (mut digits, exponent) = digits_and_exponent(&significant(decimal, decimals + 1));
    let missing = (decimals + 1).saturating_sub(digits.len());
    digits.extend(std::iter::repeat_n('0', missing));
    let (first, rest) = digits.split_at(1);
    let rest = &rest[..decimals.min(rest.len())];
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:02}", exponent.abs())
}
